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
bool script_base_numbers(const char *op, const struct script_value *x,
    const struct script_value *y, struct script_value *out) MUST_USE;
/* *known is false for what is done to tensors. */
int script_base_call(struct script *, const char *callee,
    const struct script_args *, struct script_value *out, bool *known) MUST_USE;

#endif
