/* SPDX-License-Identifier: MIT
 * Networks around matrix products, norms, softmax, reductions.
 */
#include "tests/op_body.h"

#include "formats/build.h"

#define CLASSES OP_BODY_CLASSES

/* A tensor of noise. */
static const char *
weight(struct model *m, const char *name, size_t rank, const size_t *dim,
    float scale, float shift)
{
	float *p = build_tensor(m, name, rank, dim);
	size_t n = 1;

	for (size_t i = 0; i < rank; i++)
		n *= dim[i];
	op_body_noise(p, n, 40 + m->ntensor, scale, shift);
	return m->tensor[m->ntensor - 1].name;
}

#define WEIGHT(m, name, scale, shift, ...)                                     \
	weight(m, name, ARRAY_LEN(((size_t[]){__VA_ARGS__})),                  \
	    (size_t[]){__VA_ARGS__}, scale, shift)

#define RESHAPE(m, name, in, ...)                                              \
	reshape(m, name, in, ARRAY_LEN(((int64_t[]){__VA_ARGS__})),            \
	    (int64_t[]){__VA_ARGS__})

static const char *
reshape(struct model *m, const char *name, const char *in, size_t rank,
    const int64_t *dim)
{
	const char *v = build_node(m, "Reshape", name, &in, 1);

	build_ints(m, "shape", rank, dim);
	return v;
}

static const char *
binary(struct model *m, const char *op, const char *name, const char *a,
    const char *b)
{
	return build_node(m, op, name, (const char *[]){a, b}, 2);
}

/* --- Gemm ---------------------------------------------------------------- */

/* The image as a matrix (n, 126). */
static const char *
flat(struct model *m)
{
	return RESHAPE(m, "matrix", "image", 0, 126);
}

static void
body_gemm(struct model *m)
{
	const char *in[] = {flat(m), WEIGHT(m, "w", 0.2f, 0.0f, 126, 5),
	    WEIGHT(m, "b", 0.3f, 0.1f, 5)};
	const char *v = build_node(m, "Gemm", "g", in, 3);

	build_real(m, "alpha", 0.5);
	build_real(m, "beta", 1.5);
	op_body_head(m, v, 5);
}

static void
body_gemm_plain(struct model *m)
{
	const char *in[] = {flat(m), WEIGHT(m, "w", 0.2f, 0.0f, 5, 126)};
	const char *v = build_node(m, "Gemm", "g", in, 2);

	build_int(m, "transB", 1);
	build_real(m, "alpha", -0.5);
	op_body_head(m, v, 5);
}

static void
body_gemm_scalar(struct model *m)
{
	const char *in[] = {flat(m), WEIGHT(m, "w", 0.2f, 0.0f, 126, 5),
	    weight(m, "b", 0, NULL, 0.3f, 0.1f)};

	build_node(m, "Gemm", "g", in, 3);
	in[0] = "g";
	in[1] = WEIGHT(m, "w2", 0.2f, 0.0f, 5, 5);
	in[2] = WEIGHT(m, "b2", 0.3f, 0.1f, 1, 5);
	op_body_head(m, build_node(m, "Gemm", "g2", in, 3), 5);
}

/* All four ways to transpose computed operands. */
static const char *
square(struct model *m, const char *name, int ta, int tb, const char *a,
    const char *b, const char *c)
{
	const char *v =
	    build_node(m, "Gemm", name, (const char *[]){a, b, c}, 3);

	build_int(m, "transA", ta);
	build_int(m, "transB", tb);
	build_real(m, "alpha", 0.25);
	build_real(m, "beta", -2.0);
	return v;
}

static void
body_gemm_computed(struct model *m)
{
	const char *x = flat(m), *v, *u;

	x = binary(m, "MatMul", "x", x, WEIGHT(m, "w", 0.2f, 0.0f, 126, 3));
	v = square(m, "a", 1, 0, x, x, WEIGHT(m, "ca", 1.0f, 0.0f, 3, 1));
	u = square(m, "b", 0, 1, v, v, WEIGHT(m, "cb", 0.3f, 0.0f, 3, 3));
	v = square(m, "c", 1, 1, u, v, u);
	op_body_head(m, square(m, "d", 0, 0, x, v, x), 3);
}

