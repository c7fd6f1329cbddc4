/* SPDX-License-Identifier: MIT
 * Numbers in comments are the operator set in which a form changed.
 */
#include "formats/onnx_norm.h"

/* --- batch --------------------------------------------------------------- */

/* Whether the file means training; assay-load reads that as inference. */
static bool
trains(struct onnx_lower *l, const struct onnx_node *from)
{
	if (l->opset >= 14)
		return onnx_lower_get_int(l, from, "training_mode", 0) != 0;
	if (l->opset < 7)
		return onnx_lower_get_int(l, from, "is_test", 0) == 0;
	return onnx_lower_used(l, from, 1) || onnx_lower_used(l, from, 2);
}

static int
batch_norm(struct onnx_lower *l, const struct onnx_node *from)
{
	bool train = l->graph && trains(l, from);
	struct node *n;
	int rc;

	if ((rc = onnx_lower_need(l, from, 5)) != 0)
		return rc;
	/* outputs 3 and 4 (until 13) are between the lines of training */
	for (size_t i = train ? 3 : 1; i < from->nout; i++)
		if (onnx_lower_used(l, from, i))
			return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
			    "its running statistics are used");
	if (onnx_lower_get_int(l, from, "spatial", 1) != 1) /* until 8 */
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "statistics for every pixel");
	if (onnx_lower_get_int(l, from, "training_mode", 0) != 0) /* 14 */
		l->trained = true;
	n = onnx_lower_node(l, from, from->op, 5, train ? 3 : 1);
	if (n == NULL)
		return 0;
	onnx_lower_put_real(
	    n, "epsilon", onnx_lower_get_real(l, from, "epsilon", 1e-5));
	if (train) {
		onnx_lower_put_int(n, "training_mode", 1);
		onnx_lower_put_real(n, "momentum",
		    onnx_lower_get_real(l, from, "momentum", 0.9));
	}
	return 0;
}

/* --- layer, group -------------------------------------------------------- */

static int
layer_norm(struct onnx_lower *l, const struct onnx_node *from)
{
	size_t nout = 1;
	struct node *n;
	int rc;

	if ((rc = onnx_lower_need(l, from, 2)) != 0)
		return rc;
	for (size_t i = 1; i < 3; i++)
		if (onnx_lower_used(l, from, i))
			nout = i + 1;
	if ((n = onnx_lower_node(l, from, from->op, 3, nout)) == NULL)
		return 0;
	onnx_lower_put_int(n, "axis", onnx_lower_get_int(l, from, "axis", -1));
	onnx_lower_put_real(
	    n, "epsilon", onnx_lower_get_real(l, from, "epsilon", 1e-5));
	return 0;
}

/* A parameter for every group, repeated for each channel of the group. */
static const char *
per_channel(struct onnx_lower *l, const struct onnx_node *from, const char *in,
    const char *size)
{
	static const int64_t column[] = {-1, 1}, row[] = {-1};
	const char *tall = onnx_lower_fresh(l, from->out[0], "column");
	const char *wide = onnx_lower_fresh(l, from->out[0], "spread");
	const char *flat = onnx_lower_fresh(l, from->out[0], "channels");
	struct node *n;

	if ((n = onnx_lower_insert(l, from, "Reshape", in, tall)) == NULL)
		return flat;
	onnx_lower_put_ints(n, "shape", column, 2);
	onnx_lower_put_int(n, "allowzero", 0);
	if ((n = onnx_lower_insert(l, from, "Expand", tall, wide)) == NULL)
		return flat;
	n->in[n->nin++] = size;
	if ((n = onnx_lower_insert(l, from, "Reshape", wide, flat)) == NULL)
		return flat;
	onnx_lower_put_ints(n, "shape", row, 1);
	onnx_lower_put_int(n, "allowzero", 0);
	return flat;
}

