/* SPDX-License-Identifier: MIT
 * The searches on models whose flip radii are known in closed form.
 */
#include "tests/test.h"

#include "engine/blas.h"
#include "engine/concentrate.h"
#include "engine/loss.h"
#include "engine/uap.h"
#include "formats/build.h"

/* --- a model with a known radius ----------------------------------------- */

/*
 * Two classes, logit 1 minus logit 0 = weighted sum of pixels - 8 on 4 x 4
 * images of constant 0.25, the weights falling from 32/17 to 2/17, 16 in all:
 * a common change of +0.25 per pixel is just enough.
 */
static void
linear_weights(struct model *m)
{
	float *w, *b;

	w = build_tensor(m, "w", 2, (size_t[]){2, 16});
	b = build_tensor(m, "b", 1, (size_t[]){2});
	for (size_t i = 0; i < 16; i++)
		w[16 + i] = 2.0f * (float)(16 - i) / 17.0f;
	b[1] = -8.0f;
}

static void
linear_part(struct model *m, bool root)
{
	linear_weights(m);
	if (root) {
		build_node(
		    m, "Mul", "square", (const char *[]){"image", "image"}, 2);
		build_node(m, "Sqrt", "root", (const char *[]){"square"}, 1);
	}
	build_node(
	    m, "Flatten", "flat", (const char *[]){root ? "root" : "image"}, 1);
	build_node(m, "Gemm", "y", (const char *[]){"flat", "w", "b"}, 3);
	build_int(m, "transB", 1);
	build_end(m, "y", 2);
}

static void
linear_model(struct model *m)
{
	build_begin(m, 4, 4, 1);
	linear_part(m, false);
}

#define IMAGES 64

struct known {
	const struct geometry *geometry;
	double radius;
};

/* All images are alike, so that the curve is a step between two scales that
 * are a factor of 1.3 apart. */
static void
test_known_radius(void **state)
{
	const struct known *k = *state;
	static float x[IMAGES * 16];
	static int32_t label[IMAGES];
	struct uap_images im = {.x = x, .label = label, .n = IMAGES};
	struct uap_config cfg = {.steps = 60, .batch = 8, .count = IMAGES};
	struct uap_cell cell = {
	    .geometry = k->geometry, .source = UAP_ALL, .target = 1, .seed = 7};
	struct uap_found f, again;
	struct model m;
	struct net net;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		x[i] = 0.25f;
	linear_model(&m);
	assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
	assert_ok(uap_search(&net, &cfg, &im, &im, &cell, 1, NULL, &f, &e), &e);
	assert_true(f.reached);
	assert_true(f.radius[UAP_RADIUS] >= k->radius * 0.97);
	assert_true(f.radius[UAP_RADIUS] <= k->radius * 1.32);
	assert_true(f.radius[0] <= f.radius[UAP_RADIUS]);
	assert_true(f.lo <= f.radius[UAP_RADIUS]);
	if (k->geometry->budget != NULL) /* the trigger's own */
		assert_near(k->geometry->budget(&f.trigger),
		    f.radius[UAP_RADIUS], 1e-6);
	assert_int_equal(f.n, IMAGES);
	/* the same bytes again */
	assert_ok(
	    uap_search(&net, &cfg, &im, &im, &cell, 1, NULL, &again, &e), &e);
	assert_true(f.radius[0] == again.radius[0]);
	uap_release(&again, 1);
	uap_release(&f, 1);
	net_release(&net);
	model_release(&m);
}

/* A Relu of the image changes nothing but the slope at black pixels. */
static void
lit_model(struct model *m, bool relu)
{
	const char *in = relu ? "lit" : "image";

	build_begin(m, 4, 4, 1);
	linear_weights(m);
	if (relu)
		build_node(m, "Relu", "lit", (const char *[]){"image"}, 1);
	build_node(m, "Flatten", "flat", (const char *[]){in}, 1);
	build_node(m, "Gemm", "y", (const char *[]){"flat", "w", "b"}, 3);
	build_int(m, "transB", 1);
	build_end(m, "y", 2);
}

