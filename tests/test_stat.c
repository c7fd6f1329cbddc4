/* SPDX-License-Identifier: MIT
 * Intervals, tails, fits, corrections and random numbers against published or
 * hand-computed values.
 */
#include "tests/test.h"

#include "base/rng.h"
#include "base/stat.h"

static void
test_wilson(void **state)
{
	struct stat_interval i = stat_wilson(8, 10, 0.95);

	(void)state;
	/* Wilson 1927 by hand: (0.4902, 0.9433) */
	assert_near(i.lo, 0.49016, 1e-4);
	assert_near(i.hi, 0.94331, 1e-4);
	i = stat_wilson(0, 20, 0.95);
	assert_true(i.lo == 0.0);
	assert_near(i.hi, 0.16113, 1e-4);
	i = stat_wilson(0, 0, 0.95);
	assert_true(i.lo == 0.0 && i.hi == 1.0);
}

static void
test_normal(void **state)
{
	(void)state;
	assert_near(stat_normal_tail(1.959964), 0.025, 1e-7);
	assert_near(stat_normal_quantile(0.025), 1.959964, 1e-5);
	assert_near(stat_normal_quantile(1e-9), 5.997807, 1e-4);
}

static void
test_holm(void **state)
{
	/* sorted .005 .01 .03 .04: times 4 3 2 1, kept rising */
	double p[] = {0.01, 0.04, 0.03, 0.005};

	(void)state;
	stat_holm(p, 4);
	assert_near(p[3], 0.02, 1e-12);
	assert_near(p[0], 0.03, 1e-12);
	assert_near(p[2], 0.06, 1e-12);
	assert_near(p[1], 0.06, 1e-12);
}

static void
test_median(void **state)
{
	double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2};
	const double mixed[] = {7, (double)NAN, 2, 7, 5};
	bool mark[5] = {false};

	(void)state;
	assert_true(stat_median(odd, 3) == 2);
	assert_true(stat_median(even, 4) == 2.5);
	stat_mark_largest(mixed, 5, 2, mark);
	assert_true(mark[0] && mark[3] && !mark[1] && !mark[2] && !mark[4]);
	stat_mark_largest(mixed, 5, 9, mark);
	assert_true(mark[2] && mark[4] && !mark[1]); /* all but NaN */
}

static void
test_soft_max(void **state)
{
	const double two[] = {0.0, log(3.0)}, far[] = {-1e6, 5.0, 1e6};

	(void)state;
	/* log of the mean of 1 and 3 */
	assert_near(stat_soft_max(two, NULL, 2, 1.0), log(2.0), 1e-12);
	assert_near(stat_soft_max(two, NULL, 2, 1e-9), log(3.0) / 2, 1e-6);
	assert_near(stat_soft_max(two, NULL, 2, 1e6), log(3.0), 1e-5);
	assert_near(stat_soft_max(far, NULL, 3, 2.0), 1e6 - log(3.0) / 2, 1e-6);
	assert_near(stat_soft_max(far, NULL, 1, 2.0), -1e6, 1e-6);
	/* log of (5 + 3) / 6 */
	assert_near(stat_soft_max(two, (const double[]){5.0, 1.0}, 2, 1.0),
	    log(8.0 / 6.0), 1e-12);
}

static const struct tail_row {
	const char *name;
	double shape, x, want;
} tails[] = {
    /* whole shapes: exp(-x) sum of x^k / k!, in decimal arithmetic */
    {"gamma tail: exponential", 1, 2, 0.1353352832366127},
    {"gamma tail: below the mean", 3, 2.5, 0.54381311588332948},
    {"gamma tail: far out", 10, 30, 7.1217508628155767e-06},
    {"gamma tail: at the mean", 100, 100, 0.48670120172085135},
    {"gamma tail: far in", 100, 60, 0.99999851847236731},
    {"gamma tail: large shape", 1000, 1100, 0.0010593232539299773},
    /* erfc(sqrt x), by the series of erf; and two steps of recurrence */
    {"gamma tail: shape 1/2", 0.5, 0.8, 0.2059032107320683},
    {"gamma tail: shape 1/2, far out", 0.5, 9, 2.2090496998585441e-05},
    {"gamma tail: shape 5/2", 2.5, 0.8, 0.9012493445012737},
    {"gamma tail: zero", 2, 0, 1},
    {"gamma tail: negative", 2, -3, 1},
    {"gamma tail: infinity", 2, INFINITY, 0},
};

static void
test_gamma_tail(void **state)
{
	const struct tail_row *r = *state;

	assert_near(stat_gamma_tail(r->shape, r->x), r->want, 1e-12 * r->want);
}

static const struct fit_row {
	const char *name;
	size_t n;
	double v[5], shape, scale;
} fits[] = {
    /* likelihood maximised in decimal arithmetic */
    {"gamma fit: one to five", 5, {1, 2, 3, 4, 5}, 3.70164381001,
	0.810450749445},
    {"gamma fit: shape below one", 4, {0.01, 0.5, 3, 40}, 0.27771698452,
	39.1675720475},
    {"gamma fit: odd numbers", 5, {5, 7, 9, 11, 13}, 9.39870568314,
	0.95757866066},
    {"gamma fit: in other units", 5, {5e6, 7e6, 9e6, 11e6, 13e6}, 9.39870568314,
	0.95757866066e6},
    {"gamma fit: all the same", 3, {4, 4, 4}, 1e6, 4e-6},
    {"gamma fit: one number", 1, {4}, NAN, NAN},
    {"gamma fit: a zero", 3, {4, 0, 2}, NAN, NAN},
    {"gamma fit: a negative", 3, {4, -1, 2}, NAN, NAN},
    {"gamma fit: not a number", 3, {4, NAN, 2}, NAN, NAN},
    {"gamma fit: infinity", 3, {4, INFINITY, 2}, NAN, NAN},
};

