/* SPDX-License-Identifier: MIT */
#include "audit/scan_ease.h"

#include "base/stat.h"

#include <math.h>

/* Landings are shares: the logarithm of so much more. */
#define LANDING_FLOOR 0.01
/* Shares of the few images that a probe is put on are coarser, and say more
 * near 1 than in the middle: the logarithm of odds with so much more. */
#define PROBE_FLOOR 0.2

/* Minus the mean logarithm of the budgets at which three quarters and more
 * flip (uap_share): steadier than any one of them. */
double
scan_ease(const struct uap_found *f)
{
	double sum = 0.0;

	if (f->n == 0)
		return NAN;
	for (size_t k = 0; k < UAP_SHARES; k++)
		sum += log(fmax(f->radius[k], 1e-12));
	return -sum / UAP_SHARES;
}

double
scan_ease_of(size_t m, const struct uap_found *f)
{
	return m != 0 && f->blind ? (double)NAN : scan_ease(f);
}

static const struct profile *
profile_of(const struct scan *s, size_t model, size_t seed)
{
	return &SCAN_MODEL(s, model)->profile[seed];
}

void
scan_family_init(
    struct scan *s, struct verdict_family *f, const char *name, size_t n)
{
	f->name = name;
	f->n = n;
	f->suspect = scan_need(s, n, sizeof(double));
	f->reference = scan_need(s, MAX(s->nref, 1) * n, sizeof(double));
	f->residual = scan_need(s, n, sizeof(double));
	f->width = scan_need(s, n, sizeof(double));
	f->z = scan_need(s, n, sizeof(double));
	f->p = scan_need(s, n, sizeof(double));
	for (size_t i = 0; i < n; i++)
		f->width[i] = 1.0;
}

static double *
values_of(struct verdict_family *f, size_t model)
{
	return model == 0 ? f->suspect : f->reference + (model - 1) * f->n;
}

void
scan_fill_geometry(
    struct scan *s, struct verdict_family *f, size_t g, size_t seed)
{
	for (size_t m = 0; m <= s->nref; m++)
		for (size_t t = 0; t < s->classes; t++)
			values_of(f, m)[t] = scan_ease_of(m,
			    &profile_of(s, m, seed)->cell[g * s->classes + t]);
}

void
scan_fill_landing(struct scan *s, struct verdict_family *f)
{
	for (size_t m = 0; m <= s->nref; m++)
		for (size_t t = 0; t < s->classes; t++)
			values_of(f, m)[t] =
			    log(LANDING_FLOOR +
				concentrate_share(&profile_of(s, m, 0)->landing,
				    s->classes, t));
}

/* How far the soft maximum over a dictionary leans to its largest.  A stamp
 * that is like the trigger a little moves few images: all of them count
 * alike.  A grating near the trigger's moves many, of hundreds that do not. */
static const double lean[PROFILE_SHARES] = {
    [PROFILE_STAMPS] = 1.0,
    [PROFILE_GRATINGS] = 6.0,
    [PROFILE_STAMP_PAIRS] = 1.0,
};

static double
odds(double share)
{
	return log((PROBE_FLOOR + share) / (1.0 + PROBE_FLOOR - share));
}

/* Of each model and class: whether stamps are counted from it. */
static bool *
sources(struct scan *s)
{
	bool *source = scan_need(s, (s->nref + 1) * s->classes, sizeof(bool));

	for (size_t m = 0; m <= s->nref; m++) {
		struct profile_images im = {s->fit, s->test};

		im.test.use = SCAN_MODEL(s, m)->right_test;
		for (size_t c = 0; c < s->classes; c++)
			source[m * s->classes + c] = profile_source(&im, c);
	}
	return source;
}

/* Whether a model has images enough for a cell; source is NULL where cells are
 * no pairs. */
static bool
has_images(const struct scan *s, const bool *source, size_t model, size_t cell)
{
	return source == NULL || source[model * s->classes + cell / s->classes];
}

/* How much more images a probe takes of a cell, with share `at`, in one model
 * than in the median of all others, suspect and references alike; NaN: there
 * are none. */
static double
excess(const struct scan *s, enum profile_shares which, const bool *source,
    size_t model, size_t cell, size_t at)
{
	double v[SCAN_REFERENCES + 1], mine = 0.0;
	size_t n = 0;

	for (size_t m = 0; m <= s->nref; m++) {
		double x = odds(profile_of(s, m, 0)->share[which][at]);

		if (m == model)
			mine = x;
		else if (has_images(s, source, m, cell))
			v[n++] = x;
	}
	return n != 0 ? mine - stat_median(v, n) : (double)NAN;
}

/* Over all probes of a kind, soft: a trigger that one model alone knows is
 * hardly ever in the dictionary itself, but many of its members are like it a
 * little, which the best of them alone does not tell from chance. */
void
scan_fill_probe(
    struct scan *s, struct verdict_family *f, enum profile_shares which)
{
	size_t n = profile_triggers(which, &s->suspect.net);
	double *more = scan_need(s, n, sizeof(*more));
	double *weight = scan_need(s, n, sizeof(*weight));
	const bool *source =
	    which == PROFILE_STAMP_PAIRS ? sources(s) : (const bool *)NULL;

	s->probe[which] = scan_need(s, f->n, sizeof(*s->probe[which]));
	for (size_t j = 0; j < n; j++)
		weight[j] = profile_weight(which, j);
	for (size_t i = 0; i < (s->nref + 1) * f->n; i++) {
		size_t m = i / f->n, cell = i % f->n, best = 0;

		values_of(f, m)[cell] = (double)NAN;
		if (!has_images(s, source, m, cell))
			continue;
		for (size_t j = 0; j < n; j++) {
			more[j] =
			    excess(s, which, source, m, cell, j * f->n + cell);
			if (more[j] > more[best])
				best = j;
		}
		if (m == 0)
			s->probe[which][cell] = best;
		values_of(f, m)[cell] =
		    stat_soft_max(more, weight, n, lean[which]);
	}
}

void
scan_fill_pairs(struct scan *s, struct verdict_family *f, size_t seed)
{
	for (size_t m = 0; m <= s->nref; m++)
		for (size_t i = 0; i < s->classes * s->classes; i++)
			values_of(f, m)[i] =
			    scan_ease_of(m, &profile_of(s, m, seed)->pair[i]);
}