static double
linf_radius(bool relu, const struct uap_images *im)
{
	struct uap_config cfg = {.steps = 60, .batch = 8, .count = IMAGES};
	struct uap_cell cell = {.geometry = geometry_find("linf"),
	    .source = UAP_ALL,
	    .target = 1,
	    .seed = 7};
	struct uap_found f;
	struct model m;
	struct net net;
	struct err e;
	double radius;

	lit_model(&m, relu);
	assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
	assert_ok(uap_search(&net, &cfg, im, im, &cell, 1, NULL, &f, &e), &e);
	radius = f.radius[UAP_RADIUS];
	uap_release(&f, 1);
	net_release(&net);
	model_release(&m);
	return radius;
}

/* Of 40 images, those that land in the other class. */
static uint64_t
landed(bool relu, const struct uap_images *im)
{
	struct concentrate_config cfg = {.eps = 0.45, .steps = 7, .count = 40};
	uint64_t count[4], n[2];
	struct concentrate_counts c = {count, n};
	struct model m;
	struct net net;
	struct err e;

	lit_model(&m, relu);
	assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
	assert_ok(concentrate(&net, &cfg, im, &c, &e), &e);
	net_release(&net);
	model_release(&m);
	return count[1];
}

static void
test_bounded(void **state)
{
	static float x[IMAGES * 16];
	static int32_t label[IMAGES];
	struct uap_images im = {.x = x, .label = label, .n = IMAGES};
	double plain;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		x[i] = i % 4 != 0 ? 0.0f : 0.25f;
	plain = linf_radius(false, &im);
	assert_near(linf_radius(true, &im), plain, 0.01 * plain);
	assert_int_equal(landed(false, &im), 40);
	assert_int_equal(landed(true, &im), 40);
}

/* The same model behind the root of the image's square, whose slope is not
 * finite where a pixel is 0: such cells are blind, and nothing of them is no
 * number. */
static void
test_blind(void **state)
{
	static float x[IMAGES * 16];
	static int32_t label[IMAGES];
	struct uap_images im = {.x = x, .label = label, .n = IMAGES};
	struct uap_config cfg = {.steps = 12, .batch = 4, .count = IMAGES};
	struct uap_cell cell = {.source = UAP_ALL, .target = 1, .seed = 7};
	struct uap_found f;
	struct model m;
	struct net net;
	struct err e;

	(void)state;
	build_begin(&m, 4, 4, 1);
	linear_part(&m, true);
	assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
	for (size_t at = 0; at < 2 * geometry_count; at++) {
		bool zeros = at >= geometry_count;

		for (size_t i = 0; i < ARRAY_LEN(x); i++)
			x[i] = zeros && i % 2 == 0 ? 0.0f : 0.25f;
		cell.geometry = geometry_table[at % geometry_count];
		assert_ok(
		    uap_search(&net, &cfg, &im, &im, &cell, 1, NULL, &f, &e),
		    &e);
		/* a patch, a pattern mixed in lighten the zeros at once */
		if (cell.geometry != &geometry_patch &&
		    cell.geometry != &geometry_blend)
			assert_int_equal(f.blind, zeros);
		for (size_t k = 0; k < UAP_SHARES; k++)
			assert_true(isfinite(f.radius[k]));
		for (size_t i = 0; f.trigger.delta != NULL && i < 16; i++)
			assert_true(isfinite(f.trigger.delta[i]));
		uap_release(&f, 1);
	}
	net_release(&net);
	model_release(&m);
}

