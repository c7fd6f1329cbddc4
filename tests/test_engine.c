/* SPDX-License-Identifier: MIT
 * Whole nets against what PyTorch made of the same numbers
 * (fixtures/engine, made by fixtures/gen/engine.py and grad.py).
 */
#include "tests/test.h"

#include "base/file.h"
#include "engine/batch.h"
#include "engine/blas.h"
#include "formats/build.h"
#include "formats/neutral.h"

struct world {
	struct file_map file;
	struct model m;
	struct net net;
	struct arena a;
	enum batch_mode mode;
	size_t n;
	float *x, *logits, *dx, *grad;
	const float *dlogits;
};

static float *
floats(struct world *w, size_t n)
{
	float *p = arena_alloc(&w->a, n + 1, sizeof(*p));

	assert_non_null(p);
	return p;
}

/* The numbers of a tensor of the fixture, aligned; *n may be NULL. */
static float *
numbers(struct world *w, const char *name, size_t *n)
{
	const struct tensor *t = model_tensor(&w->m, name);
	float *p;

	if (t == NULL)
		fail_msg("no tensor '%s'", name);
	assert_int_equal(t->dtype, DTYPE_F32);
	p = floats(w, t->size / 4);
	memcpy(p, t->data, t->size);
	if (n != NULL)
		*n = t->size / 4;
	return p;
}

static void
world_open(struct world *w, const char *name)
{
	char path[128];
	struct err e = {0};
	struct rd r;

	*w = (struct world){0};
	arena_init(&w->a, (size_t)1 << 30);
	snprintf(path, sizeof(path), "fixtures/engine/%s.safetensors", name);
	assert_ok(file_map(path, 1 << 20, &w->file, &e), &e);
	r = rd_mem(w->file.ptr, w->file.len);
	assert_ok(neutral_parse(&r, &w->m, &e), &e);
	assert_ok(net_build(&w->net, &w->m, 0, 0, 0, &e), &e);
	w->grad = floats(w, w->net.nweight);
}

static void
world_close(struct world *w)
{
	net_release(&w->net);
	model_release(&w->m);
	file_unmap(&w->file);
	arena_release(&w->a);
}

/* --- against PyTorch ----------------------------------------------------- */

static const struct {
	const char *name;
	enum batch_mode mode;
} rows[] = {
    {"convolutions", BATCH_TRAIN},
    {"pools", BATCH_TRAIN},
    {"boxes", BATCH_EVAL},
    {"convolutions-eval", BATCH_EVAL},
    {"grad-activations", BATCH_EVAL},
    {"grad-attention", BATCH_EVAL},
    {"grad-axes", BATCH_EVAL},
    {"grad-depthwise", BATCH_EVAL},
    {"grad-norms", BATCH_EVAL},
    {"grad-norms-train", BATCH_TRAIN},
    {"grad-pools", BATCH_EVAL},
    {"grad-windows", BATCH_EVAL},
    {"grad-winograd", BATCH_EVAL},
    {"grad-winograd-train", BATCH_TRAIN},
};

static double
given_loss(
    void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	const struct world *w = ctx;
	size_t at = first * w->net.classes;

	for (size_t i = 0; i < n * w->net.classes; i++) {
		w->logits[at + i] = logits[i];
		dlogits[i] = w->dlogits[at + i];
	}
	return 0.0;
}

/* Against tensor `name` of the fixture, relative to its largest number; what
 * is zero but for rounding has the absolute tolerance alone. */
static void
compare(struct world *w, const char *name, const float *got, size_t n)
{
	size_t have;
	const float *want = numbers(w, name, &have);
	double top = 0.0;

	assert_int_equal(have, n);
	for (size_t i = 0; i < n; i++)
		top = fmax(top, fabs((double)want[i]));
	for (size_t i = 0; i < n; i++)
		if (!(fabs((double)got[i] - (double)want[i]) <=
			1e-4 * top + 2e-6))
			fail_msg("%s, element %zu of %zu: got %.9g, want %.9g "
				 "(largest %.3g)",
			    name, i, n, (double)got[i], (double)want[i], top);
}

