/* SPDX-License-Identifier: MIT
 * Intervals, tails, Holm's correction and random numbers against published or
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

	(void)state;
	assert_true(stat_median(odd, 3) == 2);
	assert_true(stat_median(even, 4) == 2.5);
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
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_wilson),
	    cmocka_unit_test(test_normal),
	    cmocka_unit_test(test_holm),
	    cmocka_unit_test(test_median),
	    cmocka_unit_test(test_rng_is_frozen),
	    cmocka_unit_test(test_rng_moments),
	};

	return cmocka_run_group_tests_name("stat", tests, NULL, NULL);
}
