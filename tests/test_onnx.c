/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "formats/format.h"
#include "formats/onnx.h"
#include "formats/onnx_wire.h"
#include "formats/onnx_write.h"
#include "formats/patch.h"

#include <unistd.h>

#define FIXTURES "fixtures/onnx/"

/* A fixture parsed; the map must outlive the model. */
static void
open_model(const char *name, struct file_map *f, struct model *m)
{
	struct err e = {0};
	struct rd r;

	assert_ok(file_map(name, 1 << 20, f, &e), &e);
	r = rd_mem(f->ptr, f->len);
	assert_ok(onnx_parse(&r, m, &e), &e);
}

static void
close_model(struct file_map *f, struct model *m)
{
	model_release(m);
	file_unmap(f);
}

/* --- the wire ------------------------------------------------------------ */

struct wire_row {
	const char *name, *bytes;
	size_t len;
	int rc;
	uint64_t off; /* of the error */
	uint64_t value;
};

static const struct wire_row wire_rows[] = {
    {"wire/end", "", 0, 0, 0, 0},
    {"wire/varint", "\x08\xac\x02", 3, 1, 0, 300},
    {"wire/fixed32", "\x0d\x01\x02\x03\x04", 5, 1, 0, 0x04030201},
    {"wire/fixed64", "\x09\x01\0\0\0\0\0\0\x80", 9, 1, 0, 0x8000000000000001},
    {"wire/bytes", "\x0a\x02hi", 4, 1, 0, 0},
    {"wire/number 0", "\x00\x01", 2, ERR_FORMAT, 0, 0},
    {"wire/group", "\x0b\x0c", 2, ERR_FORMAT, 0, 0},
    {"wire/end of group", "\x0c", 1, ERR_FORMAT, 0, 0},
    {"wire/type 7", "\x0f", 1, ERR_FORMAT, 0, 0},
    {"wire/lying length", "\x0a\x05hi", 4, ERR_TRUNCATED, 0, 0},
    {"wire/length of 2^63", "\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11,
	ERR_TRUNCATED, 0, 0},
    {"wire/cut tag", "\x80", 1, ERR_TRUNCATED, 0, 0},
    {"wire/cut value", "\x0d\x01", 2, ERR_TRUNCATED, 0, 0},
};

static void
test_wire(void **state)
{
	const struct wire_row *row = *state;
	struct rd r = rd_mem(row->bytes, row->len);
	struct onnx_wire f;
	struct err e = {0};

	assert_int_equal(onnx_wire_next(&r, &f, &e), row->rc);
	if (row->rc < 0)
		assert_int_equal(e.off, row->off);
	else
		assert_true(f.value == row->value && rd_left(&r) == 0);
}

/* Packed and single values of one field, in the order of the file. */
static void
test_repeated(void **state)
{
	static const uint8_t bytes[] = "\x0a\x02\x01\x02\x10\x09\x08\x03";
	struct rd r = rd_mem(bytes, sizeof(bytes) - 1);
	uint8_t out[3];
	struct err e = {0};
	size_t n;

	(void)state;
	assert_ok(
	    onnx_wire_repeated(r, 1, ONNX_WIRE_VARINT, NULL, 1, &n, &e), &e);
	assert_int_equal(n, 3);
	assert_ok(
	    onnx_wire_repeated(r, 1, ONNX_WIRE_VARINT, out, 1, &n, &e), &e);
	assert_memory_equal(out, "\x01\x02\x03", 3);
	assert_int_equal(
	    onnx_wire_repeated(r, 1, ONNX_WIRE_FIXED32, NULL, 1, &n, &e),
	    ERR_TRUNCATED);
	assert_int_equal(e.off, 2);
}

/* --- files that are refused ---------------------------------------------- */

struct bad_row {
	const char *name;
	int rc;
	uint64_t off;
	const char *says; /* part of the message */
};