/* The weight comes first: (5, n) = w' (126, 5) times x' */
static void
body_gemm_weight_first(struct model *m)
{
	const char *in[] = {WEIGHT(m, "w", 0.2f, 0.0f, 126, 5), flat(m),
	    WEIGHT(m, "b", 1.0f, 0.0f, 5, 1)};
	const char *v = build_node(m, "Gemm", "g", in, 3);

	build_int(m, "transA", 1);
	build_int(m, "transB", 1);
	in[0] = "g";
	in[1] = WEIGHT(m, "w2", 0.5f, 0.0f, 5, 4);
	v = build_node(m, "Gemm", "h", in, 2);
	build_int(m, "transA", 1);
	op_body_head(m, v, 4);
}

/* --- MatMul -------------------------------------------------------------- */

/* One weight for data of rank 4, and a vector. */
static void
body_matmul_rows(struct model *m)
{
	const char *v = RESHAPE(m, "r", "image", 0, 3, 6, 7);

	v = binary(m, "MatMul", "mm", v, WEIGHT(m, "w", 0.4f, 0.0f, 7, 5));
	v = binary(
	    m, "MatMul", "mm2", v, WEIGHT(m, "w2", 0.4f, 0.0f, 1, 1, 5, 4));
	v = binary(m, "MatMul", "mv", v, WEIGHT(m, "v", 0.7f, 0.0f, 4));
	op_body_head(m, v, 18);
}

/* The weight on the left, with and without a batch. */
static void
body_matmul_left(struct model *m)
{
	const char *v = RESHAPE(m, "r", "image", 0, 3, 6, 7);

	v = binary(m, "MatMul", "mm", WEIGHT(m, "w", 0.4f, 0.0f, 5, 6), v);
	v = binary(m, "MatMul", "mm2", WEIGHT(m, "w2", 0.4f, 0.0f, 3, 4, 5), v);
	v = binary(m, "MatMul", "mv", WEIGHT(m, "v", 0.7f, 0.0f, 4), v);
	op_body_head(m, v, 21);
}

/* A weight for each head; a side broadcast along an inner batch axis. */
static void
body_matmul_heads(struct model *m)
{
	const char *v = RESHAPE(m, "r", "image", 0, 3, 6, 7), *u;

	u = binary(m, "MatMul", "mm", v, WEIGHT(m, "w", 0.4f, 0.0f, 3, 7, 5));
	v = RESHAPE(m, "one", u, 0, 1, 9, 10);
	u = RESHAPE(m, "two", u, 0, 3, 10, 3);
	v = binary(m, "MatMul", "mm2", v, u);
	op_body_head(m, v, 81);
}

/* Attention without its softmax: q k' v. */
static void
body_matmul_attention(struct model *m)
{
	const char *q, *k, *v = RESHAPE(m, "r", "image", 0, 3, 6, 7);

	q = binary(m, "MatMul", "q", v, WEIGHT(m, "wq", 0.4f, 0.0f, 7, 4));
	k = build_node(m, "Transpose", "t", &v, 1);
	build_ints(m, "perm", 4, (int64_t[]){0, 1, 3, 2});
	k = binary(m, "MatMul", "k", WEIGHT(m, "wk", 0.4f, 0.0f, 4, 7), k);
	q = binary(m, "MatMul", "qk", q, k);
	v = binary(m, "MatMul", "qkv", q, v);
	op_body_head(m, v, 126);
}

/* The same value on both sides. */
static void
body_matmul_square(struct model *m)
{
	const char *v = RESHAPE(m, "r", "image", 0, 6, 21);

	v = binary(m, "MatMul", "x", v, WEIGHT(m, "w", 0.3f, 0.0f, 21, 6));
	v = binary(m, "MatMul", "xx", v, v);
	op_body_head(m, v, 36);
}

/* --- softmax, reductions ------------------------------------------------- */

/* A 1x1 convolution by another name: channels of the image, mixed. */
static const char *
stem(struct model *m)
{
	return binary(
	    m, "Mul", "stem", WEIGHT(m, "s", 0.5f, 1.2f, 3, 1, 1), "image");
}

static void
soft(struct model *m, const char *op, int64_t axis)
{
	const char *v = stem(m);

	v = build_node(m, op, "soft", &v, 1);
	build_int(m, "axis", axis);
	op_body_head(m, v, 126);
}

static void
body_softmax(struct model *m)
{
	soft(m, "Softmax", 1);
}

static void
body_softmax_width(struct model *m)
{
	soft(m, "Softmax", -1);
}

static void
body_log_softmax(struct model *m)
{
	soft(m, "LogSoftmax", 1);
}

static void
body_log_softmax_height(struct model *m)
{
	soft(m, "LogSoftmax", 2);
}

