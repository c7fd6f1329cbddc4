/* SPDX-License-Identifier: MIT
 * Spectrum: an additive image of few waves: the sum of the absolute values of
 * its real Fourier coefficients is within the budget.  What a patch is in
 * space, a faint stripe pattern over the whole image is in frequency.
 */
#include "engine/basis.h"
#include "engine/geometry.h"

#include <math.h>

/* Waves along each side: constant, cosines and sines of up to 16 periods. */
#define BAND 33
/* Where the search starts, as a part of the largest budget. */
#define START 0.15

struct lattice {
	struct basis basis;
	float *image;
};

static void
apply(struct geometry_job *j, struct descent *d)
{
	struct lattice *s = d->shape;

	basis_image(&s->basis, d->p, s->image);
	geometry_add(j, s->image);
}

static void
pull(struct geometry_job *j, struct descent *d)
{
	struct lattice *s = d->shape;

	memset(s->image, 0,
	    s->basis.h * s->basis.w * s->basis.c * sizeof(*s->image));
	geometry_add_pull(j, s->image);
	basis_coefficients(&s->basis, s->image, d->g);
}

static double
spectrum_largest(const struct trigger *t)
{
	return 1.5 * sqrt((double)(t->h * t->w * t->c));
}

static double
spectrum_search(struct geometry_job *j, struct trigger *t)
{
	size_t rows = MIN(BAND, t->h), cols = MIN(BAND, t->w);
	struct lattice s;
	struct descent d = {.n = rows * cols * t->c,
	    .apply = apply,
	    .pull = pull,
	    .move = geometry_move_l1,
	    .budget = START * spectrum_largest(t),
	    .largest = spectrum_largest(t),
	    .shape = &s};
	double budget;

	s.image = geometry_floats(j, t->h * t->w * t->c);
	basis_fourier(&s.basis, t->h, t->w, t->c, rows, cols,
	    geometry_floats(j, basis_floats(t->h, t->w, rows, cols)));
	budget = geometry_descend(j, &d);
	t->delta = trigger_part(t, t->h * t->w * t->c);
	basis_image(&s.basis, d.kept, t->delta);
	return budget;
}

const struct geometry geometry_spectrum = {
    .name = "spectrum",
    .summary = "additive, few waves",
    .unit = "L1 of Fourier coefficients",
    .search = spectrum_search,
    .scale = geometry_scale_delta,
    .largest = spectrum_largest,
};
