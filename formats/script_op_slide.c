/* SPDX-License-Identifier: MIT
 * Windows of images as they lie, without any arithmetic.
 */
#include "formats/script_op.h"

#define PLACES 64 /* of one window */

/* x[from::step] along d, without the last `behind`. */
static const char *
strided(struct script *s, const char *x, int64_t d, int64_t from,
    int64_t behind, int64_t step)
{
	int64_t to = behind > 0 ? -behind : INT64_MAX;
	const char *in[5] = {x, script_node_whole(s, &from, 1),
	    script_node_whole(s, &to, 1), script_node_whole(s, &d, 1),
	    script_node_whole(s, &step, 1)};
	struct onnx_node *n;

	for (size_t i = 0; i < 5; i++)
		if (in[i] == NULL)
			return NULL;
	n = script_node(s, "Slice", 1, in, 5);
	return n != NULL ? n->out[0] : NULL;
}

/* n of them, one behind the other along a new dimension d. */
static const char *
stacked(struct script *s, const char **in, size_t n, int64_t d)
{
	const char *axis = script_node_whole(s, &d, 1);
	struct onnx_node *node;

	for (size_t i = 0; i < n; i++)
		if (axis == NULL || (in[i] = script_node_two(
					 s, "Unsqueeze", in[i], axis)) == NULL)
			return NULL;
	node = script_node(s, "Concat", 1, in, n);
	return node != NULL && script_node_int(s, node, "axis", d) == 0
		   ? node->out[0]
		   : NULL;
}

static const char *
padded(struct script *s, const char *x, const int64_t pad[2])
{
	const int64_t pads[8] = {0, 0, pad[0], pad[1], 0, 0, pad[0], pad[1]};
	const char *in[3] = {
	    x, script_node_whole(s, pads, 8), script_node_scalar(s, 0)};
	struct onnx_node *n;

	if (pad[0] == 0 && pad[1] == 0)
		return x;
	if (in[1] == NULL || in[2] == NULL)
		return NULL;
	n = script_node(s, "Pad", 1, in, 3);
	return n != NULL ? n->out[0] : NULL;
}

/* im2col(x, kernel, dilation, padding, stride): (N, C kh kw, L) */
SCRIPT_OP(do_im2col)
{
	static const int64_t ones[] = {1, 1}, zeros[] = {0, 0};
	const char *in, *at[PLACES], *name;
	int64_t k[2], dil[2], pad[2], step[2], out_h, out_w, shape[3];
	struct script_tensor *x;
	size_t n = 0;
	int rc;

	(void)op;
	if ((rc = script_op_input(s, a, &x, &in)) != 0 ||
	    (rc = script_op_exactly(s, a, 1, "kernel_size", k, 2, NULL)) != 0 ||
	    (rc = script_op_exactly(s, a, 2, "dilation", dil, 2, ones)) != 0 ||
	    (rc = script_op_exactly(s, a, 3, "padding", pad, 2, zeros)) != 0 ||
	    (rc = script_op_exactly(s, a, 4, "stride", step, 2, ones)) != 0)
		return rc;
	for (size_t i = 0; i < 2; i++)
		if (k[i] < 1 || k[i] > PLACES || dil[i] < 1 ||
		    dil[i] > INT16_MAX || pad[i] < 0 || pad[i] > INT16_MAX ||
		    step[i] < 1 || step[i] > INT16_MAX)
			return script_fail(s, a->callee, "an odd window");
	if (x->rank != 4 || x->whole || k[0] * k[1] > PLACES || x->dim[1] < 1 ||
	    x->dim[1] > INT32_MAX / PLACES)
		return script_fail(s, a->callee,
		    "of channels of which no number is known, or a window of "
		    "more than %d",
		    PLACES);
	in = padded(s, in, pad);
	for (int64_t i = 0; i < k[0] * k[1]; i++) {
		int64_t r = i / k[1], c = i % k[1];

		name = in != NULL ? strided(s, in, 2, r * dil[0],
					(k[0] - 1 - r) * dil[0], step[0])
				  : NULL;
		if (name == NULL ||
		    (name = strided(s, name, 3, c * dil[1],
			 (k[1] - 1 - c) * dil[1], step[1])) == NULL)
			return s->e->code;
		at[n++] = name;
	}
	shape[0] = 0; /* as it is */
	shape[1] = x->dim[1] * k[0] * k[1];
	shape[2] = -1;
	name = script_node_two(
	    s, "Reshape", stacked(s, at, n, 2), script_node_whole(s, shape, 3));
	if ((rc = script_node_value(s, name, 3, out)) != 0)
		return rc;
	out_h = script_op_window(
	    x->dim[2], k[0], step[0], pad[0], pad[0], dil[0], false);
	out_w = script_op_window(
	    x->dim[3], k[1], step[1], pad[1], pad[1], dil[1], false);
	out->t->dim[0] = x->dim[0];
	out->t->dim[1] = shape[1];
	out->t->dim[2] = out_h > 0 && out_w > 0 && out_h < INT32_MAX / out_w
			     ? out_h * out_w
			     : -1;
	return 0;
}