/* Rows longer than a vector; the gradient is added to another one's. */
static void
soft_rows(struct model *m, const char *op)
{
	const char *v = RESHAPE(m, "r", stem(m), 0, 6, 21), *u;

	u = build_node(m, op, "soft", &v, 1);
	v = binary(m, "Add", "sum", u, v);
	op_body_head(m, v, 126);
}

static void
body_softmax_rows(struct model *m)
{
	soft_rows(m, "Softmax");
}

static void
body_log_softmax_rows(struct model *m)
{
	soft_rows(m, "LogSoftmax");
}

static void
reduction(struct model *m, const char *op, const char *in, size_t n,
    const int64_t *axes, int64_t keep, size_t features)
{
	const char *v = build_node(m, op, "red", &in, 1);

	if (n > 0)
		build_ints(m, "axes", n, axes);
	build_int(m, "keepdims", keep);
	op_body_head(m, v, features);
}

#define REDUCTION(m, op, in, keep, features, ...)                              \
	reduction(m, op, in, ARRAY_LEN(((int64_t[]){__VA_ARGS__})),            \
	    (int64_t[]){__VA_ARGS__}, keep, features)

static void
body_mean_space(struct model *m)
{
	REDUCTION(m, "ReduceMean", stem(m), 1, 3, 2, 3);
}

static void
body_mean_channels(struct model *m)
{
	REDUCTION(m, "ReduceMean", stem(m), 0, 42, 1);
}

static void
body_sum_height(struct model *m)
{
	REDUCTION(m, "ReduceSum", stem(m), 0, 18, -2);
}

static void
body_sum_outer(struct model *m)
{
	REDUCTION(m, "ReduceSum", stem(m), 1, 6, 1, 2);
}

static void
body_max_width(struct model *m)
{
	REDUCTION(m, "ReduceMax", stem(m), 0, 21, 3);
}

static void
body_min_space(struct model *m)
{
	REDUCTION(m, "ReduceMin", stem(m), 0, 3, -1, -2);
}

static void
body_prod_channels(struct model *m)
{
	REDUCTION(m, "ReduceProd", stem(m), 1, 42, 1);
}

/* One column is zero, another one half zero. */
static void
body_prod_zeros(struct model *m)
{
	float *p = build_tensor(m, "zero", 1, (size_t[]){6});
	const char *v = RESHAPE(m, "r", stem(m), 0, 21, 6);

	for (size_t i = 0; i < 6; i++)
		p[i] = i == 2 ? 0.0f : 1.0f + (float)i / 8;
	v = binary(m, "Mul", "zeroed", v, "zero");
	REDUCTION(m, "ReduceProd", v, 0, 21, 2);
}

static void
body_l1_rows(struct model *m)
{
	const char *v = RESHAPE(m, "r", stem(m), 0, 6, 21);

	REDUCTION(m, "ReduceL1", v, 0, 6, 2);
}

static void
body_l2_channels(struct model *m)
{
	REDUCTION(m, "ReduceL2", stem(m), 1, 42, 1);
}

static const char *
positive(struct model *m)
{
	const char *v = stem(m);

	return binary(m, "Mul", "positive", v, v);
}

static void
body_log_sum(struct model *m)
{
	REDUCTION(m, "ReduceLogSum", positive(m), 1, 7, 1, 3);
}

static void
body_log_sum_exp(struct model *m)
{
	REDUCTION(m, "ReduceLogSumExp", stem(m), 0, 3, 3, 2);
}

static void
body_log_sum_exp_rows(struct model *m)
{
	const char *v = RESHAPE(m, "r", stem(m), 0, 3, 42);

	REDUCTION(m, "ReduceLogSumExp", v, 1, 3, 2);
}

static void
body_sum_square(struct model *m)
{
	REDUCTION(m, "ReduceSumSquare", stem(m), 1, 21, 3);
}

/* No axes: nothing is summed, everything is squared. */
static void
body_no_axes(struct model *m)
{
	const char *v = stem(m);

	v = build_node(m, "ReduceSumSquare", "red", &v, 1);
	build_int(m, "noop_with_empty_axes", 1);
	op_body_head(m, v, 126);
}