static const struct bad_row bad_rows[] = {
    {"bad-attribute-type", ERR_FORMAT, 32,
	"node '' (LeakyRelu): attribute 'alpha' is of the "
	"wrong type"},
    {"bad-classes", ERR_FORMAT, 3182,
	"output 'y' declares 5 classes, the last layer has 4"},
    {"bad-cut-in-tag", ERR_TRUNCATED, 8,
	"field 7 claims 3191 bytes, 2 are left"},
    {"bad-cycle", ERR_FORMAT, 29, "node '' (Relu) is part of a cycle"},
    {"bad-defined-twice", ERR_FORMAT, 27, "'h' is defined twice"},
    {"bad-group", ERR_FORMAT, 3208, "wire type 3 (a group, or none)"},
    {"bad-huge-dim", ERR_LIMIT, 65, "tensor 'w' is too large"},
    {"bad-initialiser-twice", ERR_FORMAT, 3153, "'w' is defined twice"},
    {"bad-name-not-text", ERR_FORMAT, 21, "a name that is not text"},
    {"bad-negative-dim", ERR_FORMAT, 65, "tensor 'w' has a negative dimension"},
    {"bad-no-graph", ERR_FORMAT, ERR_NOWHERE, "there is no graph"},
    {"bad-short-raw", ERR_FORMAT, 78,
	"tensor 'w' has 3068 bytes for 768 elements of f32"},
    {"bad-strides", ERR_FORMAT, 13,
	"node '' (MaxPool): 'strides' has 1 values, expected 2"},
    {"bad-truncated", ERR_TRUNCATED, 8,
	"field 7 claims 3191 bytes, 3097 are left"},
    {"bad-two-graphs", ERR_FORMAT, 3208, "field 7 occurs twice"},
    {"bad-undefined", ERR_FORMAT, 13,
	"node '' (Add) uses 'nowhere', which nothing defines"},
    {"bad-values-twice", ERR_FORMAT, 65, "tensor 'w' has its values twice"},
    {"unsupported-domain", ERR_UNSUPPORTED, 13,
	"node 'fused' (Inverse): an operator of domain "
	"'com.microsoft'"},
    {"unsupported-external", ERR_UNSUPPORTED, 64,
	"tensor 'w' keeps its values in another file"},
    {"unsupported-if", ERR_UNSUPPORTED, 13,
	"node 'branch' (If): which branch it takes ('else_branch') is known "
	"only when it runs"},
    {"unsupported-ir-2", ERR_UNSUPPORTED, ERR_NOWHERE,
	"IR version 2, known are 3 to 10"},
    {"unsupported-loop", ERR_UNSUPPORTED, 14,
	"node 'loop' (Loop): it runs a graph of its own, 'body'"},
    {"unsupported-opset-5", ERR_UNSUPPORTED, ERR_NOWHERE,
	"operator set 5, known are 6 to 21"},
    {"unsupported-opset-99", ERR_UNSUPPORTED, ERR_NOWHERE,
	"operator set 99, known are 6 to 21"},
    {"unsupported-two-images", ERR_UNSUPPORTED, 3185,
	"inputs 'x' and 'x2' could be the image"},
    {"unsupported-uint32", ERR_UNSUPPORTED, ERR_NOWHERE,
	"tensor 'u' is neither of floats nor of signed "
	"integers"},
    {"unsupported-vector-input", ERR_UNSUPPORTED, 3152,
	"input 'x' is not an image of floats (rank 2, data "
	"type 1)"},
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

	snprintf(path, sizeof(path), FIXTURES "%s.onnx", row->name);
	assert_ok(file_map(path, 1 << 20, &f, &e), &e);
	r = rd_mem(f.ptr, f.len);
	assert_int_equal(onnx_parse(&r, &m, &e), row->rc);
	assert_int_equal(e.code, row->rc);
	assert_int_equal(e.off, row->off);
	assert_non_null(strstr(e.msg, row->says));
	file_unmap(&f);
}

/* --- files that are read ------------------------------------------------- */

struct good_row {
	const char *name, *output;
	int64_t shape[4];
	uint64_t classes;
	const char *ops; /* of all nodes, in order */
	const char *note;
};

