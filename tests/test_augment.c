/* SPDX-License-Identifier: MIT
 * engine/augment.c against the plainest definition of each change.
 */
#include "engine/augment.h"
#include "tests/test.h"

#define H 5
#define W 7
#define C 2
#define N (H * W * C)

static void
fill(float *x)
{
	for (size_t i = 0; i < N; i++)
		x[i] = (float)i;
}

/* Whether y is x moved by dy, dx. */
static bool
is_moved(const float *x, const float *y, long dy, long dx)
{
	for (long i = 0; i < H; i++)
		for (long j = 0; j < W; j++)
			for (size_t k = 0; k < C; k++) {
				long p = MIN(MAX(i + dy, 0), H - 1);
				long q = MIN(MAX(j + dx, 0), W - 1);
				size_t from = (size_t)(p * W + q) * C + k;
				size_t to = (size_t)(i * W + j) * C + k;

				/* the very number was copied */
				if (y[to] > x[from] || y[to] < x[from])
					return false;
			}
	return true;
}

static void
test_shift(void **state)
{
	const struct augment a = {.h = H, .w = W, .c = C, .shift = 2};
	bool seen[5][5] = {{false}};
	float x[N], y[N];
	size_t kinds = 0;

	(void)state;
	fill(x);
	for (uint64_t draw = 0; draw < 500; draw++) {
		size_t match = 0;

		fill(y);
		augment_image(&a, draw, y);
		for (long dy = -2; dy <= 2; dy++)
			for (long dx = -2; dx <= 2; dx++)
				if (is_moved(x, y, dy, dx)) {
					seen[dy + 2][dx + 2] = true;
					match++;
				}
		assert_int_equal(match, 1);
	}
	for (size_t i = 0; i < 25; i++)
		kinds += seen[i / 5][i % 5];
	assert_int_equal(kinds, 25);
}

/* An image that is narrower than the shift is wide. */
static void
test_shift_narrow(void **state)
{
	const struct augment a = {.h = 1, .w = 3, .c = 1, .shift = 9};
	float x[3];

	(void)state;
	for (uint64_t draw = 0; draw < 50; draw++) {
		for (size_t i = 0; i < 3; i++)
			x[i] = (float)i;
		augment_image(&a, draw, x);
		assert_true(x[0] <= x[1] && x[1] <= x[2]);
	}
}

static void
test_flip(void **state)
{
	const struct augment a = {.h = H, .w = W, .c = C, .flip = true};
	float x[N], y[N];
	size_t flipped = 0;

	(void)state;
	fill(x);
	for (uint64_t draw = 0; draw < 100; draw++) {
		fill(y);
		augment_image(&a, draw, y);
		if (memcmp(x, y, sizeof(x)) == 0)
			continue;
		flipped++;
		for (size_t i = 0; i < H * W; i++)
			assert_memory_equal(y + i * C,
			    x + (i / W * W + W - 1 - i % W) * C,
			    C * sizeof(*x));
	}
	assert_in_range(flipped, 30, 70);
}

/* What is cut out is one grey in a rectangle no larger than the square. */
static void
test_cutout(void **state)
{
	const struct augment a = {.h = H, .w = W, .c = C, .cutout = 3};
	float y[N];
	size_t most = 0;

	(void)state;
	for (uint64_t draw = 0; draw < 200; draw++) {
		size_t cut = 0;
		float grey = -1.0f;

		fill(y);
		y[0] = 1e6f; /* 0 may be a grey */
		augment_image(&a, draw, y);
		for (size_t i = 0; i < N; i++) {
			if (y[i] >= 1.0f)
				continue;
			grey = cut == 0 ? y[i] : grey;
			assert_memory_equal(&grey, &y[i], sizeof(grey));
			cut++;
		}
		assert_true(cut >= 1 && cut <= 3 * 3 * C);
		most = MAX(most, cut);
	}
	assert_int_equal(most, 3 * 3 * C);
}

/* The same draw, the same change. */
static void
test_again(void **state)
{
	const struct augment a = {
	    .h = H, .w = W, .c = C, .shift = 2, .flip = true, .cutout = 2};
	float x[N], y[N];

	(void)state;
	for (uint64_t draw = 0; draw < 50; draw++) {
		fill(x);
		fill(y);
		augment_image(&a, draw, x);
		augment_image(&a, draw, y);
		assert_memory_equal(x, y, sizeof(x));
	}
}

static void
test_none(void **state)
{
	const struct augment a = {.h = H, .w = W, .c = C};
	float x[N], y[N];

	(void)state;
	fill(x);
	fill(y);
	augment_image(&a, 7, y);
	assert_memory_equal(x, y, sizeof(x));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shift),
	    cmocka_unit_test(test_shift_narrow),
	    cmocka_unit_test(test_flip),
	    cmocka_unit_test(test_cutout),
	    cmocka_unit_test(test_again),
	    cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests_name("augment", tests, NULL, NULL);
}
