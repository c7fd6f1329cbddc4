/* SPDX-License-Identifier: MIT
 * Statistics of one model alone, MM-BD and Expected Transferability, on models
 * whose margins and smallest changes are known in closed form.
 */
#include "tests/test.h"

#include "base/file.h"
#include "engine/blas.h"
#include "engine/mm_bd.h"
#include "engine/transfer.h"
#include "formats/build.h"
#include "formats/neutral.h"

#include <omp.h>

#define K      6 /* classes of the diagonal model */
#define SIDE   4
#define PIXELS ((size_t)SIDE * SIDE)
#define IMAGES 60

/* --- models -------------------------------------------------------------- */

struct world {
	struct model m;
	struct net net;
	struct file_map file;
	struct uap_images im;
	float *x;
	int32_t label[IMAGES];
	struct arena a;
};

static void
finish(struct world *w)
{
	struct err e = {0};

	assert_ok(net_build(&w->net, &w->m, 0, 0, 0, &e), &e);
	arena_init(&w->a, (size_t)1 << 30);
	w->x = arena_alloc(
	    &w->a, IMAGES * w->net.h * w->net.w * w->net.c, sizeof(float));
	assert_non_null(w->x);
	w->im = (struct uap_images){.x = w->x, .label = w->label, .n = IMAGES};
}

/* z_t = a_t x_t: the largest margin of class t is a_t, at a black image with
 * one white pixel.  Images: pixel of the class nearly white, else black. */
static void
diagonal(struct world *w, const float *a)
{
	struct rng g;
	float *weight;

	*w = (struct world){0};
	build_begin(&w->m, SIDE, SIDE, 1);
	weight = build_tensor(&w->m, "w", 2, (size_t[]){K, PIXELS});
	build_tensor(&w->m, "b", 1, (size_t[]){K});
	for (size_t t = 0; t < K; t++)
		weight[t * PIXELS + t] = a[t];
	build_node(&w->m, "Flatten", "flat", (const char *[]){"image"}, 1);
	build_node(&w->m, "Gemm", "y", (const char *[]){"flat", "w", "b"}, 3);
	build_int(&w->m, "transB", 1);
	build_end(&w->m, "y", K);
	finish(w);
	rng_init(&g, 8, 1);
	for (size_t i = 0; i < IMAGES; i++) {
		w->label[i] = (int32_t)(i % K);
		w->x[i * PIXELS + i % K] = 0.95f + 0.05f * rng_float(&g);
	}
}

/* Class 1 where the pixels' mean is above one half, else class 0; images of
 * brightness 1/4. */
static void
brightness(struct world *w, size_t c)
{
	size_t n = PIXELS * c;
	float *weight, *bias;

	*w = (struct world){0};
	build_begin(&w->m, SIDE, SIDE, c);
	weight = build_tensor(&w->m, "w", 2, (size_t[]){2, n});
	bias = build_tensor(&w->m, "b", 1, (size_t[]){2});
	for (size_t i = 0; i < n; i++)
		weight[n + i] = 1.0f;
	bias[1] = -0.5f * (float)n;
	build_node(&w->m, "Flatten", "flat", (const char *[]){"image"}, 1);
	build_node(&w->m, "Gemm", "y", (const char *[]){"flat", "w", "b"}, 3);
	build_int(&w->m, "transB", 1);
	build_end(&w->m, "y", 2);
	finish(w);
	for (size_t i = 0; i < IMAGES * n; i++)
		w->x[i] = 0.25f;
}