static const struct good_row good_rows[] = {
    {"good-forms-18", "y", {-1, 3, 8, 8}, 3,
	"Conv Add Add Div Max Max Add Add ReduceMax Clip Shape "
	"ConstantOfShape Cast Mul Shape Resize Resize MaxPool "
	"Cast Add LayerNormalization Mul GlobalAveragePool "
	"Flatten",
	"opset 18"},
    {"good-half", "y", {-1, 3, 8, 8}, 4, "Conv GlobalMaxPool Flatten",
	"opset 13"},
    {"good-halves-13-static", "y", {2, 3, 8, 8}, 4,
	"Conv Shape Gather Div Slice Slice Concat Reshape Transpose Reshape "
	"GlobalAveragePool Flatten",
	"opset 13"},
    {"good-nhwc", "z", {-1, 3, 8, 8}, 4,
	"Conv Relu GlobalAveragePool Squeeze MatMul Add",
	"opset 13; logits are the input of the final Softmax; "
	"the file takes images as NHWC"},
    {"good-old-6", "z", {-1, 3, 8, 8}, 4,
	"Conv BatchNormalization Reshape Mul Reshape Add Relu "
	"Clip GlobalAveragePool Flatten Gemm Add",
	"opset 6; logits are the input of the final Softmax"},
    {"good-preact-10-static", "output", {2, 3, 16, 16}, 10,
	"Conv BatchNormalization Relu Conv Relu Conv Add "
	"BatchNormalization Relu Conv Relu Conv Slice Slice "
	"Pad Add BatchNormalization Relu AveragePool Reshape "
	"Gemm",
	"opset 10"},
    {"good-preact-11-static-unfolded", "output", {2, 3, 16, 16}, 10,
	"Conv BatchNormalization Relu Conv Relu Conv Add "
	"BatchNormalization Relu Conv Relu Conv Slice Slice "
	"Pad Add BatchNormalization Relu AveragePool Reshape "
	"Gemm",
	"opset 11"},
    {"good-preact-13-dynamic", "output", {-1, 3, 16, 16}, 10,
	"Conv BatchNormalization Relu Conv Relu Conv Add "
	"BatchNormalization Relu Conv Relu Conv Slice Slice "
	"Pad Add BatchNormalization Relu AveragePool Reshape "
	"Gemm",
	"opset 13"},
    {"good-preact-16-dynamic-unfolded", "output", {-1, 3, 16, 16}, 10,
	"Conv BatchNormalization Relu Conv Relu Conv Add "
	"BatchNormalization Relu Conv Relu Conv Slice Slice "
	"Pad Add BatchNormalization Relu AveragePool Reshape "
	"Gemm",
	"opset 16"},
    {"good-resnet-11-dynamic", "output", {-1, 3, 32, 32}, 10,
	"Conv Relu MaxPool Conv Relu Conv Add Relu Conv Relu "
	"Conv Conv Add Relu GlobalAveragePool Reshape Gemm",
	"opset 11"},
    {"good-resnet-13-dynamic-unfolded", "output", {-1, 3, 32, 32}, 10,
	"Conv Relu MaxPool Conv Relu Conv Add Relu Conv Relu "
	"Conv Conv Add Relu GlobalAveragePool Reshape Gemm",
	"opset 13"},
    {"good-resnet-13-softmax", "/fc/Gemm_output_0", {-1, 3, 32, 32}, 10,
	"Conv Relu MaxPool Conv Relu Conv Add Relu Conv Relu "
	"Conv Conv Add Relu GlobalAveragePool Reshape Gemm",
	"opset 13; logits are the input of the final Softmax"},
    {"good-resnet-16-static-unfolded", "output", {1, 3, 32, 32}, 10,
	"Conv Relu MaxPool Conv Relu Conv Add Relu Conv Relu "
	"Conv Conv Add Relu GlobalAveragePool Reshape Gemm",
	"opset 16"},
    {"good-resnet-9-softmax", "/fc/Gemm_output_0", {-1, 3, 32, 32}, 10,
	"Conv Relu MaxPool Conv Relu Conv Add Relu Conv Relu "
	"Conv Conv Add Relu GlobalAveragePool Reshape Gemm",
	"opset 9; logits are the input of the final Softmax"},
    {"good-resnet-9-static", "output", {1, 3, 32, 32}, 10,
	"Conv Relu MaxPool Conv Relu Conv Add Relu Conv Relu "
	"Conv Conv Add Relu GlobalAveragePool Reshape Gemm",
	"opset 9"},
    {"good-one-13", "two classes", {-1, 3, 8, 8}, 2,
	"GlobalAveragePool Flatten Gemm Squeeze Unsqueeze Pad",
	"opset 13; logits are the input of the final Sigmoid; the one output "
	"is the second of two classes"},
    {"good-shapes-13-unsorted", "z", {-1, 3, 8, 8}, 4,
	"Pad Slice Split Concat Unsqueeze Squeeze Transpose "
	"ReduceSum ReduceMean Reshape MatMul Clip Add",
	"opset 13; logits are the input of the final Sigmoid"},
    {"good-softmax-11-inside", "y/logits", {-1, 3, 8, 8}, 4,
	"Flatten Softmax Shape Reshape Conv MaxPool "
	"GlobalAveragePool Flatten",
	"opset 11"},
    {"good-typed", "y", {-1, 3, 8, 8}, 4,
	"Conv Cast Cast Reshape Add Add Mul Add "
	"GlobalAveragePool Flatten",
	"opset 13"},
    {"good-vgg-11-dynamic", "/classifier/classifier.3/Gemm_output_0",
	{-1, 1, 16, 16}, 10,
	"Conv Clip MaxPool Conv Relu AveragePool Flatten Gemm "
	"LeakyRelu Gemm",
	"opset 11; logits are the input of the final "
	"LogSoftmax"},
    {"good-vgg-13-preserved", "/classifier/classifier.3/Gemm_output_0",
	{-1, 1, 16, 16}, 10,
	"Conv BatchNormalization Clip MaxPool Conv Relu "
	"AveragePool Flatten Gemm LeakyRelu Gemm",
	"opset 13; logits are the input of the final "
	"LogSoftmax"},
    {"good-vgg-16-unfolded", "/classifier/classifier.3/Gemm_output_0",
	{-1, 1, 16, 16}, 10,
	"Conv Clip MaxPool Conv Relu AveragePool Flatten Gemm "
	"LeakyRelu Gemm",
	"opset 16; logits are the input of the final "
	"LogSoftmax"},
    {"good-vgg-9-static", "/classifier/classifier.3/Gemm_output_0",
	{1, 1, 16, 16}, 10,
	"Conv Clip MaxPool Conv Relu AveragePool Flatten Gemm "
	"LeakyRelu Gemm",
	"opset 9; logits are the input of the final LogSoftmax"},
    {"good-vit-11-static", "output", {1, 3, 16, 16}, 10,
	"Conv Reshape Transpose Add ReduceMean Sub Pow "
	"ReduceMean Add Sqrt Div Mul Add MatMul Add Shape "
	"Gather Add Div Mul Slice Mul Slice Mul Slice "
	"Transpose MatMul Mul Softmax MatMul Div Erf Add Mul "
	"Mul Add ReduceMean Gemm",
	"opset 11"},
    {"good-vit-13-dynamic", "output", {-1, 3, 16, 16}, 10,
	"Conv Shape Gather Shape Gather Shape Gather Shape "
	"Gather Mul Unsqueeze Unsqueeze Unsqueeze Concat "
	"Reshape Transpose Add ReduceMean Sub Pow ReduceMean "
	"Add Sqrt Div Mul Add MatMul Add Shape Gather Add Div "
	"Mul Slice Mul Slice Mul Slice Transpose MatMul Mul "
	"Softmax MatMul Div Erf Add Mul Mul Add ReduceMean "
	"Gemm",
	"opset 13"},
    {"good-vit-16-dynamic-unfolded", "output", {-1, 3, 16, 16}, 10,
	"Conv Shape Gather Shape Gather Shape Gather Shape "
	"Gather Mul Unsqueeze Unsqueeze Unsqueeze Concat "
	"Reshape Transpose Add ReduceMean Sub Pow ReduceMean "
	"Add Sqrt Div Mul Add Transpose MatMul Add Shape "
	"Gather Add Div Mul Slice Mul Slice Mul Slice "
	"Transpose MatMul Mul Softmax MatMul Div Erf Add Mul "
	"Mul Add ReduceMean Gemm",
	"opset 16"},
};

