/* SPDX-License-Identifier: MIT
 * How widely residuals of a suspect lie, on numbers made by hand.
 */
#include "tests/test.h"

#include "audit/verdict_spread.h"
#include "base/rng.h"

#include <math.h>

#define K    10
#define MANY 2000 /* cells */

/* Only what is harder than expected widens, and never below what is known. */
static void
test_unlike(void **state)
{
	const double calm[] = {-0.1, 0.2, 0.0, -0.2, (double)NAN, 0.1};
	const double target[] = {-0.1, 9.0, 0.0, -0.2, (double)NAN, 0.1};
	const double apart[] = {-3.0, 3.0, 0.0, -1.0, 1.0, 0.5};

	(void)state;
	assert_near(verdict_unlike(calm, 6, 0.2), 1.0, 1e-12);
	assert_near(verdict_unlike(target, 6, 0.2), 1.0, 1e-12);
	/* (5 + 9 + 1) / (5 + 2) */
	assert_near(verdict_unlike(apart, 6, 1.0), sqrt(15.0 / 7.0), 1e-12);
	assert_near(verdict_unlike(apart, 6, 0.5), sqrt(45.0 / 7.0), 1e-12);
}

/* What all of a row or column has is the class's, what one pair has its own. */
static void
test_expected(void **state)
{
	double r[36], out[36], few[25] = {0};

	(void)state;
	for (size_t i = 0; i < 36; i++)
		r[i] = i / 6 == i % 6 ? (double)NAN : 0.0;
	r[1 * 6 + 2] = 9.0;
	assert_true(verdict_expected(r, 6, 1.0, out));
	for (size_t i = 0; i < 36; i++)
		assert_near(out[i], 0.0, 1e-12);
	/* from 1 all are easy, by more than chance; to 0 they are hard */
	for (size_t t = 0; t < 6; t++)
		r[1 * 6 + t] += 2.0;
	for (size_t s = 1; s < 6; s++)
		r[s * 6] -= 4.0;
	assert_true(verdict_expected(r, 6, 1.0, out));
	assert_near(out[1 * 6 + 2], 1.25, 1e-12);
	assert_near(out[1 * 6 + 0], 1.25, 1e-12);
	assert_near(out[2 * 6 + 3], 0.0, 1e-12);
	assert_near(out[7], 0.0, 1e-12); /* the diagonal */
	assert_true(verdict_expected(r, 6, 3.0, out));
	assert_near(out[1 * 6 + 2], 0.0, 1e-12);
	/* two pairs of a row are no row; five classes are too few */
	for (size_t t = 3; t < 6; t++)
		r[1 * 6 + t] = (double)NAN;
	assert_true(verdict_expected(r, 6, 1.0, out));
	assert_near(out[1 * 6 + 2], 0.0, 1e-12);
	assert_false(verdict_expected(few, 5, 1.0, out));
}

/* Where references differ more than elsewhere a cell is wider, and none narrower. */
static void
test_widths(void **state)
{
	double refs[4 * 5] = {0}, width[5];
	struct verdict_family f = {
	    .name = "grating", .n = 5, .reference = refs, .width = width};

	(void)state;
	assert_near(verdict_width(&(struct verdict_family){.n = 1}, 0), 1.0, 0);
	refs[0 * 5 + 4] = -1.0;
	refs[2 * 5 + 4] = 1.0;
	for (size_t r = 0; r < 3;
	     r++) /* of what all cells of one have nothing stays */
		for (size_t i = 0; i < 5; i++)
			refs[r * 5 + i] += 7.0 * (double)r;
	verdict_widths(&f, 3, NULL_SAME);
	for (size_t i = 0; i < 4; i++)
		assert_near(verdict_width(&f, i), 1.0, 1e-12);
	/* variance 1, the mean of five .2: (4 + 2 * 5) / 6 */
	assert_near(verdict_width(&f, 4), sqrt(14.0 / 6.0), 1e-12);
	verdict_widths(&f, 3, NULL_HOME);
	assert_near(verdict_width(&f, 4), sqrt(14.0 / 6.0), 1e-12);
	verdict_widths(&f, 3, NULL_OTHER);
	assert_near(verdict_width(&f, 4), 1.0, 1e-12);
	verdict_widths(&f, 2, NULL_SAME);
	assert_near(verdict_width(&f, 4), 1.0, 1e-12);
	/* one more, blind in that cell, makes another as wide: 1 of a mean of .4 */
	refs[3 * 5 + 4] = (double)NAN;
	for (size_t i = 0; i < 4; i++)
		refs[3 * 5 + i] = i == 3 ? 2.0 : 0.0;
	verdict_widths(&f, 4, NULL_SAME);
	assert_near(verdict_width(&f, 3), sqrt((4 + 3 * 2.5) / 7), 1e-12);
	assert_near(verdict_width(&f, 4), sqrt((4 + 2 * 2.5) / 6), 1e-12);
}

