/* SPDX-License-Identifier: MIT
 * Weights w (K,3,3,C) of a convolution in the transformed domain, and sums
 * from there back to a gradient of w's shape.
 */
#ifndef ENGINE_WINO_WEIGHTS_H
#define ENGINE_WINO_WEIGHTS_H

#include "base/base.h"

/*
 * Transformed weights of a convolution that takes `depth` channels to `out`
 * channels: panels of 32 output channels, in each 36 planes, in each `depth`
 * rows of 32 floats.  The columns beyond `out` of the last panel are zeros or,
 * from a whole vector on, unused.
 */
size_t wino_weights_size(size_t depth, size_t out);
size_t wino_weights_panel(size_t depth); /* floats from panel to panel */
size_t wino_weights_plane(size_t depth); /* floats from plane to plane */

/* For the forward pass: depth C, out K. */
void wino_weights(size_t k, size_t c, const float *w, float *u);
/* For the gradient to data, rotated by 180 degrees: depth K, out C. */
void wino_weights_data(size_t k, size_t c, const float *w, float *u);

/*
 * dw (K,3,3,C) = or += G' D G for k x nc filters and channels.  D: planes of
 * k rows of nc floats, padded to whole vectors; dw points to the first, C
 * floats per tap.
 */
void wino_weights_reduce(size_t k, size_t nc, const float *d, size_t plane,
    size_t row, size_t c, bool add, float *dw);

#endif
