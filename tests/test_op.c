/* SPDX-License-Identifier: MIT
 * Every operator with a kernel in a small net: logits against the operators'
 * definitions, and gradients along random directions against differences of
 * these in double.
 */
#include "tests/op_body.h"
#include "tests/test.h"

#include "engine/blas.h"
#include "engine/reference.h"
#include "engine/run.h"
#include "formats/build.h"

#define CLASSES OP_BODY_CLASSES

/* --- the checks ---------------------------------------------------------- */

struct world {
	struct model m;
	struct net net;
	struct run run;
	struct arena a;
	float *x, *dx, *dw;
	double *wide; /* weights, for differences in double */
	union number *number;
	struct shape input;
	size_t nx, nw;
	const struct op_body *row;
};

static void *
room(struct world *w, size_t n, size_t size)
{
	void *p = arena_alloc(&w->a, n + 1, size);

	assert_non_null(p);
	return p;
}

static void
world_open(struct world *w, const struct op_body *row)
{
	struct err e = {0};

	*w = (struct world){.row = row};
	arena_init(&w->a, (size_t)1 << 30);
	build_begin(&w->m, row->h, row->w, row->c);
	row->build(&w->m);
	assert_ok(net_build(&w->net, &w->m, 0, 0, 0, &e), &e);
	assert_ok(
	    run_init(&w->run, &w->net, row->n, PLAN_DATA | PLAN_WEIGHTS, &e),
	    &e);
	w->nx = row->n * row->h * row->w * row->c;
	w->nw = w->net.nweight;
	w->x = room(w, w->nx, sizeof(*w->x));
	w->dx = room(w, w->nx, sizeof(*w->dx));
	w->dw = room(w, w->nw, sizeof(*w->dw));
	w->wide = room(w, w->nw, sizeof(*w->wide));
	w->number = room(w, w->nx, sizeof(*w->number));
	op_body_noise(w->x, w->nx, 30, 0.5f, 0.2f);
	w->input = w->net.input;
	w->input.dim[0] = row->n;
	w->input.known = w->number;
}

static void
world_close(struct world *w)
{
	run_release(&w->run);
	net_release(&w->net);
	model_release(&w->m);
	arena_release(&w->a);
}

/* A smooth scalar of the logits: sum of sin(logit + index), in double, where
 * image and weights have moved by h along the directions (NULL: not). */
static double
scalar(struct world *w, const float *xdir, const float *wdir, double h)
{
	struct reference r;
	struct err e = {0};
	const union number *y;
	double v = 0.0;

	for (size_t i = 0; i < w->nx; i++)
		w->number[shape_row_index(&w->input, i)].f =
		    (double)w->x[i] +
		    (xdir != NULL ? h * (double)xdir[i] : 0.0);
	for (size_t i = 0; i < w->nw; i++)
		w->wide[i] = (double)w->net.weight[i] +
			     (wdir != NULL ? h * (double)wdir[i] : 0.0);
	assert_ok(reference_run(&r, &w->net, &w->input, w->wide, true, &e), &e);
	y = r.shape[w->net.output].known;
	for (size_t i = 0; i < w->row->n * CLASSES; i++)
		v += sin(y[i].f + (double)i);
	reference_release(&r);
	return v;
}

static void
gradients(struct world *w)
{
	const float *y = run_forward(&w->run, w->x);
	float *dy = run_dlogits(&w->run);

	for (size_t i = 0; i < w->row->n * CLASSES; i++)
		dy[i] = (float)cos((double)y[i] + (double)i);
	memset(w->dw, 0, w->nw * sizeof(*w->dw));
	run_backward(&w->run, w->dx, w->dw);
}

static double
dot(const float *a, const float *b, size_t n)
{
	double v = 0.0;

	for (size_t i = 0; i < n; i++)
		v += (double)a[i] * (double)b[i];
	return v;
}

/* The gradient along a random direction against a central difference. */
static void
assert_slope(struct world *w, const float *grad, size_t n, bool image)
{
	const double h = 1e-6; /* kinks of relu and max are further apart */
	float *dir = room(w, n, sizeof(*dir));
	double got, want, scale;

	op_body_noise(dir, n, image ? 31 : 32, 1.0f, 0.0f);
	got = dot(grad, dir, n);
	want = (scalar(w, image ? dir : NULL, image ? NULL : dir, h) -
		   scalar(w, image ? dir : NULL, image ? NULL : dir, -h)) /
	       (2 * h);
	/* sizes that the sum of n products of noise is made of */
	scale = sqrt(dot(grad, grad, n)) + 1e-3;
	if (!(fabs(got - want) <= 1e-4 * scale))
		fail_msg("%s: slope %.9g, difference %.9g (scale %.3g)",
		    image ? "image" : "weights", got, want, scale);
}

static void
test_gradient(void **state)
{
	struct world w;

	world_open(&w, *state);
	gradients(&w);
	assert_slope(&w, w.dx, w.nx, true);
	assert_slope(&w, w.dw, w.nw, false);
	world_close(&w);
}

/* Where only the gradient to the image is asked for, other kernels may run. */
static void
test_data_alone(void **state)
{
	struct err e = {0};
	struct world w;
	struct run both;
	float *dx;
	double size;

	world_open(&w, *state);
	gradients(&w);
	dx = room(&w, w.nx, sizeof(*dx));
	memcpy(dx, w.dx, w.nx * sizeof(*dx));
	size = sqrt(dot(dx, dx, w.nx) / (double)w.nx);
	both = w.run;
	assert_ok(run_init(&w.run, &w.net, w.row->n, PLAN_DATA, &e), &e);
	gradients(&w);
	for (size_t i = 0; i < w.nx; i++)
		if (!(fabs((double)(w.dx[i] - dx[i])) <= 1e-4 * size))
			fail_msg("pixel %zu: %.8g, with weights %.8g", i,
			    (double)w.dx[i], (double)dx[i]);
	run_release(&both);
	world_close(&w);
}

