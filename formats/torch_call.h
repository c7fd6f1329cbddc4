/* SPDX-License-Identifier: MIT
 * Literal arguments of calls in TorchScript's source text, as
 * torch/csrc/jit/serialization/python_print.cpp writes them.
 */
#ifndef FORMATS_TORCH_CALL_H
#define FORMATS_TORCH_CALL_H

#include "base/rd.h"

/* The next argument of what stands behind "(", without the comma behind it;
 * false after the last.  *s goes on behind it. */
bool torch_call_argument(struct slice *s, struct slice *out) MUST_USE;
/* Decimal digits at the front of *s, at most nine, which are taken off. */
bool torch_call_number(struct slice *s, int64_t *out) MUST_USE;
/* "[2, 2]", or "[2]", which is the same; the whole of s. */
bool torch_call_pair(struct slice s, int64_t out[2]) MUST_USE;

#endif
