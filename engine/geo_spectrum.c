/* SPDX-License-Identifier: MIT
 * Spectrum: an additive image of few waves: the sum of the absolute values of
 * its real Fourier coefficients is within the budget.  What a patch is in
 * space, a faint stripe pattern over the whole image is in frequency.
 */
#include "engine/in_basis.h"

#include <math.h>

/* Waves along each side: constant, cosines and sines of up to 16 periods. */
#define BAND 33

static double
spectrum_largest(const struct trigger *t)
{
	return 1.5 * sqrt((double)(t->h * t->w * t->c));
}

static double
spectrum_search(struct geometry_job *j, struct trigger *t)
{
	const struct in_basis in = {.band = BAND,
	    .make = basis_fourier,
	    .move = geometry_move_l1,
	    .largest = spectrum_largest(t)};

	return in_basis_search(j, t, &in);
}

const struct geometry geometry_spectrum = {
    .name = "spectrum",
    .summary = "additive, few waves",
    .unit = "L1 of Fourier coefficients",
    .search = spectrum_search,
    .scale = geometry_scale_delta,
    .largest = spectrum_largest,
};
