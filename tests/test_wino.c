/* SPDX-License-Identifier: MIT
 * The Winograd kernels against plain loops in double, on odd sizes, uneven
 * pads and channels that fill no vector.
 */
#include "tests/test.h"

#include "base/arena.h"
#include "base/rng.h"
#include "engine/wino.h"

/* Floats on each side of a buffer that no kernel may write. */
#if defined(__SANITIZE_ADDRESS__)
static const size_t guard = 0; /* the sanitizer sees reads as well */
#else
static const size_t guard = 64;
#endif

static const struct row {
	const char *name;
	size_t n;
	struct wino g;
} rows[] = {
    {"4x4, whole vectors", 1, {4, 4, 16, 16, 1, 1, 1, 1}},
    {"one pixel", 2, {1, 1, 1, 1, 1, 1, 1, 1}},
    {"no pads", 1, {3, 3, 5, 7, 0, 0, 0, 0}},
    {"full pads", 3, {2, 5, 17, 33, 2, 2, 2, 2}},
    {"uneven pads", 2, {7, 10, 20, 19, 0, 1, 2, 0}},
    {"uneven pads, the other way", 2, {9, 6, 31, 48, 2, 0, 1, 2}},
    {"one row", 4, {1, 19, 16, 32, 2, 1, 0, 1}},
    {"half a vector", 3, {9, 10, 8, 8, 1, 1, 1, 1}},
    {"one and a half", 2, {5, 13, 24, 8, 0, 2, 1, 1}},
    {"three channels", 5, {11, 13, 3, 16, 1, 1, 1, 1}},
    {"3 of 64", 5, {7, 7, 64, 3, 1, 1, 1, 1}},
    {"panel and a half", 1, {8, 8, 48, 80, 1, 1, 1, 1}},
    {"many chunks", 3, {33, 30, 40, 24, 1, 1, 1, 1}},
    {"sums in blocks", 2, {5, 6, 130, 135, 1, 1, 1, 1}},
    {"sums in blocks, tails", 5, {14, 14, 150, 113, 1, 0, 1, 2}},
    {"deep", 2, {4, 4, 257, 260, 1, 1, 1, 1}},
};

/* --- buffers -------------------------------------------------------------- */

struct world {
	struct arena a;
	const struct row *r;
	struct wino g;
	size_t n, p, q, nx, ny, nw;
	float *x, *y, *add, *w, *bias, *u, *udata, *scratch;
	struct {
		float *p;
		size_t n;
	} guarded[40];
	size_t count;
};

#define SENTINEL 1234.5f

/* n floats with guards, all SENTINEL, in a heap block of their own. */
static float *
floats(struct world *w, size_t n)
{
	float *p = malloc((n + 2 * guard) * sizeof(*p));

	assert_non_null(p);
	for (size_t i = 0; i < n + 2 * guard; i++)
		p[i] = SENTINEL;
	assert_true(w->count < ARRAY_LEN(w->guarded));
	w->guarded[w->count].p = p;
	w->guarded[w->count++].n = n;
	return p + guard;
}

static float *
noise(struct world *w, size_t n, uint64_t stream)
{
	float *p = floats(w, n);
	struct rng r;

	rng_init(&r, 7, stream);
	for (size_t i = 0; i < n; i++)
		p[i] = rng_float(&r) - 0.5f;
	return p;
}

static void
world_open(struct world *w, const struct row *r)
{
	const struct wino *g = &r->g;

	*w = (struct world){.r = r, .g = *g, .n = r->n};
	arena_init(&w->a, (size_t)1 << 30);
	w->p = g->h + g->top + g->bottom - 2;
	w->q = g->w + g->left + g->right - 2;
	w->nx = r->n * g->h * g->w * g->c;
	w->ny = r->n * w->p * w->q * g->k;
	w->nw = g->k * 9 * g->c;
	w->x = noise(w, w->nx, 1);
	w->y = noise(w, w->ny, 2);
	w->add = noise(w, w->ny, 3);
	w->w = noise(w, w->nw, 4);
	w->bias = noise(w, g->k, 5);
	w->u = floats(w, wino_forward_size(g));
	w->udata = floats(w, wino_data_size(g));
	w->scratch = floats(w, wino_scratch(g, r->n));
	wino_forward_weights(g, w->w, w->u);
	wino_data_weights(g, w->w, w->udata);
}

