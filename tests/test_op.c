/* SPDX-License-Identifier: MIT
 * Every operator with a kernel: forward against the naive reference, and the
 * gradient along random directions against differences in double of the same
 * network, on odd sizes, strides and pads.
 */
#include "tests/test.h"

#include "base/rng.h"
#include "engine/blas.h"
#include "engine/run.h"
#include "formats/build.h"

#define CLASSES 3

struct op_row {
	const char *name;
	void (*body)(struct model *);
	size_t h, w, c, n;
};

/* --- small networks around one operator ---------------------------------- */

static void
noise(float *p, size_t n, uint64_t stream, float scale, float shift)
{
	struct rng r;

	rng_init(&r, 7, stream);
	for (size_t i = 0; i < n; i++)
		p[i] = shift + scale * rng_normal(&r);
}

static void
window(
    struct model *m, int64_t stride, int64_t t, int64_t l, int64_t b, int64_t r)
{
	build_ints(m, "strides", 2, (int64_t[]){stride, stride});
	build_ints(m, "pads", 4, (int64_t[]){t, l, b, r});
}

static const char *
conv(struct model *m, const char *name, const char *in, size_t k, size_t c,
    size_t r, size_t s)
{
	char w[32], b[32];

	snprintf(w, sizeof(w), "%s.w", name);
	snprintf(b, sizeof(b), "%s.b", name);
	noise(build_tensor(m, w, 4, (size_t[]){k, c, r, s}), k * c * r * s, 1,
	    0.4f, 0.0f);
	noise(build_tensor(m, b, 1, &k), k, 2, 0.3f, 0.1f);
	return build_node(m, "Conv", name, (const char *[]){in, w, b}, 3);
}

/* Pool everything and map it to the classes. */
static void
head(struct model *m, const char *in, size_t features)
{
	size_t dim[] = {CLASSES, features};
	const char *v;

	v = build_node(m, "Flatten", "flat", &in, 1);
	noise(
	    build_tensor(m, "fc.w", 2, dim), CLASSES * features, 3, 0.5f, 0.0f);
	noise(build_tensor(m, "fc.b", 1, dim), CLASSES, 4, 0.5f, 0.0f);
	v = build_node(m, "Gemm", "fc", (const char *[]){v, "fc.w", "fc.b"}, 3);
	build_int(m, "transB", 1);
	build_end(m, v, CLASSES);
}

static void
body_conv(struct model *m)
{
	conv(m, "c", "image", 5, 3, 3, 3);
	window(m, 1, 1, 1, 1, 1);
	head(m, "c", 5 * 7 * 6);
}

static void
body_conv_stride(struct model *m)
{
	conv(m, "c", "image", 4, 3, 3, 2);
	window(m, 2, 0, 1, 2, 0);
	head(m, "c", 4 * 4 * 3);
}

static void
body_conv_dilated(struct model *m)
{
	conv(m, "c", "image", 2, 3, 2, 3);
	window(m, 1, 1, 2, 1, 2);
	build_ints(m, "dilations", 2, (int64_t[]){3, 2});
	head(m, "c", 2 * 5 * 5);
}

static void
body_conv_1x1(struct model *m)
{
	conv(m, "c", "image", 6, 3, 1, 1);
	head(m, "c", 6 * 7 * 6);
}

static void
body_conv_group(struct model *m)
{
	conv(m, "c", "image", 4, 3, 3, 3);
	window(m, 1, 1, 1, 1, 1);
	conv(m, "g", "c", 6, 2, 3, 3);
	window(m, 2, 1, 1, 1, 1);
	build_int(m, "group", 2);
	conv(m, "d", "g", 6, 1, 3, 3);
	window(m, 1, 1, 1, 1, 1);
	build_int(m, "group", 6);
	head(m, "d", 6 * 4 * 3);
}

static void
body_conv_same(struct model *m)
{
	struct attr *a;

	conv(m, "c", "image", 4, 3, 3, 3);
	build_ints(m, "strides", 2, (int64_t[]){2, 2});
	build_int(m, "auto_pad", 0);
	a = &m->node[0].attr[m->node[0].nattr - 1];
	a->kind = ATTR_TEXT;
	a->s = "SAME_UPPER";
	head(m, "c", 4 * 4 * 3);
}

