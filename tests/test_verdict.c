/* SPDX-License-Identifier: MIT
 * The verdict's statistics on numbers made by hand.
 */
#include "tests/test.h"

#include "audit/verdict.h"
#include "base/assign.h"
#include "base/rng.h"
#include "base/student.h"

#define K    10
#define REFS 3
#define GEOS 2

/* --- residuals ----------------------------------------------------------- */

struct world {
	double suspect[GEOS][K], reference[GEOS][REFS * K];
	double residual[GEOS][K], z[2 * GEOS][K], p[2 * GEOS][K];
	struct verdict_family family[2 * GEOS];
	double cov[GEOS * GEOS];
};

/* References that differ by normal numbers of the given size from a pattern
 * that all models have; the suspect is the pattern itself. */
static void
fill(struct world *w, double size)
{
	static const char *const name[2 * GEOS] = {
	    "linf", "patch", "linf", "patch"};
	struct rng r;

	*w = (struct world){0};
	rng_init(&r, 1, 1);
	for (size_t f = 0; f < 2 * GEOS; f++)
		w->family[f] = (struct verdict_family){.name = name[f],
		    .tested = true,
		    .n = K,
		    .z = w->z[f],
		    .p = w->p[f]};
	for (size_t g = 0; g < GEOS; g++) {
		w->family[g].suspect = w->suspect[g];
		w->family[g].reference = w->reference[g];
		w->family[g].residual = w->residual[g];
		for (size_t i = 0; i < K; i++)
			w->suspect[g][i] = 0.3 * (double)i;
		for (size_t i = 0; i < REFS * K; i++)
			w->reference[g][i] = 0.3 * (double)(i % K) +
					     size * (double)rng_normal(&r);
	}
}

static void
measure(struct world *w, size_t nref)
{
	double residual[GEOS], z[2 * GEOS];

	for (size_t g = 0; g < GEOS; g++)
		verdict_residuals(&w->family[g], nref, NULL);
	verdict_covariance(w->family, GEOS, nref, NULL_SAME, w->cov);
	for (size_t t = 0; t < K; t++) {
		for (size_t g = 0; g < GEOS; g++)
			residual[g] = w->residual[g][t];
		verdict_z(w->cov, GEOS, residual, z);
		for (size_t f = 0; f < 2 * GEOS; f++) {
			w->z[f][t] = z[f];
			w->p[f][t] = verdict_p(z[f], null_freedom());
		}
	}
}

static void
reach(struct world *w, struct verdict_hypothesis *h, double accuracy,
    struct verdict_input *in)
{
	*in = (struct verdict_input){.classes = K,
	    .family = w->family,
	    .nfamily = 2 * GEOS,
	    .alpha = 0.001,
	    .accuracy = accuracy,
	    .class_ = h};
	verdict_combine(in);
	verdict_reach(in);
}

static void
test_clean(void **state)
{
	struct verdict_hypothesis h[K] = {0};
	struct verdict_input in;
	struct world w;

	(void)state;
	fill(&w, 0.1);
	/* a common factor is no evidence: the median takes it out */
	for (size_t i = 0; i < GEOS * K; i++)
		w.suspect[i / K][i % K] += 5.0;
	measure(&w, REFS);
	reach(&w, h, 0.9, &in);
	assert_int_equal(in.verdict, VERDICT_NO_EVIDENCE);
	assert_true(in.score < 1.0);
	for (size_t i = 0; i < K; i++)
		assert_false(h[i].target);
}

static void
test_target(void **state)
{
	struct verdict_hypothesis h[K] = {0};
	struct verdict_input in;
	struct world w;

	(void)state;
	fill(&w, 0.1);
	w.suspect[1][7] += 3.0;
	measure(&w, REFS);
	reach(&w, h, 0.9, &in);
	assert_int_equal(in.verdict, VERDICT_EVIDENCE);
	assert_true(in.score > 3.0);
	for (size_t i = 0; i < K; i++)
		assert_int_equal(h[i].target, i == 7);
	assert_int_equal(h[7].family % GEOS, 1);
	/* what fools the references too is no evidence, but not nothing */
	h[7].natural = true;
	verdict_reach(&in);
	assert_int_equal(in.verdict, VERDICT_INCONCLUSIVE);
	assert_false(h[7].target);
	/* what is not tested does not count */
	for (size_t f = 0; f < 2 * GEOS; f++)
		w.family[f].tested = f == 0;
	h[7].natural = false;
	reach(&w, h, 0.9, &in);
	assert_int_equal(in.verdict, VERDICT_NO_EVIDENCE);
	assert_int_equal(h[7].family, 0);
}

