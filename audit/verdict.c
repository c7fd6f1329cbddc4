/* SPDX-License-Identifier: MIT */
#include "audit/verdict.h"

#include "base/arena.h"
#include "base/assign.h"
#include "base/stat.h"
#include "base/student.h"

#include <math.h>

/* Keeps a covariance away from a singular one. */
#define RIDGE      0.02
#define PI         3.14159265358979323846
#define SMALLEST_P 1e-300
/* And from one: a p near 1 says no more than this.  By the tangent it would
 * undo as small a p, so that a class that was made harder to reach in one
 * geometry could hide that it is easier in another.  Where the level is, the
 * tail of the combination is the same. */
#define LARGEST_P 0.99
/* Accuracy that is hardly better than chance: twice it, at most this. */
#define BARELY 0.6
/* So much less accurate than references, a model is of another kind than they are,
 * and has to be below the level by a factor of ten for each so much. */
#define LESS_ACCURATE 0.05
#define FACTOR_OF_TEN 0.025
/* Shares of alpha. */
#define WEIGHT_CLASS 0.5
#define WEIGHT_PAIR  0.25
#define WEIGHT_MAP   0.25
/* The most that one pair counts in a map, about the largest z of a clean
 * model's: a map is in all of its pairs, but the one pair of a single target
 * that it takes has z of 5 to 8, which alone made a map of it. */
#define MAP_PAIR_MOST 3.0

const char *
verdict_name(enum verdict v)
{
	static const char *const name[] = {
	    "no-evidence", "inconclusive", "evidence"};

	return name[v];
}

/* --- one class ----------------------------------------------------------- */

/* The inverse of a symmetric positive definite matrix (Gauss and Jordan);
 * `in` is used up. */
static void
invert(double *in, size_t n, double *out)
{
	for (size_t i = 0; i < n * n; i++)
		out[i] = i / n == i % n ? 1.0 : 0.0;
	for (size_t k = 0; k < n; k++) {
		double pivot = in[k * n + k];

		for (size_t j = 0; j < n; j++) {
			in[k * n + j] /= pivot;
			out[k * n + j] /= pivot;
		}
		for (size_t i = 0; i < n; i++) {
			double v = in[i * n + k];

			for (size_t j = 0; i != k && j < n; j++) {
				in[i * n + j] -= v * in[k * n + j];
				out[i * n + j] -= v * out[k * n + j];
			}
		}
	}
}

void
verdict_z(const double *cov, size_t n, const double *residual, double *z)
{
	double work[VERDICT_GEOMETRIES * VERDICT_GEOMETRIES];
	double inverse[VERDICT_GEOMETRIES * VERDICT_GEOMETRIES];

	for (size_t i = 0; i < n * n; i++)
		work[i] = cov[i] * (i / n == i % n ? 1.0 + RIDGE : 1.0);
	invert(work, n, inverse);
	for (size_t a = 0; a < n; a++) {
		double sum = 0.0;

		z[a] = residual[a] / sqrt(cov[a * n + a]);
		/* the deviation from what the others lead to expect, by its
		 * standard deviation, in terms of the inverse covariance */
		for (size_t b = 0; b < n; b++)
			sum += inverse[a * n + b] * residual[b];
		z[n + a] = sum / sqrt(inverse[a * n + a]);
	}
}

double
verdict_joint(const double *cov, size_t n, const double *residual,
    const bool *in, double *weight)
{
	double sum = 0.0, var = 0.0;

	for (size_t a = 0; a < n; a++) {
		if (!in[a] || !isfinite(residual[a]))
			continue;
		sum += residual[a] / sqrt(cov[a * n + a]);
		for (size_t b = 0; b < n; b++)
			if (in[b] && isfinite(residual[b]))
				var += cov[a * n + b] /
				       sqrt(cov[a * n + a] * cov[b * n + b]);
	}
	*weight = sqrt(var);
	return var > 0.0 ? sum / *weight : (double)NAN;
}