/* Parameters for every channel only from 21 on; before, for every group. */
static int
group_norm(struct onnx_lower *l, const struct onnx_node *from)
{
	int64_t groups = onnx_lower_get_int(l, from, "num_groups", 1);
	const char *param[2] = {NULL, NULL}, *channels, *each, *number;
	struct node *n;
	int rc;

	if ((rc = onnx_lower_need(l, from, 3)) != 0)
		return rc;
	if (l->opset < 18)
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "operator set %" PRId64 " does not have it", l->opset);
	if (l->opset < 21) {
		channels = onnx_lower_fresh(l, from->out[0], "count");
		each = onnx_lower_fresh(l, from->out[0], "each");
		number = onnx_lower_fresh(l, from->out[0], "groups");
		onnx_lower_number(l, number, DTYPE_I64, 1, (double)groups);
		n = onnx_lower_insert(l, from, "Shape",
		    onnx_lower_name(l, from->in[0]), channels);
		if (n == NULL)
			return 0;
		onnx_lower_put_int(n, "start", 1);
		onnx_lower_put_int(n, "end", 2);
		if ((n = onnx_lower_insert(l, from, "Div", channels, each)) ==
		    NULL)
			return 0;
		n->in[n->nin++] = number;
		for (size_t i = 0; i < 2; i++)
			param[i] = per_channel(
			    l, from, onnx_lower_name(l, from->in[i + 1]), each);
	}
	if ((n = onnx_lower_node(l, from, from->op, 3, 1)) == NULL)
		return 0;
	for (size_t i = 0; i < 2; i++)
		if (param[i] != NULL)
			n->in[i + 1] = param[i];
	onnx_lower_put_int(n, "num_groups", groups);
	onnx_lower_put_real(
	    n, "epsilon", onnx_lower_get_real(l, from, "epsilon", 1e-5));
	return 0;
}

/* --- Dropout ------------------------------------------------------------- */

/* ratio: attribute until 11, then input 1; training: input 2 since 12,
 * before 7 whatever is not is_test.  False: nothing is dropped. */
static bool
drops(struct onnx_lower *l, const struct onnx_node *from)
{
	bool given = from->nin > 2 && *from->in[2] != '\0';
	bool rated = from->nin > 1 && *from->in[1] != '\0';
	double ratio = onnx_lower_get_real(l, from, "ratio", 0.5);
	const struct tensor *t;
	uint64_t n;

	if (l->opset < 7)
		return onnx_lower_get_int(l, from, "is_test", 0) == 0 &&
		       ratio > 0.0;
	if (l->opset < 12 || !given)
		return false;
	t = onnx_lower_const(l, from->in[2]);
	if (t == NULL || t->dtype == DTYPE_COUNT || !tensor_elements(t, &n) ||
	    n != 1)
		return true;
	if (tensor_real(t, 0) == 0.0)
		return false;
	if (!rated)
		return true;
	t = onnx_lower_const(l, from->in[1]);
	return t == NULL || t->dtype == DTYPE_COUNT ||
	       !tensor_elements(t, &n) || n != 1 || tensor_real(t, 0) != 0.0;
}

/* What is dropped in training passes when the model is used: a classifier
 * is read so, whatever the file says. */
static int
dropout(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *shape;
	struct node *n;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	if (l->graph && drops(l, from))
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "it draws random numbers");
	onnx_lower_alias(l, from->out[0], from->in[0]);
	if (!onnx_lower_used(l, from, 1))
		return 0;
	/* the mask: everything is kept */
	shape = onnx_lower_fresh(l, from->out[1], "shape");
	if (onnx_lower_insert(l, from, "Shape", onnx_lower_name(l, from->in[0]),
		shape) == NULL ||
	    (n = onnx_lower_insert(
		 l, from, "ConstantOfShape", shape, from->out[1])) == NULL)
		return 0;
	onnx_lower_put_real(n, "value", 1.0);
	onnx_lower_put_text(n, "dtype", l->opset < 10 ? "f32" : "bool");
	return 0;
}

static const struct {
	const char *op;
	onnx_lower_fn *fn;
} op_table[] = {
    {"BatchNormalization", batch_norm},
    {"Dropout", dropout},
    {"GroupNormalization", group_norm},
    {"LayerNormalization", layer_norm},
};

onnx_lower_fn *
onnx_norm_find(const char *op)
{
	for (size_t i = 0; i < ARRAY_LEN(op_table); i++)
		if (strcmp(op_table[i].op, op) == 0)
			return op_table[i].fn;
	return NULL;
}