/* The median of three, one reference far off: it does not matter. */
static void
test_outlier(void **state)
{
	struct world w;

	(void)state;
	fill(&w, 0.0);
	for (size_t i = 0; i < K; i++)
		w.reference[0][K + i] += i == 4 ? 9.0 : 0.0;
	measure(&w, REFS);
	for (size_t i = 0; i < K; i++)
		assert_near(w.residual[0][i], 0.0, 1e-12);
}

/* Noisy references widen the null, quiet ones narrow it; one says nothing. */
static void
test_spread(void **state)
{
	double shipped = null_spread("patch", NULL_SAME);
	double loud, quiet, home;
	struct world w;

	(void)state;
	fill(&w, 4 * shipped);
	loud = verdict_spread(&w.family[1], REFS, NULL_SAME);
	assert_near(verdict_spread(&w.family[1], 1, NULL_SAME),
	    shipped * sqrt(2.0), 1e-12);
	assert_true(
	    verdict_spread(&w.family[1], 2, NULL_SAME) > shipped * sqrt(1.5));
	fill(&w, shipped / 10);
	quiet = verdict_spread(&w.family[1], REFS, NULL_SAME);
	assert_true(quiet < shipped * sqrt(1.449));
	assert_true(loud > 1.5 * shipped * sqrt(1.449));
	/* home-grown ones: all of it is wider alike, what they show too */
	home = null_spread("patch", NULL_HOME);
	assert_true(home > shipped);
	assert_near(verdict_spread(&w.family[1], REFS, NULL_HOME),
	    quiet * home / shipped, 1e-12);
	/* another architecture's say nothing of the suspect's */
	assert_near(verdict_spread(&w.family[1], REFS, NULL_OTHER),
	    null_spread("patch", NULL_OTHER) * sqrt(1.449), 1e-12);
}

/* Ten times the cells of the same models are no more models: the shipped
 * spread counts for as much beside them. */
static void
test_cells(void **state)
{
	enum {
		MORE = 10 * K
	};
	static double reference[REFS * MORE];
	struct verdict_family f;
	struct world w;

	(void)state;
	fill(&w, 0.01);
	f = w.family[1];
	for (size_t i = 0; i < REFS * MORE; i++)
		reference[i] = f.reference[i / MORE * K + i % K];
	f.n = MORE;
	f.reference = reference;
	assert_near(verdict_spread(&f, REFS, NULL_SAME),
	    verdict_spread(&w.family[1], REFS, NULL_SAME), 1e-12);
}

static void
test_again(void **state)
{
	struct world w;
	double center;

	(void)state;
	fill(&w, 0.0);
	for (size_t i = 0; i < K; i++)
		w.suspect[0][i] += 1.0;
	verdict_residuals(&w.family[0], REFS, NULL);
	assert_near(w.family[0].center, 1.0, 1e-12);
	center = w.family[0].center;
	/* one cell measured again, the others not: about the first median */
	for (size_t i = 0; i < K; i++)
		w.suspect[0][i] = i == 3 ? 0.9 + 2.5 : (double)NAN;
	verdict_residuals(&w.family[0], REFS, &center);
	assert_near(w.residual[0][3], 1.5, 1e-12);
	assert_true(isnan(w.residual[0][4]));
}

/* With correlation r, z of (1, 0) beyond: 1 / sqrt(1 - r^2), and -r times it. */
static void
test_beyond(void **state)
{
	static const double cov[] = {4.0, 1.2, 1.2, 1.0}; /* r = 0.6 */
	double z[4], weight;

	(void)state;
	verdict_z(cov, 2, (double[]){2.0, 0.0}, z);
	assert_near(z[0], 1.0, 1e-12);
	assert_near(z[1], 0.0, 1e-12);
	assert_near(z[2], 1.25, 0.05); /* the ridge takes a little */
	assert_near(z[3], -0.75, 0.05);
	assert_near(verdict_joint(cov, 2, (double[]){2.0, 0.0},
			(bool[]){true, true}, &weight),
	    1.0 / sqrt(3.2), 1e-12);
	assert_near(weight, sqrt(3.2), 1e-12);
	assert_near(verdict_joint(cov, 2, (double[]){2.0, 9.0},
			(bool[]){true, false}, &weight),
	    1.0, 1e-12);
	assert_near(verdict_joint(cov, 2, (double[]){2.0, (double)NAN},
			(bool[]){true, true}, &weight),
	    1.0, 1e-12);
	assert_near(weight, 1.0, 1e-12);
	assert_true(isnan(verdict_joint(
	    cov, 2, (double[]){2.0, 9.0}, (bool[]){false, false}, &weight)));
	assert_near(verdict_both(2.0, 1.0, 1.0, 0.5), sqrt(3.0), 1e-12);
	assert_near(verdict_both(3.0, 1.0, 3.0, 0.0), sqrt(18.0), 1e-12);
	/* two that count twice, and one: 5 / sqrt(4 + 1 + 2) */
	assert_near(verdict_both(2.0, 2.0, 1.0, 0.5), 5.0 / sqrt(7.0), 1e-12);
	assert_true(isnan(verdict_both((double)NAN, 1.0, 1.0, 0.5)));
}