/* Every tensor "<prefix><name>" of the fixture against `name` of `got`. */
static size_t
compare_all(struct world *w, const struct model *got, const char *prefix)
{
	size_t compared = 0, skip = strlen(prefix);

	for (size_t i = 0; i < w->m.ntensor; i++) {
		const char *name = w->m.tensor[i].name;
		const struct tensor *t;

		if (strncmp(name, prefix, skip) != 0)
			continue;
		t = model_tensor(got, name + skip);
		assert_non_null(t);
		compare(
		    w, name, (const void *)t->data, t->size / sizeof(float));
		compared++;
	}
	return compared;
}

static void
test_torch(void **state)
{
	size_t row = (size_t)(uintptr_t)*state, nx = 0, ny = 0;
	struct world w;
	struct batch b;
	struct model out;
	struct err e = {0};

	world_open(&w, rows[row].name);
	w.x = numbers(&w, "test.images", &nx);
	w.dlogits = numbers(&w, "test.dlogits", &ny);
	w.n = ny / w.net.classes;
	assert_int_equal(nx, w.n * w.net.h * w.net.w * w.net.c);
	w.logits = floats(&w, ny);
	w.dx = floats(&w, nx);
	w.net.chunk = 3; /* several chunks, the last one smaller */
	assert_ok(batch_init(&b, &w.net, w.n, PLAN_DATA | PLAN_WEIGHTS,
		      rows[row].mode, &e),
	    &e);
	batch_step(&b, w.x, given_loss, &w, w.dx, w.grad);
	batch_update_statistics(&b, &w.net, 0.1f);
	batch_release(&b);
	compare(&w, "want.logits", w.logits, ny);
	compare(&w, "want.dx", w.dx, nx);
	/* the export turns gradients into the neutral layout as well */
	memcpy(w.net.weight, w.grad, w.net.nweight * sizeof(float));
	net_changed(&w.net);
	assert_ok(net_export(&w.net, &w.a, &out, &e), &e);
	assert_true(compare_all(&w, &out, "want.grad.") >= 4);
	if (rows[row].mode == BATCH_TRAIN)
		assert_true(compare_all(&w, &out, "want.stat.") >= 4);
	world_close(&w);
}

/* --- a batch size that is baked in --------------------------------------- */

#define BAKED 3
#define MANY  7

/* A token for each image, kept as so many, beside what the image becomes. */
static void
build_baked(struct model *m, size_t batch, bool norm)
{
	size_t dim[] = {batch, 1, 8}, square[] = {24, 4}, first[] = {8, 8};
	const char *x = "image";
	float *token, *w;

	build_begin(m, 4, 4, 1);
	m->shape[0] = batch > 1 ? (int64_t)batch : -1;
	if (norm) {
		for (size_t i = 0; i < 4; i++)
			*build_tensor(m,
			    (const char *[]){"a", "b", "c", "d"}[i], 1,
			    (size_t[]){1}) = 1.0f;
		x = build_node(m, "BatchNormalization", "norm",
		    (const char *[]){x, "a", "b", "c", "d"}, 5);
	}
	build_node(m, "Reshape", "rows", &x, 1);
	build_ints(m, "shape", 3, (const int64_t[]){(int64_t)batch, 2, 8});
	w = build_tensor(m, "v", 2, first);
	for (size_t i = 0; i < 64; i++)
		w[i] = 0.05f * (float)(i * i % 13) - 0.3f;
	build_node(m, "MatMul", "mixed", (const char *[]){"rows", "v"}, 2);
	token = build_tensor(m, "token", 3, dim);
	for (size_t i = 0; i < 8 * batch; i++)
		token[i] = 0.1f * (float)(i % 8);
	build_node(m, "Concat", "all", (const char *[]){"token", "mixed"}, 2);
	build_int(m, "axis", 1);
	build_node(m, "Flatten", "flat", (const char *[]){"all"}, 1);
	w = build_tensor(m, "w", 2, square);
	for (size_t i = 0; i < 24 * 4; i++)
		w[i] = 0.01f * (float)(i * i % 17) - 0.1f;
	build_node(m, "MatMul", "y", (const char *[]){"flat", "w"}, 2);
	build_end(m, "y", 4);
}

