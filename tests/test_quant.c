/* SPDX-License-Identifier: MIT
 * ONNX models with functions of their own and quantised ones: what they compute
 * against fixtures/onnx-logits (fixtures/gen/quant.py says where these come
 * from), and what is refused; also images and logits that lie elsewhere than
 * usual (fixtures/gen/ends.py).
 */
#include "tests/test.h"

#include "engine/batch.h"
#include "engine/blas.h"
#include "engine/role.h"
#include "formats/onnx.h"

#define IMAGES 2

static void
open_model(const char *name, struct file_map *f, struct model *m)
{
	char path[128];
	struct err e = {0};
	struct rd r;

	snprintf(path, sizeof(path), "fixtures/onnx/%s.onnx", name);
	assert_ok(file_map(path, 1 << 20, f, &e), &e);
	r = rd_mem(f->ptr, f->len);
	assert_ok(onnx_parse(&r, m, &e), &e);
}

struct good_row {
	const char *name, *ops;
	size_t weights; /* tensors that training may change */
	const char *note;
};

#define ROUND "Div StraightRound Clip "
#define MOVED "Div StraightRound Add Clip "
static const struct good_row good_rows[] = {
    {"functions",
	"Conv LeakyRelu Conv LeakyRelu Conv LeakyRelu Mul Add Conv LeakyRelu "
	"Conv LeakyRelu Mul Add Add GlobalAveragePool Flatten Gemm",
	7, "opset 17; 7 calls of the model's own functions inlined"},
    {"qdq-10",
	ROUND "Mul Conv " MOVED "Sub Mul Relu " MOVED "Sub Mul Conv " MOVED
	      "Sub Mul Add " MOVED "Sub Mul GlobalAveragePool Flatten " MOVED
	      "Sub Mul Gemm",
	6,
	"opset 10; 5 tensors dequantised; activations are rounded in 6 places "
	"as the file says, gradients go straight through"},
    {"qdq-13", NULL, 6, "5 tensors dequantised"},
    {"qdq-19-softmax", NULL, 6, "logits are the input of the final Softmax"},
    {"qdq-21", NULL, 6, "opset 21; 5 tensors dequantised"},
    {"quant-dynamic", NULL, 5, "some in a range of each image's own"},
    {"quant-operators", NULL, 7, "7 tensors dequantised"},
    {"quant-trained", NULL, 4, "1 tensors dequantised"},
    {"ends-bytes",
	"Mul Transpose Cast Sub Mul Transpose Conv Relu GlobalAveragePool "
	"Flatten Gemm",
	4, "opset 13; the file takes images as NHWC; it takes bytes"},
    {"ends-first", NULL, 4, "opset 13; it takes bytes"},
    {"ends-last",
	"Transpose Sub Mul Transpose Conv Relu GlobalAveragePool Flatten Gemm",
	4,
	"opset 13; the file takes images as NHWC; its first arithmetic brings "
	"down pixels of 0 to 255"},
    {"ends-narrow", "Transpose Reshape MatMul", 1,
	"opset 13; the file takes images as NHWC"},
    {"ends-row", "Flatten MatMul Add", 2,
	"opset 13; logits are the input of the final Softmax; the file takes "
	"the numbers of square images in a row; of what the file gives "
	"'probabilities' was taken"},
    {"ends-grey",
	"Squeeze Unsqueeze Transpose Conv Expand Add Relu GlobalAveragePool "
	"Flatten Gemm",
	4, "opset 13; the file takes grey images without an axis of channels"},
    {"ends-argmax", NULL, 4,
	"opset 13; logits are the input of the final Softmax; of what the "
	"file gives 'q' was taken"},
    {"ends-several", NULL, 4, "opset 13; of what the file gives 'y' was taken"},
    {"ends-named", NULL, 4, "of what the file gives 'class_logits' was taken"},
    {"ends-squeeze", "Conv Relu GlobalAveragePool Squeeze Gemm", 4, "opset 13"},
    {"ends-branches", "Conv Relu GlobalAveragePool Flatten Gemm Add", 4,
	"opset 13"},
    {"ends-scopes",
	"Conv Relu LeakyRelu Neg Add GlobalAveragePool Flatten Gemm", 4,
	"opset 13; 1 calls of the model's own functions inlined"},
    {"ends-many", NULL, 4, "opset 13"},
    {"ends-crossed", NULL, 4, "opset 13"},
    {"ends-corners", NULL, 4, "opset 13"},
    {"ends-norms", NULL, 4, "opset 16"},
    {"ends-lists",
	"Conv Relu Neg Concat Concat Sub GlobalAveragePool Flatten Gemm", 4,
	"opset 13"},
    {"ends-transformer", NULL, 11, "opset 13"},
    {"ends-optimised",
	"Conv Gelu Conv Add Clip Add Gelu Gelu GlobalAveragePool Flatten Gemm "
	"LeakyRelu",
	5, "opset 13"},
    {"ends-transposed",
	"Conv Relu ConvTranspose Tanh GlobalAveragePool Flatten Gemm", 5,
	"opset 13"},
    {"ends-einsum", "Conv Relu Tanh Einsum Einsum Add", 4, "opset 13"},
};

