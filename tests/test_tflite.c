/* SPDX-License-Identifier: MIT
 * TensorFlow Lite: what its graphs compute against fixtures/tflite-logits
 * (fixtures/gen/tflite.py says where these come from), and what is refused.
 */
#include "tests/test.h"

#include "engine/batch.h"
#include "engine/blas.h"
#include "formats/format.h"
#include "formats/neutral.h"
#include "formats/patch.h"
#include "formats/pixel.h"
#include "formats/tflite.h"

#include <stdlib.h>
#include <unistd.h>

#define FIXTURES "fixtures/tflite/"
#define IMAGES   2

static void
map_fixture(const char *name, struct file_map *f)
{
	char path[128];
	struct err e = {0};

	snprintf(path, sizeof(path), FIXTURES "%s.tflite", name);
	assert_ok(file_map(path, 1 << 20, f, &e), &e);
}

static void
open_model(const char *name, struct file_map *f, struct model *m)
{
	struct err e = {0};

	map_fixture(name, f);
	assert_ok(tflite_parse(rd_mem(f->ptr, f->len), m, &e), &e);
}

/* --- files that are read ------------------------------------------------- */

struct good_row {
	const char *name;
	const char *ops;  /* of all nodes, in order */
	const char *note; /* part of it */
};

static const struct good_row good_rows[] = {
    {"argmax", "Transpose Flatten Gemm",
	"logits are the input of the final SOFTMAX; without the final ARG_MAX; "
	"preprocessing is unknown"},
    {"attention",
	"Conv Transpose Reshape Add ReduceMean Sub Mul ReduceMean Add Sub Sqrt "
	"Reciprocal Mul MatMul Add Slice Slice Slice Reshape Transpose Reshape "
	"Transpose Reshape Transpose Transpose MatMul Mul Softmax MatMul "
	"Transpose Reshape MatMul Add ReduceMean Gemm",
	"images as NHWC in the file; preprocessing is unknown"},
    {"behind", "Conv Relu GlobalAveragePool Flatten Gemm", ""},
    {"bytes", "Mul Sub Conv Relu GlobalAveragePool Flatten Gemm", ""},
    {"cnn",
	"Conv Clip Conv Relu Conv Add Relu MaxPool Conv Relu AveragePool Clip "
	"GlobalAveragePool Flatten Gemm",
	"logits are the input of the final SOFTMAX"},
    {"flat",
	"Conv AveragePool Concat Pad Pad Pad Slice Slice Transpose Reshape "
	"Transpose Reshape Transpose Conv Transpose Flatten Gemm Relu Reshape "
	"Conv Flatten",
	"logits are the input of the final LOGISTIC"},
    {"holes",
	"Conv Relu Pad Conv Relu Slice Pad Conv Clip Slice Gather Gather "
	"Squeeze Transpose Gather Squeeze Transpose Unsqueeze Unsqueeze "
	"Concat Unsqueeze Concat Flatten Gemm",
	""},
    {"int8",
	"Conv Clip Conv Clip Conv Add HardSwish Conv Clip GlobalAveragePool "
	"Flatten Gemm",
	"logits are the input of the final SOFTMAX; dequantised: 10 tensors"},
    {"labels", "Conv Relu GlobalAveragePool Flatten Gemm", ""},
    {"maths", NULL, "logits are the input of the final LOG_SOFTMAX"},
    {"nchw-half", "Conv Relu GlobalAveragePool Flatten Gemm", "images as NCHW"},
    {"number", "Conv PRelu GlobalAveragePool Flatten Gemm Reshape Reshape Pad",
	"the one output is the second of two classes"},
    {"numbers", "Flatten Gemm Relu Gemm", "numbers of square images in a row"},
    {"numbers-3", "Transpose Flatten Gemm Relu Gemm",
	"numbers of square images in a row"},
    {"old", "Conv Relu GlobalAveragePool Flatten Gemm", ""},
    {"one", "Conv Relu GlobalAveragePool Flatten Gemm Pad",
	"the final LOGISTIC; the one output is the second of two classes"},
    {"parts", NULL, ""},
    {"rows", "Reshape Div Flatten Gemm Relu Gemm", "final SOFTMAX"},
    {"same-names", "Conv Relu GlobalAveragePool Flatten Gemm", ""},
    {"uint8",
	"Conv Clip Conv Clip Conv Add Conv Clip GlobalAveragePool Flatten Gemm",
	"dequantised: 10 tensors"},
    {"up",
	"Conv Relu ConvTranspose Relu SpaceToDepth Conv Relu DepthToSpace "
	"GlobalAveragePool Flatten Gemm",
	""},
    {"up-gap", "Conv Relu ConvTranspose Relu GlobalAveragePool Flatten Gemm",
	""},
    {"up-valid", NULL, ""},
    {"wide",
	"Conv Relu Transpose Flatten Gemm Relu Reshape Reshape Conv Flatten",
	""},
    {"wrong-between", "Conv Relu GlobalAveragePool Flatten Gemm", ""},
};

