/* SPDX-License-Identifier: MIT
 * L_inf: one additive image, every entry within [-budget, budget]; the sum is
 * clipped to [0,1].
 */
#include "engine/geometry.h"

#define START 0.12

static void
apply(struct geometry_job *j, struct descent *d)
{
	geometry_add(j, d->p);
}

static void
pull(struct geometry_job *j, struct descent *d)
{
	geometry_add_pull(j, d->g);
}

static double
linf_largest(const struct trigger *t)
{
	(void)t;
	return 0.5;
}

static double
linf_search(struct geometry_job *j, struct trigger *t)
{
	struct descent d = {.n = t->h * t->w * t->c,
	    .apply = apply,
	    .pull = pull,
	    .move = geometry_move_sign,
	    .budget = START,
	    .largest = linf_largest(t)};
	double budget = geometry_descend(j, &d);

	t->delta = trigger_part(t, d.n);
	memcpy(t->delta, d.kept, d.n * sizeof(*d.kept));
	return budget;
}

const struct geometry geometry_linf = {
    .name = "linf",
    .summary = "additive, every pixel within the budget",
    .unit = "L_inf, pixels in [0,1]",
    .search = linf_search,
    .scale = geometry_scale_delta,
    .largest = linf_largest,
};
