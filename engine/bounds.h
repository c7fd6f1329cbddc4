/* SPDX-License-Identifier: MIT
 * A Relu or Clip that engine/fuse.c has merged into the layer before it, as
 * attributes `lowest` and `highest`: y = min(max(x, lowest), highest).
 */
#ifndef ENGINE_BOUNDS_H
#define ENGINE_BOUNDS_H

#include "engine/op.h"

struct bounds {
	bool on;
	float lo, hi; /* infinite where there is none */
};

/* The node's; then the step keeps its output for the backward pass. */
struct bounds bounds_read(struct step *, const struct node *);

/* Whether all there is is a Relu. */
bool bounds_relu(const struct bounds *);

/* y of n floats into the bounds; NaN stays. */
void bounds_apply(const struct bounds *, float *y, size_t n);
void bounds_eval(const struct bounds *, union number *v, size_t n);

/* dy = 0 where y has met a bound; a second time changes nothing. */
void bounds_mask(const struct bounds *, const float *y, float *dy, size_t n);

#endif
