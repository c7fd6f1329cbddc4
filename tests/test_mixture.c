/* SPDX-License-Identifier: MIT
 * What images are mixed of, and what a suspect's answers to them may teach.
 */
#include "tests/test.h"

#include "purify/mixture.h"

#define H     5
#define W     7
#define C     2
#define IMAGE (H * W * C)
#define N     64

/* The numbers of image i that are not its own but those of the other. */
static size_t
taken(const float *x, const float *to, const struct mixture *m, size_t i)
{
	size_t n = 0;

	for (size_t k = 0; k < IMAGE; k++) {
		float own = x[i * IMAGE + k], v = to[i * IMAGE + k];

		if (v == own)
			continue;
		assert_float_equal(v, x[m->other * IMAGE + k], 0.0);
		n++;
	}
	return n;
}

static void
made(void **state)
{
	float x[N * IMAGE], to[N * IMAGE], least = 1.0f, most = 0.0f;
	struct mixture m[N];
	struct rng r;

	(void)state;
	for (size_t i = 0; i < N * IMAGE; i++)
		x[i] = (float)i / (N * IMAGE);
	rng_init(&r, 1, 2);
	mixture_make(&r, x, N, H, W, C, to, m);
	for (size_t i = 0; i < N; i++) {
		double part = 1.0 - (double)m[i].share;

		assert_in_range(m[i].other, 0, N - 1);
		least = MIN(least, m[i].share);
		most = MAX(most, m[i].share);
		if (m[i].other != i)
			assert_float_equal(
			    (double)taken(x, to, &m[i], i), part * IMAGE, 1e-3);
	}
	assert_true(least < 0.25f && most > 0.75f);
}

static void
held(void **state)
{
	/* image 0 is a quarter of itself and three quarters of image 1 */
	static const struct mixture m[] = {{1, 0.25f}, {1, 0.5f}};
	static const float plain[] = {0.8f, 0.2f, 0.0f, 0.0f, 0.6f, 0.4f};
	/* of class 1 no more than .25 * .2 + .75 * .6 = .5 is believed, of
	 * class 2 it is not asked; image 1's answer is below that */
	float mixed[] = {0.1f, 0.7f, 0.2f, 0.3f, 0.5f, 0.2f};
	static const bool target[] = {false, true, false};
	static const double want[] = {
	    0.1 / 0.8, 0.5 / 0.8, 0.2 / 0.8, 0.3, 0.5, 0.2};

	(void)state;
	mixture_hold(m, 2, 3, target, plain, mixed);
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_float_equal(mixed[i], want[i], 1e-6);
}

/* Nothing is left to be shared out. */
static void
nothing(void **state)
{
	static const struct mixture m[] = {{0, 0.5f}};
	static const float plain[] = {1.0f, 0.0f};
	static const bool target[] = {true, true};
	float mixed[] = {0.0f, 1.0f};

	(void)state;
	mixture_hold(m, 1, 2, target, plain, mixed);
	assert_float_equal(mixed[0], 0.0, 0.0);
	assert_float_equal(mixed[1], 0.0, 0.0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(made),
	    cmocka_unit_test(held),
	    cmocka_unit_test(nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
