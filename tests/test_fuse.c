/* SPDX-License-Identifier: MIT
 * Which chains of nodes engine/fuse.c puts together, and which it leaves.  That
 * the result computes the same is what tests/test_op.c, the fixtures from
 * PyTorch and whole models (make conformance-models) show.
 */
#include "engine/fuse.h"
#include "formats/build.h"
#include "tests/test.h"

#include <math.h>

static const char *
scalar(struct model *m, const char *name, float v)
{
	*build_tensor(m, name, 0, NULL) = v;
	return name;
}

static const char *
vector(struct model *m, const char *name)
{
	(void)build_tensor(m, name, 1, (size_t[]){4});
	return name;
}

static const char *
one(struct model *m, const char *op, const char *name, const char *x)
{
	return build_node(m, op, name, (const char *[]){x}, 1);
}

static const char *
two(struct model *m, const char *op, const char *name, const char *x,
    const char *y)
{
	return build_node(m, op, name, (const char *[]){x, y}, 2);
}

static const char *
mean(struct model *m, const char *name, const char *x)
{
	one(m, "ReduceMean", name, x);
	build_ints(m, "axes", 1, (int64_t[]){-1});
	build_int(m, "keepdims", 1);
	return name;
}

static const char *
conv(struct model *m, const char *name, const char *x)
{
	(void)build_tensor(m, "w", 4, (size_t[]){3, 3, 1, 1});
	return two(m, "Conv", name, x, "w");
}

static const char *
layer_norm(struct model *m)
{
	const char *d, *v;

	mean(m, "mean", "image");
	d = two(m, "Sub", "d", "image", "mean");
	v = two(m, "Pow", "square", d, scalar(m, "two", 2.0f));
	v = mean(m, "var", v);
	v = two(m, "Add", "more", v, scalar(m, "eps", 1e-5f));
	v = one(m, "Sqrt", "root", v);
	v = two(m, "Div", "norm", d, v);
	v = two(m, "Mul", "scaled", v, vector(m, "scale"));
	return two(m, "Add", "shifted", v, vector(m, "shift"));
}

/* The centred image is used once more. */
static const char *
layer_norm_open(struct model *m)
{
	const char *v = layer_norm(m);

	return two(m, "Add", "sum", v, "d");
}

static const char *
gelu_half_last(struct model *m)
{
	const char *v;

	v = two(m, "Div", "s", "image", scalar(m, "root2", 1.41421356f));
	v = one(m, "Erf", "e", v);
	v = two(m, "Add", "a", v, scalar(m, "one", 1.0f));
	v = two(m, "Mul", "p", "image", v);
	return two(m, "Mul", "h", v, scalar(m, "half", 0.5f));
}

static const char *
gelu_half_first(struct model *m)
{
	const char *v, *h;

	h = two(m, "Mul", "h", "image", scalar(m, "half", 0.5f));
	v = two(m, "Div", "s", "image", scalar(m, "root2", 1.41421356f));
	v = one(m, "Erf", "e", v);
	v = two(m, "Add", "a", v, scalar(m, "one", 1.0f));
	return two(m, "Mul", "p", h, v);
}

static const char *
gelu_of_another(struct model *m)
{
	const char *v;

	v = two(m, "Div", "s", "image", scalar(m, "three", 3.0f));
	v = one(m, "Erf", "e", v);
	v = two(m, "Add", "a", v, scalar(m, "one", 1.0f));
	v = two(m, "Mul", "p", "image", v);
	return two(m, "Mul", "h", v, scalar(m, "half", 0.5f));
}

static const char *
silu(struct model *m)
{
	return two(m, "Mul", "p", one(m, "Sigmoid", "s", "image"), "image");
}

static const char *
gate(struct model *m)
{
	const char *x = one(m, "Tanh", "t", "image");

	return two(m, "Mul", "p", one(m, "Sigmoid", "s", "image"), x);
}

static const char *
hard_swish(struct model *m)
{
	one(m, "HardSigmoid", "s", "image");
	build_real(m, "alpha", 1.0 / 6.0);
	build_real(m, "beta", 0.5);
	return two(m, "Mul", "p", "image", "s");
}

static const char *
conv_relu(struct model *m)
{
	return one(m, "Relu", "r", conv(m, "c", "image"));
}

static const char *
conv_clip(struct model *m)
{
	one(m, "Clip", "r", conv(m, "c", "image"));
	build_real(m, "min", 0.0);
	build_real(m, "max", 6.0);
	return "r";
}