static void
test_chance(void **state)
{
	struct verdict_hypothesis h[K] = {0};
	struct verdict_input in;
	struct world w;

	(void)state;
	fill(&w, 0.1);
	measure(&w, REFS);
	reach(&w, h, 0.12, &in);
	assert_int_equal(in.verdict, VERDICT_INCONCLUSIVE);
}

static void
test_cauchy(void **state)
{
	(void)state;
	assert_near(verdict_cauchy((double[]){0.5, 0.5}, 2), 0.5, 1e-12);
	assert_near(verdict_cauchy((double[]){0.03, 0.03}, 2), 0.03, 1e-12);
	/* one tiny p among n counts n times */
	assert_near(verdict_cauchy((double[]){1e-12, 0.5, 0.5, 0.5}, 4) / 4e-12,
	    1.0, 1e-6);
	assert_near(
	    verdict_cauchy((double[]){(double)NAN, 0.2}, 2), 0.2, 1e-12);
	assert_true(isnan(verdict_cauchy((double[]){(double)NAN}, 1)));
	assert_true(verdict_cauchy((double[]){1e-300, 1e-300}, 2) > 0);
	/* what is harder by one statistic does not undo what another says */
	assert_near(
	    verdict_cauchy((double[]){1e-6, 1 - 1e-7}, 2) / 2e-6, 1.0, 1e-3);
}

/* z of a pair: 0, one alone; 1, a map; 2, all pairs of one target, and the
 * others as in a clean model. */
static double
pair_z(size_t round, size_t from, size_t to)
{
	bool next = (from + 1) % K == to;

	switch (round) {
	case 0:
		return from == 3 && to == 8 ? 9.0 : 0.0;
	case 1:
		return next ? 2.5 : 0.0;
	default:
		return to == 8 ? 9.0 : next ? 1.0 : 0.0;
	}
}

/* Pairs: one alone, a map of all classes that is in no single pair, and a
 * target that makes no map. */
static void
test_pairs(void **state)
{
	static double z[K * K], p[K * K];
	static struct verdict_hypothesis pairs[K * K];
	struct verdict_family pair = {
	    .name = "pair", .n = K * K, .z = z, .p = p};
	struct verdict_hypothesis h[K] = {0};
	size_t to[K];
	struct verdict_input in;
	struct world w;

	(void)state;
	fill(&w, 0.1);
	measure(&w, REFS);
	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < K * K; i++) {
			size_t from = i / K, into = i % K;

			z[i] = from == into ? (double)NAN
					    : pair_z(round, from, into);
			p[i] = verdict_p(z[i], null_freedom());
		}
		in = (struct verdict_input){.classes = K,
		    .family = w.family,
		    .nfamily = 2 * GEOS,
		    .pair = &pair,
		    .alpha = 0.001,
		    .accuracy = 0.9,
		    .class_ = h,
		    .pairs = pairs,
		    .to = to};
		verdict_combine(&in);
		verdict_reach(&in);
		assert_int_equal(in.verdict, VERDICT_EVIDENCE);
		assert_int_equal(pairs[3 * K + 8].target, round != 1);
		assert_int_equal(in.map.target, round == 1);
		for (size_t i = 0; round == 1 && i < K; i++)
			assert_int_equal(to[i], (i + 1) % K);
		assert_near(in.class_tests, K / 0.5, 1e-9);
	}
	/* without all pairs there is no map, whose share is the classes' */
	p[3 * K + 7] = (double)NAN;
	verdict_combine(&in);
	assert_true(isnan(in.map.p));
	assert_near(in.class_tests, K / 0.75, 1e-9);
	assert_near(in.pair_tests, (K * (K - 1) - 1) / 0.25, 1e-9);
}

/* What a patch and stamps say of the same pair adds up; of two pairs it does
 * not. */
