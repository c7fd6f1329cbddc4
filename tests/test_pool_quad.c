/* SPDX-License-Identifier: MIT
 * Pooling of two by two pixels against plain loops, bit by bit: ties, NaN and
 * infinities at every tap, strides that overlap or leave gaps, dilations,
 * channels that fill no vector.
 */
#include "tests/test.h"

#include "base/rng.h"
#include "engine/pool_quad.h"

#include <math.h>

#define MOST 4096

static const struct row {
	const char *name;
	size_t channels;
	struct window_fit f;
} rows[] = {
    {"side by side", 16, {.in = {1, 6, 8}, .stride = {1, 2, 2}}},
    {"odd sides, one channel", 1, {.in = {1, 7, 5}, .stride = {1, 2, 2}}},
    {"overlapping", 19, {.in = {1, 5, 4}, .stride = {1, 1, 1}}},
    {"gaps", 8, {.in = {1, 9, 11}, .stride = {1, 3, 4}}},
    {"dilated", 33,
	{.in = {1, 7, 9}, .stride = {1, 2, 1}, .dilation = {1, 3, 2}}},
    {"one window", 5, {.in = {1, 2, 2}, .stride = {1, 1, 1}}},
    {"planes", 3, {.in = {5, 4, 6}, .stride = {2, 2, 2}}},
};

static struct window_fit
bind(const struct row *r)
{
	struct window_fit f = r->f;

	f.inputs = f.pixels = 1;
	f.taps = 4;
	for (size_t i = 0; i < WINDOW_AXES; i++) {
		f.size[i] = i == 0 ? 1 : 2;
		f.dilation[i] = MAX(f.dilation[i], 1);
		f.out[i] = (f.in[i] - 1 - (f.size[i] - 1) * f.dilation[i]) /
			       f.stride[i] +
			   1;
		f.inputs *= f.in[i];
		f.pixels *= f.out[i];
	}
	assert_true(f.inputs * r->channels <= MOST);
	return f;
}

/* Tap t of window o. */
static size_t
pixel_of(const struct window_fit *f, size_t o, size_t t)
{
	size_t x = o % f->out[2] * f->stride[2] + t % 2 * f->dilation[2];
	size_t y = o / f->out[2] % f->out[1] * f->stride[1];
	size_t z = o / f->out[2] / f->out[1] * f->stride[0];

	return (z * f->in[1] + y + t / 2 * f->dilation[1]) * f->in[2] + x;
}

/* Few values, so that many are equal. */
static void
draw(float *p, size_t n, uint64_t stream)
{
	const float v[] = {
	    -1.0f, -0.0f, 0.0f, 0.25f, 0.5f, 1.0f, NAN, INFINITY, -INFINITY};
	struct rng r;

	rng_init(&r, 11, stream);
	for (size_t i = 0; i < n; i++)
		p[i] = v[rng_below(&r, ARRAY_LEN(v))];
}

static float x[MOST], y[MOST], want_y[MOST], dy[MOST], dx[MOST], want_dx[MOST];
static uint32_t at[MOST], want_at[MOST];

static void
test_forward(void **state)
{
	const struct row *r = *state;
	struct window_fit f = bind(r);
	size_t n = r->channels;

	assert_true(pool_quad_fits(&f));
	draw(x, f.inputs * n, 1);
	for (size_t i = 0; i < f.pixels * n; i++) {
		float most = 0.0f;
		size_t best = 0;

		for (size_t t = 0; t < 4; t++) {
			size_t p = pixel_of(&f, i / n, t);
			float v = x[p * n + i % n];

			if (t > 0 && (v <= most || isnan(most)))
				continue;
			most = v;
			best = p;
		}
		want_y[i] = most;
		want_at[i] = (uint32_t)best;
	}
	pool_quad_forward(&f, n, x, y, at);
	assert_memory_equal(y, want_y, f.pixels * n * sizeof(*y));
	assert_memory_equal(at, want_at, f.pixels * n * sizeof(*at));
}

static void
test_backward(void **state)
{
	const struct row *r = *state;
	struct window_fit f = bind(r);
	size_t n = r->channels;

	draw(x, f.inputs * n, 2);
	draw(dy, f.pixels * n, 3);
	draw(dx, f.inputs * n, 4);
	memcpy(want_dx, dx, sizeof(dx));
	pool_quad_forward(&f, n, x, y, at);
	for (size_t i = 0; i < f.pixels * n; i++)
		want_dx[at[i] * n + i % n] += dy[i];
	pool_quad_backward(&f, n, dy, at, dx);
	for (size_t i = 0; i < f.inputs * n; i++)
		if (!isnan(want_dx[i]) || !isnan(dx[i]))
			assert_memory_equal(&dx[i], &want_dx[i], sizeof(*dx));
}

static void
test_others(void **state)
{
	struct window_fit f = bind(&rows[0]), g;

	(void)state;
	g = f;
	g.pad[2] = 1;
	assert_false(pool_quad_fits(&g));
	g = f;
	g.size[1] = 3;
	assert_false(pool_quad_fits(&g));
	g = f;
	g.out[1]++; /* as in ceil mode: beyond the edge */
	assert_false(pool_quad_fits(&g));
	g = f;
	g.size[0] = 2;
	assert_false(pool_quad_fits(&g));
}

int
main(void)
{
	static struct CMUnitTest tests[2 * ARRAY_LEN(rows) + 1];
	static char name[ARRAY_LEN(tests)][64];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t k = 0; k < 2; k++, n++) {
			snprintf(name[n], sizeof(name[n]), "%s: %s",
			    rows[i].name, k == 0 ? "maxima" : "gradient");
			tests[n] = (struct CMUnitTest){name[n],
			    k == 0 ? test_forward : test_backward, NULL, NULL,
			    (void *)(uintptr_t)&rows[i]};
		}
	tests[n] = (struct CMUnitTest)cmocka_unit_test(test_others);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