static void
test_good(void **state)
{
	const struct good_row *row = *state;
	char path[128];
	struct file_map f;
	struct model m;
	struct buf ops = {0};

	snprintf(path, sizeof(path), FIXTURES "%s.onnx", row->name);
	open_model(path, &f, &m);
	for (size_t i = 0; i < m.nnode; i++)
		buf_printf(&ops, "%s%s", i > 0 ? " " : "", m.node[i].op);
	assert_string_equal(buf_str(&ops), row->ops);
	assert_string_equal(m.output, row->output);
	assert_string_equal(m.note, row->note);
	assert_memory_equal(m.shape, row->shape, sizeof(m.shape));
	assert_int_equal(m.classes, row->classes);
	buf_free(&ops);
	close_model(&f, &m);
}

/* Written as ONNX and read again it is the same model. */
static void
test_round_trip(void **state)
{
	const struct good_row *row = *state;
	char path[128];
	struct file_map f, back;
	struct model m, again;
	struct err e = {0};
	struct file_out out = {.fd = file_temp(&e)};
	struct rd r;

	snprintf(path, sizeof(path), FIXTURES "%s.onnx", row->name);
	open_model(path, &f, &m);
	assert_ok(onnx_write(&out, &m, &e), &e);
	assert_ok(file_map_fd(out.fd, "copy", 1 << 20, &back, &e), &e);
	r = rd_mem(back.ptr, back.len);
	assert_ok(onnx_parse(&r, &again, &e), &e);
	assert_ok(patch_check(&m, &again, &e), &e);
	for (size_t i = 0; i < m.ntensor; i++) {
		assert_string_equal(m.tensor[i].name, again.tensor[i].name);
		assert_int_equal(m.tensor[i].dtype, again.tensor[i].dtype);
		assert_int_equal(m.tensor[i].size, again.tensor[i].size);
		assert_memory_equal(
		    m.tensor[i].data, again.tensor[i].data, m.tensor[i].size);
	}
	assert_int_equal(m.classes, again.classes);
	close_model(&back, &again);
	close_model(&f, &m);
	close(out.fd);
}

