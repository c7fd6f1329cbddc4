/* SPDX-License-Identifier: MIT
 * Networks around norms, softmax and reductions.
 */
#include "tests/op_body_make.h"

#include "formats/build.h"

/* --- softmax, reductions ------------------------------------------------- */

static void
soft(struct model *m, const char *op, int64_t axis)
{
	const char *v = op_body_make_scaled(m);

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
	const char *v = RESHAPE(m, "r", op_body_make_scaled(m), 0, 6, 21), *u;

	u = build_node(m, op, "soft", &v, 1);
	v = op_body_make_binary(m, "Add", "sum", u, v);
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
	REDUCTION(m, "ReduceMean", op_body_make_scaled(m), 1, 3, 2, 3);
}

static void
body_mean_channels(struct model *m)
{
	REDUCTION(m, "ReduceMean", op_body_make_scaled(m), 0, 42, 1);
}

static void
body_sum_height(struct model *m)
{
	REDUCTION(m, "ReduceSum", op_body_make_scaled(m), 0, 18, -2);
}

static void
body_sum_outer(struct model *m)
{
	REDUCTION(m, "ReduceSum", op_body_make_scaled(m), 1, 6, 1, 2);
}

static void
body_max_width(struct model *m)
{
	REDUCTION(m, "ReduceMax", op_body_make_scaled(m), 0, 21, 3);
}

static void
body_min_space(struct model *m)
{
	REDUCTION(m, "ReduceMin", op_body_make_scaled(m), 0, 3, -1, -2);
}

static void
body_prod_channels(struct model *m)
{
	REDUCTION(m, "ReduceProd", op_body_make_scaled(m), 1, 42, 1);
}

/* One column is zero, another one half zero. */
static void
body_prod_zeros(struct model *m)
{
	float *p = build_tensor(m, "zero", 1, (size_t[]){6});
	const char *v = RESHAPE(m, "r", op_body_make_scaled(m), 0, 21, 6);

	for (size_t i = 0; i < 6; i++)
		p[i] = i == 2 ? 0.0f : 1.0f + (float)i / 8;
	v = op_body_make_binary(m, "Mul", "zeroed", v, "zero");
	REDUCTION(m, "ReduceProd", v, 0, 21, 2);
}

static void
body_l1_rows(struct model *m)
{
	const char *v = RESHAPE(m, "r", op_body_make_scaled(m), 0, 6, 21);

	REDUCTION(m, "ReduceL1", v, 0, 6, 2);
}

static void
body_l2_channels(struct model *m)
{
	REDUCTION(m, "ReduceL2", op_body_make_scaled(m), 1, 42, 1);
}

static const char *
positive(struct model *m)
{
	const char *v = op_body_make_scaled(m);

	return op_body_make_binary(m, "Mul", "positive", v, v);
}

static void
body_log_sum(struct model *m)
{
	REDUCTION(m, "ReduceLogSum", positive(m), 1, 7, 1, 3);
}

static void
body_log_sum_exp(struct model *m)
{
	REDUCTION(m, "ReduceLogSumExp", op_body_make_scaled(m), 0, 3, 3, 2);
}

static void
body_log_sum_exp_rows(struct model *m)
{
	const char *v = RESHAPE(m, "r", op_body_make_scaled(m), 0, 3, 42);

	REDUCTION(m, "ReduceLogSumExp", v, 1, 3, 2);
}

/* The axes are an input. */
static void
body_axes_input(struct model *m)
{
	const char *in[] = {op_body_make_scaled(m),
	    op_body_make_ints(m, "axes", 2, (int64_t[]){-1, 1})};
	const char *v = build_node(m, "ReduceL2", "red", in, 2);

	op_body_head(m, v, 7);
}

static void
body_sum_square(struct model *m)
{
	REDUCTION(m, "ReduceSumSquare", op_body_make_scaled(m), 1, 21, 3);
}

/* No axes: nothing is summed, everything is squared. */
static void
body_no_axes(struct model *m)
{
	const char *v = op_body_make_scaled(m);

	v = build_node(m, "ReduceSumSquare", "red", &v, 1);
	build_int(m, "noop_with_empty_axes", 1);
	op_body_head(m, v, 126);
}