static void
test_pair_both(void **state)
{
	static double z[2][K * K], p[2][K * K];
	static struct verdict_hypothesis pairs[K * K];
	struct verdict_family pair[2];
	struct verdict_hypothesis h[K] = {0};
	size_t to[K];
	struct verdict_input in;
	struct world w;

	(void)state;
	fill(&w, 0.1);
	measure(&w, REFS);
	for (size_t round = 0; round < 2; round++) {
		for (size_t i = 0; i < 2 * K * K; i++) {
			size_t f = i / (K * K), at = i % (K * K);
			size_t from = at / K, into = at % K;

			z[f][at] = from == into ? (double)NAN : 0.0;
			if (from == 3 && into == (f == 1 && round == 1 ? 4 : 8))
				z[f][at] = 4.5;
			p[f][at] = verdict_p(z[f][at], null_freedom());
		}
		for (size_t f = 0; f < 2; f++)
			pair[f] = (struct verdict_family){
			    .name = "pair", .n = K * K, .z = z[f], .p = p[f]};
		in = (struct verdict_input){.classes = K,
		    .family = w.family,
		    .nfamily = 2 * GEOS,
		    .pair = &pair[0],
		    .pair_stamp = &pair[1],
		    .alpha = 0.005,
		    .accuracy = 0.9,
		    .class_ = h,
		    .pairs = pairs,
		    .to = to};
		verdict_combine(&in);
		verdict_reach(&in);
		assert_int_equal(pairs[3 * K + 8].target, round == 0);
		assert_false(pairs[3 * K + 4].target);
	}
}

static void
test_assign(void **state)
{
	enum {
		N = 5
	};
	double cost[N * N], best = 1e9;
	size_t to[N], index[N];
	struct rng r;

	(void)state;
	rng_init(&r, 3, 1);
	for (size_t i = 0; i < N * N; i++)
		cost[i] = (double)rng_float(&r);
	/* all 5^5 functions that are permutations */
	for (size_t q = 0; q < 3125; q++) {
		size_t rest = q, seen = 0;
		double sum = 0.0;

		for (size_t i = 0; i < N; i++, rest /= N) {
			index[i] = rest % N;
			seen |= (size_t)1 << index[i];
			sum += cost[i * N + index[i]];
		}
		if (seen == 31 && sum < best)
			best = sum;
	}
	assert_near(assign_least(N, cost, to), best, 1e-12);
}

static void
test_student(void **state)
{
	(void)state;
	assert_near(student_tail(1.0, 1.0), 0.25, 1e-12); /* Cauchy */
	/* n = 2: 1/2 - t / (2 sqrt(2 + t^2)) */
	assert_near(student_tail(3.0, 2.0), 0.5 - 1.5 / sqrt(11.0), 1e-12);
	assert_near(student_tail(-3.0, 2.0), 0.5 + 1.5 / sqrt(11.0), 1e-12);
	/* tables: 2.015 at 5, 3.552 at 20 degrees and 0.001 */
	assert_near(student_tail(2.015048, 5.0), 0.05, 1e-6);
	assert_near(student_quantile(0.001, 20.0), 3.551808, 1e-5);
	assert_near(student_tail(2.0, 1e7), 0.0227501, 1e-6);
	assert_near(student_beta(2.0, 3.0, 0.5), 0.6875, 1e-12);
}

/* A worse model needs more. */
static void
test_hardly(void **state)
{
	(void)state;
	assert_false(verdict_hardly(4e-3, 5e-3, 0.84, 0.88));
	assert_true(verdict_hardly(4e-3, 5e-3, 0.82, 0.88));
	assert_true(verdict_hardly(3e-5, 5e-3, 0.82, 0.88));
	assert_false(verdict_hardly(1e-5, 5e-3, 0.82, 0.88));
	assert_true(verdict_hardly(1e-8, 5e-3, 0.73, 0.88));
	assert_false(verdict_hardly(4e-9, 5e-3, 0.73, 0.88));
	assert_false(verdict_hardly(4e-3, 5e-3, 0.95, 0.88));
}

/* Where no p is known the verdict is not that there is nothing. */
static void
test_nothing(void **state)
{
	struct verdict_hypothesis h[K] = {0};
	struct verdict_input in;
	struct world w;

	(void)state;
	fill(&w, 0.1);
	for (size_t i = 0; i < GEOS * K; i++)
		w.suspect[i / K][i % K] = (double)NAN;
	measure(&w, REFS);
	reach(&w, h, 0.9, &in);
	assert_int_equal(in.verdict, VERDICT_INCONCLUSIVE);
	assert_true(in.score <= 0.0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_clean),
	    cmocka_unit_test(test_target),
	    cmocka_unit_test(test_outlier),
	    cmocka_unit_test(test_spread),
	    cmocka_unit_test(test_cells),
	    cmocka_unit_test(test_again),
	    cmocka_unit_test(test_beyond),
	    cmocka_unit_test(test_chance),
	    cmocka_unit_test(test_cauchy),
	    cmocka_unit_test(test_pairs),
	    cmocka_unit_test(test_pair_both),
	    cmocka_unit_test(test_assign),
	    cmocka_unit_test(test_student),
	    cmocka_unit_test(test_nothing),
	    cmocka_unit_test(test_hardly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
