/* SPDX-License-Identifier: MIT
 * Constants: the numbers of parameters, and steps whose inputs are all known.
 */
#ifndef ENGINE_FOLD_H
#define ENGINE_FOLD_H

#include "engine/op.h"

/* The engine's type for a tensor's: half floats are F32, small integers I32. */
enum dtype fold_type(enum dtype);

/* A tensor's numbers in the arena; ERR_LIMIT beyond LIMIT_FOLD_ELEMENTS. */
int fold_tensor(const struct tensor *, struct arena *, const union number **out,
    struct err *) MUST_USE;

/* Round n numbers to what the type can hold; integers wrap. */
void fold_round(enum dtype, union number *, size_t n);

/*
 * Set out->known from inputs that are all known; `out` is what infer said.
 * ERR_UNSUPPORTED when the operator cannot be folded.
 */
int fold_step(const struct step *, const struct shape *const *in,
    struct shape *out, struct arena *, struct err *) MUST_USE;

/* Known numbers as floats in the layout of the shape. */
int fold_floats(const struct shape *, struct arena *, const float **out,
    struct err *) MUST_USE;

#endif