/* --- canonical forms ----------------------------------------------------- */

static const struct node *
node_of(const struct model *m, const char *op, size_t nth)
{
	for (size_t i = 0; i < m->nnode; i++)
		if (strcmp(m->node[i].op, op) == 0 && nth-- == 0)
			return &m->node[i];
	fail_msg("no %s", op);
	return NULL;
}

static void
test_old_broadcast(void **state)
{
	struct file_map f;
	struct model m;
	const struct node *n;
	int64_t shape[3];

	(void)state;
	open_model(FIXTURES "good-old-6.onnx", &f, &m);
	n = node_of(&m, "Reshape", 0);
	assert_true(node_ints(n, "shape", shape, 3));
	assert_true(shape[0] == 4 && shape[1] == 1 && shape[2] == 1);
	assert_string_equal(n->in[0], "scale");
	assert_string_equal(node_of(&m, "Mul", 0)->in[1], n->out[0]);
	/* only the upper bound was given */
	n = node_of(&m, "Clip", 0);
	assert_null(node_attr(n, "min"));
	assert_true(node_real(n, "max", 0) == 2.0);
	close_model(&f, &m);
}

static void
test_defaults_are_explicit(void **state)
{
	struct file_map f;
	struct model m;
	const struct node *n;
	int64_t v[4];

	(void)state;
	open_model(FIXTURES "good-typed.onnx", &f, &m);
	n = node_of(&m, "Conv", 0);
	assert_true(node_ints(n, "kernel_shape", v, 2) && v[0] == 1);
	assert_true(node_ints(n, "strides", v, 2) && v[1] == 1);
	assert_true(node_ints(n, "pads", v, 4) && v[3] == 0);
	assert_true(node_ints(n, "dilations", v, 2) && v[0] == 1);
	assert_int_equal(node_int(n, "group", 0), 1);
	assert_int_equal(n->nattr, 5);
	close_model(&f, &m);
	open_model(FIXTURES "good-nhwc.onnx", &f, &m);
	n = node_of(&m, "Conv", 0);
	assert_string_equal(node_attr(n, "auto_pad")->s, "SAME_UPPER");
	assert_null(node_attr(n, "pads"));
	assert_string_equal(n->in[0], "x");
	close_model(&f, &m);
}

