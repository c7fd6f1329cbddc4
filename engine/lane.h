/* SPDX-License-Identifier: MIT
 * Sums and maxima of a line of floats, in 16 interleaved lanes that are joined
 * pairwise: one order for every processor, and one that vectorises.
 */
#ifndef ENGINE_LANE_H
#define ENGINE_LANE_H

#include "base/base.h"

float lane_sum(size_t n, const float *x);
/* The sum of (x - shift)^2. */
float lane_square(size_t n, const float *x, float shift);
/* The sum of x * y. */
float lane_dot(size_t n, const float *x, const float *y);
/* The sum of (x - shift) * y * z. */
float lane_moment(
    size_t n, const float *x, float shift, const float *y, const float *z);
/* The largest, NaN passed over; -infinity of none. */
float lane_max(size_t n, const float *x);

#endif