static const char *
batch_norm(struct model *m, const char *name, const char *in, size_t c)
{
	static const char *const part[] = {"g", "b", "m", "v"};
	char t[4][32];

	for (size_t i = 0; i < 4; i++) {
		float *p;

		snprintf(t[i], sizeof(t[i]), "%s.%s", name, part[i]);
		p = build_tensor(m, t[i], 1, &c);
		noise(p, c, 10 + i, 0.2f, i == 0 || i == 3 ? 1.0f : 0.1f);
	}
	build_node(m, "BatchNormalization", name,
	    (const char *[]){in, t[0], t[1], t[2], t[3]}, 5);
	build_real(m, "epsilon", 1e-3);
	return name;
}

static void
body_batch_norm(struct model *m)
{
	head(m, batch_norm(m, "bn", "image", 3), 3 * 7 * 6);
}

static void
body_relu(struct model *m)
{
	conv(m, "c", "image", 4, 3, 1, 1);
	head(
	    m, build_node(m, "Relu", "r", (const char *[]){"c"}, 1), 4 * 7 * 6);
}

static void
body_clip(struct model *m)
{
	const char *v;

	conv(m, "c", "image", 4, 3, 1, 1);
	v = build_node(m, "Clip", "r", (const char *[]){"c"}, 1);
	build_real(m, "min", -0.5);
	build_real(m, "max", 0.75);
	head(m, v, 4 * 7 * 6);
}

static void
body_max_pool(struct model *m)
{
	build_node(m, "MaxPool", "p", (const char *[]){"image"}, 1);
	build_ints(m, "kernel_shape", 2, (int64_t[]){3, 2});
	window(m, 2, 1, 0, 1, 1);
	head(m, "p", 3 * 4 * 3);
}

static void
body_max_pool_ceil(struct model *m)
{
	build_node(m, "MaxPool", "p", (const char *[]){"image"}, 1);
	build_ints(m, "kernel_shape", 2, (int64_t[]){2, 3});
	window(m, 2, 0, 0, 0, 0);
	build_int(m, "ceil_mode", 1);
	head(m, "p", 3 * 4 * 3);
}

static void
body_average_pool(struct model *m)
{
	build_node(m, "AveragePool", "p", (const char *[]){"image"}, 1);
	build_ints(m, "kernel_shape", 2, (int64_t[]){3, 3});
	window(m, 2, 1, 1, 1, 1);
	head(m, "p", 3 * 4 * 3);
}

static void
body_average_pool_counted(struct model *m)
{
	build_node(m, "AveragePool", "p", (const char *[]){"image"}, 1);
	build_ints(m, "kernel_shape", 2, (int64_t[]){3, 2});
	window(m, 2, 1, 0, 1, 1);
	build_int(m, "count_include_pad", 1);
	build_int(m, "ceil_mode", 1);
	head(m, "p", 3 * 4 * 3);
}

static void
body_global_pool(struct model *m)
{
	conv(m, "c", "image", 5, 3, 3, 3);
	head(m,
	    build_node(m, "GlobalAveragePool", "p", (const char *[]){"c"}, 1),
	    5);
}

static void
body_residual(struct model *m)
{
	const char *a = conv(m, "a", "image", 4, 3, 3, 3), *b;

	window(m, 1, 1, 1, 1, 1);
	b = conv(m, "b", a, 4, 4, 3, 3);
	window(m, 1, 1, 1, 1, 1);
	b = build_node(m, "Add", "sum", (const char *[]){a, b}, 2);
	b = build_node(m, "Mul", "square", (const char *[]){b, a}, 2);
	b = build_node(m, "Sub", "less", (const char *[]){b, a}, 2);
	head(m, b, 4 * 7 * 6);
}

static void
body_normalise(struct model *m)
{
	size_t dim[] = {3, 1, 1};
	const char *v;

	noise(build_tensor(m, "mean", 3, dim), 3, 20, 0.1f, 0.5f);
	noise(build_tensor(m, "std", 3, dim), 3, 21, 0.05f, 0.4f);
	v = build_node(m, "Sub", "s", (const char *[]){"image", "mean"}, 2);
	v = build_node(m, "Div", "d", (const char *[]){v, "std"}, 2);
	head(m, v, 3 * 7 * 6);
}

