/* SPDX-License-Identifier: MIT
 * Leading nodes for order, mean and std: the logits are those of images that
 * were prepared by hand, and gradients are those of the pixels.
 */
#include "tests/test.h"

#include "base/file.h"
#include "engine/batch.h"
#include "engine/loss.h"
#include "formats/onnx.h"
#include "formats/pixel.h"

#define MODEL  "fixtures/onnx/good-resnet-9-static.onnx"
#define IMAGES 4
#define MOST   ((size_t)IMAGES * 64 * 64 * 3)

struct one {
	struct file_map map;
	struct model model;
	struct net net;
};

static const double mean[] = {.4, .3, .6}, std[] = {.5, .25, .2};

static void
open_one(struct one *o, const struct preprocess *p)
{
	struct err e = {0};
	struct rd r;

	assert_ok(file_map(MODEL, 1 << 20, &o->map, &e), &e);
	r = rd_mem(o->map.ptr, o->map.len);
	assert_ok(onnx_parse(&r, &o->model, &e), &e);
	assert_ok(pixel_prepare(&o->model, p, &e), &e);
	assert_ok(net_build(&o->net, &o->model, 0, 0, 0, &e), &e);
}

static void
close_one(struct one *o)
{
	net_release(&o->net);
	model_release(&o->model);
	file_unmap(&o->map);
}

static double
first_class(
    void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	size_t k = *(const size_t *)ctx;
	double sum = 0.0;

	(void)first;
	for (size_t i = 0; i < n; i++)
		sum += loss_cross_entropy(k, logits + i * k, 0, 1.0f,
		    dlogits != NULL ? dlogits + i * k : NULL);
	return sum;
}

static void
gradient(const struct net *net, const float *x, float *dx)
{
	size_t k = net->classes;
	struct batch b;
	struct err e = {0};

	assert_ok(batch_init(&b, net, IMAGES, PLAN_FORWARD | PLAN_DATA,
		      BATCH_EVAL, &e),
	    &e);
	batch_step(&b, x, first_class, &k, dx, NULL);
	batch_release(&b);
}

static void
test_prepended(void **state)
{
	static float x[MOST], by_hand[MOST], dx[MOST], want[MOST], d[MOST];
	struct preprocess none = {.from = ""}, all = none;
	float z[IMAGES * 16], zero[IMAGES * 16];
	struct one plain, ours;
	struct err e = {0};
	size_t n;

	(void)state;
	all.bgr = true;
	all.nmean = all.nstd = 3;
	memcpy(all.mean, mean, sizeof(mean));
	memcpy(all.std, std, sizeof(std));
	open_one(&plain, &none);
	open_one(&ours, &all);
	n = IMAGES * plain.net.h * plain.net.w;
	assert_int_equal(plain.net.c, 3);
	assert_true(3 * n <= MOST && plain.net.classes <= 16);
	for (size_t i = 0; i < 3 * n; i++)
		x[i] = (float)(i * 7919 % 1009) / 1009.0f;
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < 3; c++)
			by_hand[3 * i + c] =
			    (x[3 * i + 2 - c] - (float)mean[c]) / (float)std[c];
	assert_ok(batch_logits(&plain.net, by_hand, IMAGES, zero, &e), &e);
	assert_ok(batch_logits(&ours.net, x, IMAGES, z, &e), &e);
	assert_close(z, zero, IMAGES * plain.net.classes, 1e-5, 1e-5);
	gradient(&plain.net, by_hand, d);
	gradient(&ours.net, x, dx);
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < 3; c++)
			want[3 * i + 2 - c] = d[3 * i + c] / (float)std[c];
	assert_close(dx, want, 3 * n, 1e-4, 1e-6);
	close_one(&plain);
	close_one(&ours);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_prepended)};

	return cmocka_run_group_tests_name("pixel", tests, NULL, NULL);
}