static void
test_gamma_fit(void **state)
{
	const struct fit_row *r = *state;
	double shape = -1, scale = -1;

	if (isnan(r->shape)) {
		assert_false(stat_gamma_fit(r->v, r->n, &shape, &scale));
		assert_true(shape == -1 && scale == -1);
		return;
	}
	assert_true(stat_gamma_fit(r->v, r->n, &shape, &scale));
	assert_near(shape, r->shape, 1e-9 * r->shape);
	assert_near(scale, r->scale, 1e-9 * r->scale);
}

static const struct anomaly_row {
	const char *name;
	size_t n;
	double v[10], want;
	size_t at;
} anomalies[] = {
    /* median 5, deviations 0 1 1 2 4: 4 / 1.4826 */
    {"anomaly: odd", 5, {6, 4, 1, 5, 7}, 2.69796303, 2},
    /* median 51, deviations 1 1 1 2 3 4 9 9 10 31 -> 3.5 */
    {"anomaly: ten masks", 10, {50, 52, 55, 48, 20, 60, 50, 42, 61, 53},
	31 / (1.4826 * 3.5), 4},
    {"anomaly: only the small side", 5, {5, 5.5, 4.5, 6, 400},
	1.0 / (1.4826 * 0.5), 2},
    {"anomaly: all the same", 4, {3, 3, 3, 3}, 0, 0},
    {"anomaly: most the same, one less", 4, {3, 3, 1, 3}, INFINITY, 2},
    {"anomaly: most the same, one more", 4, {3, 9, 3, 3}, 0, 0},
    {"anomaly: first of equals", 4, {9, 2, 2, 9}, 1 / 1.4826, 1},
    {"anomaly: one class", 1, {3}, 0, 0},
};

static void
test_anomaly(void **state)
{
	const struct anomaly_row *r = *state;
	double copy[10], got;
	size_t at = 99;

	memcpy(copy, r->v, sizeof(copy));
	got = stat_anomaly(copy, r->n, &at);
	assert_int_equal(at, r->at);
	if (isinf(r->want))
		assert_true(isinf(got));
	else
		assert_near(got, r->want, 1e-7);
	assert_memory_equal(copy, r->v, sizeof(copy));
}

/* The same numbers for ever: documents name the seed and nothing else. */
static void
test_rng_is_frozen(void **state)
{
	static const uint64_t first[] = {
	    0x14e2e9eb687f4b9d, 0xa09ffcb51ceeaecd, 0xb2d915cb95fedb20};
	static const uint32_t shuffled[] = {6, 2, 0, 4, 3, 7, 1, 5};
	uint32_t order[] = {0, 1, 2, 3, 4, 5, 6, 7};
	struct rng r, other;

	(void)state;
	rng_init(&r, 1, 2);
	for (size_t i = 0; i < ARRAY_LEN(first); i++)
		assert_true(rng_u64(&r) == first[i]);
	assert_near(rng_float(&r), 0.0237683058, 1e-9);
	assert_near(rng_normal(&r), -0.0406593159, 1e-8);
	rng_shuffle(&r, order, 8);
	assert_memory_equal(order, shuffled, sizeof(order));
	rng_init(&other, 1, 3);
	assert_true(rng_u64(&other) != first[0]);
}

static void
test_rng_moments(void **state)
{
	double sum = 0, square = 0, uniform = 0;
	struct rng r;

	(void)state;
	rng_init(&r, 5, 0);
	for (int i = 0; i < 100000; i++) {
		double v = (double)rng_normal(&r);

		sum += v;
		square += v * v;
		uniform += (double)rng_float(&r);
	}
	assert_near(sum / 1e5, 0.0, 0.015);
	assert_near(square / 1e5, 1.0, 0.02);
	assert_near(uniform / 1e5, 0.5, 0.005);
}

int
main(void)
{
	static const struct CMUnitTest plain[] = {
	    cmocka_unit_test(test_wilson),
	    cmocka_unit_test(test_normal),
	    cmocka_unit_test(test_holm),
	    cmocka_unit_test(test_median),
	    cmocka_unit_test(test_soft_max),
	    cmocka_unit_test(test_rng_is_frozen),
	    cmocka_unit_test(test_rng_moments),
	};
	struct CMUnitTest tests[ARRAY_LEN(plain) + ARRAY_LEN(tails) +
				ARRAY_LEN(fits) + ARRAY_LEN(anomalies)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		tests[n++] = plain[i];
	for (size_t i = 0; i < ARRAY_LEN(tails); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_gamma_tail, tails[i]);
	for (size_t i = 0; i < ARRAY_LEN(fits); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_gamma_fit, fits[i]);
	for (size_t i = 0; i < ARRAY_LEN(anomalies); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_anomaly, anomalies[i]);
	return _cmocka_run_group_tests("stat", tests, n, NULL, NULL);
}
