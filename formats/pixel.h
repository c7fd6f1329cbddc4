/* SPDX-License-Identifier: MIT
 * Preprocessing as part of the graph: leading nodes that turn pixels in [0,1]
 * into what the model was trained on, so that every gradient and every
 * perturbation is one of pixels.
 */
#ifndef FORMATS_PIXEL_H
#define FORMATS_PIXEL_H

#include "formats/model.h"

/* Names of ours in a model that came from somewhere else. */
#define PIXEL_PREFIX "assay."
#define PIXEL_OUTPUT "assay.normalised"

/*
 * Prepend what the model wants of pixels: the order of channels (bgr), then
 * (x - mean) / std.  Each list has one value or one per channel; empty leaves
 * that step out.  The model then passes model_check() again; ERR_USAGE when
 * the lists do not fit the model or an std is 0.
 */
int pixel_prepare(
    struct model *, const struct preprocess *, struct err *) MUST_USE;

#endif