/* unfold(x, dim, size, step): the windows' places become the last dimension */
SCRIPT_OP(do_unfold)
{
	int64_t d = script_op_int(a, 1, "dimension", 99);
	int64_t size = script_op_int(a, 2, "size", 0);
	int64_t step = script_op_int(a, 3, "step", 0);
	const char *in, *at[PLACES];
	struct script_tensor *x;
	int rc;

	(void)op;
	if ((rc = script_op_input(s, a, &x, &in)) != 0)
		return rc;
	if (!script_node_axis(&d, x->rank) || size < 1 || size > PLACES ||
	    step < 1 || step > INT16_MAX || x->rank == MODEL_MAX_RANK)
		return script_fail(s, a->callee, "an odd window");
	for (int64_t i = 0; i < size; i++)
		if ((at[i] = strided(s, in, d, i, size - 1 - i, step)) == NULL)
			return s->e->code;
	rc = script_node_value(s,
	    stacked(s, at, (size_t)size, (int64_t)x->rank), x->rank + 1, out);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < x->rank; i++)
		out->t->dim[i] = x->dim[i];
	out->t->dim[d] =
	    script_op_window(x->dim[d], size, step, 0, 0, 1, false);
	out->t->dim[x->rank] = size;
	out->t->whole = x->whole;
	out->t->truth = x->truth;
	out->t->shared = x->shared = true;
	return 0;
}

/* [first, second] */
static int
pair(struct script *s, int64_t first, int64_t second, struct script_value *out)
{
	const struct script_value p = {.type = SCRIPT_INT, .i = first};
	const struct script_value q = {.type = SCRIPT_INT, .i = second};
	int rc = script_row(s, out);

	if (rc == 0)
		rc = script_row_add(s, out->list, &p);
	return rc == 0 ? script_row_add(s, out->list, &q) : rc;
}

/* avg_pool1d(x, kernel, stride, padding, ceil, count_include_pad) and
 * max_pool1d(x, kernel, stride, padding, dilation, ceil): of images one high */