/* The kernels of the whole net against the definitions. */
static void
test_reference(void **state)
{
	struct world w;
	struct err e = {0};
	struct reference r;
	const float *y;
	size_t n;

	world_open(&w, *state);
	y = run_forward(&w.run, w.x);
	n = w.row->n * CLASSES;
	for (size_t i = 0; i < w.nx; i++)
		w.number[shape_row_index(&w.input, i)].f = (double)w.x[i];
	assert_ok(reference_run(&r, &w.net, &w.input, NULL, true, &e), &e);
	for (size_t i = 0; i < n; i++) {
		double want = r.shape[w.net.output].known[i].f;

		if (!(fabs((double)y[i] - want) <= 1e-5 * (1 + fabs(want))))
			fail_msg("logit %zu: %.8g, expected %.8g", i,
			    (double)y[i], want);
	}
	reference_release(&r);
	world_close(&w);
}

/*
 * Chains of nodes that engine/fuse.c puts together compute what they do apart:
 * with one more user of every value, which leads nowhere, none is.
 */
static void
test_apart(void **state)
{
	struct world w;
	struct err e = {0};
	const float *y, *z;
	struct run apart;
	struct net net;
	size_t nodes;

	world_open(&w, *state);
	nodes = w.m.nnode;
	for (size_t i = 0; i < nodes; i++) {
		char name[32];

		snprintf(name, sizeof(name), "nowhere.%zu", i);
		build_node(&w.m, "Identity", name, w.m.node[i].out, 1);
	}
	assert_ok(net_build(&net, &w.m, 0, 0, 0, &e), &e);
	assert_ok(run_init(&apart, &net, w.row->n, PLAN_FORWARD, &e), &e);
	y = run_forward(&w.run, w.x);
	z = run_forward(&apart, w.x);
	for (size_t i = 0; i < w.row->n * CLASSES; i++)
		if (!(fabs((double)(y[i] - z[i])) <=
			1e-5 * (1 + fabs((double)z[i]))))
			fail_msg("logit %zu: %.8g, apart %.8g", i, (double)y[i],
			    (double)z[i]);
	run_release(&apart);
	net_release(&net);
	world_close(&w);
}

/* NaN in a weight reaches the logits. */
static void
test_nan(void **state)
{
	struct world w;
	const float *y;

	world_open(&w, *state);
	w.net.weight[0] = NAN;
	net_changed(&w.net);
	y = run_forward(&w.run, w.x);
	for (size_t i = 0; i < w.row->n; i++)
		assert_true(isnan(y[i * CLASSES]) ||
			    isnan(y[i * CLASSES + 1]) ||
			    isnan(y[i * CLASSES + 2]));
	world_close(&w);
}

/* The weight j is v: no logit is finite that the definitions say is not. */
static void
assert_special(struct world *w, size_t j, float v)
{
	float was = w->net.weight[j];
	struct err e = {0};
	struct reference r;
	const float *y;

	w->net.weight[j] = v;
	net_changed(&w->net);
	y = run_forward(&w->run, w->x);
	assert_ok(reference_run(&r, &w->net, &w->input, NULL, true, &e), &e);
	for (size_t i = 0; i < w->row->n * CLASSES; i++) {
		double want = r.shape[w->net.output].known[i].f;

		if (!isfinite(want) && isfinite(y[i]))
			fail_msg("weight %zu is %g: logit %zu is %g, not %g", j,
			    (double)v, i, (double)y[i], want);
	}
	reference_release(&r);
	w->net.weight[j] = was;
}

/* NaN and infinity anywhere in the weights. */
static void
test_special(void **state)
{
	const float v[] = {NAN, INFINITY, -INFINITY};
	struct world w;

	world_open(&w, *state);
	for (size_t i = 0; i < w.nx; i++)
		w.number[shape_row_index(&w.input, i)].f = (double)w.x[i];
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		assert_special(&w, 0, v[i]);
		assert_special(&w, w.nw / 2, v[i]);
		assert_special(&w, w.nw - 1, v[i]);
	}
	world_close(&w);
}

static const struct op_body_set *const sets[] = {
    &op_body_basic,
    &op_body_curves,
    &op_body_product,
    &op_body_randoms,
    &op_body_rows,
    &op_body_resizes,
    &op_body_transposes,
    &op_body_windows,
    &op_body_unary,
};

int
main(void)
{
	static void (*const fn[])(void **) = {test_gradient, test_data_alone,
	    test_reference, test_apart, test_nan, test_special};
	static const char *const what[] = {"gradient", "data alone",
	    "definition", "apart", "NaN", "NaN, infinity"};
	enum {
		KINDS = ARRAY_LEN(fn)
	};
	static struct CMUnitTest tests[KINDS * OP_BODY_MAX];
	static char name[KINDS * OP_BODY_MAX][80];
	struct err e = {0};
	size_t n = 0;

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	for (size_t s = 0; s < ARRAY_LEN(sets); s++)
		for (size_t i = 0; i < KINDS * sets[s]->n; i++, n++) {
			const struct op_body *row = &sets[s]->row[i / KINDS];

			if (n == ARRAY_LEN(tests))
				BUG("more bodies than OP_BODY_MAX");
			snprintf(name[n], sizeof(name[n]), "%s: %s", row->name,
			    what[i % KINDS]);
			tests[n] = (struct CMUnitTest){name[n], fn[i % KINDS],
			    NULL, NULL, (void *)(uintptr_t)row};
		}
	return _cmocka_run_group_tests("op", tests, n, NULL, NULL);
}