/* Seven images in chunks of three, and of one, are the same. */
static void
test_baked(void **state)
{
	static const size_t batches[] = {1, BAKED};
	static float x[MANY * 16], dy[MANY * 4], y[2][MANY * 4];
	static float dx[2][MANY * 16], dw[2][64 + 24 * 4 + 8 * BAKED];
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < MANY * 16; i++)
		x[i] = 0.03f * (float)(i * 5 % 31);
	for (size_t i = 0; i < MANY * 4; i++)
		dy[i] = (float)(i * 3 % 11) - 5.0f;
	for (size_t k = 0; k < 2; k++) {
		struct world w = {.logits = y[k], .dlogits = dy};
		struct batch b;

		build_baked(&w.m, batches[k], false);
		if (k == 0) /* rows of one image, however many there are */
			w.m.shape[0] = 1;
		assert_ok(net_build(&w.net, &w.m, 0, 0, 0, &e), &e);
		assert_int_equal(w.net.batch, batches[k]);
		assert_int_equal(w.net.nweight, 64 + 24 * 4 + 8 * batches[k]);
		assert_ok(batch_init(&b, &w.net, MANY, PLAN_DATA | PLAN_WEIGHTS,
			      BATCH_EVAL, &e),
		    &e);
		batch_step(&b, x, given_loss, &w, dx[k], dw[k]);
		batch_release(&b);
		net_release(&w.net);
		model_release(&w.m);
	}
	assert_close(y[1], y[0], MANY * 4, 1e-6, 1e-6);
	assert_close(dx[1], dx[0], MANY * 16, 1e-6, 1e-6);
	/* behind the first layer's weights: the token, three times in the second */
	for (size_t i = 64; i < 72; i++)
		dw[1][i] += dw[1][8 + i] + dw[1][16 + i];
	assert_close(dw[1], dw[0], 72, 1e-5, 1e-5);
	assert_close(dw[1] + 88, dw[0] + 72, 24 * 4, 1e-5, 1e-5);
}

/* A run of any number of images is the same as runs of one. */
static void
test_baked_run(void **state)
{
	enum {
		LESS = 2
	};
	static float x[MANY * 16], z[2][MANY * 4], dx[2][MANY * 16], dw[2][256];
	static const size_t sizes[] = {MANY, LESS, BAKED};
	struct err e = {0};
	struct world w = {0};

	(void)state;
	for (size_t i = 0; i < MANY * 16; i++)
		x[i] = 0.03f * (float)(i * 5 % 31);
	build_baked(&w.m, BAKED, false);
	assert_ok(net_build(&w.net, &w.m, 0, 0, 0, &e), &e);
	for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
		struct run host, r;
		size_t n = sizes[k];

		assert_ok(
		    run_init(&host, &w.net, MANY, PLAN_DATA | PLAN_WEIGHTS, &e),
		    &e);
		assert_ok(run_init_within(&r, &host, n, &e), &e);
		memcpy(z[0], run_forward(&r, x), n * 4 * sizeof(float));
		for (size_t i = 0; i < n * 4; i++)
			run_dlogits(&r)[i] = (float)(i * 3 % 11) - 5.0f;
		memset(dw, 0, sizeof(dw));
		memset(dx, 0, sizeof(dx));
		run_backward(&r, dx[0], dw[0]);
		for (size_t i = 0; i < n; i++) {
			struct run one;

			assert_ok(run_init(&one, &w.net, 1,
				      PLAN_DATA | PLAN_WEIGHTS, &e),
			    &e);
			memcpy(z[1] + i * 4, run_forward(&one, x + i * 16),
			    4 * sizeof(float));
			for (size_t c = 0; c < 4; c++)
				run_dlogits(&one)[c] =
				    (float)((i * 4 + c) * 3 % 11) - 5.0f;
			run_backward(&one, dx[1] + i * 16, dw[1]);
			run_release(&one);
		}
		assert_close(z[0], z[1], n * 4, 1e-6, 1e-6);
		assert_close(dx[0], dx[1], n * 16, 1e-6, 1e-6);
		/* the token is each place's own */
		assert_close(dw[0], dw[1], 64, 1e-5, 1e-5);
		assert_true(dx[0][0] != 0.0f && dw[0][0] != 0.0f);
		run_release(&r);
		run_release(&host);
	}
	net_release(&w.net);
	model_release(&w.m);
}

