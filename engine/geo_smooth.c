/* SPDX-License-Identifier: MIT
 * Smooth: an additive image of the lowest cosines only, its L2 norm within
 * the budget.
 */
#include "engine/in_basis.h"

#include <math.h>

/* Cosines along each side: the lowest 12 x 12 see the low-frequency and the
 * warped victims of the first prototype best. */
#define BAND 12

static double
smooth_largest(const struct trigger *t)
{
	return 0.4 * sqrt((double)(t->h * t->w * t->c));
}

static double
smooth_search(struct geometry_job *j, struct trigger *t)
{
	const struct in_basis in = {.band = BAND,
	    .make = basis_cosine,
	    .move = geometry_move_l2,
	    .largest = smooth_largest(t)};

	return in_basis_search(j, t, &in);
}

const struct geometry geometry_smooth = {
    .name = "smooth",
    .summary = "additive, the lowest cosines only",
    .unit = "L2, pixels in [0,1]",
    .search = smooth_search,
    .scale = geometry_scale_delta,
    .largest = smooth_largest,
};
