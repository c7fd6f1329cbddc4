/* SPDX-License-Identifier: MIT
 * A net computed by the operators' definitions (struct op.eval) instead of
 * their kernels: the slow and plain second opinion that tests hold the engine
 * against, and what computes a graph of types other than float.
 */
#ifndef ENGINE_REFERENCE_H
#define ENGINE_REFERENCE_H

#include "engine/net.h"

struct reference {
	struct arena arena;
	struct shape *shape; /* per value, with its numbers, row-major */
};

/*
 * Compute every value.  `input` holds the numbers of value 0, of any batch
 * size.  `weight` (net.nweight, in the order of net.weight) replaces the
 * net's own weights unless NULL.  With `exact` F32 is computed as F64: no
 * rounding anywhere, so that differences give gradients to many digits.
 */
int reference_run(struct reference *, const struct net *,
    const struct shape *input, const double *weight, bool exact,
    struct err *) MUST_USE;
void reference_release(struct reference *);

#endif
