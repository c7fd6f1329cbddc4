/* SPDX-License-Identifier: MIT
 * A normalisation of images that is kept among the weights: robust models
 * ("0.mean", "normalizer.new_std", "module.mu") have their mean and deviation
 * as buffers.  Nothing says what is done with them; three numbers of that
 * name within the range of pixels are taken for (pixel - mean) / std.
 */
#ifndef FORMATS_WEIGHTS_NORM_H
#define FORMATS_WEIGHTS_NORM_H

#include "formats/preprocess.h"
#include "formats/weights.h"

/* Finds the only such pair, and leaves it aside: w->mean and w->std. */
void weights_norm_find(struct weights *);

/*
 * What it comes to, into *p; `said`: what the files around the model say.
 * ERR_UNSUPPORTED when both normalise.
 */
int weights_norm_take(const struct weights *, const struct preprocess *said,
    struct preprocess *p, struct err *) MUST_USE;

#endif