/* Convolutions of a fixture on noise; labels are what the net says. */
static void
convolutions(struct world *w)
{
	const char *path = "fixtures/engine/grad-winograd.safetensors";
	struct err e = {0};
	struct rng g;
	struct rd r;

	*w = (struct world){0};
	assert_ok(file_map(path, 1 << 20, &w->file, &e), &e);
	r = rd_mem(w->file.ptr, w->file.len);
	assert_ok(neutral_parse(&r, &w->m, &e), &e);
	finish(w);
	rng_init(&g, 5, 1);
	for (size_t i = 0; i < IMAGES * w->net.h * w->net.w * w->net.c; i++)
		w->x[i] = rng_float(&g);
	assert_ok(
	    uap_predict(&w->net, &w->im, NULL, w->im.n, NULL, w->label, &e),
	    &e);
}

static void
world_close(struct world *w)
{
	omp_set_num_threads(2);
	net_release(&w->net);
	model_release(&w->m);
	if (w->file.ptr != NULL)
		file_unmap(&w->file);
	arena_release(&w->a);
}

static const float heavy[K] = {1.0f, 1.25f, 0.75f, 1.5f, 40.0f, 0.875f};
static const float level[K] = {1, 1, 1, 1, 1, 1};

/* --- MM-BD --------------------------------------------------------------- */

static void
test_margins(void **state)
{
	static const struct mm_bd_config budget[] = {
	    {.starts = 3, .steps = 200, .batch = 30, .seed = 1},
	    {.starts = 3, .steps = 200, .batch = 2, .seed = 1},
	    {.starts = 1, .steps = 60, .batch = 1, .seed = 2},
	};
	struct err e = {0};
	struct world w;

	(void)state;
	diagonal(&w, heavy);
	for (size_t i = 0; i < ARRAY_LEN(budget); i++) {
		struct mm_bd_verdict v;
		double margin[K];

		assert_ok(
		    mm_bd_margins(&w.net, &budget[i], "margins", margin, &e),
		    &e);
		for (size_t t = 0; t < K; t++)
			assert_near(margin[t], heavy[t], 1e-5);
		v = mm_bd_test(margin, K);
		assert_int_equal(v.class, 4);
		assert_true(v.p < 1e-12);
		assert_true(v.score > 12.0);
	}
	world_close(&w);
}

static void
test_level_margins(void **state)
{
	struct mm_bd_config cfg = mm_bd_defaults();
	struct err e = {0};
	struct world w;
	double margin[K];

	(void)state;
	diagonal(&w, level);
	assert_ok(mm_bd_margins(&w.net, &cfg, "margins", margin, &e), &e);
	for (size_t t = 0; t < K; t++)
		assert_near(margin[t], 1.0, 1e-5);
	/* the largest is at the median of the null: 1 - 2^-6 */
	assert_near(mm_bd_test(margin, K).p, 0.984375, 0.01);
	world_close(&w);
}

/* The start and not the optimum: one step of a net that is not linear. */
static void
test_seed(void **state)
{
	struct mm_bd_config cfg = {.starts = 2, .steps = 1, .batch = 2};
	struct err e = {0};
	struct world w;
	double a[16], b[16];

	(void)state;
	convolutions(&w);
	assert_true(w.net.classes <= ARRAY_LEN(a));
	assert_ok(mm_bd_margins(&w.net, &cfg, "margins", a, &e), &e);
	cfg.seed = 1;
	assert_ok(mm_bd_margins(&w.net, &cfg, "margins", b, &e), &e);
	assert_true(a[0] != b[0]);
	cfg.steps = 60;
	assert_ok(mm_bd_margins(&w.net, &cfg, "margins", a, &e), &e);
	for (size_t t = 0; t < w.net.classes; t++)
		assert_true(a[t] > b[t]);
	world_close(&w);
}