/* Where the extremes are, as numbers; they have no gradient. */
static void
body_arg(struct model *m)
{
	const char *v = stem(m), *u = v;

	u = build_node(m, "ArgMax", "max", &u, 1);
	build_int(m, "axis", 2);
	u = build_node(m, "Cast", "maxf", &u, 1);
	build_int(m, "to", 1);
	v = binary(m, "Mul", "p", v, u);
	u = build_node(m, "ArgMin", "min", (const char *[]){"stem"}, 1);
	build_int(m, "axis", -3);
	build_int(m, "select_last_index", 1);
	u = build_node(m, "Cast", "minf", &u, 1);
	build_int(m, "to", 1);
	v = binary(m, "Add", "q", v, u);
	op_body_head(m, v, 126);
}

/* --- norms --------------------------------------------------------------- */

static const char *
norm(struct model *m, const char *op, const char *in, const char *scale,
    const char *bias)
{
	const char *v = build_node(m, op, "norm",
	    (const char *[]){in, scale, bias}, bias != NULL ? 3 : 2);

	build_real(m, "epsilon", 1e-2);
	return v;
}

static void
body_batch_norm_rank3(struct model *m)
{
	const char *v = RESHAPE(m, "r", stem(m), 0, 6, 21);

	op_body_head(m, op_body_batch_norm(m, "bn", v, 6), 126);
}

static void
body_batch_norm_rank5(struct model *m)
{
	const char *v = RESHAPE(m, "r", stem(m), 0, 3, 7, 2, 3);

	op_body_head(m, op_body_batch_norm(m, "bn", v, 3), 126);
}

static void
body_layer_norm(struct model *m)
{
	const char *v = RESHAPE(m, "r", stem(m), 0, 6, 21);

	v = norm(m, "LayerNormalization", v, WEIGHT(m, "g", 0.5f, 1.0f, 21),
	    WEIGHT(m, "b", 0.5f, 0.0f, 21));
	op_body_head(m, v, 126);
}

static void
body_layer_norm_axis(struct model *m)
{
	const char *v = norm(m, "LayerNormalization", stem(m),
	    WEIGHT(m, "g", 0.5f, 1.0f, 7, 6), NULL);

	build_int(m, "axis", 2);
	op_body_head(m, v, 126);
}

/* Scale and bias depend on the image. */
static void
body_layer_norm_computed(struct model *m)
{
	const char *v = stem(m), *g;

	v = RESHAPE(m, "r", v, 0, 126);
	v = binary(m, "MatMul", "x", v, WEIGHT(m, "w", 0.2f, 0.0f, 126, 5));
	g = build_node(m, "ReduceMean", "g", (const char *[]){v}, 1);
	build_ints(m, "axes", 1, (int64_t[]){0});
	build_int(m, "keepdims", 0);
	v = norm(m, "LayerNormalization", v, g, g);
	op_body_head(m, v, 5);
}

/* Mean and inverse deviation are used as well. */
static void
body_layer_norm_moments(struct model *m)
{
	const char **out = arena_alloc(&m->arena, 3, sizeof(*out)), *v;
	struct node *n;

	v = RESHAPE(m, "r", stem(m), 0, 6, 21);
	norm(m, "LayerNormalization", v, WEIGHT(m, "g", 0.5f, 1.0f, 21),
	    WEIGHT(m, "b", 0.5f, 0.0f, 21));
	n = &m->node[m->nnode - 1];
	out[0] = n->out[0];
	out[1] = "mean";
	out[2] = "inv";
	n->out = out;
	n->nout = 3;
	v = binary(m, "Mul", "scaled", "norm", "inv");
	v = binary(m, "Add", "shifted", v, "mean");
	op_body_head(m, v, 126);
}

static void
body_instance_norm(struct model *m)
{
	const char *v = norm(m, "InstanceNormalization", stem(m),
	    WEIGHT(m, "g", 0.5f, 1.0f, 3), WEIGHT(m, "b", 0.5f, 0.0f, 3));

	op_body_head(m, v, 126);
}

static void
body_instance_norm_rank3(struct model *m)
{
	const char *v = RESHAPE(m, "r", stem(m), 0, 6, 21);

	v = norm(m, "InstanceNormalization", v, WEIGHT(m, "g", 0.5f, 1.0f, 6),
	    WEIGHT(m, "b", 0.5f, 0.0f, 6));
	op_body_head(m, v, 126);
}

static void
group_norm(struct model *m, size_t weights)
{
	const char *v = RESHAPE(m, "r", stem(m), 0, 6, 7, 3);

	v = norm(m, "GroupNormalization", v,
	    WEIGHT(m, "g", 0.5f, 1.0f, weights),
	    WEIGHT(m, "b", 0.5f, 0.0f, weights));
	build_int(m, "num_groups", 2);
	op_body_head(m, v, 126);
}