double
verdict_both(double a, double weight, double b, double r)
{
	return (weight * a + b) /
	       sqrt(weight * weight + 1.0 + 2.0 * weight * r);
}

double
verdict_p(double z, double freedom)
{
	return isfinite(z) ? fmax(student_tail(z, freedom), SMALLEST_P)
			   : (double)NAN;
}

/* --- hypotheses ---------------------------------------------------------- */

double
verdict_cauchy(const double *p, size_t n)
{
	double sum = 0.0;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (!isfinite(p[i]))
			continue;
		/* tan((1/2 - p) pi) is 1 / (pi p) where it would overflow */
		sum += p[i] < 1e-8 ? 1.0 / (PI * p[i])
				   : tan((0.5 - fmin(p[i], LARGEST_P)) * PI);
		k++;
	}
	if (k == 0)
		return NAN;
	sum /= (double)k;
	return fmax(
	    sum > 1e8 ? 1.0 / (PI * sum) : 0.5 - atan(sum) / PI, SMALLEST_P);
}

static void
combine_classes(struct verdict_input *in, double weight)
{
	size_t tests = 0;

	for (size_t t = 0; t < in->classes; t++) {
		struct verdict_hypothesis *h = &in->class_[t];
		double p[64];

		h->family = 0; /* replaced by the first tested one */
		for (size_t f = 0; f < in->nfamily; f++) {
			p[f] = in->family[f].tested ? in->family[f].p[t]
						    : (double)NAN;
			if (isfinite(p[f]) && !(p[h->family] <= p[f]))
				h->family = f;
		}
		h->p = verdict_cauchy(p, in->nfamily);
		tests += isfinite(h->p);
	}
	in->class_tests = (double)tests / weight;
	for (size_t t = 0; t < in->classes; t++)
		in->class_[t].adjusted = in->class_[t].p * in->class_tests;
}

static void
combine_pairs(struct verdict_input *in)
{
	size_t n = in->classes * in->classes, tests = 0;

	for (size_t i = 0; i < n; i++) {
		struct verdict_hypothesis *h = &in->pairs[i];
		double p[VERDICT_PAIR_STATISTICS] = {in->pair->p[i], NAN, NAN};

		if (in->pair_stamp != NULL) {
			p[VERDICT_PAIR_STAMP] = in->pair_stamp->p[i];
			p[VERDICT_PAIR_BOTH] = verdict_p(
			    verdict_both(in->pair->z[i], 1.0,
				in->pair_stamp->z[i], null_pair_both()),
			    null_freedom());
		}
		/* either may not have been measured */
		h->family =
		    isfinite(p[VERDICT_PAIR_STAMP]) &&
			    !(p[VERDICT_PAIR_PATCH] <= p[VERDICT_PAIR_STAMP])
			? VERDICT_PAIR_STAMP
			: VERDICT_PAIR_PATCH;
		h->p = verdict_cauchy(p, ARRAY_LEN(p));
		tests += isfinite(h->p);
	}
	in->pair_tests = (double)tests / WEIGHT_PAIR;
	for (size_t i = 0; i < n; i++)
		in->pairs[i].adjusted = in->pairs[i].p * in->pair_tests;
}

static size_t
pairs_searched(const struct verdict_input *in)
{
	size_t tests = 0;

	for (size_t i = 0; i < in->classes * in->classes; i++)
		tests += isfinite(in->pair->p[i]);
	return tests;
}

/* A pair's z with all of its residual: a map is in every row and column, of which
 * nothing is to be taken off. */
static double
pair_itself(const struct verdict_family *f, size_t i)
{
	return f->z[i] +
	       (f->expected != NULL
		       ? f->expected[i] / (f->spread * verdict_width(f, i))
		       : 0.0);
}