static void
world_close(struct world *w)
{
	for (size_t i = 0; i < w->count; i++) {
		float *p = w->guarded[i].p;
		size_t n = w->guarded[i].n;

		for (size_t j = 0; j < guard; j++)
			if (p[j] < SENTINEL || p[j] > SENTINEL ||
			    p[guard + n + j] < SENTINEL ||
			    p[guard + n + j] > SENTINEL)
				fail_msg("buffer %zu: written outside", i);
		free(w->guarded[i].p);
	}
	arena_release(&w->a);
}

/* --- references ----------------------------------------------------------- */

/*
 * Calls for every product of an input pixel and a tap the three sums it is
 * part of; NULL for those not wanted.
 */
static void
direct(const struct world *w, const float *x, const float *dy, double *y,
    double *dx, double *dw)
{
	const struct wino *g = &w->g;

	for (size_t i = 0; i < w->n * w->p * w->q * 9; i++) {
		size_t s = i % 3, r = i / 3 % 3, q = i / 9 % w->q;
		size_t p = i / 9 / w->q % w->p, n = i / 9 / w->q / w->p;
		size_t h = p + r - g->top, v = q + s - g->left;
		size_t in = ((n * g->h + h) * g->w + v) * g->c;
		size_t out = ((n * w->p + p) * w->q + q) * g->k;

		if (p + r < g->top || q + s < g->left || h >= g->h || v >= g->w)
			continue;
		for (size_t k = 0; k < g->k; k++)
			for (size_t c = 0; c < g->c; c++) {
				size_t t = (k * 9 + r * 3 + s) * g->c + c;

				if (y != NULL)
					y[out + k] +=
					    (double)x[in + c] * (double)w->w[t];
				if (dx != NULL)
					dx[in + c] += (double)dy[out + k] *
						      (double)w->w[t];
				if (dw != NULL)
					dw[t] += (double)dy[out + k] *
						 (double)x[in + c];
			}
	}
}

static double *
doubles(struct world *w, size_t n)
{
	double *p = arena_alloc(&w->a, n + 1, sizeof(*p));

	assert_non_null(p);
	return p;
}

/* Within 1e-5 of the largest. */
static void
assert_same(const char *what, const float *got, const double *want, size_t n)
{
	double most = 0.0, worst = 0.0;

	for (size_t i = 0; i < n; i++) {
		double d = fabs((double)got[i] - want[i]);

		most = fmax(most, fabs(want[i]));
		worst = isnan(d) ? (double)INFINITY : fmax(worst, d);
	}
	if (getenv("WINO_ERRORS") != NULL)
		print_message("%s: %.2g\n", what, worst / most);
	if (!(worst <= 1e-5 * most))
		fail_msg("%s: off by %g of %g", what, worst, most);
}

static const struct wino_epilogue plain;

/* --- tests ---------------------------------------------------------------- */

static void
test_forward(void **state)
{
	struct world w;
	double *want;
	float *y;

	world_open(&w, *state);
	want = doubles(&w, w.ny);
	y = floats(&w, w.ny);
	direct(&w, w.x, NULL, want, NULL, NULL);
	wino_forward(&w.g, w.n, w.x, w.u, &plain, y, w.scratch);
	assert_same("forward", y, want, w.ny);
	for (size_t i = 0; i < w.ny; i++)
		want[i] += (double)w.bias[i % w.g.k];
	wino_forward(&w.g, w.n, w.x, w.u,
	    &(struct wino_epilogue){.bias = w.bias}, y, w.scratch);
	assert_same("bias", y, want, w.ny);
	for (size_t i = 0; i < w.ny; i++)
		want[i] += (double)w.add[i];
	wino_forward(&w.g, w.n, w.x, w.u,
	    &(struct wino_epilogue){.bias = w.bias, .add = w.add}, y,
	    w.scratch);
	assert_same("add", y, want, w.ny);
	for (size_t i = 0; i < w.ny; i++)
		want[i] = fmax(want[i], 0.0);
	memcpy(y, w.add, w.ny * sizeof(*y));
	wino_forward(&w.g, w.n, w.x, w.u,
	    &(struct wino_epilogue){.bias = w.bias, .add = y, .relu = true}, y,
	    w.scratch);
	assert_same("relu, in place", y, want, w.ny);
	world_close(&w);
}

