/* SPDX-License-Identifier: MIT */
#include "engine/in_basis.h"

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

double
in_basis_search(
    struct geometry_job *j, struct trigger *t, const struct in_basis *in)
{
	size_t rows = MIN(in->band, t->h), cols = MIN(in->band, t->w);
	struct lattice s;
	struct descent d = {.n = rows * cols * t->c,
	    .apply = apply,
	    .pull = pull,
	    .move = in->move,
	    .budget = START * in->largest,
	    .largest = in->largest,
	    .shape = &s};
	double budget;

	s.image = geometry_floats(j, t->h * t->w * t->c);
	in->make(&s.basis, t->h, t->w, t->c, rows, cols,
	    geometry_floats(j, basis_floats(t->h, t->w, rows, cols)));
	budget = geometry_descend(j, &d);
	t->delta = trigger_part(t, t->h * t->w * t->c);
	basis_image(&s.basis, d.kept, t->delta);
	return budget;
}
