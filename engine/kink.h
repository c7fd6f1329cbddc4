/* SPDX-License-Identifier: MIT
 * Models that bound the image first (a Clip to [0,1], a Relu) have no slope at
 * pixels that are exactly black or white, as most of some images are: a search
 * that goes by slopes misses there what it finds in the same model without.
 */
#ifndef ENGINE_KINK_H
#define ENGINE_KINK_H

#include "engine/run.h"

/*
 * Of n pixels x in [0,1] with slopes dx: of those that are 0, or of those that are
 * 1, more than nine in ten have a slope of exactly zero, and of those between not
 * more than half.  So it is behind a bound, and where a layer is dead.
 */
bool kink_hides(const float *x, const float *dx, size_t n);
/* The same pixels, moved by kink_move(), and what slopes they have there: not
 * more than half of those have none, so that it was a bound. */
bool kink_shows(const float *x, const float *dx, size_t n);

/*
 * Both, by the slopes of the label's logit less the mean of the others', which
 * does not saturate.  x (is moved then), dx (scratch): as many images as the run
 * takes, NHWC; label: of each.
 */
bool kink_bounded(struct run *, float *x, const int32_t *label, float *dx);

/* Half a step of 8 bits into [0,1], in place: where such a model has slopes. */
void kink_move(float *x, size_t n);

#endif