static float *
masked(struct world *w)
{
	float *dy = floats(w, w->ny);

	for (size_t i = 0; i < w->ny; i++)
		dy[i] = w->add[i] <= 0.0f ? 0.0f : w->y[i];
	return dy;
}

static void
test_data(void **state)
{
	struct world w;
	double *want;
	float *dx;

	world_open(&w, *state);
	want = doubles(&w, w.nx);
	dx = floats(&w, w.nx);
	direct(&w, NULL, w.y, NULL, want, NULL);
	wino_data(&w.g, w.n, w.y, NULL, w.udata, false, dx, w.scratch);
	assert_same("data", dx, want, w.nx);
	direct(&w, NULL, masked(&w), NULL, want, NULL);
	wino_data(&w.g, w.n, w.y, w.add, w.udata, true, dx, w.scratch);
	assert_same("masked, added", dx, want, w.nx);
	world_close(&w);
}

static void
test_weights(void **state)
{
	struct world w;
	double *want;
	float *dw;

	world_open(&w, *state);
	want = doubles(&w, w.nw);
	dw = floats(&w, w.nw);
	direct(&w, w.x, w.y, NULL, NULL, want);
	wino_dweights(&w.g, w.n, w.x, w.y, NULL, false, dw, w.scratch);
	assert_same("weights", dw, want, w.nw);
	direct(&w, w.x, masked(&w), NULL, NULL, want);
	wino_dweights(&w.g, w.n, w.x, w.y, w.add, true, dw, w.scratch);
	assert_same("masked, added", dw, want, w.nw);
	world_close(&w);
}

static double
dot(const float *a, const float *b, size_t n)
{
	double v = 0.0;

	for (size_t i = 0; i < n; i++)
		v += (double)a[i] * (double)b[i];
	return v;
}

/* <conv x, y> = <x, conv' y> = <w, dw(x, y)> */
static void
test_adjoint(void **state)
{
	struct world w;
	float *y, *dx, *dw;
	double scale, v;

	world_open(&w, *state);
	y = floats(&w, w.ny);
	dx = floats(&w, w.nx);
	dw = floats(&w, w.nw);
	wino_forward(&w.g, w.n, w.x, w.u, &plain, y, w.scratch);
	wino_data(&w.g, w.n, w.y, NULL, w.udata, false, dx, w.scratch);
	wino_dweights(&w.g, w.n, w.x, w.y, NULL, false, dw, w.scratch);
	v = dot(y, w.y, w.ny);
	scale = sqrt(dot(y, y, w.ny) * dot(w.y, w.y, w.ny));
	assert_near(dot(w.x, dx, w.nx), v, 1e-6 * scale);
	assert_near(dot(w.w, dw, w.nw), v, 1e-6 * scale);
	world_close(&w);
}

/* Images one by one give the same bytes, and so does a second call. */
static void
test_cut(void **state)
{
	struct world w;
	float *y, *dx, *one, *dw[2];

	world_open(&w, *state);
	y = floats(&w, w.ny);
	dx = floats(&w, w.nx);
	one = floats(&w, MAX(w.nx, w.ny));
	wino_forward(&w.g, w.n, w.x, w.u, &plain, y, w.scratch);
	wino_data(&w.g, w.n, w.y, NULL, w.udata, false, dx, w.scratch);
	for (size_t i = 0; i < w.n; i++) {
		size_t nx = w.nx / w.n, ny = w.ny / w.n;
		float *scratch = floats(&w, wino_scratch(&w.g, 1));

		wino_forward(&w.g, 1, w.x + i * nx, w.u, &plain, one, scratch);
		assert_memory_equal(one, y + i * ny, ny * sizeof(*y));
		wino_data(
		    &w.g, 1, w.y + i * ny, NULL, w.udata, false, one, scratch);
		assert_memory_equal(one, dx + i * nx, nx * sizeof(*dx));
	}
	for (size_t i = 0; i < 2; i++) {
		dw[i] = floats(&w, w.nw);
		wino_dweights(
		    &w.g, w.n, w.x, w.y, NULL, false, dw[i], w.scratch);
	}
	assert_memory_equal(dw[0], dw[1], w.nw * sizeof(float));
	world_close(&w);
}

