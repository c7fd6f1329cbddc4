/* SPDX-License-Identifier: MIT
 * Patch: x' = (1 - mask) x + mask pattern.  Neural Cleanse's search (Wang et
 * al., S&P 2019): mask and pattern through sigmoids, Adam, and a weight on the
 * mask's size that adapts to the share of flips.  The size is the sum of the
 * mask's square roots, not the sum: the number of pixels for a mask of zeros
 * and ones, and more for a faint one that spreads over the image.  A trigger
 * is small and opaque, what fools a clean model is spread, so this tells the
 * two apart better (audit/EVALUATION.md).  geometry_mask keeps the sum.
 */
#include "engine/geometry.h"

#include "engine/optim.h"

#include <math.h>

#define LEARNING     0.3f
#define START_MASK   -2.0f
#define NOWHERE      -30.0f /* a mask of 1e-13 */
#define START_WEIGHT 0.02
#define WEIGHT_UP    1.15
#define WEIGHT_DOWN  1.2

struct state {
	size_t pixels, c;
	bool *free;  /* pixels; NULL: all of them */
	float *raw;  /* mask (pixels), then pattern (pixels * c) */
	float *grad; /* the same */
	float *mask, *pattern, *kept_mask, *kept_pattern;
	struct optim optim;
	bool sum; /* the size is the mask's sum, not that of its roots */
	double weight, size, best, smooth;
};

/* Pixels of the frame are free, the others stay as they are. */
static void
confine(struct geometry_job *j, size_t w, struct state *s)
{
	const struct geometry_frame *f = &j->frame;

	if (f->h == 0)
		return;
	s->free = arena_alloc(j->arena, s->pixels, sizeof(*s->free));
	if (s->free == NULL)
		BUG("out of memory");
	for (size_t i = 0; i < s->pixels; i++) {
		/* below the frame's corner these wrap around, and are large */
		s->free[i] = i / w - f->top < f->h && i % w - f->left < f->w;
		if (!s->free[i])
			s->raw[i] = NOWHERE;
	}
}

static void
start(struct geometry_job *j, struct state *s)
{
	struct optim_config adam = optim_adam(false);
	size_t n = s->pixels * (1 + s->c);
	struct err e;

	s->raw = geometry_floats(j, n);
	s->grad = geometry_floats(j, n);
	s->mask = geometry_floats(j, s->pixels);
	s->pattern = geometry_floats(j, s->pixels * s->c);
	s->kept_mask = geometry_floats(j, s->pixels);
	s->kept_pattern = geometry_floats(j, s->pixels * s->c);
	for (size_t i = 0; i < s->pixels; i++)
		s->raw[i] = START_MASK;
	adam.beta1 = 0.5f;
	adam.beta2 = 0.9f;
	if (optim_init(&s->optim, &adam, n, j->arena, &e) != 0)
		BUG("out of memory");
	s->weight = START_WEIGHT;
	s->best = (double)s->pixels;
}

static float
sigmoid(float v)
{
	return 1.0f / (1.0f + expf(-v));
}

static double
size_of(const float *mask, size_t n, bool plain)
{
	double sum = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += plain ? (double)mask[i] : sqrt((double)mask[i]);
	return sum;
}

static void
apply(struct geometry_job *j, struct state *s)
{
	size_t image = s->pixels * s->c;

	for (size_t i = 0; i < s->pixels; i++)
		s->mask[i] = sigmoid(s->raw[i]);
	s->size = size_of(s->mask, s->pixels, s->sum);
	for (size_t i = 0; i < image; i++)
		s->pattern[i] = sigmoid(s->raw[s->pixels + i]);
	for (size_t i = 0; i < j->batch * image; i++) {
		float m = s->mask[i % image / s->c];

		j->images[i] =
		    (1 - m) * j->plain[i] + m * s->pattern[i % image];
	}
}

