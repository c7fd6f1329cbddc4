/* SPDX-License-Identifier: MIT */
#include "engine/lane.h"

#include "engine/vector.h"

#include <math.h>

#define LANES 16

/* `join` takes the lane a and, of element i, what `from` says. */
#define LANE(none, join, from)                                                 \
	float lane[LANES];                                                     \
	size_t i = 0;                                                          \
                                                                               \
	for (size_t k = 0; k < LANES; k++)                                     \
		lane[k] = none;                                                \
	for (; i + LANES <= n; i += LANES)                                     \
		for (size_t k = 0; k < LANES; k++)                             \
			lane[k] = join(lane[k], from(i + k));                  \
	for (size_t k = 0; i + k < n; k++)                                     \
		lane[k] = join(lane[k], from(i + k));                          \
	for (size_t w = LANES / 2; w > 0; w /= 2)                              \
		for (size_t k = 0; k < w; k++)                                 \
			lane[k] = join(lane[k], lane[k + w]);                  \
	return lane[0]

#define PLUS(a, b)   ((a) + (b))
#define LARGER(a, b) ((b) > (a) ? (b) : (a))

VECTOR float
lane_sum(size_t n, const float *x)
{
#define FROM(i) x[i]
	LANE(0.0f, PLUS, FROM);
#undef FROM
}

VECTOR float
lane_square(size_t n, const float *x, float shift)
{
#define FROM(i) ((x[i] - shift) * (x[i] - shift))
	LANE(0.0f, PLUS, FROM);
#undef FROM
}

VECTOR float
lane_dot(size_t n, const float *x, const float *y)
{
#define FROM(i) (x[i] * y[i])
	LANE(0.0f, PLUS, FROM);
#undef FROM
}

VECTOR float
lane_moment(
    size_t n, const float *x, float shift, const float *y, const float *z)
{
#define FROM(i) ((x[i] - shift) * y[i] * z[i])
	LANE(0.0f, PLUS, FROM);
#undef FROM
}

VECTOR float
lane_max(size_t n, const float *x)
{
#define FROM(i) x[i]
	LANE(-INFINITY, LARGER, FROM);
#undef FROM
}