/* A longer cell is one of twice the steps; its neighbours are as they were. */
static void
test_longer(void **state)
{
	static float x[IMAGES * 16];
	static int32_t label[IMAGES];
	struct uap_images im = {.x = x, .label = label, .n = IMAGES};
	struct uap_config cfg = {.steps = 9, .batch = 8, .count = IMAGES};
	struct uap_config twice = {.steps = 18, .batch = 8, .count = IMAGES};
	struct uap_cell cell[3];
	struct uap_found f[3], plain, more;
	struct model m;
	struct net net;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		x[i] = 0.25f;
	for (size_t i = 0; i < 3; i++)
		cell[i] = (struct uap_cell){.geometry = &geometry_patch,
		    .source = 0,
		    .target = 1,
		    .seed = 7,
		    .longer = i == 1};
	linear_model(&m);
	assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
	assert_ok(uap_search(&net, &cfg, &im, &im, cell, 3, NULL, f, &e), &e);
	assert_ok(
	    uap_search(&net, &cfg, &im, &im, cell, 1, NULL, &plain, &e), &e);
	assert_ok(
	    uap_search(&net, &twice, &im, &im, cell, 1, NULL, &more, &e), &e);
	assert_true(f[0].radius[0] == plain.radius[0]);
	assert_true(f[1].radius[0] == more.radius[0]);
	assert_true(f[2].radius[0] == plain.radius[0]);
	assert_true(more.radius[0] != plain.radius[0]);
	uap_release(f, 3);
	uap_release(&plain, 1);
	uap_release(&more, 1);
	net_release(&net);
	model_release(&m);
}

/*
 * Columns that rise by 1/16 a pixel, logit 1 minus logit 0 = sum of pixels -
 * what it is when everything is one pixel further right: about one pixel of
 * horizontal offset, 1/sqrt(2) in root mean square over both directions.
 */
static void
test_warp_radius(void **state)
{
	enum {
		SIDE = 16,
		PIXELS = SIDE * SIDE
	};
	static float x[IMAGES * PIXELS];
	static int32_t label[IMAGES];
	struct uap_images im = {.x = x, .label = label, .n = IMAGES};
	struct uap_config cfg = {.steps = 60, .batch = 8, .count = IMAGES};
	struct uap_cell cell = {.geometry = &geometry_warp,
	    .source = UAP_ALL,
	    .target = 1,
	    .seed = 7};
	float *w, *b, moved = 0.0f;
	struct uap_found f;
	struct model m;
	struct net net;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		x[i] = (float)(i % SIDE) / SIDE;
	for (size_t i = 0; i < PIXELS; i++)
		moved += (float)MIN(i % SIDE + 1, SIDE - 1) / SIDE;
	build_begin(&m, SIDE, SIDE, 1);
	w = build_tensor(&m, "w", 2, (size_t[]){2, PIXELS});
	b = build_tensor(&m, "b", 1, (size_t[]){2});
	for (size_t i = 0; i < PIXELS; i++)
		w[PIXELS + i] = 1.0f;
	b[1] = -moved;
	build_node(&m, "Flatten", "flat", (const char *[]){"image"}, 1);
	build_node(&m, "Gemm", "y", (const char *[]){"flat", "w", "b"}, 3);
	build_int(&m, "transB", 1);
	build_end(&m, "y", 2);
	assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
	assert_ok(uap_search(&net, &cfg, &im, &im, &cell, 1, NULL, &f, &e), &e);
	assert_true(f.reached);
	assert_true(f.radius[UAP_RADIUS] >= 0.6);
	assert_true(f.radius[UAP_RADIUS] <= 0.71 * 1.32);
	uap_release(&f, 1);
	net_release(&net);
	model_release(&m);
}

/* One image of a class says nothing beside ten of another; where there are no
 * more of any, it counts. */
