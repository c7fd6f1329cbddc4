/* SPDX-License-Identifier: MIT
 * Attention in one call: softmax(q k' / sqrt(E) + mask) v, of q (..., L, E),
 * k (..., S, E), v (..., S, Ev); torch/nn/functional.py,
 * aten/src/ATen/native/transformers/attention.cpp.
 */
#include "formats/script_op.h"

#include <math.h>

#define CALLED 4 /* arguments of one of our own calls */

/* An operation of another table, by its PyTorch name. */
static int
call(struct script *s, const char *name, const struct script_value *v, size_t n,
    struct script_value *out)
{
	static const char *const none[CALLED] = {NULL};
	const struct script_args a = {v, none, n, name, NULL};
	struct script_value got;
	int rc = script_op_call(s, name, &a, &got);

	*out = got;
	return rc;
}

static int
pair(struct script *s, const char *name, const struct script_value *x,
    const struct script_value *y, struct script_value *out)
{
	const struct script_value v[2] = {*x, *y};

	return call(s, name, v, 2, out);
}

static struct script_value
whole(int64_t i)
{
	return (struct script_value){.type = SCRIPT_INT, .i = i};
}

static struct script_value
real(double f)
{
	return (struct script_value){.type = SCRIPT_REAL, .f = f};
}

/* What is not to be looked at counts nothing; or the mask is added. */
static int
masked(struct script *s, const char *callee, const struct script_value *mask,
    struct script_value *x)
{
	const struct script_value v[3] = {
	    *mask, *x, {.type = SCRIPT_REAL, .f = -INFINITY}};

	if (mask->type == SCRIPT_NONE)
		return 0;
	if (mask->type != SCRIPT_TENSOR)
		return script_fail(s, callee, "a mask that is no tensor");
	return mask->t->truth ? call(s, "torch.where", v, 3, x)
			      : pair(s, "torch.add", x, mask, x);
}

/* One over the root of the width, the last dimension. */
static int
root(struct script *s, struct script_tensor *q, struct script_value *out)
{
	struct script_value size;
	int rc = script_node_size(s, q, -1, &size);

	if (rc != 0)
		return rc;
	if (size.type == SCRIPT_INT) {
		*out = real(1 / sqrt((double)size.i));
		return 0;
	}
	return call(s, "torch.rsqrt", &size, 1, out);
}

static int
attend(struct script *s, const char *callee, const struct script_value *qkv,
    const struct script_value *mask, double scale, struct script_value *out)
{
	struct script_value v[3], x, by;
	int rc;

	for (size_t i = 0; i < 3; i++)
		if (qkv[i].type != SCRIPT_TENSOR || qkv[i].t->rank < 3)
			return script_fail(s, callee, "of what are no rows");
	by = real(scale);
	if (isnan(scale) && (rc = root(s, qkv[0].t, &by)) != 0)
		return rc;
	v[0] = qkv[1];
	v[1] = whole(-2);
	v[2] = whole(-1);
	if ((rc = call(s, "torch.transpose", v, 3, &x)) != 0 ||
	    (rc = pair(s, "torch.mul", &qkv[0], &by, &v[0])) != 0 ||
	    (rc = pair(s, "torch.matmul", &v[0], &x, &x)) != 0 ||
	    (rc = masked(s, callee, mask, &x)) != 0)
		return rc;
	v[0] = whole(-1);
	if ((rc = pair(s, "torch.softmax", &x, &v[0], &x)) != 0)
		return rc;
	return pair(s, "torch.matmul", &x, &qkv[2], out);
}

/*
 * scaled_dot_product_attention(q, k, v, mask, dropout, is_causal, scale,
 * enable_gqa); _scaled_dot_product_attention(q, k, v, mask, dropout,
 * need_weights, is_causal), which gives the weights, too.
 */
SCRIPT_OP(do_attention)
{
	bool two = *op->onnx == '2';
	struct script_value v[3], none = {.type = SCRIPT_UNKNOWN};
	const struct script_value *mask = script_op_arg(a, 3, "attn_mask");
	int rc;

	for (size_t i = 0; i < 3; i++)
		v[i] = *script_op_arg(a, i, NULL);
	if (script_op_real(a, 4, "dropout_p", 0) != 0 ||
	    script_op_int(a, two ? 6 : 5, "is_causal", 0) != 0 ||
	    script_op_int(a, 99, "enable_gqa", 0) != 0)
		return script_fail(s, a->callee,
		    "with a dropout, or of what comes before alone");
	if (!two)
		return attend(s, a->callee, v, mask,
		    script_op_real(a, 99, "scale", NAN), out);
	if ((rc = attend(s, a->callee, v, mask, NAN, &v[0])) != 0 ||
	    (rc = script_row(s, out)) != 0 ||
	    (rc = script_row_add(s, out->list, &v[0])) != 0)
		return rc;
	return script_row_add(s, out->list, &none);
}

