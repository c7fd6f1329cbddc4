/* SPDX-License-Identifier: MIT
 * Every operator with a kernel: forward against the naive reference, and the
 * gradient along random directions against differences in double of the same
 * network, on odd sizes, strides and pads.
 */
#include "tests/op_body.h"
#include "tests/test.h"

#include "engine/blas.h"
#include "engine/run.h"
#include "formats/build.h"

#define CLASSES OP_BODY_CLASSES

/* --- the checks ---------------------------------------------------------- */

struct world {
	struct model m;
	struct net net;
	struct run run;
	struct arena a;
	float *x, *dir, *dx, *dw, *wdir, *keep;
	size_t nx;
	const struct op_body *row;
};

static float *
floats(struct world *w, size_t n)
{
	float *p = arena_alloc(&w->a, n + 1, sizeof(*p));

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
	w->x = floats(w, w->nx);
	w->dir = floats(w, w->nx);
	w->dx = floats(w, w->nx);
	w->dw = floats(w, w->net.nweight);
	w->wdir = floats(w, w->net.nweight);
	w->keep = floats(w, MAX(w->nx, w->net.nweight));
	op_body_noise(w->x, w->nx, 30, 0.5f, 0.2f);
	op_body_noise(w->dir, w->nx, 31, 1.0f, 0.0f);
	op_body_noise(w->wdir, w->net.nweight, 32, 1.0f, 0.0f);
}

static void
world_close(struct world *w)
{
	run_release(&w->run);
	net_release(&w->net);
	model_release(&w->m);
	arena_release(&w->a);
}

/* A smooth scalar of the logits: sum of sin(logit + index). */
static double
scalar(struct world *w)
{
	const float *y = run_forward(&w->run, w->x);
	double v = 0.0;

	for (size_t i = 0; i < w->row->n * CLASSES; i++)
		v += sin((double)y[i] + (double)i);
	return v;
}

static void
gradients(struct world *w)
{
	const float *y = run_forward(&w->run, w->x);
	float *dy = run_dlogits(&w->run);

	for (size_t i = 0; i < w->row->n * CLASSES; i++)
		dy[i] = (float)cos((double)y[i] + (double)i);
	memset(w->dw, 0, w->net.nweight * sizeof(*w->dw));
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

/* Central difference of scalar() when p moves along dir. */
static double
difference(struct world *w, float *p, const float *dir, size_t n, double h)
{
	double up, down;

	memcpy(w->keep, p, n * sizeof(*p));
	for (size_t i = 0; i < n; i++)
		p[i] = (float)((double)w->keep[i] + h * (double)dir[i]);
	up = scalar(w);
	for (size_t i = 0; i < n; i++)
		p[i] = (float)((double)w->keep[i] - h * (double)dir[i]);
	down = scalar(w);
	memcpy(p, w->keep, n * sizeof(*p));
	return (up - down) / (2 * h);
}

static void
assert_slope(double got, double want, double scale, const char *what)
{
	if (!(fabs(got - want) <= 2e-3 * scale))
		fail_msg("%s: slope %.7g, difference %.7g", what, got, want);
}

static void
test_gradient(void **state)
{
	const double h = 2e-4; /* kinks of relu and max are further apart */
	struct world w;
	double norm;

	world_open(&w, *state);
	gradients(&w);
	norm = sqrt(dot(w.dx, w.dx, w.nx) * dot(w.dir, w.dir, w.nx)) / 8 + 1;
	assert_slope(dot(w.dx, w.dir, w.nx),
	    difference(&w, w.x, w.dir, w.nx, h), norm, "data");
	norm = sqrt(dot(w.dw, w.dw, w.net.nweight) *
		    dot(w.wdir, w.wdir, w.net.nweight)) /
		   8 +
	       1;
	assert_slope(dot(w.dw, w.wdir, w.net.nweight),
	    difference(&w, w.net.weight, w.wdir, w.net.nweight, h), norm,
	    "weights");
	world_close(&w);
}

/* Each step's fast kernel against its reference on the same input. */
static void
test_reference(void **state)
{
	struct world w;
	struct err e = {0};
	struct run fwd;

	world_open(&w, *state);
	/* a training plan keeps every input of the operators with one */
	assert_ok(run_init(&fwd, &w.net, w.row->n, PLAN_WEIGHTS, &e), &e);
	run_forward(&fwd, w.x);
	for (size_t i = 0; i < w.net.nstep; i++) {
		const struct step *s = &w.net.step[i];
		const struct shape *out = &fwd.plan.shape[s->out];
		size_t n = shape_elements(out);
		const struct shape *in_shape[8] = {NULL};
		const float *in[8] = {NULL};
		float *want = floats(&w, n), *got = floats(&w, n);
		struct op_call c = {.step = s,
		    .shape_in = in_shape,
		    .shape_out = out,
		    .in = in,
		    .scratch = fwd.mem + fwd.plan.scratch};

		if (s->op->reference == NULL)
			continue;
		for (size_t k = 0; k < s->nin; k++) {
			size_t v = s->in[k], p = w.net.value[v].param;

			in_shape[k] = &fwd.plan.shape[v];
			in[k] = v == 0          ? w.x
				: p != SIZE_MAX ? net_param(&w.net, p)
						: fwd.mem + fwd.plan.value[v];
		}
		c.out = got;
		s->op->forward(&c);
		c.out = want;
		s->op->reference(&c);
		assert_close(got, want, n, 1e-5, 1e-5);
	}
	run_release(&fwd);
	world_close(&w);
}

/* NaN and infinity in the weights reach the logits. */
static void
test_nan(void **state)
{
	struct world w;
	const float *y;

	world_open(&w, *state);
	w.net.weight[0] = NAN;
	y = run_forward(&w.run, w.x);
	for (size_t i = 0; i < w.row->n; i++)
		assert_true(isnan(y[i * CLASSES]) ||
			    isnan(y[i * CLASSES + 1]) ||
			    isnan(y[i * CLASSES + 2]));
	world_close(&w);
}

int
main(void)
{
	struct CMUnitTest tests[3 * OP_BODY_MAX];
	static char name[3 * OP_BODY_MAX][80];
	void (*const fn[])(void **) = {test_gradient, test_reference, test_nan};
	static const char *const what[] = {"gradient", "reference", "NaN"};
	struct err e = {0};

	if (op_body_count > OP_BODY_MAX || blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	for (size_t i = 0; i < 3 * op_body_count; i++) {
		const struct op_body *row = &op_body_table[i / 3];

		snprintf(
		    name[i], sizeof(name[i]), "%s: %s", row->name, what[i % 3]);
		tests[i] = (struct CMUnitTest){
		    name[i], fn[i % 3], NULL, NULL, (void *)(uintptr_t)row};
	}
	return _cmocka_run_group_tests(
	    "op", tests, 3 * op_body_count, NULL, NULL);
}