/* Every start counts and is its own, however many go together. */
static void
test_batches(void **state)
{
	struct mm_bd_config cfg = {.starts = 5, .steps = 6, .batch = 5};
	double together[16], apart[16], fewer[16];
	struct err e = {0};
	struct world w;

	(void)state;
	convolutions(&w);
	/* a seed whose last start is the best of class 0 */
	for (bool last = false; !last; cfg.seed += !last) {
		cfg.starts = 4;
		assert_ok(mm_bd_margins(&w.net, &cfg, "", fewer, &e), &e);
		cfg.starts = 5;
		assert_ok(mm_bd_margins(&w.net, &cfg, "", together, &e), &e);
		last = together[0] > fewer[0];
		assert_true(cfg.seed < 100);
	}
	cfg.batch = 2;
	assert_ok(mm_bd_margins(&w.net, &cfg, "", apart, &e), &e);
	for (size_t t = 0; t < w.net.classes; t++)
		assert_near(apart[t], together[t], 1e-4);
	world_close(&w);
}

static const struct verdict_row {
	const char *name;
	size_t k, class;
	double margin[8], p, tolerance;
} verdicts[] = {
    /* likelihood maximised and Q summed in decimal arithmetic */
    {"MM-BD: Gamma of 5 others", 6, 2, {5, 7, 20, 9, 11, 13}, 0.0103569533927,
	1e-10},
    {"MM-BD: barely above the others", 6, 5, {5, 7, 9, 11, 13, 14},
	0.303863181492, 1e-10},
    {"MM-BD: the first of equals", 4, 0, {10, 10, 10, 10}, 0.9375, 1e-3},
    /* the same 5 others; all 8 classes could have been the largest */
    {"MM-BD: classes never reached", 8, 3, {5, -1, 7, 20, 9, 11, 0, 13},
	0.0137853790939, 1e-10},
    {"MM-BD: two others are no null", 4, 3, {-1, 3, 4, 50}, NAN, 0},
    {"MM-BD: one class", 1, 0, {3}, NAN, 0},
    {"MM-BD: a margin that is no number", 6, 5, {5, NAN, 7, 9, 11, 20}, NAN, 0},
    {"MM-BD: an infinite margin", 6, 1, {5, INFINITY, 7, 9, 11, 20}, NAN, 0},
};

static void
test_verdict(void **state)
{
	const struct verdict_row *r = *state;
	struct mm_bd_verdict v = mm_bd_test(r->margin, r->k);

	assert_int_equal(v.class, r->class);
	if (isnan(r->p)) {
		assert_true(isnan(v.p) && isnan(v.score));
	} else {
		assert_near(v.p, r->p, r->tolerance);
		assert_near(v.score, -log10(v.p), 1e-12);
	}
}

/* --- transferability ----------------------------------------------------- */

static const struct statistic_row {
	const char *name;
	size_t n;
	uint8_t t[16];
	double et, se;
} statistics[] = {
    {"ET: every change moves every image", 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}, 1,
	0},
    {"ET: nothing moves, the diagonal aside", 3, {1, 0, 0, 0, 1, 0, 0, 0, 1}, 0,
	0},
    /* without image 0: 0, else 2 of 6; variance 3/4 (1/16 + 3/144) */
    {"ET: one change moves all", 4,
	{1, 1, 1, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, 0.25, 0.25},
    /* without an image: 1/2, 0, 1/2; variance 2/3 (2/36 + 4/36) */
    {"ET: one pair both ways and one alone", 3, {0, 1, 0, 1, 0, 0, 0, 0, 0},
	1.0 / 3, 2.0 / 3},
};

static void
test_statistic(void **state)
{
	const struct statistic_row *r = *state;
	double et, se;

	transfer_statistic(r->t, r->n, &et, &se);
	assert_near(et, r->et, 1e-12);
	assert_near(se, r->se, 1e-12);
}

static const struct size_row {
	const char *name;
	size_t channels;
	enum transfer_shape shape;
	double least, most; /* of the size */
} sizes[] = {
    /* 1/4 more for every number; white pixels bring 3/4 a channel */
    {"smallest change: L2, grey", 1, TRANSFER_L2, 1.0, 1.02},
    {"smallest change: L2, colour", 3, TRANSFER_L2, 1.7320508, 1.77},
    {"smallest change: patch, grey", 1, TRANSFER_PATCH, 5.3333333, 5.6},
    {"smallest change: patch, colour", 3, TRANSFER_PATCH, 5.3333333, 5.6},
};

