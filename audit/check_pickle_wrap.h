/* SPDX-License-Identifier: MIT
 * Pickles of functions: with their code, as source, wrapped in others.
 */
#ifndef AUDIT_CHECK_PICKLE_WRAP_H
#define AUDIT_CHECK_PICKLE_WRAP_H

#include "audit/check_pickle_judge.h"

/* Functions that come with their code (check_pickle_code.c): whether code is what is
 * called, what is found of what it is made of, and of arguments ARG_code...; NULL. */
bool check_pickle_code_type(const struct pickle_node *callee);
void check_pickle_code_make(
    struct check_pickle_judge *, const struct pickle_node *args);
const char *check_pickle_code_wrong(struct check_pickle_judge *,
    enum check_pickle_arg, const struct pickle_node *args);
/* A graph of torch.fx as its source (check_pickle_fx.c), which is found; NULL. */
const char *check_pickle_fx_graph(
    struct check_pickle_judge *, const struct pickle_node *args);
/* Of toolz and tblib (check_pickle_wrap.c): what is wrong with the arguments. */
const char *check_pickle_wrap_curry(
    struct check_pickle_judge *, const struct pickle_node *args);
const char *check_pickle_wrap_exception(
    struct check_pickle_judge *, const struct pickle_node *args);
/* Of matplotlib: what is wrong with the arguments; NULL. */
const char *check_pickle_wrap_mixin(
    struct check_pickle_judge *, const struct pickle_node *args);
/* What is wrong with a class that partial() is given; NULL, also of what is none. */
const char *check_pickle_wrap_class(
    struct check_pickle_judge *, const struct pickle_node *of);
/* The class of which partial(cls.__new__, cls, ...)() makes an object, when it may be
 * made; or NULL. */
struct check_pickle_fact *check_pickle_wrap_partial(
    struct check_pickle_judge *, const struct pickle_call *);

#endif