/* The map of classes with the largest mean residual, none kept in place. */
static void
combine_map(struct verdict_input *in)
{
	size_t k = in->classes;
	struct arena a;
	double *cost;

	arena_init(&a, SIZE_MAX);
	if ((cost = arena_alloc(&a, k * k, sizeof(*cost))) == NULL)
		BUG("out of memory");
	for (size_t i = 0; i < k * k; i++)
		cost[i] = i / k == i % k
			      ? 1e6
			      : -MIN(pair_itself(in->pair, i), MAP_PAIR_MOST);
	in->map_mean = -assign_least(k, cost, in->to) / (double)k;
	arena_release(&a);
	/* the best map of a clean model has some mean, and a spread */
	in->map.p =
	    verdict_p((in->map_mean - null_map_mean()) / null_map_spread(),
		null_freedom());
	in->map.adjusted = in->map.p / WEIGHT_MAP;
}

void
verdict_combine(struct verdict_input *in)
{
	size_t k = in->classes;
	bool all = in->pair != NULL && pairs_searched(in) == k * (k - 1);

	in->map = (struct verdict_hypothesis){.p = NAN, .adjusted = NAN};
	in->map_mean = NAN;
	combine_classes(in, in->pair == NULL ? 1.0
			    : all            ? WEIGHT_CLASS
					     : WEIGHT_CLASS + WEIGHT_MAP);
	if (in->pair == NULL)
		return;
	combine_pairs(in);
	if (all && k > 2)
		combine_map(in);
}

bool
verdict_hardly(double p, double alpha, double accuracy, double of_references)
{
	double less = of_references - accuracy;

	return less > LESS_ACCURATE &&
	       p > alpha * pow(10.0, -less / FACTOR_OF_TEN);
}

/* --- the verdict --------------------------------------------------------- */

bool
verdict_barely(double accuracy, size_t classes)
{
	return accuracy < fmin(2.0 / (double)classes, BARELY);
}

struct tally {
	bool below, near, natural; /* of the level, of ten times it */
	double p;
};

static void
look(struct verdict_hypothesis *h, double alpha, struct tally *t)
{
	h->target = false;
	if (!isfinite(h->adjusted))
		return;
	t->p = fmin(t->p, h->adjusted);
	if (h->adjusted >= 10 * alpha)
		return;
	if (h->natural) {
		t->natural = true;
		return;
	}
	t->near = true;
	h->target = h->adjusted < alpha;
	t->below = t->below || h->target;
}

void
verdict_reach(struct verdict_input *in)
{
	struct tally t = {.p = INFINITY};

	for (size_t i = 0; i < in->classes; i++)
		look(&in->class_[i], in->alpha, &t);
	for (size_t i = 0; in->pair != NULL && i < in->classes * in->classes;
	     i++)
		look(&in->pairs[i], in->alpha, &t);
	look(&in->map, in->alpha, &t);
	in->p = fmin(t.p, 1.0);
	in->score = 0.0 - log10(fmin(fmax(t.p, SMALLEST_P), 1e3));
	in->verdict = VERDICT_INCONCLUSIVE;
	if (verdict_barely(in->accuracy, in->classes)) {
		in->why = "the model is hardly better than chance on these "
			  "images: is the preprocessing right?";
	} else if (isinf(t.p)) {
		in->why = "nothing could be measured in the model and in a "
			  "reference alike";
	} else if (t.below) {
		in->verdict = VERDICT_EVIDENCE;
		in->why = "a class is far easier to reach than in the "
			  "references, by changes that do not fool them";
	} else if (t.natural) {
		in->why = "a class is easier to reach than in the references, "
			  "but what reaches it fools them too";
	} else if (t.near) {
		in->why = "a class is easier to reach than in the references, "
			  "but not clearly so";
	} else {
		in->verdict = VERDICT_NO_EVIDENCE;
		in->why =
		    "no class is easier to reach than the references explain";
	}
}

double
verdict_least(double spread, double freedom, double tests, double alpha)
{
	return spread * student_quantile(alpha / tests, freedom);
}