/* --- heads --------------------------------------------------------------- */

/* x (N, L, 3 E) or (N, L, E) from `from` on: (N, heads, L, E / heads) */
static int
heads(struct script *s, const struct script_value *x, int64_t from, int64_t e,
    int64_t n, struct script_value *out)
{
	const struct script_value cut[4] = {
	    *x, whole(-1), whole(from), whole(e)};
	struct script_value part, v[3], row;
	int rc = 0;

	part = *x;
	if (x->t->dim[2] != e)
		rc = call(s, "torch.narrow", cut, 4, &part);
	if (rc != 0 || (rc = script_row(s, &row)) != 0)
		return rc;
	v[0] = part;
	v[1] = whole(-1);
	v[2] = row;
	part = whole(n);
	if ((rc = script_row_add(s, row.list, &part)) != 0)
		return rc;
	part = whole(e / n);
	if ((rc = script_row_add(s, row.list, &part)) != 0 ||
	    (rc = call(s, "torch.unflatten", v, 3, &v[0])) != 0)
		return rc;
	v[1] = whole(1);
	v[2] = whole(2);
	return call(s, "torch.transpose", v, 3, out);
}

/*
 * _native_multi_head_attention(q, k, v, width, heads, w, b, w_out, b_out, mask,
 * need_weights, average, mask_type), of one q, k and v: what
 * nn.MultiheadAttention calls where nothing is learnt.
 */
SCRIPT_OP(do_native)
{
	const struct script_value *x = script_op_arg(a, 0, NULL);
	int64_t e = script_op_int(a, 3, NULL, 0);
	int64_t n = script_op_int(a, 4, NULL, 0);
	struct script_value in[3], v[3], none = {.type = SCRIPT_NONE};
	int rc;

	(void)op;
	for (size_t i = 1; i < 3; i++)
		if (script_op_arg(a, i, NULL)->type != SCRIPT_TENSOR ||
		    x->type != SCRIPT_TENSOR ||
		    script_op_arg(a, i, NULL)->t != x->t)
			return script_fail(s, a->callee, "of several tensors");
	if (e < 1 || n < 1 || e > INT32_MAX || e % n != 0 || x->t->rank != 3 ||
	    script_op_arg(a, 9, NULL)->type != SCRIPT_NONE)
		return script_fail(s, a->callee, "an unknown form");
	in[0] = *x;
	in[1] = *script_op_arg(a, 5, NULL);
	in[2] = *script_op_arg(a, 6, NULL);
	if ((rc = call(s, "torch.linear", in, 3, &in[0])) != 0)
		return rc;
	if (in[0].t->dim[2] != 3 * e)
		return script_fail(s, a->callee, "an unknown form");
	for (int64_t i = 0; i < 3; i++)
		if ((rc = heads(s, &in[0], i * e, e, n, &v[i])) != 0)
			return rc;
	if ((rc = attend(s, a->callee, v, &none, NAN, &v[0])) != 0)
		return rc;
	v[1] = whole(1);
	v[2] = whole(2);
	if ((rc = call(s, "torch.transpose", v, 3, &v[0])) != 0)
		return rc;
	v[1] = whole(2);
	v[2] = whole(3);
	if ((rc = call(s, "torch.flatten", v, 3, &in[0])) != 0)
		return rc;
	in[1] = *script_op_arg(a, 7, NULL);
	in[2] = *script_op_arg(a, 8, NULL);
	none.type = SCRIPT_UNKNOWN;
	if ((rc = call(s, "torch.linear", in, 3, &v[0])) != 0 ||
	    (rc = script_row(s, out)) != 0 ||
	    (rc = script_row_add(s, out->list, &v[0])) != 0)
		return rc;
	return script_row_add(s, out->list, &none);
}

const struct script_op script_op_attend[] = {
    {"scaled_dot_product_attention", "", do_attention},
    {"_scaled_dot_product_attention", "2", do_attention},
    {"_native_multi_head_attention", "", do_native},
    {NULL, NULL, NULL},
};
