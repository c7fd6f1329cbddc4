/* SPDX-License-Identifier: MIT
 * Norms of windows and lines, as the operators that they are made of:
 * LpNormalization, LpPool, GlobalLpPool, MeanVarianceNormalization.
 */
#include "formats/onnx_lp.h"

#include "formats/onnx_fact.h"
#include "formats/onnx_ops.h"

static struct node *
unary(struct onnx_lower *l, const struct onnx_node *from, const char *op,
    const char *x, const char **y)
{
	*y = onnx_lower_fresh(l, from->out[0], op);
	return onnx_lower_insert(l, from, op, x, *y);
}

/* The last of its nodes has the name of the output. */
static void
binary(struct onnx_lower *l, const struct onnx_node *from, const char *op,
    const char *x, const char *y, const char **z, bool last)
{
	struct node *n;

	*z = last ? from->out[0] : onnx_lower_fresh(l, from->out[0], op);
	if ((n = onnx_lower_insert(l, from, op, x, *z)) != NULL)
		n->in[n->nin++] = y;
}

static void
reduce(struct onnx_lower *l, const struct onnx_node *from, const char *op,
    const char *x, const int64_t *axes, size_t n, const char **y)
{
	struct node *node = unary(l, from, op, x, y);

	if (node == NULL)
		return;
	onnx_lower_put_ints(node, "axes", axes, n);
	onnx_lower_put_int(node, "keepdims", 1);
}

static int
check_power(struct onnx_lower *l, const struct onnx_node *from, int64_t *p)
{
	*p = onnx_lower_get_int(l, from, "p", 2);
	return *p == 1 || *p == 2 ? 0
				  : onnx_lower_fail(l, from, ERR_UNSUPPORTED,
					"a norm of the power %" PRId64, *p);
}

/* x / norm(x) along an axis */
static int
lp_normalization(struct onnx_lower *l, const struct onnx_node *from)
{
	int64_t *axis = arena_alloc(&l->m->arena, 1, sizeof(*axis)), p;
	const char *x, *y;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0 ||
	    (rc = check_power(l, from, &p)) != 0)
		return rc;
	if (axis == NULL)
		return onnx_lower_fail(l, from, ERR_LIMIT, "model too large");
	*axis = onnx_lower_get_int(l, from, "axis", -1);
	x = onnx_lower_name(l, from->in[0]);
	reduce(l, from, p == 1 ? "ReduceL1" : "ReduceL2", x, axis, 1, &y);
	binary(l, from, "Div", x, y, &y, true);
	return 0;
}

/* The norm of each channel. */
static int
global_lp_pool(struct onnx_lower *l, const struct onnx_node *from)
{
	static const int64_t axes[] = {2, 3, 4};
	struct onnx_fact f;
	struct node *n;
	int64_t p;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0 ||
	    (rc = check_power(l, from, &p)) != 0)
		return rc;
	f = onnx_fact_of(l, onnx_lower_name(l, from->in[0]));
	if (!f.ranked || f.rank < 3 || f.rank > 5)
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "an input of unknown rank");
	n = onnx_lower_node(l, from, p == 1 ? "ReduceL1" : "ReduceL2", 1, 1);
	if (n == NULL)
		return 0;
	onnx_lower_put_ints(n, "axes", axes, f.rank - 2);
	onnx_lower_put_int(n, "keepdims", 1);
	return 0;
}

/* The sums of a window are its average, edges counted, times its size. */
static int
lp_pool(struct onnx_lower *l, const struct onnx_node *from)
{
	const int64_t *kernel;
	const char *x, *y;
	double count = 1;
	struct node *n;
	size_t axes;
	int64_t p;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0 ||
	    (rc = check_power(l, from, &p)) != 0)
		return rc;
	if (!onnx_lower_get_ints(l, from, "kernel_shape", &kernel, &axes))
		return onnx_lower_fail(
		    l, from, ERR_FORMAT, "kernel_shape is missing");
	if (onnx_lower_get_int(l, from, "ceil_mode", 0) != 0) /* 18 */
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "windows that leave the image (ceil_mode)");
	for (size_t i = 0; i < axes; i++)
		count *= (double)kernel[i];
	x = onnx_lower_name(l, from->in[0]);
	if (p == 1)
		(void)unary(l, from, "Abs", x, &y);
	else
		binary(l, from, "Mul", x, x, &y, false);
	if ((n = unary(l, from, "AveragePool", y, &y)) == NULL)
		return 0;
	if ((rc = onnx_ops_window(l, from, n, kernel, axes)) != 0)
		return rc;
	onnx_lower_put_int(n, "ceil_mode", 0);
	onnx_lower_put_int(n, "count_include_pad", 1);
	binary(
	    l, from, "Mul", y, onnx_lower_scalar(l, from, count), &y, p == 1);
	if (p == 2)
		(void)onnx_lower_insert(l, from, "Sqrt", y, from->out[0]);
	return 0;
}

/* (x - mean) / (deviation + 1e-9), as the operator's own function has it */
static int
mean_variance(struct onnx_lower *l, const struct onnx_node *from)
{
	static const int64_t absent[] = {0, 2, 3};
	const int64_t *axes = absent;
	size_t n = ARRAY_LEN(absent);
	const char *x, *y, *z;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	(void)!onnx_lower_get_ints(l, from, "axes", &axes, &n);
	for (size_t i = 0; i < n && !l->graph; i++)
		if (axes[i] == 0)
			return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
			    "the mean of several images");
	x = onnx_lower_name(l, from->in[0]);
	reduce(l, from, "ReduceMean", x, axes, n, &y);
	binary(l, from, "Sub", x, y, &x, false);
	binary(l, from, "Mul", x, x, &y, false);
	reduce(l, from, "ReduceMean", y, axes, n, &y);
	(void)unary(l, from, "Sqrt", y, &z);
	binary(l, from, "Add", z, onnx_lower_scalar(l, from, 1e-9), &y, false);
	binary(l, from, "Div", x, y, &y, true);
	return 0;
}

/* --- the table ----------------------------------------------------------- */

static const struct {
	const char *op;
	onnx_lower_fn *fn;
} op_table[] = {
    {"GlobalLpPool", global_lp_pool},
    {"LpNormalization", lp_normalization},
    {"LpPool", lp_pool},
    {"MeanVarianceNormalization", mean_variance},
};

onnx_lower_fn *
onnx_lp_find(const char *op)
{
	for (size_t i = 0; i < ARRAY_LEN(op_table); i++)
		if (strcmp(op_table[i].op, op) == 0)
			return op_table[i].fn;
	return NULL;
}