static void
test_size(void **state)
{
	const struct size_row *r = *state;
	struct transfer_config cfg = transfer_defaults();
	struct transfer_class out[2];
	struct err e = {0};
	struct world w;

	cfg.shape = r->shape;
	cfg.steps = 40;
	brightness(&w, r->channels);
	w.label[7] = 1; /* which the net gets wrong: not used */
	assert_ok(
	    transfer_measure(&w.net, &cfg, &w.im, "transfer", out, &e), &e);
	assert_int_equal(out[1].n, 20);
	assert_int_equal(out[1].found, 20);
	assert_true(out[1].size >= r->least - 1e-5);
	assert_true(out[1].size <= r->most);
	/* all images are the same */
	assert_true(out[1].et == 1.0);
	assert_near(out[1].se, 0.0, 1e-12);
	/* and none is of class 1 */
	assert_int_equal(out[0].n, 0);
	assert_true(isnan(out[0].et) && isnan(out[0].se));
	assert_true(isnan(out[0].size));
	assert_int_equal(transfer_top(out, 2), 1);
	world_close(&w);
}

static void
transfer_of(
    const float *a, enum transfer_shape shape, struct transfer_class *out)
{
	struct transfer_config cfg = transfer_defaults();
	struct err e = {0};
	struct world w;

	cfg.shape = shape;
	diagonal(&w, a);
	assert_ok(
	    transfer_measure(&w.net, &cfg, &w.im, "transfer", out, &e), &e);
	world_close(&w);
}

/* One grey pixel sends every image to class 4: a trigger. */
static void
test_trigger(void **state)
{
	(void)state;
	for (size_t s = TRANSFER_L2; s <= TRANSFER_PATCH; s++) {
		struct transfer_class out[K];

		transfer_of(heavy, (enum transfer_shape)s, out);
		assert_int_equal(transfer_top(out, K), 4);
		assert_true(out[4].et - 3 * out[4].se > TRANSFER_THRESHOLD);
		for (size_t t = 0; t < K; t++)
			if (t != 4)
				assert_true(out[t].et < TRANSFER_THRESHOLD);
	}
}

/* All classes alike: an additive change moves what has the same class, no
 * more.  (A white pixel would move them all.) */
static void
test_no_trigger(void **state)
{
	struct transfer_class out[K];

	(void)state;
	transfer_of(level, TRANSFER_L2, out);
	for (size_t t = 0; t < K; t++) {
		assert_int_equal(out[t].found, 20);
		assert_true(out[t].et > 0.05);
		assert_true(out[t].et < 0.35);
	}
}

/* --- bad sizes, no numbers, threads -------------------------------------- */

static void
test_bad_sizes(void **state)
{
	static const struct mm_bd_config bad[] = {
	    {.starts = 0, .steps = 1, .batch = 1},
	    {.starts = 1, .steps = 0, .batch = 1},
	    {.starts = 1, .steps = 1, .batch = 0},
	};
	static const struct transfer_config wrong[] = {
	    {.images = 2, .steps = 1},
	    {.images = 3, .steps = 0},
	    {.images = 3, .steps = 1, .margin = -0.1},
	    {.images = 3, .steps = 1, .margin = NAN},
	};
	struct transfer_config fine = {.images = 3, .steps = 1};
	struct transfer_class out[K];
	double margin[K];
	struct err e;
	struct world w;

	(void)state;
	diagonal(&w, level);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
		    mm_bd_margins(&w.net, &bad[i], "", margin, &e), ERR_USAGE);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(
		    transfer_measure(&w.net, &wrong[i], &w.im, "", out, &e),
		    ERR_USAGE);
	for (w.im.n = 0; w.im.n < 3; w.im.n++) {
		assert_ok(
		    transfer_measure(&w.net, &fine, &w.im, "", out, &e), &e);
		assert_int_equal(out[K - 1].n, w.im.n);
		assert_true(isnan(out[K - 1].et));
	}
	assert_ok(transfer_measure(&w.net, &fine, &w.im, "", out, &e), &e);
	assert_true(out[K - 1].et >= 0.0);
	assert_true(isnan(out[0].et)); /* image 0 is of class 0: two are left */
	assert_int_equal(out[0].n, 2);
	world_close(&w);
}