static const char *
residual(struct model *m)
{
	const char *v = two(m, "Add", "sum", "image", conv(m, "c", "image"));

	return one(m, "Relu", "r", v);
}

/* The sum is not bounded. */
static const char *
relu_residual(struct model *m)
{
	const char *v = one(m, "Relu", "r", conv(m, "c", "image"));

	return two(m, "Add", "sum", "image", v);
}

/* The second bounds are others. */
static const char *
conv_relu_clip(struct model *m)
{
	one(m, "Clip", "clip", one(m, "Relu", "r", conv(m, "c", "image")));
	build_real(m, "min", 1.0);
	build_real(m, "max", 6.0);
	return "clip";
}

static const char *
conv_constant(struct model *m)
{
	const char *v = one(m, "Relu", "places", vector(m, "v"));

	return two(m, "Add", "sum", conv(m, "c", "image"), v);
}

static const char *
conv_twice(struct model *m)
{
	const char *v = conv(m, "c", "image");

	return two(m, "Mul", "p", one(m, "Relu", "r", v), v);
}

static const char *
linear(struct model *m)
{
	const char *v;

	(void)build_tensor(m, "w", 2, (size_t[]){4, 4});
	v = two(m, "MatMul", "mm", "image", "w");
	return two(m, "Add", "sum", vector(m, "bias"), v);
}

static const struct row {
	const char *name;
	const char *(*build)(struct model *);
	const char *ops; /* that are left */
	size_t nin;      /* of the last */
} rows[] = {
    {"layer normalisation", layer_norm, "LayerNormalization", 3},
    {"its centred image used again", layer_norm_open,
	"ReduceMean Sub Pow ReduceMean Add Sqrt Div Mul Add Add", 2},
    {"GELU, half last", gelu_half_last, "Gelu", 1},
    {"GELU, half first", gelu_half_first, "Gelu", 1},
    {"another slope", gelu_of_another, "Div Erf Add Mul Mul", 2},
    {"SiLU", silu, "Swish", 1},
    {"a gate for another value", gate, "Tanh Sigmoid Mul", 2},
    {"HardSwish", hard_swish, "HardSwish", 1},
    {"convolution, relu", conv_relu, "Conv", 2},
    {"convolution, relu6", conv_clip, "Conv", 2},
    {"convolution, sum, relu", residual, "Conv", 4},
    {"convolution, relu, sum", relu_residual, "Conv Add", 2},
    {"convolution, relu, clip", conv_relu_clip, "Conv Clip", 1},
    {"convolution and a constant", conv_constant, "Relu Conv Add", 2},
    {"a convolution used twice", conv_twice, "Conv Relu Mul", 2},
    {"linear layer", linear, "MatMul", 3},
};

static void
test_row(void **state)
{
	const struct row *row = *state;
	char ops[256] = "";
	struct model m, out;
	struct arena a;
	struct err e = {0};

	arena_init(&a, (size_t)1 << 24);
	build_begin(&m, 4, 4, 3);
	m.output = row->build(&m);
	assert_ok(fuse_model(&m, true, &a, &out, &e), &e);
	for (size_t i = 0; i < out.nnode; i++)
		snprintf(ops + strlen(ops), sizeof(ops) - strlen(ops), "%s%s",
		    i > 0 ? " " : "", out.node[i].op);
	assert_string_equal(ops, row->ops);
	assert_int_equal(out.node[out.nnode - 1].nin, row->nin);
	/* what the last one makes still has the output's name */
	assert_string_equal(out.node[out.nnode - 1].out[0], m.output);
	model_release(&m);
	arena_release(&a);
}

/* Bounds go along as attributes. */
static void
test_bounds(void **state)
{
	struct model m, out;
	struct arena a;
	struct err e = {0};

	(void)state;
	arena_init(&a, (size_t)1 << 24);
	build_begin(&m, 4, 4, 3);
	m.output = conv_clip(&m);
	assert_ok(fuse_model(&m, true, &a, &out, &e), &e);
	assert_true(node_real(&out.node[0], "lowest", 1.0) == 0.0);
	assert_true(node_real(&out.node[0], "highest", 0.0) == 6.0);
	model_release(&m);
	arena_release(&a);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + 1];
	size_t n = 0;

	for (; n < ARRAY_LEN(rows); n++)
		tests[n] = (struct CMUnitTest){rows[n].name, test_row, NULL,
		    NULL, (void *)(uintptr_t)&rows[n]};
	tests[n++] = (struct CMUnitTest){
	    "bounds are attributes", test_bounds, NULL, NULL, NULL};
	return _cmocka_run_group_tests("fuse", tests, n, NULL, NULL);
}