/* Images that fill up a chunk would count in batch statistics. */
static void
test_baked_statistics(void **state)
{
	struct err e = {0};
	struct world w = {0};
	struct batch b;

	(void)state;
	build_baked(&w.m, BAKED, true);
	assert_ok(net_build(&w.net, &w.m, 0, 0, 0, &e), &e);
	assert_ok(
	    batch_init(&b, &w.net, 2 * BAKED, PLAN_WEIGHTS, BATCH_TRAIN, &e),
	    &e);
	batch_release(&b);
	assert_int_equal(
	    batch_init(&b, &w.net, MANY, PLAN_WEIGHTS, BATCH_TRAIN, &e),
	    ERR_UNSUPPORTED);
	net_release(&w.net);
	model_release(&w.m);
}

/* --- batch statistics that nothing asks for ------------------------------ */

static const char *
norm(struct model *m, const char *name, const char *x)
{
	const char *in[5] = {x};
	static char part[2][4][16];
	size_t k = *name == 'a' ? 0 : 1;

	for (size_t i = 0; i < 4; i++) {
		snprintf(part[k][i], sizeof(part[k][i]), "%s.%zu", name, i);
		in[i + 1] = part[k][i];
		*build_tensor(m, part[k][i], 1, (size_t[]){1}) =
		    i % 3 == 0 ? 1.0f : 0.0f;
	}
	return build_node(m, "BatchNormalization", name, in, 5);
}

/* A norm whose output leads nowhere, and one of a value that only it reads, do
 * not disturb the training of the others. */
static void
test_dead_norm(void **state)
{
	static float x[4 * 16], y[4 * 2], dy[4 * 2], dw[64];
	struct world w = {.logits = y, .dlogits = dy};
	struct err e = {0};
	const char *v;
	struct batch b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		x[i] = 0.03f * (float)(i * 5 % 31);
	for (size_t i = 0; i < ARRAY_LEN(dy); i++)
		dy[i] = (float)(i * 3 % 11) - 5.0f;
	build_begin(&w.m, 4, 4, 1);
	v = build_node(&w.m, "Sin", "sin", (const char *[]){"image"}, 1);
	norm(&w.m, "b", v);
	v = build_node(&w.m, "Flatten", "flat",
	    (const char *[]){norm(&w.m, "a", "image")}, 1);
	(void)build_tensor(&w.m, "w", 2, (size_t[]){16, 2});
	build_node(&w.m, "MatMul", "y", (const char *[]){v, "w"}, 2);
	build_end(&w.m, "y", 2);
	assert_ok(net_build(&w.net, &w.m, 0, 0, 0, &e), &e);
	assert_true(w.net.nweight <= ARRAY_LEN(dw));
	for (size_t i = 0; i < w.net.nweight; i++)
		w.net.weight[i] = 0.1f * (float)(i % 7) + 0.2f;
	net_changed(&w.net);
	assert_ok(batch_init(&b, &w.net, 4, PLAN_WEIGHTS, BATCH_TRAIN, &e), &e);
	batch_step(&b, x, given_loss, &w, NULL, dw);
	batch_update_statistics(&b, &w.net, 0.1f);
	batch_release(&b);
	for (size_t i = 0; i < w.net.nparam; i++) {
		const struct param *p = &w.net.param[i];
		float now = *net_param(&w.net, i);

		/* a's statistics have moved, b's have not */
		if (strcmp(p->tensor->name, "a.2") == 0)
			assert_true(now > 0.0f);
		if (strcmp(p->tensor->name, "b.2") == 0)
			assert_true(now == 0.0f);
		if (strcmp(p->tensor->name, "b.3") == 0)
			assert_true(now == 1.0f);
		if (strcmp(p->tensor->name, "b.0") == 0)
			assert_true(dw[p->at] == 0.0f);
	}
	net_release(&w.net);
	model_release(&w.m);
}

/* A reader's view of a file is no dense array: refused, not misread. */
static void
test_view(void **state)
{
	static const uint64_t stride[MODEL_MAX_RANK] = {4, 4, 4, 4, 4, 4, 4, 4};
	struct err e = {0};
	struct world w;
	struct net net;

	(void)state;
	world_open(&w, rows[0].name);
	w.m.tensor[0].stride = stride;
	assert_int_equal(net_build(&net, &w.m, 0, 0, 0, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "is a view of a file"));
	w.m.tensor[0].stride = NULL;
	world_close(&w);
}

