/* SPDX-License-Identifier: MIT
 * What is not known of a reference is not taken for what does not differ.
 */
#include "tests/test.h"

#include "audit/verdict.h"

#define K    10
#define REFS 2
#define GEOS 2

/* A geometry in which one of two references was blind: no two of them say how
 * much models differ in it, which is not that they do not; and what is left is
 * one reference, not the median of two. */
static void
test_spread(void **state)
{
	static double reference[GEOS][REFS * K];
	double own = null_spread("linf", NULL_SAME), cov[GEOS * GEOS];
	struct verdict_family f[GEOS] = {
	    {.name = "linf", .n = K, .reference = reference[0]},
	    {.name = "patch", .n = K, .reference = reference[1]}};

	(void)state;
	for (size_t i = 0; i < K; i++)
		reference[0][i] = (double)NAN;
	assert_near(
	    verdict_spread(&f[0], REFS, NULL_SAME), own * sqrt(2.0), 1e-12);
	/* of .15, the least that references scale it by */
	verdict_covariance(f, GEOS, REFS, NULL_SAME, cov);
	assert_near(cov[0], 0.15 * 2.0 * own * own, 1e-12);
}

/* A pair whose patch was not measured is told by its stamps. */
static void
test_pair(void **state)
{
	static double z[2][K * K], p[2][K * K];
	static struct verdict_hypothesis h[K], pairs[K * K];
	struct verdict_family pair[2];
	struct verdict_input in = {.classes = K,
	    .pair = &pair[0],
	    .pair_stamp = &pair[1],
	    .class_ = h,
	    .pairs = pairs};

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		for (size_t i = 0; i < K * K; i++) {
			z[f][i] = f == 0 ? (double)NAN : 4.5;
			p[f][i] = verdict_p(z[f][i], null_freedom());
		}
		pair[f] =
		    (struct verdict_family){.n = K * K, .z = z[f], .p = p[f]};
	}
	verdict_combine(&in);
	assert_near(pairs[1].p, p[1][1], 1e-12);
	assert_int_equal(pairs[1].family, VERDICT_PAIR_STAMP);
	p[0][1] = p[1][1] / 2;
	p[0][2] = 0.5;
	p[1][3] = (double)NAN;
	p[0][3] = 0.5;
	verdict_combine(&in);
	assert_int_equal(pairs[1].family, VERDICT_PAIR_PATCH);
	assert_int_equal(pairs[2].family, VERDICT_PAIR_STAMP);
	assert_int_equal(pairs[3].family, VERDICT_PAIR_PATCH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_spread),
	    cmocka_unit_test(test_pair),
	};

	return cmocka_run_group_tests_name("verdict_blind", tests, NULL, NULL);
}
