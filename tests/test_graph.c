/* SPDX-License-Identifier: MIT
 * Lowering: operators of several inputs and outputs, and graphs that are no
 * classifiers.  What they compute is compared in tests/conformance.c.
 */
#include "tests/test.h"

#include "base/file.h"
#include "formats/onnx.h"
#include "formats/onnx_graph.h"

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

static const struct node *
node_of(const struct model *m, const char *op, size_t nth)
{
	for (size_t i = 0; i < m->nnode; i++)
		if (strcmp(m->node[i].op, op) == 0 && nth-- == 0)
			return &m->node[i];
	fail_msg("no %s", op);
	return NULL;
}

/* --- a classifier -------------------------------------------------------- */

/* Sum, Mean and Max in pairs; Clip and Resize with what is computed. */
static void
test_any_number_of_inputs(void **state)
{
	struct file_map f;
	struct model m;
	const struct node *n;

	(void)state;
	open_model("fixtures/onnx/good-forms-18.onnx", &f, &m);
	n = node_of(&m, "Div", 0);
	assert_string_equal(n->out[0], "m");
	assert_string_equal(n->in[0], node_of(&m, "Add", 1)->out[0]);
	assert_true(tensor_real(model_tensor(&m, n->in[1]), 0) == 3.0);
	assert_string_equal(
	    node_of(&m, "Max", 1)->in[0], node_of(&m, "Max", 0)->out[0]);
	/* Min of one is that one */
	assert_string_equal(node_of(&m, "Add", 2)->in[0], "a");
	n = node_of(&m, "Clip", 0);
	assert_int_equal(n->nin, 3);
	assert_int_equal(n->nattr, 0);
	assert_string_equal(n->in[1], "");
	assert_string_equal(n->in[2], "top");
	n = node_of(&m, "Resize", 0);
	assert_int_equal(n->nin, 4);
	assert_string_equal(n->in[3], "size");
	assert_null(node_attr(n, "sizes"));
	n = node_of(&m, "Resize", 1);
	assert_int_equal(n->nin, 1);
	assert_int_equal(node_attr(n, "roi")->n, 8);
	assert_true(node_attr(n, "scales")->reals[3] == 1.0);
	close_model(&f, &m);
}

static void
test_several_outputs(void **state)
{
	struct file_map f;
	struct model m;
	const struct node *n;

	(void)state;
	open_model("fixtures/onnx/good-forms-18.onnx", &f, &m);
	n = node_of(&m, "ConstantOfShape", 0);
	assert_string_equal(n->out[0], "mask");
	assert_string_equal(node_attr(n, "dtype")->s, "bool");
	assert_true(node_real(n, "value", 0.0) == 1.0);
	assert_string_equal(node_of(&m, "Mul", 0)->in[0], "e");
	n = node_of(&m, "MaxPool", 0);
	assert_int_equal(n->nout, 2);
	assert_int_equal(node_int(n, "storage_order", 0), 1);
	n = node_of(&m, "LayerNormalization", 0);
	assert_int_equal(n->nout, 3);
	assert_string_equal(n->out[1], "");
	close_model(&f, &m);
}

/* Until operator set 20 a scale for every group is repeated for channels. */
static void
test_groups(void **state)
{
	struct file_map f;
	struct model m;
	const struct node *n;

	(void)state;
	open_model("fixtures/onnx/good-groups-18.onnx", &f, &m);
	assert_int_equal(m.nnode, 12);
	n = node_of(&m, "GroupNormalization", 0);
	assert_string_equal(n->in[1], node_of(&m, "Reshape", 1)->out[0]);
	assert_string_equal(n->in[2], node_of(&m, "Reshape", 3)->out[0]);
	assert_string_equal(node_of(&m, "Reshape", 0)->in[0], "g");
	close_model(&f, &m);
}

/* --- any graph ----------------------------------------------------------- */

static void
open_file(const char *name, struct file_map *map, struct arena *a,
    struct onnx_file *f)
{
	struct err e = {0};

	arena_init(a, 1 << 24);
	assert_ok(file_map(name, 1 << 20, map, &e), &e);
	assert_ok(onnx_file_parse(rd_mem(map->ptr, map->len), a, f, &e), &e);
}

/* The output is the input; a feed that does not fit is refused. */
static void
test_graph_feeds(void **state)
{
	static const uint8_t zeros[4 * 120];
	struct tensor x = {.name = "x",
	    .rank = 4,
	    .dim = {2, 4, 5, 3},
	    .data = zeros,
	    .size = sizeof(zeros)};
	struct tensor twice[2] = {x, x};
	struct file_map map;
	struct onnx_file f;
	struct arena a;
	struct model m;
	struct err e = {0};

	(void)state;
	open_file("fixtures/graph/good-nothing.onnx", &map, &a, &f);
	assert_ok(onnx_graph(&m, &f, &x, 1, "x", "y", &e), &e);
	assert_string_equal(m.output, "x");
	assert_int_equal(m.nnode + m.ntensor, 0);
	model_release(&m);
	assert_ok(onnx_graph(&m, &f, &x, 1, NULL, "y", &e), &e);
	assert_string_equal(m.input, "assay.input/none");
	assert_int_equal(m.ntensor, 1);
	model_release(&m);
	assert_int_equal(onnx_graph(&m, &f, &x, 0, NULL, "y", &e), ERR_FORMAT);
	assert_string_equal(e.msg, "onnx: nothing is fed to 'x'");
	assert_int_equal(
	    onnx_graph(&m, &f, twice, 2, NULL, "y", &e), ERR_FORMAT);
	assert_string_equal(e.msg, "onnx: 'x' is no input that could be fed");
	assert_int_equal(onnx_graph(&m, &f, &x, 1, "y", "y", &e), ERR_FORMAT);
	assert_int_equal(onnx_graph(&m, &f, &x, 1, "x", "z", &e), ERR_FORMAT);
	assert_string_equal(e.msg, "onnx: the output 'z' is not defined");
	arena_release(&a);
	file_unmap(&map);
}

/* Batch normalisation that trains, for an output that a classifier lacks. */
static void
test_graph_trains(void **state)
{
	static const uint8_t zeros[4 * 120];
	struct tensor x = {.name = "x",
	    .rank = 4,
	    .dim = {2, 4, 5, 3},
	    .data = zeros,
	    .size = sizeof(zeros)};
	const struct node *n;
	struct file_map map;
	struct onnx_file f;
	struct arena a;
	struct model m;
	struct err e = {0};

	(void)state;
	open_file("fixtures/graph/good-norms.onnx", &map, &a, &f);
	assert_ok(onnx_graph(&m, &f, &x, 1, "x", "rm", &e), &e);
	assert_string_equal(m.output, "rm");
	n = node_of(&m, "BatchNormalization", 0);
	assert_int_equal(n->nout, 3);
	assert_int_equal(node_int(n, "training_mode", 0), 1);
	assert_near(node_real(n, "momentum", 0), 0.9, 1e-6);
	model_release(&m);
	arena_release(&a);
	file_unmap(&map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_any_number_of_inputs),
	    cmocka_unit_test(test_several_outputs),
	    cmocka_unit_test(test_groups),
	    cmocka_unit_test(test_graph_feeds),
	    cmocka_unit_test(test_graph_trains),
	};

	return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
