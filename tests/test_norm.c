/* SPDX-License-Identifier: MIT
 * Batch statistics of channels that are not as others are.
 */
#include "tests/test.h"

#include "engine/batch.h"
#include "engine/blas.h"
#include "formats/build.h"

#include <math.h>

#define IMAGES 4
#define PIXELS 16

/* The mean of each image's logits, whatever they are: loss and its gradient. */
static double
mean_loss(
    void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	float *to = ctx;

	memcpy(to + 2 * first, logits, 2 * n * sizeof(*logits));
	for (size_t i = 0; i < 2 * n; i++)
		dlogits[i] = 0.5f / IMAGES;
	return 0.0;
}

static void
build(struct model *m)
{
	static const char *const in[] = {
	    "image", "scale", "shift", "mean", "var"};
	const char *v;

	build_begin(m, 4, 4, 1);
	for (size_t i = 1; i < ARRAY_LEN(in); i++)
		*build_tensor(m, in[i], 1, (size_t[]){1}) =
		    i % 3 == 1 ? 1.0f : 0.0f;
	v = build_node(m, "BatchNormalization", "bn", in, ARRAY_LEN(in));
	v = build_node(m, "Relu", "relu", &v, 1);
	v = build_node(m, "Flatten", "flat", &v, 1);
	(void)build_tensor(m, "w", 2, (size_t[]){PIXELS, 2});
	build_node(m, "MatMul", "y", (const char *[]){v, "w"}, 2);
	build_end(m, "y", 2);
}

/* Logits in training; returns the variance where all of it is the batch's. */
static float
train(const float *x, float *logits)
{
	static float dw[2 * PIXELS + 2];
	struct err e = {0};
	float var = -1.0f;
	struct model m;
	struct batch b;
	struct net net;

	build(&m);
	assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
	assert_int_equal(net.nweight, ARRAY_LEN(dw));
	assert_ok(
	    batch_init(&b, &net, IMAGES, PLAN_WEIGHTS, BATCH_TRAIN, &e), &e);
	batch_step(&b, x, mean_loss, logits, NULL, dw);
	/* twice: the first time it is lost in what was there */
	for (size_t i = 0; i < 2; i++)
		batch_update_statistics(&b, &net, 1.0f);
	batch_release(&b);
	for (size_t i = 0; i < net.nparam; i++)
		if (strcmp(net.param[i].tensor->name, "var") == 0)
			var = *net_param(&net, i);
	net_release(&net);
	model_release(&m);
	return var;
}

/* One that never changes has no variance, not one below zero. */
static void
test_still(void **state)
{
	static float x[IMAGES * PIXELS], y[IMAGES * 2];
	float var;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		x[i] = 0.25f;
	var = train(x, y);
	assert_true(var >= 0.0f && var < 1e-9f);
	for (size_t i = 0; i < ARRAY_LEN(y); i++)
		assert_true(isfinite(y[i]));
}

/* An infinite number is seen in every image of its batch, as in PyTorch: no
 * Relu makes zeros of the others. */
static void
test_infinite(void **state)
{
	static float x[IMAGES * PIXELS], y[IMAGES * 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		x[i] = 0.03f * (float)(i * 5 % 31);
	x[20] = INFINITY;
	assert_true(isnan(train(x, y)));
	for (size_t i = 0; i < ARRAY_LEN(y); i++)
		assert_true(isnan(y[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_still),
	    cmocka_unit_test(test_infinite),
	};
	struct err e = {0};

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