SCRIPT_OP(do_pool1d)
{
	static const int64_t one[] = {1}, none[] = {0};
	static const char *const keys[6] = {NULL};
	const struct script_value two = {.type = SCRIPT_INT, .i = 2};
	bool most = strcmp(op->onnx, "torch.max_pool2d") == 0;
	int64_t k[1], step[1], pad[1], dil[1] = {1};
	struct script_value v[6], got;
	struct script_args b = {v, keys, 6, op->onnx, NULL};
	struct script_args lift = {v, keys, 2, op->onnx, NULL};
	struct script_tensor *x;
	int rc;

	if ((rc = script_op_tensor(s, a, 0, &x)) != 0 ||
	    (rc = script_op_exactly(s, a, 1, "kernel_size", k, 1, NULL)) != 0 ||
	    (rc = script_op_exactly(s, a, 2, "stride", step, 1, k)) != 0 ||
	    (rc = script_op_exactly(s, a, 3, "padding", pad, 1, none)) != 0 ||
	    (most && (rc = script_op_exactly(
			  s, a, 4, "dilation", dil, 1, one)) != 0))
		return rc;
	if (x->rank != 3)
		return script_fail(s, a->callee, "of rank %zu", x->rank);
	v[0] = a->v[0];
	v[1] = two;
	if ((rc = script_op_call(s, "torch.unsqueeze", &lift, &got)) != 0 ||
	    (rc = pair(s, 1, k[0], &v[1])) != 0 ||
	    (rc = pair(s, 1, step[0], &v[2])) != 0 ||
	    (rc = pair(s, 0, pad[0], &v[3])) != 0)
		return rc;
	v[0] = got;
	v[4] = *script_op_arg(a, 4, "ceil_mode");
	v[5] = *script_op_arg(a, 5, most ? "ceil_mode" : "count_include_pad");
	if (most && (rc = pair(s, 1, dil[0], &v[4])) != 0)
		return rc;
	if ((rc = script_op_call(s, op->onnx, &b, &got)) != 0)
		return rc;
	v[0] = got;
	v[1] = two;
	return script_op_call(s, "torch.squeeze", &lift, out);
}

/* avg_pool3d(x, kernel, stride, padding): local_response_norm's */
SCRIPT_OP(do_pool3d)
{
	static const int64_t none[] = {0, 0, 0};
	int64_t k[3], step[3], pad[3], pads[6];
	struct script_tensor *x;
	struct onnx_node *n;
	const char *in;
	int rc;

	if ((rc = script_op_input(s, a, &x, &in)) != 0 ||
	    (rc = script_op_exactly(s, a, 1, "kernel_size", k, 3, NULL)) != 0 ||
	    (rc = script_op_exactly(s, a, 2, "stride", step, 3, k)) != 0 ||
	    (rc = script_op_exactly(s, a, 3, "padding", pad, 3, none)) != 0)
		return rc;
	if (x->rank != 5 || script_op_int(a, 4, "ceil_mode", 0) != 0 ||
	    script_op_arg(a, 6, "divisor_override")->type != SCRIPT_NONE)
		return script_fail(s, a->callee, "an unknown form");
	for (size_t i = 0; i < 3; i++) {
		if (k[i] < 1 || k[i] > INT16_MAX || step[i] < 1 ||
		    step[i] > INT16_MAX || pad[i] < 0 || pad[i] > INT16_MAX)
			return script_fail(s, a->callee, "an odd window");
		pads[i] = pads[i + 3] = pad[i];
	}
	if ((n = script_node(s, op->onnx, 1, &in, 1)) == NULL ||
	    script_node_ints(s, n, "kernel_shape", k, 3) != 0 ||
	    script_node_ints(s, n, "strides", step, 3) != 0 ||
	    script_node_ints(s, n, "pads", pads, 6) != 0 ||
	    script_node_int(s, n, "count_include_pad",
		script_op_int(a, 5, "count_include_pad", 1)) != 0)
		return s->e->code;
	rc = script_node_like(s, n->out[0], x, out);
	for (size_t i = 0; rc == 0 && i < 3; i++)
		out->t->dim[i + 2] = script_op_window(
		    x->dim[i + 2], k[i], step[i], pad[i], pad[i], 1, false);
	return rc;
}

/* By PyTorch's names, and what is called for them. */
const struct script_op script_op_slide[] = {
    {"avg_pool1d", "torch.avg_pool2d", do_pool1d},
    {"max_pool1d", "torch.max_pool2d", do_pool1d},
    {"avg_pool3d", "AveragePool", do_pool3d},
    {"im2col", "", do_im2col},
    {"unfold", "", do_unfold},
    {NULL, NULL, NULL},
};
