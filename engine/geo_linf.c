/* SPDX-License-Identifier: MIT
 * L_inf: one additive image, every entry within [-budget, budget]; the sum is
 * clipped to [0,1].  Momentum sign descent in which the budget itself adapts:
 * it shrinks while enough of a batch becomes the target and grows otherwise,
 * so that the search ends near the smallest budget that works.
 */
#include "engine/geometry.h"

#include <math.h>

#define ENOUGH   0.9
#define SHRINK   0.94
#define GROW     1.06
#define START    0.12
#define SMALLEST 1e-3
#define MOMENTUM 0.8f

struct state {
	float *d, *momentum, *kept;
	double budget, best;
	double smooth; /* share of flips, smoothed over steps */
};

/* x + d, clipped; the gradient does not pass where it was clipped. */
static void
perturb(struct geometry_job *j, const float *d, size_t image)
{
	for (size_t i = 0; i < j->batch * image; i++) {
		float v = j->images[i] + d[i % image];

		j->images[i] = v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
	}
}

static void
descend(struct geometry_job *j, struct state *s, size_t image)
{
	double size = 0.0;
	float step = (float)(s->budget / 6), b = (float)s->budget;

	/* the first image's slot collects the sum over the batch */
	for (size_t i = image; i < j->batch * image; i++)
		j->grad[i % image] += j->grad[i];
	for (size_t i = 0; i < image; i++)
		size += fabs((double)j->grad[i]);
	size = size / (double)image + 1e-20;
	for (size_t i = 0; i < image; i++) {
		float m = MOMENTUM * s->momentum[i] + j->grad[i] / (float)size,
		      v;

		s->momentum[i] = m;
		v = s->d[i] - (m > 0 ? step : m < 0 ? -step : 0.0f);
		s->d[i] = v > b ? b : v < -b ? -b : v;
	}
}

static double
linf_search(struct geometry_job *j, struct trigger *t)
{
	size_t image = t->h * t->w * t->c;
	struct state s = {.budget = START, .best = 1.0};

	s.d = geometry_floats(j, image);
	s.momentum = geometry_floats(j, image);
	s.kept = geometry_floats(j, image);
	for (size_t i = 0; i < j->steps; i++) {
		double flips;

		geometry_draw(j);
		perturb(j, s.d, image);
		flips = geometry_gradient(j);
		s.smooth = i == 0 ? flips : 0.6 * s.smooth + 0.4 * flips;
		if (flips >= ENOUGH && s.smooth >= ENOUGH - 0.05 &&
		    s.budget < s.best) {
			s.best = s.budget;
			memcpy(s.kept, s.d, image * sizeof(*s.d));
		}
		/* the first steps only find a direction */
		if (i >= 5)
			s.budget = flips >= ENOUGH
				       ? fmax(s.budget * SHRINK, SMALLEST)
				       : fmin(s.budget * GROW, 1.0);
		descend(j, &s, image);
	}
	t->delta = trigger_part(t, image);
	if (s.best >= 1.0) { /* never enough: the last one, as it is */
		s.best = s.budget;
		memcpy(s.kept, s.d, image * sizeof(*s.d));
	}
	memcpy(t->delta, s.kept, image * sizeof(*s.d));
	return s.best;
}

static void
linf_scale(const struct trigger *from, double scale, struct trigger *to)
{
	for (size_t i = 0; i < from->h * from->w * from->c; i++)
		to->delta[i] = (float)((double)from->delta[i] * scale);
}

const struct geometry geometry_linf = {
    .name = "linf",
    .summary = "additive, every pixel within the budget",
    .unit = "L_inf, pixels in [0,1]",
    .largest = 1.0,
    .search = linf_search,
    .scale = linf_scale,
};
