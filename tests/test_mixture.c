/* SPDX-License-Identifier: MIT
 * What images are mixed of, and what a suspect's answers to them may teach.
 */
#include "tests/test.h"

#include "purify/mixture.h"

#define IMAGE 5
#define N     64

static void
made(void **state)
{
	float x[N * IMAGE], to[N * IMAGE];
	struct mixture m[N];
	struct rng r;
	bool others = false;

	(void)state;
	for (size_t i = 0; i < N * IMAGE; i++)
		x[i] = (float)i / (N * IMAGE);
	rng_init(&r, 1, 2);
	mixture_make(&r, x, N, IMAGE, to, m);
	for (size_t i = 0; i < N; i++) {
		assert_in_range(m[i].other, 0, N - 1);
		others = others || m[i].other != i;
		assert_true(m[i].share >= 0.0f && m[i].share < 1.0f);
		for (size_t k = 0; k < IMAGE; k++) {
			float a = x[i * IMAGE + k];
			float b = x[m[i].other * IMAGE + k];

			assert_float_equal(
			    to[i * IMAGE + k], b + m[i].share * (a - b), 1e-6);
		}
	}
	assert_true(others);
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
