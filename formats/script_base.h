/* SPDX-License-Identifier: MIT
 * What TorchScript's code does with numbers, lists and sizes.
 */
#ifndef FORMATS_SCRIPT_BASE_H
#define FORMATS_SCRIPT_BASE_H

#include "formats/script.h"

/* Calls that take a type first: annotate, unchecked_cast, uninitialized. */
bool script_base_is_type(const char *callee);
/* Whether such a call gives its last argument; else nothing, *out is set. */
bool script_base_typed(
    const struct script_expr *, const char *callee, struct script_value *out);
/* v[i] */
int script_base_item(struct script *, const struct script_value *v,
    const struct script_value *i, struct script_value *out) MUST_USE;
/* x op y of two known numbers ("add", "floordiv", ...); false: they are none. */
bool script_number(const char *op, const struct script_value *x,
    const struct script_value *y, struct script_value *out) MUST_USE;
/* *known is false for what is done to tensors. */
int script_base_call(struct script *, const char *callee,
    const struct script_args *, struct script_value *out, bool *known) MUST_USE;

/* Argument i; of the type SCRIPT_NONE when there is none. */
const struct script_value *script_base_arg(
    const struct script_args *, size_t i);
/* The number that a value is. */
bool script_base_real(const struct script_value *, double *out) MUST_USE;

/* *known is false where it is an operation on tensors after all. */
typedef int script_base_fn(struct script *, const struct script_args *,
    struct script_value *out, bool *known);
struct script_base {
	const char *name;
	script_base_fn *fn;
};
/* Of script_truth.c and script_words.c; each ended by a row without a name. */
extern const struct script_base script_truth[], script_words[];
/* What len() gives of a text that is not known but has letters: the `s` of such
 * a SCRIPT_UNKNOWN. */
extern const char script_words_some[];
/* x + y of texts; false: they are none. */
bool script_words_sum(struct script *, const struct script_value *x,
    const struct script_value *y, struct script_value *out) MUST_USE;

#endif
