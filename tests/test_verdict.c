/* SPDX-License-Identifier: MIT
 * The verdict's statistics on radii made by hand, and the searches on a model
 * whose flip radii are known in closed form.
 */
#include "tests/test.h"

#include "audit/verdict.h"
#include "base/rng.h"
#include "engine/blas.h"
#include "engine/loss.h"
#include "engine/uap.h"
#include "formats/build.h"

#define K 10

static void
fill(struct verdict_cell *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		c[i] = (struct verdict_cell){
		    .suspect = 0.1 + 0.01 * (double)(i % K),
		    .reference = 0.1 + 0.01 * (double)(i % K),
		    .flipped = 100,
		    .shared = 10};
}

static enum verdict
reach(struct verdict_cell *cell, double accuracy, double *score)
{
	static const double spread[] = {0.1, 0.3};
	struct verdict_input in = {.classes = K,
	    .geometries = 2,
	    .spread = spread,
	    .cell = cell,
	    .alpha = 0.001,
	    .accuracy = accuracy};
	const char *why;

	return verdict_reach(&in, score, &why);
}

static void
test_clean(void **state)
{
	struct verdict_cell c[2 * K];
	double score;

	(void)state;
	fill(c, 2 * K);
	/* a common factor is no evidence: the median takes it out */
	for (size_t i = 0; i < 2 * K; i++)
		c[i].suspect *= 0.3;
	assert_int_equal(reach(c, 0.9, &score), VERDICT_NO_EVIDENCE);
	assert_near(score, 0.0, 1e-9);
	for (size_t i = 0; i < 2 * K; i++)
		assert_false(c[i].target);
}

static void
test_target(void **state)
{
	struct verdict_cell c[2 * K];
	double score;

	(void)state;
	fill(c, 2 * K);
	c[K + 7].suspect /= exp(1.5); /* 5 spreads of the second geometry */
	assert_int_equal(reach(c, 0.9, &score), VERDICT_EVIDENCE);
	assert_near(score, 5.0, 1e-9);
	assert_true(c[K + 7].target);
	assert_near(c[K + 7].residual, 1.5, 1e-9);
	/* one-sided normal tail of 5, times 20 tests */
	assert_near(c[K + 7].p_adjusted, 20 * 2.8665e-7, 1e-9);
	assert_false(c[7].target);
}

static void
test_middling(void **state)
{
	struct verdict_cell c[2 * K];
	double score;

	(void)state;
	fill(c, 2 * K);
	c[3].suspect /= exp(0.36); /* 3.6 spreads: p = .003 of .001 to .01 */
	assert_int_equal(reach(c, 0.9, &score), VERDICT_INCONCLUSIVE);
	assert_false(c[3].target);
}

static void
test_natural_weakness(void **state)
{
	struct verdict_cell c[2 * K];
	double score;

	(void)state;
	fill(c, 2 * K);
	c[3].suspect /= exp(1.0);
	c[3].shared = 60; /* most of these flips fool the reference too */
	assert_int_equal(reach(c, 0.9, &score), VERDICT_INCONCLUSIVE);
	assert_false(c[3].target);
}

static void
test_chance(void **state)
{
	struct verdict_cell c[2 * K];
	double score;

	(void)state;
	fill(c, 2 * K);
	assert_int_equal(reach(c, 0.12, &score), VERDICT_INCONCLUSIVE);
}

/* --- a model with a known radius ----------------------------------------- */

/*
 * Two classes, logit 1 minus logit 0 = sum of pixels - 8 on 4 x 4 images of
 * constant 0.25: a common change of +0.25 per pixel is just enough.
 */
static void
linear_model(struct model *m)
{
	float *w, *b;

	build_begin(m, 4, 4, 1);
	w = build_tensor(m, "w", 2, (size_t[]){2, 16});
	b = build_tensor(m, "b", 1, (size_t[]){2});
	for (size_t i = 0; i < 16; i++)
		w[16 + i] = 1.0f;
	b[1] = -8.0f;
	build_node(m, "Flatten", "flat", (const char *[]){"image"}, 1);
	build_node(m, "Gemm", "y", (const char *[]){"flat", "w", "b"}, 3);
	build_int(m, "transB", 1);
	build_end(m, "y", 2);
}

static void
test_known_radius(void **state)
{
	static float x[64 * 16];
	static int32_t label[64];
	struct uap_images im = {x, label, 64};
	struct uap_config cfg = {.steps = 150, .batch = 16, .seed = 1};
	struct uap_found f[2], again[2];
	struct model m;
	struct net net;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		x[i] = 0.25f;
	label[63] = 1; /* so that class 0 has images to come from */
	linear_model(&m);
	assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
	assert_ok(
	    uap_radii(&net, &geometry_linf, &cfg, &im, &im, "linf", f, &e), &e);
	assert_true(f[1].reached);
	/* within the resolution of the bisection: 2 log 4 / 2^7 */
	assert_true(f[1].radius >= 0.25 - 1e-6 && f[1].radius <= 0.262);
	assert_int_equal(f[1].n, 63);
	assert_int_equal(f[1].flipped, 63);
	/* the same bytes again */
	assert_ok(
	    uap_radii(&net, &geometry_linf, &cfg, &im, &im, "linf", again, &e),
	    &e);
	assert_memory_equal(
	    f[1].trigger.delta, again[1].trigger.delta, 16 * sizeof(float));
	uap_release(again, 2);
	uap_release(f, 2);
	/* a white patch brings .75 a pixel: 16/3 pixels are needed */
	assert_ok(
	    uap_radii(&net, &geometry_patch, &cfg, &im, &im, "patch", f, &e),
	    &e);
	assert_true(f[1].reached);
	assert_true(f[1].radius >= 16.0 / 3 - 1e-4 && f[1].radius <= 5.7);
	uap_release(f, 2);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_clean),
	    cmocka_unit_test(test_target),
	    cmocka_unit_test(test_middling),
	    cmocka_unit_test(test_natural_weakness),
	    cmocka_unit_test(test_chance),
	    cmocka_unit_test(test_known_radius),
	    cmocka_unit_test(test_losses),
	};
	struct err e;

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