static void
test_good(void **state)
{
	const struct good_row *row = *state;
	char name[64];
	struct file_map f;
	struct model m;
	struct buf ops = {0};

	snprintf(name, sizeof(name), "good-%s", row->name);
	open_model(name, &f, &m);
	for (size_t i = 0; i < m.nnode; i++)
		buf_printf(&ops, "%s%s", i > 0 ? " " : "", m.node[i].op);
	if (row->ops != NULL)
		assert_string_equal(buf_str(&ops), row->ops);
	if (strstr(m.note, row->note) == NULL)
		fail_msg("'%s' is not in '%s'", row->note, m.note);
	assert_int_equal(m.shape[0], -1);
	assert_string_equal(m.producer, "assay fixture");
	buf_free(&ops);
	model_release(&m);
	file_unmap(&f);
}

/* Two images of pixels in [0,1], (H, W, C); then their logits. */
/* As assay-load writes it: the engine reads no views. */
static void
make_neutral(struct model *m, struct file_map *map)
{
	struct err e = {0};
	struct file_out out = {.fd = file_temp(&e)};
	struct rd r;

	assert_ok(pixel_prepare(m, &m->preprocess, &e), &e);
	assert_ok(neutral_write(&out, m, &e), &e);
	assert_ok(file_map_fd(out.fd, "neutral", 1 << 24, map, &e), &e);
	close(out.fd);
	model_release(m);
	r = rd_mem(map->ptr, map->len);
	assert_ok(neutral_parse(&r, m, &e), &e);
}

static void
test_logits(void **state)
{
	const struct good_row *row = *state;
	char name[64], path[128];
	struct file_map f, want, back;
	struct arena a;
	struct model m;
	struct net net;
	struct err e = {0};
	float *x, *logits;
	size_t nx;

	snprintf(name, sizeof(name), "good-%s", row->name);
	snprintf(
	    path, sizeof(path), "fixtures/tflite-logits/%s.f32", row->name);
	open_model(name, &f, &m);
	make_neutral(&m, &back);
	assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
	assert_ok(file_map(path, 1 << 20, &want, &e), &e);
	nx = IMAGES * net.h * net.w * net.c;
	assert_int_equal(want.len, 4 * (nx + IMAGES * m.classes));
	arena_init(&a, 1 << 24);
	x = arena_alloc(&a, want.len, 1);
	logits = arena_alloc(&a, IMAGES * m.classes, sizeof(*logits));
	assert_true(x != NULL && logits != NULL);
	memcpy(x, want.ptr, want.len);
	assert_ok(batch_logits(&net, x, IMAGES, logits, &e), &e);
	assert_close(logits, x + nx, IMAGES * m.classes, 1e-4, 1e-5);
	arena_release(&a);
	net_release(&net);
	file_unmap(&want);
	model_release(&m);
	file_unmap(&back);
	file_unmap(&f);
}

/* --- what the image is --------------------------------------------------- */

static const struct pixel_row {
	const char *name;
	size_t n;
	double mean, std; /* of the first channel */
	const char *from;
} pixel_rows[] = {
    {"good-cnn", 3, .5, .25, "TensorFlow Lite metadata"},
    {"good-int8", 1, 127 / 255.0, .5, "quantisation of the input"},
    {"good-uint8", 1, 127 / 255.0, .5, "quantisation of the input"},
    {"good-bytes", 1, 0, 1 / 255.0, "quantisation of the input"},
    {"good-flat", 0, 0, 0, ""},
};

static void
test_pixels(void **state)
{
	const struct pixel_row *row = *state;
	struct file_map f;
	struct model m;

	open_model(row->name, &f, &m);
	assert_string_equal(m.preprocess.from, row->from);
	assert_int_equal(m.preprocess.nmean, row->n);
	assert_int_equal(m.preprocess.nstd, row->n);
	if (row->n != 0) {
		assert_near(m.preprocess.mean[0], row->mean, 1e-7);
		assert_near(m.preprocess.std[0], row->std, 1e-7);
	}
	model_release(&m);
	file_unmap(&f);
}

/* --- files that are refused ---------------------------------------------- */

struct bad_row {
	const char *name;
	int rc;
	uint64_t off;
	const char *says; /* part of the message */
};

static const struct bad_row bad_rows[] = {
#include "tests/test_tflite.def"
};

