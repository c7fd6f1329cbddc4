/* SPDX-License-Identifier: MIT
 * The largest of two by two pixels that all lie inside, which is what most
 * nets pool: from the registers, without looking for the edges.  Results are
 * those of the walk over any window (engine/op_pool.c), bit by bit.
 */
#ifndef ENGINE_POOL_QUAD_H
#define ENGINE_POOL_QUAD_H

#include "engine/window.h"

/* Whether all windows are such; strides and dilations are free. */
bool pool_quad_fits(const struct window_fit *);

/* One image x (pixels, channels): the maxima y, and their pixels. */
void pool_quad_forward(const struct window_fit *, size_t channels,
    const float *x, float *y, uint32_t *at);

/* dx += dy at the pixels of the maxima. */
void pool_quad_backward(const struct window_fit *, size_t channels,
    const float *dy, const uint32_t *at, float *dx);

#endif