static void
body_group_norm(struct model *m)
{
	group_norm(m, 6);
}

static void
body_group_norm_groups(struct model *m)
{
	group_norm(m, 2);
}

/* More pixels than are summed at once; the gradient is added to another. */
static void
body_group_norm_large(struct model *m)
{
	const char *v = stem(m), *u;

	u = norm(m, "GroupNormalization", v, WEIGHT(m, "g", 0.5f, 1.0f, 3),
	    WEIGHT(m, "b", 0.5f, 0.0f, 3));
	build_int(m, "num_groups", 1);
	op_body_head(m, binary(m, "Add", "sum", u, v), 3 * 13 * 11);
}

static const struct op_body table[] = {
    {"gemm, alpha and beta", body_gemm, 7, 6, 3, 3},
    {"gemm, transB, no bias", body_gemm_plain, 7, 6, 3, 3},
    {"gemm, scalar and (1, n) bias", body_gemm_scalar, 7, 6, 3, 2},
    {"gemm of computed operands", body_gemm_computed, 7, 6, 3, 3},
    {"gemm, the weight first", body_gemm_weight_first, 7, 6, 3, 3},
    {"matmul, rank 4 by a matrix", body_matmul_rows, 7, 6, 3, 3},
    {"matmul, the weight first", body_matmul_left, 7, 6, 3, 3},
    {"matmul with heads, broadcast", body_matmul_heads, 7, 6, 3, 2},
    {"matmul as in attention", body_matmul_attention, 7, 6, 3, 3},
    {"matmul of a value by itself", body_matmul_square, 7, 6, 3, 3},
    {"softmax over channels", body_softmax, 7, 6, 3, 3},
    {"softmax over the width", body_softmax_width, 7, 6, 3, 3},
    {"softmax of rows, gradients added", body_softmax_rows, 7, 6, 3, 3},
    {"log-softmax over channels", body_log_softmax, 7, 6, 3, 3},
    {"log-softmax over the height", body_log_softmax_height, 7, 6, 3, 3},
    {"log-softmax of rows, gradients added", body_log_softmax_rows, 7, 6, 3, 3},
    {"reduce mean of space", body_mean_space, 7, 6, 3, 3},
    {"reduce mean of channels", body_mean_channels, 7, 6, 3, 3},
    {"reduce sum of the height", body_sum_height, 7, 6, 3, 3},
    {"reduce sum of channels and height", body_sum_outer, 7, 6, 3, 3},
    {"reduce max of the width", body_max_width, 7, 6, 3, 3},
    {"reduce min of space", body_min_space, 7, 6, 3, 3},
    {"reduce product of channels", body_prod_channels, 7, 6, 3, 3},
    {"reduce product, a zero", body_prod_zeros, 7, 6, 3, 3},
    {"reduce l1 of rows", body_l1_rows, 7, 6, 3, 3},
    {"reduce l2 of channels", body_l2_channels, 7, 6, 3, 3},
    {"reduce log sum", body_log_sum, 7, 6, 3, 3},
    {"reduce log sum exp of space", body_log_sum_exp, 7, 6, 3, 3},
    {"reduce log sum exp of rows", body_log_sum_exp_rows, 7, 6, 3, 3},
    {"reduce sum of squares", body_sum_square, 7, 6, 3, 3},
    {"reduce sum of squares, no axes", body_no_axes, 7, 6, 3, 3},
    {"arg max, arg min", body_arg, 7, 6, 3, 3},
    {"batch-norm, rank 3", body_batch_norm_rank3, 7, 6, 3, 3},
    {"batch-norm, rank 5", body_batch_norm_rank5, 7, 6, 3, 3},
    {"layer-norm", body_layer_norm, 7, 6, 3, 3},
    {"layer-norm over two axes, no bias", body_layer_norm_axis, 7, 6, 3, 3},
    {"layer-norm, computed scale", body_layer_norm_computed, 7, 6, 3, 3},
    {"layer-norm, moments used", body_layer_norm_moments, 7, 6, 3, 3},
    {"instance-norm", body_instance_norm, 7, 6, 3, 3},
    {"instance-norm, rank 3", body_instance_norm_rank3, 7, 6, 3, 3},
    {"group-norm", body_group_norm, 7, 6, 3, 3},
    {"group-norm, a scale for each group", body_group_norm_groups, 7, 6, 3, 3},
    {"group-norm of a large image", body_group_norm_large, 13, 11, 3, 2},
};
const struct op_body_set op_body_rows = {table, ARRAY_LEN(table)};