static void
descend(struct geometry_job *j, struct state *s)
{
	size_t image = s->pixels * s->c;

	memset(s->grad, 0, (s->pixels + image) * sizeof(*s->grad));
	for (size_t i = 0; i < j->batch * image; i++) {
		size_t at = i % image, p = at / s->c;

		s->grad[p] += j->grad[i] * (s->pattern[at] - j->plain[i]);
		s->grad[s->pixels + at] += j->grad[i] * s->mask[p];
	}
	for (size_t i = 0; i < s->pixels; i++) {
		float m = s->mask[i];

		s->grad[i] +=
		    (float)s->weight * (s->sum ? 1.0f : 0.5f / sqrtf(m));
		s->grad[i] *= m * (1 - m);
		if (s->free != NULL && !s->free[i])
			s->grad[i] = 0.0f;
	}
	for (size_t i = 0; i < image; i++)
		s->grad[s->pixels + i] *= s->pattern[i] * (1 - s->pattern[i]);
	optim_step(&s->optim, LEARNING, s->grad, s->raw);
}

static double
search(struct geometry_job *j, struct trigger *t, bool sum)
{
	struct state s = {.pixels = t->h * t->w, .c = t->c, .sum = sum};
	bool found = false;

	start(j, &s);
	confine(j, t->w, &s);
	for (size_t i = 0; i < j->steps; i++) {
		double flips;

		geometry_draw(j);
		apply(j, &s);
		flips = geometry_gradient(j);
		if ((geometry_enough(flips, i, &s.smooth) && s.size < s.best) ||
		    (!found && i + 1 == j->steps)) {
			found = true;
			s.best = s.size;
			memcpy(s.kept_mask, s.mask, s.pixels * sizeof(float));
			memcpy(s.kept_pattern, s.pattern,
			    s.pixels * s.c * sizeof(float));
		}
		s.weight *=
		    flips >= GEOMETRY_ENOUGH ? WEIGHT_UP : 1 / WEIGHT_DOWN;
		descend(j, &s);
	}
	t->mask = trigger_part(t, s.pixels);
	t->pattern = trigger_part(t, s.pixels * s.c);
	memcpy(t->mask, s.kept_mask, s.pixels * sizeof(float));
	memcpy(t->pattern, s.kept_pattern, s.pixels * s.c * sizeof(float));
	return s.best;
}

/* Every entry of the mask grows or shrinks alike, up to one. */
static void
patch_scale(const struct trigger *from, double scale, struct trigger *to)
{
	size_t pixels = from->h * from->w;

	for (size_t i = 0; i < pixels; i++)
		to->mask[i] = (float)fmin(1.0, (double)from->mask[i] * scale);
	memcpy(to->pattern, from->pattern, pixels * from->c * sizeof(float));
}

static double
patch_search(struct geometry_job *j, struct trigger *t)
{
	return search(j, t, false);
}

static double
mask_search(struct geometry_job *j, struct trigger *t)
{
	return search(j, t, true);
}

static double
patch_budget(const struct trigger *t)
{
	return size_of(t->mask, t->h * t->w, false);
}

static double
mask_budget(const struct trigger *t)
{
	return size_of(t->mask, t->h * t->w, true);
}

static double
patch_largest(const struct trigger *t)
{
	return 0.25 * (double)(t->h * t->w);
}

const struct geometry geometry_patch = {
    .name = "patch",
    .summary = "a mask mixes a pattern in; position and size are free",
    .unit = "sum of the mask's square roots, pixels",
    .search = patch_search,
    .scale = patch_scale,
    .budget = patch_budget,
    .largest = patch_largest,
};

const struct geometry geometry_mask = {
    .name = "mask",
    .summary = "Neural Cleanse's patch, for comparison",
    .unit = "sum of the mask, pixels",
    .search = mask_search,
    .scale = patch_scale,
    .budget = mask_budget,
    .largest = patch_largest,
};
