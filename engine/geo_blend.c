/* SPDX-License-Identifier: MIT
 * Blend: x' = (1 - budget) x + budget pattern with a pattern in [0,1] over
 * the whole image (the form of Chen et al. 2017).
 */
#include "engine/geometry.h"

#define START 0.15
#define STEP  0.15f

/* Parameters: the pattern. */
static void
apply(struct geometry_job *j, struct descent *d)
{
	float a = (float)d->budget;

	for (size_t b = 0; b < j->batch; b++)
		for (size_t i = 0; i < d->n; i++)
			j->images[b * d->n + i] =
			    (1 - a) * j->plain[b * d->n + i] + a * d->p[i];
}

static void
pull(struct geometry_job *j, struct descent *d)
{
	geometry_add_pull(j, d->g);
}

static void
move(struct descent *d)
{
	for (size_t i = 0; i < d->n; i++) {
		float m = 0.8f * d->momentum[i] + 0.2f * d->g[i], v;

		d->momentum[i] = m;
		v = d->p[i] - (m > 0 ? STEP : m < 0 ? -STEP : 0.0f);
		d->p[i] = v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
	}
}

static double
blend_largest(const struct trigger *t)
{
	(void)t;
	return 0.5;
}

static double
blend_search(struct geometry_job *j, struct trigger *t)
{
	struct descent d = {.n = t->h * t->w * t->c,
	    .apply = apply,
	    .pull = pull,
	    .move = move,
	    .budget = START,
	    .largest = blend_largest(t)};
	double budget;

	d.p = geometry_floats(j, d.n);
	for (size_t i = 0; i < d.n; i++)
		d.p[i] = 0.5f;
	budget = geometry_descend(j, &d);
	t->mask = trigger_part(t, t->h * t->w);
	t->pattern = trigger_part(t, d.n);
	for (size_t i = 0; i < t->h * t->w; i++)
		t->mask[i] = (float)budget;
	memcpy(t->pattern, d.kept, d.n * sizeof(*d.kept));
	return budget;
}

static void
blend_scale(const struct trigger *from, double scale, struct trigger *to)
{
	for (size_t i = 0; i < from->h * from->w; i++) {
		double m = (double)from->mask[i] * scale;

		to->mask[i] = (float)(m < 1.0 ? m : 1.0);
	}
	memcpy(to->pattern, from->pattern,
	    from->h * from->w * from->c * sizeof(*to->pattern));
}

const struct geometry geometry_blend = {
    .name = "blend",
    .summary = "a pattern mixed in evenly over the whole image",
    .unit = "share of the pattern",
    .search = blend_search,
    .scale = blend_scale,
    .largest = blend_largest,
};