static void
body_matmul(struct model *m)
{
	size_t features = 3 * 7 * 6;
	const char *v;

	build_node(m, "Reshape", "flat", (const char *[]){"image"}, 1);
	build_ints(m, "shape", 2, (int64_t[]){0, -1});
	noise(build_tensor(m, "w", 2, (size_t[]){features, CLASSES}),
	    features * CLASSES, 5, 0.2f, 0.0f);
	v = build_node(m, "MatMul", "mm", (const char *[]){"flat", "w"}, 2);
	noise(build_tensor(m, "b", 1, (size_t[]){CLASSES}), CLASSES, 6, 0.3f,
	    0.0f);
	v = build_node(m, "Add", "add", (const char *[]){v, "b"}, 2);
	build_end(m, v, CLASSES);
}

static const struct op_row rows[] = {
    {"conv 3x3", body_conv, 7, 6, 3, 3},
    {"conv 3x2 stride 2, uneven pads", body_conv_stride, 7, 6, 3, 3},
    {"conv dilated", body_conv_dilated, 6, 5, 3, 2},
    {"conv 1x1", body_conv_1x1, 7, 6, 3, 3},
    {"conv grouped and depthwise", body_conv_group, 7, 6, 3, 2},
    {"conv SAME_UPPER", body_conv_same, 7, 6, 3, 2},
    {"conv, many images a product", body_conv, 7, 6, 3, 41},
    {"batch-norm", body_batch_norm, 7, 6, 3, 3},
    {"relu", body_relu, 7, 6, 3, 3},
    {"clip", body_clip, 7, 6, 3, 3},
    {"max-pool", body_max_pool, 7, 6, 3, 3},
    {"max-pool, ceil mode", body_max_pool_ceil, 7, 6, 3, 3},
    {"average-pool", body_average_pool, 7, 6, 3, 3},
    {"average-pool, padding counted", body_average_pool_counted, 7, 6, 3, 2},
    {"global average-pool", body_global_pool, 7, 6, 3, 3},
    {"residual add, mul, sub", body_residual, 7, 6, 3, 3},
    {"normalisation sub, div", body_normalise, 7, 6, 3, 3},
    {"reshape, matmul", body_matmul, 7, 6, 3, 3},
};

/* --- the checks ---------------------------------------------------------- */

struct world {
	struct model m;
	struct net net;
	struct run run;
	struct arena a;
	float *x, *dir, *dx, *dw, *wdir, *keep;
	size_t nx;
	const struct op_row *row;
};

static float *
floats(struct world *w, size_t n)
{
	float *p = arena_alloc(&w->a, n + 1, sizeof(*p));

	assert_non_null(p);
	return p;
}

static void
world_open(struct world *w, const struct op_row *row)
{
	struct err e;

	*w = (struct world){.row = row};
	arena_init(&w->a, (size_t)1 << 30);
	build_begin(&w->m, row->h, row->w, row->c);
	row->body(&w->m);
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
	noise(w->x, w->nx, 30, 0.5f, 0.2f);
	noise(w->dir, w->nx, 31, 1.0f, 0.0f);
	noise(w->wdir, w->net.nweight, 32, 1.0f, 0.0f);
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
	struct err e;
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
	struct CMUnitTest tests[3 * ARRAY_LEN(rows)];
	static char name[3 * ARRAY_LEN(rows)][80];
	void (*const fn[])(void **) = {test_gradient, test_reference, test_nan};
	static const char *const what[] = {"gradient", "reference", "NaN"};
	struct err e;

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		const struct op_row *row = &rows[i / 3];

		snprintf(
		    name[i], sizeof(name[i]), "%s: %s", row->name, what[i % 3]);
		tests[i] = (struct CMUnitTest){
		    name[i], fn[i % 3], NULL, NULL, (void *)(uintptr_t)row};
	}
	return cmocka_run_group_tests_name("op", tests, NULL, NULL);
}
