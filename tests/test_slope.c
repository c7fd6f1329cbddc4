/* SPDX-License-Identifier: MIT
 * Slopes where a difference says nothing: at kinks, and where a factor of the
 * derivative does not exist.  What is wanted is PyTorch's.
 */
#include "tests/test.h"

#include "engine/batch.h"
#include "engine/blas.h"
#include "formats/build.h"

#include <math.h>

/* One pixel x -> an operator, of which p is input 1 if it is a number -> the
 * logits y and 2 y. */
static const struct {
	const char *op;
	float x, p, want;
} rows[] = {
    {"Abs", 0.0f, NAN, 0.0f},
    {"Abs", -0.0f, NAN, 0.0f},
    {"Abs", 0.5f, NAN, 1.0f},
    {"Abs", -0.5f, NAN, -1.0f},
    {"Relu", 0.0f, NAN, 0.0f},
    {"LeakyRelu", 0.0f, NAN, 0.01f},
    {"Pow", 0.0f, 0.0f, 0.0f},
    {"Pow", 0.5f, 0.0f, 0.0f},
    {"Pow", 0.0f, 1.0f, 1.0f},
    {"Pow", 0.0f, 2.0f, 0.0f},
    {"Pow", 0.0f, 3.0f, 0.0f},
    {"Pow", 0.5f, 3.0f, 0.75f},
};

/* Of y alone. */
static double
first_logit(
    void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	(void)ctx;
	(void)first;
	(void)logits;
	memset(dlogits, 0, 2 * n * sizeof(*dlogits));
	for (size_t i = 0; i < n; i++)
		dlogits[2 * i] = 1.0f;
	return 0.0;
}

static void
test_slope(void **state)
{
	size_t i = (uintptr_t)*state;
	const char *v = "image";
	struct err e = {0};
	struct model m;
	struct batch b;
	struct net net;
	float dx, *w;

	build_begin(&m, 1, 1, 1);
	if (!isnan(rows[i].p))
		*build_tensor(&m, "p", 0, NULL) = rows[i].p;
	v = build_node(&m, rows[i].op, "op", (const char *[]){v, "p"},
	    isnan(rows[i].p) ? 1 : 2);
	v = build_node(&m, "Flatten", "flat", &v, 1);
	w = build_tensor(&m, "w", 2, (size_t[]){1, 2});
	w[0] = 1.0f;
	w[1] = 2.0f;
	build_node(&m, "MatMul", "y", (const char *[]){v, "w"}, 2);
	build_end(&m, "y", 2);
	assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
	assert_ok(batch_init(&b, &net, 1, PLAN_DATA, BATCH_EVAL, &e), &e);
	batch_step(&b, &rows[i].x, first_logit, NULL, &dx, NULL);
	if (!(dx == rows[i].want))
		fail_msg("%s: %g", rows[i].op, (double)dx);
	batch_release(&b);
	net_release(&net);
	model_release(&m);
}

int
main(void)
{
	static struct CMUnitTest tests[ARRAY_LEN(rows)];
	static char name[ARRAY_LEN(rows)][80];
	struct err e = {0};

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(name[i], sizeof(name[i]), "%s at %g", rows[i].op,
		    (double)rows[i].x);
		tests[i] = (struct CMUnitTest){
		    name[i], test_slope, NULL, NULL, (void *)(uintptr_t)i};
	}
	return _cmocka_run_group_tests(
	    "slope", tests, ARRAY_LEN(tests), NULL, NULL);
}