static void
test_bad(void **state)
{
	const struct bad_row *row = *state;
	struct file_map f;
	struct err e = {0};
	struct model m;

	map_fixture(row->name, &f);
	assert_int_equal(tflite_parse(rd_mem(f.ptr, f.len), &m, &e), row->rc);
	assert_int_equal(e.code, row->rc);
	assert_int_equal(e.off, row->off);
	if (strstr(e.msg, row->says) == NULL)
		fail_msg("'%s' is not in '%s'", row->says, e.msg);
	file_unmap(&f);
}

/* --- back into the file -------------------------------------------------- */

/* A copy of the model with tensor i in floats of its own. */
static void
change(struct model *m, const char *name, float v)
{
	for (size_t i = 0; i < m->ntensor; i++) {
		struct tensor *t = &m->tensor[i];
		uint8_t *data;

		if (strcmp(t->name, name) != 0)
			continue;
		assert_int_equal(t->dtype, DTYPE_F32);
		data = arena_alloc(&m->arena, t->size, 1);
		assert_non_null(data);
		for (uint64_t k = 0; k < t->size / 4; k++)
			memcpy(data + 4 * k, t->data + tensor_offset(t, k), 4);
		memcpy(data + 4, &v, 4);
		t->data = data;
		t->stride = NULL;
		return;
	}
	fail_msg("no tensor '%s'", name);
}

static void
test_patch(void **state)
{
	struct file_map f;
	struct model m;
	struct source s;
	struct err e = {0};
	size_t changed = 0;
	uint8_t *copy;

	(void)state;
	open_model("good-cnn", &f, &m);
	copy = malloc(f.len);
	assert_non_null(copy);
	memcpy(copy, f.ptr, f.len);
	/* (O, I, H, W): element 1 is the second column of the file's OHWI */
	change(&m, "w1", 42.0F);
	source_init(&s, &f, "x", -1);
	assert_ok(tflite_patch(&s, &m, &e), &e);
	for (size_t i = 0; i < f.len; i++)
		changed += copy[i] != s.file[0].map.ptr[i];
	assert_in_range(changed, 1, 4);
	for (size_t i = 0; i + 4 <= f.len; i += 4)
		if (copy[i] != s.file[0].map.ptr[i] ||
		    copy[i + 3] != s.file[0].map.ptr[i + 3])
			assert_memory_equal(
			    s.file[0].map.ptr + i, "\0\0\x28\x42", 4);
	source_release(&s);
	model_release(&m);
	free(copy);
	file_unmap(&f);
}

static void
test_patch_integers(void **state)
{
	struct file_map f;
	struct model m;
	struct source s;
	struct err e = {0};

	(void)state;
	open_model("good-int8", &f, &m);
	source_init(&s, &f, "x", -1);
	assert_ok(tflite_patch(&s, &m, &e), &e); /* nothing changed */
	change(&m, "t1", 42.0F);
	assert_int_equal(tflite_patch(&s, &m, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "kept as integers"));
	source_release(&s);
	model_release(&m);
	file_unmap(&f);
}

static void
test_labels(void **state)
{
	struct file_map f;
	struct model m;

	(void)state;
	open_model("good-labels", &f, &m);
	assert_int_equal(m.classes, 3);
	assert_non_null(m.label);
	assert_string_equal(m.label[0], "cat");
	assert_string_equal(m.label[1], "dog");
	assert_string_equal(m.label[2], "Undur\xc5\xbe");
	model_release(&m);
	file_unmap(&f);
	open_model("good-cnn", &f, &m);
	assert_null(m.label);
	model_release(&m);
	file_unmap(&f);
}

static void
test_bids(void **state)
{
	const struct format *f;
	struct file_map m;

	(void)state;
	map_fixture("good-cnn", &m);
	assert_int_equal(format_bids(rd_mem(m.ptr, m.len), &f, 1), 1);
	assert_string_equal(f->name, "tflite");
	file_unmap(&m);
}

#define ROWS(fn, rows)                                                         \
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)                           \
	tests[n++] = (struct CMUnitTest)ROW(fn, (rows)[i])

int
main(void)
{
	const struct CMUnitTest single[] = {
	    cmocka_unit_test(test_patch),
	    cmocka_unit_test(test_patch_integers),
	    cmocka_unit_test(test_labels),
	    cmocka_unit_test(test_bids),
	};
	struct CMUnitTest tests[2 * ARRAY_LEN(good_rows) + ARRAY_LEN(bad_rows) +
				ARRAY_LEN(pixel_rows) + ARRAY_LEN(single)];
	struct err e = {0};
	size_t n = 0;

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(single); i++)
		tests[n++] = single[i];
	ROWS(test_good, good_rows);
	ROWS(test_logits, good_rows);
	ROWS(test_pixels, pixel_rows);
	ROWS(test_bad, bad_rows);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