/* Nothing is known of a cell that two references of three have. */
static void
test_widths_unknown(void **state)
{
	double refs[3 * 4] = {
	    0.0, 1.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, (double)NAN, 0.0, 0.0};
	double width[4];
	struct verdict_family f = {
	    .name = "patch", .n = 4, .reference = refs, .width = width};

	(void)state;
	verdict_widths(&f, 3, NULL_SAME);
	for (size_t i = 0; i < 4; i++)
		assert_near(width[i], 1.0, 1e-12);
	for (size_t i = 0; i < 12; i++) /* all the same: no mean to go by */
		refs[i] = 1.0;
	verdict_widths(&f, 3, NULL_SAME);
	for (size_t i = 0; i < 4; i++)
		assert_near(width[i], 1.0, 1e-12);
}

/* Many cells narrow a spread as well; a tenth of them may be anything. */
static void
test_own(void **state)
{
	double v[40], width = 0.0;

	(void)state;
	for (size_t i = 0; i < 40; i++)
		v[i] = (double)i / 39.0 - 0.5; /* rms of the lower half: .293 */
	assert_false(verdict_own(v, 19, 1.0, &width));
	assert_true(verdict_own(v, 40, 1.0, &width));
	/* the upper half's highest but four: .397 / 1.2816 */
	assert_near(width, sqrt((2 + 20 * .3100 * .3100) / 22), 1e-3);
	for (size_t i = 37; i < 40; i++)
		v[i] = 99.0;
	v[36] = (double)NAN;
	assert_true(verdict_own(v, 40, 1.0, &width));
	assert_true(width < 0.45);
	/* one that lies wider on either side */
	for (size_t i = 0; i < 20; i++)
		v[i] *= 10;
	assert_true(verdict_own(v, 40, 1.0, &width));
	assert_true(width > 2.5);
	for (size_t i = 0; i < 40; i++)
		v[i] = i < 20 ? -0.1 : i < 30 ? 0.1 : 4.0;
	assert_true(verdict_own(v, 40, 1.0, &width));
	assert_near(width, sqrt((2 + 20 * 16 / 1.2816 / 1.2816) / 22), 1e-9);
	assert_near(verdict_freedom(v, 40), null_freedom() + 20, 1e-12);
	assert_near(verdict_freedom(v, 19), null_freedom(), 1e-12);
}

/*
 * Of two cells each residual is half of the difference, of either sign: the
 * smaller one tells nothing of the suspect, and the variance is half of one's.
 */
static void
test_two_cells(void **state)
{
	double suspect[K] = {0}, reference[K] = {0}, residual[K];
	const double mirrored[] = {9.0, -9.0};
	struct verdict_family f = {.name = "patch",
	    .suspect = suspect,
	    .reference = reference,
	    .residual = residual,
	    .n = K};
	double many = verdict_spread(&f, 1, NULL_SAME), cov;

	(void)state;
	f.n = 2;
	assert_near(verdict_spread(&f, 1, NULL_SAME), many / sqrt(2.0), 1e-12);
	verdict_covariance(&f, 1, 1, NULL_SAME, &cov);
	assert_near(cov, many * many / 2, 1e-12);
	assert_near(verdict_unlike(mirrored, 2, 0.1), 1.0, 1e-12);
	suspect[1] = 2.0;
	verdict_residuals(&f, 1, NULL);
	assert_near(residual[1], 1.0, 1e-12);
	assert_near(residual[0], -1.0, 1e-12);
}

/* What references show of two cells is measured by the same half. */
static void
test_two_cells_seen(void **state)
{
	static double reference[3 * MANY];
	double sum = 0.0, all, own = null_spread("patch", NULL_SAME);
	struct verdict_family f = {
	    .name = "patch", .reference = reference, .n = MANY};
	struct rng r;

	(void)state;
	rng_init(&r, 5, 5);
	for (size_t i = 0; i < ARRAY_LEN(reference); i++)
		reference[i] = own * (double)rng_normal(&r);
	all = verdict_spread(&f, 3, NULL_SAME);
	for (size_t i = 0; i < MANY; i += 2) {
		double pair[6], v;

		for (size_t k = 0; k < 6; k++)
			pair[k] = reference[k / 2 * MANY + i + k % 2];
		f.n = 2;
		f.reference = pair;
		v = verdict_spread(&f, 3, NULL_SAME);
		sum += v * v / (MANY / 2);
	}
	assert_true(sum > 0.9 * all * all / 2);
	assert_true(sum < 1.1 * all * all / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unlike),
	    cmocka_unit_test(test_expected),
	    cmocka_unit_test(test_widths),
	    cmocka_unit_test(test_widths_unknown),
	    cmocka_unit_test(test_own),
	    cmocka_unit_test(test_two_cells),
	    cmocka_unit_test(test_two_cells_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