/* The thirteen nodes that compute the pads of a PreAct shortcut. */
static void
test_pads_are_folded(void **state)
{
	static const int64_t want[8] = {0, 2, 0, 0, 0, 2, 0, 0};
	struct file_map f;
	struct model m;
	int64_t v[8];

	(void)state;
	open_model(FIXTURES "good-preact-16-dynamic-unfolded.onnx", &f, &m);
	assert_true(node_ints(node_of(&m, "Pad", 0), "pads", v, 8));
	assert_memory_equal(v, want, sizeof(want));
	close_model(&f, &m);
}

/* A batch of one in a Reshape becomes "as the input has it". */
static void
test_batch_is_unbaked(void **state)
{
	struct file_map f;
	struct model m;
	int64_t v[2];

	(void)state;
	open_model(FIXTURES "good-resnet-16-static-unfolded.onnx", &f, &m);
	if (node_ints(node_of(&m, "Reshape", 0), "shape", v, 2))
		assert_true(v[0] == 0 && v[1] == -1);
	close_model(&f, &m);
	open_model(FIXTURES "good-halves-13-static.onnx", &f, &m);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(
		    node_attr(node_of(&m, "Reshape", i), "shape")->ints[0], 0);
	close_model(&f, &m);
}

/* --- the registry -------------------------------------------------------- */

static void
test_bids(void **state)
{
	const struct format *f;
	struct file_map m;
	struct err e = {0};
	size_t n;

	(void)state;
	assert_int_equal(format_bids(rd_mem("", 0), &f, 1), 0);
	assert_int_equal(format_bids(rd_mem("\x08\x07 hello", 8), &f, 1), 0);
	assert_ok(file_map(FIXTURES "good-half.onnx", 1 << 20, &m, &e), &e);
	assert_int_equal(format_bids(rd_mem(m.ptr, m.len), &f, 1), 1);
	assert_string_equal(f->name, "onnx");
	/* a cut file is still recognised, so that it is damaged, not unknown */
	assert_int_equal(format_bids(rd_mem(m.ptr, m.len / 2), &f, 1), 1);
	assert_true(format_all(&n)[0] != NULL && n >= 2);
	file_unmap(&m);
}

#define ROWS(fn, rows)                                                         \
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)                           \
	tests[n++] = (struct CMUnitTest)ROW(fn, (rows)[i])

int
main(void)
{
	const struct CMUnitTest single[] = {
	    cmocka_unit_test(test_repeated),
	    cmocka_unit_test(test_old_broadcast),
	    cmocka_unit_test(test_defaults_are_explicit),
	    cmocka_unit_test(test_pads_are_folded),
	    cmocka_unit_test(test_batch_is_unbaked),
	    cmocka_unit_test(test_bids),
	};
	struct CMUnitTest tests[ARRAY_LEN(single) + ARRAY_LEN(wire_rows) +
				ARRAY_LEN(bad_rows) + 2 * ARRAY_LEN(good_rows)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(single); i++)
		tests[n++] = single[i];
	ROWS(test_wire, wire_rows);
	ROWS(test_bad, bad_rows);
	ROWS(test_good, good_rows);
	ROWS(test_round_trip, good_rows);
	return cmocka_run_group_tests_name("onnx", tests, NULL, NULL);
}