static void
test_few_images(void **state)
{
	uint64_t count[9] = {10, 0, 0, 0, 10, 0, 1, 0, 0}, n[3] = {10, 10, 1};
	struct concentrate_counts c = {count, n};

	(void)state;
	assert_int_equal(uap_least(n, 3, 0), UAP_LEAST);
	assert_near(concentrate_share(&c, 3, 0), 0.0, 1e-12);
	n[2] = count[6] = UAP_LEAST;
	assert_near(concentrate_share(&c, 3, 0), 0.5, 1e-12);
	n[1] = n[2] = count[6] = 1;
	assert_int_equal(uap_least(n, 3, 0), 1);
	assert_near(concentrate_share(&c, 3, 0), 0.5, 1e-12);
	n[1] = n[2] = 0;
	assert_near(concentrate_share(&c, 3, 0), 0.0, 1e-12);
}

/* Adversarial examples of class 0 land in class 1, there is no other. */
static void
test_landing(void **state)
{
	static float x[IMAGES * 16];
	static int32_t label[IMAGES];
	struct uap_images im = {.x = x, .label = label, .n = IMAGES};
	struct concentrate_config cfg = {.eps = 0.3, .steps = 7, .count = 40};
	uint64_t count[4], n[2];
	struct concentrate_counts c = {count, n};
	struct model m;
	struct net net;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		x[i] = 0.25f;
	linear_model(&m);
	assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
	assert_ok(concentrate(&net, &cfg, &im, &c, &e), &e);
	assert_int_equal(n[0], 40);
	assert_int_equal(count[1], 40);
	assert_near(concentrate_share(&c, 2, 1), 1.0, 1e-12);
	cfg.eps = 0.2; /* 16 * .2 are not enough */
	assert_ok(concentrate(&net, &cfg, &im, &c, &e), &e);
	assert_int_equal(count[1], 0);
	net_release(&net);
	model_release(&m);
}

static void
test_losses(void **state)
{
	const float z[] = {1.0f, 2.0f, 3.0f};
	float p[3], dz[3] = {0};

	(void)state;
	loss_softmax(3, z, p);
	assert_near(p[2], 0.66524096, 1e-6);
	assert_near(loss_cross_entropy(3, z, 0, 2.0f, dz), 2.40760596, 1e-6);
	assert_near(dz[0], 2 * (0.09003057 - 1), 1e-6);
	assert_near(dz[2], 2 * 0.66524096, 1e-6);
	assert_int_equal(loss_argmax(3, z), 2);
	assert_int_equal(loss_argmax(3, (float[]){1, NAN, 3}), 1);
	assert_int_equal(loss_argmax(3, (float[]){2, 2, 1}), 0);
}

static const struct {
	const char *name;
	struct known known;
} radii[] = {
    {"radius: linf", {&geometry_linf, 0.25}},
    /* a white pixel brings .75 of its weight: the three heaviest, and
     * sqrt(.026) of the fourth */
    {"radius: patch", {&geometry_patch, 3.160}},
    {"radius: mask", {&geometry_mask, 3.026}}, /* .026 of the fourth */
    /* along the weights: 4 by their norm */
    {"radius: smooth", {&geometry_smooth, 0.879}},
    /* constant: 16 pixels of .25 */
    {"radius: spectrum", {&geometry_spectrum, 1.0}},
    {"radius: blend", {&geometry_blend, 1.0 / 3}},
};

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_longer),
	    cmocka_unit_test(test_blind),
	    cmocka_unit_test(test_bounded),
	    cmocka_unit_test(test_warp_radius),
	    cmocka_unit_test(test_few_images),
	    cmocka_unit_test(test_landing),
	    cmocka_unit_test(test_losses),
	};
	struct CMUnitTest rows[ARRAY_LEN(radii)];
	struct err e;
	int rc;

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(radii); i++)
		rows[i] = (struct CMUnitTest){.name = radii[i].name,
		    .test_func = test_known_radius,
		    .initial_state = (void *)(uintptr_t)&radii[i].known};
	rc = cmocka_run_group_tests_name("searches", tests, NULL, NULL);
	return rc + cmocka_run_group_tests_name("flip radii", rows, NULL, NULL);
}