static void
test_no_numbers(void **state)
{
	struct mm_bd_config cfg = mm_bd_defaults();
	struct transfer_config et = transfer_defaults();
	struct transfer_class out[K];
	float poisoned[K] = {1, 1, 1, NAN, 1, 1};
	struct err e = {0};
	struct world w;
	double margin[K];

	(void)state;
	diagonal(&w, poisoned);
	assert_ok(mm_bd_margins(&w.net, &cfg, "", margin, &e), &e);
	for (size_t t = 0; t < K; t++)
		assert_true(isnan(margin[t]));
	/* every image is of class 3: nothing is to be sent elsewhere */
	assert_ok(transfer_measure(&w.net, &et, &w.im, "", out, &e), &e);
	for (size_t t = 0; t < K; t++) {
		assert_int_equal(out[t].n, t == 3 ? 0 : 10);
		if (t != 3)
			assert_true(out[t].found == 0 && out[t].et == 0.0);
	}
	world_close(&w);
}

static void
test_threads(void **state)
{
	static const int threads[] = {1, 2, 3};
	struct mm_bd_config cfg = {.starts = 5, .steps = 8, .batch = 2};
	struct transfer_config et = {
	    .images = 7, .steps = 6, .margin = 0.1, .seed = 3};
	static struct transfer_class out[2][2][16];
	static double margin[2][16];
	struct err e = {0};
	struct world w;

	(void)state;
	convolutions(&w);
	assert_true(w.net.classes <= 16);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		size_t to = i != 0;

		omp_set_num_threads(threads[i]);
		assert_ok(mm_bd_margins(&w.net, &cfg, "", margin[to], &e), &e);
		assert_memory_equal(margin[to], margin[0], sizeof(margin[0]));
		for (size_t s = 0; s < 2; s++) {
			et.shape = (enum transfer_shape)s;
			assert_ok(transfer_measure(
				      &w.net, &et, &w.im, "", out[to][s], &e),
			    &e);
		}
		assert_memory_equal(out[to], out[0], sizeof(out[0]));
	}
	assert_true(margin[0][0] > 0.0);
	/* the shapes differ, so something was compared */
	assert_memory_not_equal(out[0][0], out[0][1], sizeof(out[0][0]));
	world_close(&w);
}

int
main(void)
{
	static const struct CMUnitTest plain[] = {
	    cmocka_unit_test(test_margins),
	    cmocka_unit_test(test_level_margins),
	    cmocka_unit_test(test_seed),
	    cmocka_unit_test(test_batches),
	    cmocka_unit_test(test_trigger),
	    cmocka_unit_test(test_no_trigger),
	    cmocka_unit_test(test_bad_sizes),
	    cmocka_unit_test(test_no_numbers),
	    cmocka_unit_test(test_threads),
	};
	struct CMUnitTest tests[ARRAY_LEN(plain) + ARRAY_LEN(verdicts) +
				ARRAY_LEN(statistics) + ARRAY_LEN(sizes)];
	struct err e;
	size_t n = 0;

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		tests[n++] = plain[i];
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_verdict, verdicts[i]);
	for (size_t i = 0; i < ARRAY_LEN(statistics); i++)
		tests[n++] =
		    (struct CMUnitTest)ROW(test_statistic, statistics[i]);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_size, sizes[i]);
	return _cmocka_run_group_tests("self", tests, n, NULL, NULL);
}