static void
test_good(void **state)
{
	const struct good_row *row = *state;
	char name[64];
	struct file_map f;
	struct model m;
	struct buf ops = {0};
	struct err e = {0};
	bool weight[128];
	size_t n = 0;

	snprintf(name, sizeof(name), "good-%s", row->name);
	open_model(name, &f, &m);
	for (size_t i = 0; i < m.nnode; i++)
		buf_printf(&ops, "%s%s", i > 0 ? " " : "", m.node[i].op);
	if (row->ops != NULL)
		assert_string_equal(buf_str(&ops), row->ops);
	if (strstr(m.note, row->note) == NULL)
		fail_msg("'%s' is not in '%s'", row->note, m.note);
	assert_true(m.ntensor <= ARRAY_LEN(weight));
	assert_ok(role_weights(&m, weight, &e), &e);
	for (size_t i = 0; i < m.ntensor; i++)
		n += weight[i];
	assert_int_equal(n, row->weights);
	assert_int_equal(m.classes, 4);
	buf_free(&ops);
	model_release(&m);
	file_unmap(&f);
}

struct slope {
	size_t classes;
	size_t n; /* elements of dx that are not zero */
};

/* d(sum of first logits) */
static double
first_logit(
    void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	const struct slope *s = ctx;

	(void)first;
	(void)logits;
	memset(dlogits, 0, n * s->classes * sizeof(*dlogits));
	for (size_t i = 0; i < n; i++)
		dlogits[i * s->classes] = 1.0f;
	return 0.0;
}

static void
test_logits(void **state)
{
	const struct good_row *row = *state;
	char name[64], path[128];
	struct file_map f, want;
	struct arena a;
	struct model m;
	struct net net;
	struct err e = {0};
	struct slope s = {0};
	struct batch b;
	float *x, *y, *dx;
	size_t nx;

	snprintf(name, sizeof(name), "good-%s", row->name);
	snprintf(path, sizeof(path), "fixtures/onnx-logits/%s.f32", row->name);
	open_model(name, &f, &m);
	assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
	assert_ok(file_map(path, 1 << 20, &want, &e), &e);
	nx = IMAGES * net.h * net.w * net.c;
	assert_int_equal(want.len, 4 * (nx + IMAGES * m.classes));
	arena_init(&a, 1 << 24);
	x = arena_alloc(&a, want.len, 1);
	y = arena_alloc(&a, IMAGES * m.classes, sizeof(*y));
	dx = arena_alloc(&a, nx, sizeof(*dx));
	assert_true(x != NULL && y != NULL && dx != NULL);
	memcpy(x, want.ptr, want.len);
	assert_ok(batch_logits(&net, x, IMAGES, y, &e), &e);
	assert_close(y, x + nx, IMAGES * m.classes, 1e-4, 1e-5);
	/* rounding does not stop gradients */
	s.classes = m.classes;
	assert_ok(batch_init(&b, &net, IMAGES, PLAN_DATA, BATCH_EVAL, &e), &e);
	batch_step(&b, x, first_logit, &s, dx, NULL);
	batch_release(&b);
	for (size_t i = 0; i < nx; i++)
		s.n += dx[i] != 0.0f;
	assert_true(s.n > nx / 2);
	arena_release(&a);
	net_release(&net);
	file_unmap(&want);
	model_release(&m);
	file_unmap(&f);
}

static const struct bad_row {
	const char *name;
	int rc;
	const char *says; /* part of the message */
} bad_rows[] = {
    {"bad-function-bomb", ERR_LIMIT,
	"onnx: the functions of the model make more than 200000 nodes or 64 "
	"MiB"},
    {"bad-function-deep", ERR_LIMIT,
	"onnx: functions within functions, more than 64 deep"},
    {"bad-function-inputs", ERR_FORMAT,
	"onnx: node 'n1' (Layer): 4 inputs and 1 outputs, the function has 2 "
	"and 1"},
    {"bad-function-loose", ERR_FORMAT,
	"onnx: node 'n6' (Flatten): attribute 'axis' refers to a function's, "
	"but is in none"},
    {"bad-function-recursive", ERR_FORMAT,
	"onnx: function 'Layer' calls itself"},
    {"bad-function-twice", ERR_FORMAT,
	"onnx: function 'Layer' is defined twice"},
    {"bad-function-type", ERR_FORMAT,
	"onnx: node 'leak' (LeakyRelu): attribute 'alpha' is of another type "
	"than 'slope' of the function"},
    {"bad-function-undefined", ERR_FORMAT,
	"onnx: node 'leak' (LeakyRelu) uses 'nowhere', which nothing in "
	"function 'Layer' defines"},
    {"unsupported-function-shadow", ERR_UNSUPPORTED,
	"onnx: node 'n6' (Flatten): a function with the name of an operator"},
};

static void
test_bad(void **state)
{
	const struct bad_row *row = *state;
	char path[128];
	struct file_map f;
	struct err e = {0};
	struct model m;
	struct rd r;

	snprintf(path, sizeof(path), "fixtures/onnx/%s.onnx", row->name);
	assert_ok(file_map(path, 1 << 20, &f, &e), &e);
	r = rd_mem(f.ptr, f.len);
	assert_int_equal(onnx_parse(&r, &m, &e), row->rc);
	assert_string_equal(e.msg, row->says);
	file_unmap(&f);
}

#define ROWS(fn, rows)                                                         \
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)                           \
	tests[n++] = (struct CMUnitTest)ROW(fn, (rows)[i])

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(good_rows) * 2 + ARRAY_LEN(bad_rows)];
	struct err e = {0};
	size_t n = 0;

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	ROWS(test_good, good_rows);
	ROWS(test_logits, good_rows);
	ROWS(test_bad, bad_rows);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