/* Every output that a NaN or infinity of the input, or of the weights, is
 * part of is no number, or infinite. */
static void
poison(struct world *w, float bad, size_t at)
{
	float *y = floats(w, w->ny), *dx = floats(w, w->nx);
	float *dw = floats(w, w->nw);
	double *wy = doubles(w, w->ny), *wdx = doubles(w, w->nx);
	double *wdw = doubles(w, w->nw);
	struct wino_epilogue e = {.bias = w->bias, .relu = true};

	w->x[at % w->nx] = bad;
	w->y[at % w->ny] = bad;
	direct(w, w->x, w->y, wy, wdx, wdw);
	wino_forward(&w->g, w->n, w->x, w->u, &e, y, w->scratch);
	wino_data(&w->g, w->n, w->y, NULL, w->udata, false, dx, w->scratch);
	wino_dweights(&w->g, w->n, w->x, w->y, NULL, false, dw, w->scratch);
	for (size_t i = 0; i < w->ny; i++) /* relu makes 0 of -infinity */
		assert_true(isfinite(wy[i]) || wy[i] < 0 || !isfinite(y[i]));
	for (size_t i = 0; i < w->nx; i++)
		assert_true(isfinite(wdx[i]) || !isfinite(dx[i]));
	for (size_t i = 0; i < w->nw; i++)
		assert_true(isfinite(wdw[i]) || !isfinite(dw[i]));
}

static void
test_poison(void **state)
{
	const float bad[] = {NAN, INFINITY, -INFINITY};

	for (size_t i = 0; i < 2 * ARRAY_LEN(bad); i++) {
		struct world w;

		world_open(&w, *state);
		if (i < ARRAY_LEN(bad)) {
			poison(&w, bad[i], w.nx / 2 + i);
		} else {
			w.w[w.nw / 2] = bad[i - ARRAY_LEN(bad)];
			wino_forward_weights(&w.g, w.w, w.u);
			wino_data_weights(&w.g, w.w, w.udata);
			poison(&w, 1.0f, 0);
		}
		world_close(&w);
	}
}

static void
test_fits(void **state)
{
	(void)state;
	assert_true(wino_fits(&(struct wino){32, 32, 64, 64, 1, 1, 1, 1}));
	assert_true(wino_fits(&(struct wino){5, 5, 16, 16, 1, 1, 1, 1}));
	assert_false(wino_fits(&(struct wino){32, 32, 3, 64, 1, 1, 1, 1}));
	assert_false(wino_fits(&(struct wino){2, 2, 512, 512, 1, 1, 1, 1}));
}

int
main(void)
{
	void (*const fn[])(void **) = {test_forward, test_data, test_weights,
	    test_adjoint, test_cut, test_poison};
	static const char *const what[] = {
	    "forward", "data", "weights", "adjoint", "cut", "poison"};
	static struct CMUnitTest tests[ARRAY_LEN(fn) * ARRAY_LEN(rows) + 1];
	static char names[ARRAY_LEN(tests)][64];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t j = 0; j < ARRAY_LEN(fn); j++, n++) {
			snprintf(names[n], sizeof(names[n]), "%s: %s",
			    rows[i].name, what[j]);
			tests[n] = (struct CMUnitTest){names[n], fn[j], NULL,
			    NULL, (void *)(uintptr_t)&rows[i]};
		}
	tests[n] = (struct CMUnitTest)cmocka_unit_test(test_fits);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