/* What is filled with a half float is filled with real numbers. */
static void
test_half_fill(void **state)
{
	static const int64_t two = 2;
	static const char *const types[] = {"f16", "bf16", "f32", "f64"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const float x[] = {1.0f, -3.0f};
		const char *v = "image";
		struct err e = {0};
		struct node *fill;
		struct tensor *t;
		struct net net;
		struct model m;
		float *w, y[2];

		build_begin(&m, 1, 2, 1);
		w = build_tensor(&m, "w", 2, (size_t[]){2, 2});
		w[0] = w[3] = 1.0f;
		t = &m.tensor[m.ntensor++];
		*t = (struct tensor){.name = "shape",
		    .dtype = DTYPE_I64,
		    .rank = 1,
		    .dim = {1},
		    .data = (const void *)&two,
		    .size = sizeof(two)};
		build_node(&m, "ConstantOfShape", "fill",
		    (const char *[]){"shape"}, 1);
		build_real(&m, "value", 0.5);
		build_int(&m, "dtype", 0);
		fill = &m.node[m.nnode - 1];
		fill->attr[1].kind = ATTR_TEXT;
		fill->attr[1].s = types[i];
		v = build_node(&m, "Flatten", "flat", &v, 1);
		build_node(&m, "Add", "sum", (const char *[]){v, "fill"}, 2);
		build_node(&m, "MatMul", "y", (const char *[]){"sum", "w"}, 2);
		build_end(&m, "y", 2);
		assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
		assert_ok(batch_logits(&net, x, 1, y, &e), &e);
		assert_true(y[0] == 1.5f && y[1] == -2.5f);
		net_release(&net);
		model_release(&m);
	}
}

/* A mean over many pixels keeps its digits: one sum of all would have lost
 * three of them. */
static void
test_large_mean(void **state)
{
	static const size_t two[] = {2, 1};
	enum {
		SIDE = 400
	};
	static float x[SIDE * SIDE], y[2];
	const char *v = "image";
	struct err e = {0};
	struct net net;
	struct model m;
	float *w;

	(void)state;
	for (size_t i = 0; i < SIDE * SIDE; i++)
		x[i] = 0.1f;
	build_begin(&m, SIDE, SIDE, 1);
	w = build_tensor(&m, "w", 2, two);
	w[0] = 1.0f;
	w[1] = -2.0f;
	v = build_node(&m, "GlobalAveragePool", "mean", &v, 1);
	v = build_node(&m, "Flatten", "flat", &v, 1);
	build_node(&m, "Gemm", "y", (const char *[]){v, "w"}, 2);
	build_int(&m, "transB", 1);
	build_end(&m, "y", 2);
	assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
	assert_ok(batch_logits(&net, x, 1, y, &e), &e);
	assert_true(y[0] > 0.1f - 1e-6f && y[0] < 0.1f + 1e-6f);
	net_release(&net);
	model_release(&m);
}

int
main(void)
{
	struct CMUnitTest tests[32];
	static char name[32][80];
	struct err e = {0};
	size_t n = 0;

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++, n++) {
		snprintf(name[n], sizeof(name[n]), "%s as PyTorch has it",
		    rows[i].name);
		tests[n] = (struct CMUnitTest){
		    name[n], test_torch, NULL, NULL, (void *)(uintptr_t)i};
	}
	tests[n++] = (struct CMUnitTest){
	    "a view of a file", test_view, NULL, NULL, NULL};
	tests[n++] = (struct CMUnitTest){
	    "a batch size that is baked in", test_baked, NULL, NULL, NULL};
	tests[n++] = (struct CMUnitTest){
	    "and a run of any number", test_baked_run, NULL, NULL, NULL};
	tests[n++] = (struct CMUnitTest){"statistics that nothing asks for",
	    test_dead_norm, NULL, NULL, NULL};
	tests[n++] = (struct CMUnitTest){"batch statistics with it",
	    test_baked_statistics, NULL, NULL, NULL};
	tests[n++] = (struct CMUnitTest){
	    "filled with half floats", test_half_fill, NULL, NULL, NULL};
	tests[n++] = (struct CMUnitTest){
	    "a mean over many pixels", test_large_mean, NULL, NULL, NULL};
	return _cmocka_run_group_tests("engine", tests, n, NULL, NULL);
}