/* Where the extremes are, as numbers; they have no gradient. */
static void
body_arg(struct model *m)
{
	const char *v = op_body_make_scaled(m), *u = v;

	u = build_node(m, "ArgMax", "max", &u, 1);
	build_int(m, "axis", 2);
	u = build_node(m, "Cast", "maxf", &u, 1);
	build_int(m, "to", 1);
	v = op_body_make_binary(m, "Mul", "p", v, u);
	u = build_node(m, "ArgMin", "min", (const char *[]){"scaled"}, 1);
	build_int(m, "axis", -3);
	build_int(m, "select_last_index", 1);
	u = build_node(m, "Cast", "minf", &u, 1);
	build_int(m, "to", 1);
	v = op_body_make_binary(m, "Add", "q", v, u);
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
	const char *v = RESHAPE(m, "r", op_body_make_scaled(m), 0, 6, 21);

	op_body_head(m, op_body_batch_norm(m, "bn", v, 6), 126);
}

static void
body_batch_norm_rank5(struct model *m)
{
	const char *v = RESHAPE(m, "r", op_body_make_scaled(m), 0, 3, 7, 2, 3);

	op_body_head(m, op_body_batch_norm(m, "bn", v, 3), 126);
}

static void
body_layer_norm(struct model *m)
{
	const char *v = RESHAPE(m, "r", op_body_make_scaled(m), 0, 6, 21);

	v = norm(m, "LayerNormalization", v, WEIGHT(m, "g", 0.5f, 1.0f, 21),
	    WEIGHT(m, "b", 0.5f, 0.0f, 21));
	op_body_head(m, v, 126);
}

static void
body_layer_norm_axis(struct model *m)
{
	const char *v = norm(m, "LayerNormalization", op_body_make_scaled(m),
	    WEIGHT(m, "g", 0.5f, 1.0f, 7, 6), NULL);

	build_int(m, "axis", 2);
	op_body_head(m, v, 126);
}

/* Scale and bias depend on the image. */
static void
body_layer_norm_computed(struct model *m)
{
	const char *v = op_body_make_scaled(m), *g;

	v = RESHAPE(m, "r", v, 0, 126);
	v = op_body_make_binary(
	    m, "MatMul", "x", v, WEIGHT(m, "w", 0.2f, 0.0f, 126, 5));
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

	v = RESHAPE(m, "r", op_body_make_scaled(m), 0, 6, 21);
	norm(m, "LayerNormalization", v, WEIGHT(m, "g", 0.5f, 1.0f, 21),
	    WEIGHT(m, "b", 0.5f, 0.0f, 21));
	n = &m->node[m->nnode - 1];
	out[0] = n->out[0];
	out[1] = "mean";
	out[2] = "inv";
	n->out = out;
	n->nout = 3;
	v = op_body_make_binary(m, "Mul", "spread", "norm", "inv");
	v = op_body_make_binary(m, "Add", "shifted", v, "mean");
	op_body_head(m, v, 126);
}

static void
body_instance_norm(struct model *m)
{
	const char *v = norm(m, "InstanceNormalization", op_body_make_scaled(m),
	    WEIGHT(m, "g", 0.5f, 1.0f, 3), WEIGHT(m, "b", 0.5f, 0.0f, 3));

	op_body_head(m, v, 126);
}

static void
body_instance_norm_rank3(struct model *m)
{
	const char *v = RESHAPE(m, "r", op_body_make_scaled(m), 0, 6, 21);

	v = norm(m, "InstanceNormalization", v, WEIGHT(m, "g", 0.5f, 1.0f, 6),
	    WEIGHT(m, "b", 0.5f, 0.0f, 6));
	op_body_head(m, v, 126);
}

static void
group_norm(struct model *m, size_t weights)
{
	const char *v = RESHAPE(m, "r", op_body_make_scaled(m), 0, 6, 7, 3);

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
	const char *v = op_body_make_scaled(m), *u;

	u = norm(m, "GroupNormalization", v, WEIGHT(m, "g", 0.5f, 1.0f, 3),
	    WEIGHT(m, "b", 0.5f, 0.0f, 3));
	build_int(m, "num_groups", 1);
	op_body_head(
	    m, op_body_make_binary(m, "Add", "sum", u, v), 3 * 13 * 11);
}

static const struct op_body table[] = {
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
    {"reduce l2, axes an input", body_axes_input, 7, 6, 3, 3},
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
