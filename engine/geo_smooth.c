/* SPDX-License-Identifier: MIT
 * Smooth: an additive image of the lowest cosines only, its L2 norm within
 * the budget.
 */
#include "engine/basis.h"
#include "engine/geometry.h"

#include <math.h>

/* Cosines along each side: the lowest 12 x 12 see the low-frequency and the
 * warped victims of the first prototype best. */
#define BAND 12
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
smooth_largest(const struct trigger *t)
{
	return 0.4 * sqrt((double)(t->h * t->w * t->c));
}

static double
smooth_search(struct geometry_job *j, struct trigger *t)
{
	size_t rows = MIN(BAND, t->h), cols = MIN(BAND, t->w);
	struct lattice s;
	struct descent d = {.n = rows * cols * t->c,
	    .apply = apply,
	    .pull = pull,
	    .move = geometry_move_l2,
	    .budget = START * smooth_largest(t),
	    .largest = smooth_largest(t),
	    .shape = &s};
	double budget;

	s.image = geometry_floats(j, t->h * t->w * t->c);
	basis_cosine(&s.basis, t->h, t->w, t->c, rows, cols,
	    geometry_floats(j, basis_floats(t->h, t->w, rows, cols)));
	budget = geometry_descend(j, &d);
	t->delta = trigger_part(t, t->h * t->w * t->c);
	basis_image(&s.basis, d.kept, t->delta);
	return budget;
}

const struct geometry geometry_smooth = {
    .name = "smooth",
    .summary = "additive, the lowest cosines only",
    .unit = "L2, pixels in [0,1]",
    .search = smooth_search,
    .scale = geometry_scale_delta,
    .largest = smooth_largest,
};
