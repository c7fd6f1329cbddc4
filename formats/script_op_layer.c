/* SPDX-License-Identifier: MIT
 * Layers with weights, and windows.
 */
#include "formats/script_op.h"

static const int64_t ones[] = {1, 1}, zeros[] = {0, 0};

/* --- convolutions -------------------------------------------------------- */

struct conv {
	size_t axes;
	int64_t stride[2], pad[2], dilation[2], more[2], group;
	bool same, transposed;
};

static int
take_pads(struct script *s, const struct script_args *a, struct conv *c)
{
	const struct script_value *v = script_op_arg(a, 4, "padding");

	if (v->type != SCRIPT_TEXT)
		return script_op_exactly(
		    s, a, 4, "padding", c->pad, c->axes, zeros);
	c->same = strcmp(v->s, "same") == 0;
	return c->same || strcmp(v->s, "valid") == 0
		   ? 0
		   : script_fail(s, a->callee, "a padding of words");
}

static int
conv_attrs(struct script *s, struct onnx_node *n, const struct conv *c,
    const struct script_tensor *w)
{
	int64_t pads[4], kernel[2];

	for (size_t i = 0; i < c->axes; i++) {
		int64_t all = c->dilation[i] * (w->dim[i + 2] - 1);

		kernel[i] = w->dim[i + 2];
		pads[i] = c->same ? all / 2 : c->pad[i];
		pads[i + c->axes] = c->same ? all - all / 2 : c->pad[i];
	}
	if (script_node_ints(s, n, "kernel_shape", kernel, c->axes) != 0 ||
	    script_node_ints(s, n, "strides", c->stride, c->axes) != 0 ||
	    script_node_ints(s, n, "pads", pads, 2 * c->axes) != 0 ||
	    script_node_ints(s, n, "dilations", c->dilation, c->axes) != 0 ||
	    script_node_int(s, n, "group", c->group) != 0)
		return s->e->code;
	return c->transposed && (c->more[0] != 0 || c->more[1] != 0)
		   ? script_node_ints(s, n, "output_padding", c->more, c->axes)
		   : 0;
}

static int64_t
conv_size(const struct conv *c, size_t i, int64_t in, int64_t kernel)
{
	if (in < 0 || in > INT32_MAX || kernel > INT32_MAX)
		return -1;
	if (c->transposed)
		return (in - 1) * c->stride[i] - 2 * c->pad[i] +
		       c->dilation[i] * (kernel - 1) + c->more[i] + 1;
	return c->same ? in
		       : script_op_window(in, kernel, c->stride[i], c->pad[i],
			     c->pad[i], c->dilation[i], false);
}

/* What an image's first convolution takes is what the image has. */
static void
channels(struct script *s, const struct script_tensor *x, int64_t n)
{
	if (x->image && x->rank == 4 && n > 0)
		s->input.dim[1] = n;
}

static int
draw(struct script *s, const struct script_args *a, const struct conv *c,
    struct script_value *out)
{
	const struct script_value *bias = script_op_arg(a, 2, "bias");
	const char *in[3];
	struct script_tensor *x, *w;
	struct onnx_node *n;
	int rc;

	if ((rc = script_op_tensor(s, a, 0, &x)) != 0 ||
	    (rc = script_op_tensor(s, a, 1, &w)) != 0)
		return rc;
	if (x->rank != c->axes + 2 || w->rank != x->rank || c->group < 1)
		return script_fail(
		    s, a->callee, "an image of rank %zu", x->rank);
	for (size_t i = 0; i < w->rank; i++)
		if (w->dim[i] < 1 || w->dim[i] > INT32_MAX)
			return script_fail(s, a->callee,
			    "weights of a size that is not known");
	if (c->group > INT32_MAX)
		return script_fail(s, a->callee, "odd groups");
	for (size_t i = 0; i < 2; i++)
		if (c->more[i] < 0 || c->more[i] > INT16_MAX ||
		    c->dilation[i] < 1 || c->dilation[i] > INT16_MAX ||
		    c->stride[i] < 1 || c->stride[i] > INT16_MAX ||
		    c->pad[i] < 0 || c->pad[i] > INT16_MAX)
			return script_fail(s, a->callee, "odd strides or pads");
	in[0] = script_node_input(s, &a->v[0], false);
	in[1] = script_node_input(s, &a->v[1], false);
	in[2] = bias->type == SCRIPT_TENSOR ? script_node_input(s, bias, false)
					    : NULL;
	if (in[0] == NULL || in[1] == NULL)
		return s->e->code;
	n = script_node(s, c->transposed ? "ConvTranspose" : "Conv", 1, in,
	    in[2] != NULL ? 3 : 2);
	if (n == NULL || (rc = conv_attrs(s, n, c, w)) != 0)
		return s->e->code;
	if ((rc = script_node_value(s, n->out[0], x->rank, out)) != 0)
		return rc;
	channels(s, x, c->transposed ? w->dim[0] : w->dim[1] * c->group);
	out->t->dim[0] = x->dim[0];
	out->t->dim[1] = c->transposed ? w->dim[1] * c->group : w->dim[0];
	for (size_t i = 0; i < c->axes; i++)
		out->t->dim[i + 2] =
		    conv_size(c, i, x->dim[i + 2], w->dim[i + 2]);
	return 0;
}

/* conv2d(x, w, b, stride, padding, dilation, groups) */
SCRIPT_OP(do_conv)
{
	struct conv c = {.axes = op->onnx[0] == '1' ? 1 : 2,
	    .stride = {1, 1},
	    .dilation = {1, 1}};
	int rc;

	if ((rc = script_op_exactly(
		 s, a, 3, "stride", c.stride, c.axes, ones)) != 0 ||
	    (rc = take_pads(s, a, &c)) != 0 ||
	    (rc = script_op_exactly(
		 s, a, 5, "dilation", c.dilation, c.axes, ones)) != 0)
		return rc;
	c.group = script_op_int(a, 6, "groups", 1);
	return draw(s, a, &c, out);
}

/* _convolution(x, w, b, stride, padding, dilation, transposed,
 * output_padding, groups, ...) */
SCRIPT_OP(do_convolution)
{
	struct conv c = {.stride = {1, 1}, .dilation = {1, 1}};
	struct script_tensor *x;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0)
		return rc;
	c.axes = x->rank - 2;
	if (x->rank < 3 || x->rank > 4)
		return script_fail(
		    s, a->callee, "an image of rank %zu", x->rank);
	if ((rc = script_op_exactly(
		 s, a, 3, "stride", c.stride, c.axes, ones)) != 0 ||
	    (rc = take_pads(s, a, &c)) != 0 ||
	    (rc = script_op_exactly(
		 s, a, 5, "dilation", c.dilation, c.axes, ones)) != 0 ||
	    (rc = script_op_exactly(
		 s, a, 7, "output_padding", c.more, c.axes, zeros)) != 0)
		return rc;
	c.transposed = script_op_int(a, 6, "transposed", 0) != 0;
	c.group = script_op_int(a, 8, "groups", 1);
	return draw(s, a, &c, out);
}

/* conv_transpose2d(x, w, b, stride, padding, output_padding, groups,
 * dilation) */
SCRIPT_OP(do_conv_transpose)
{
	struct conv c = {.axes = 2, .stride = {1, 1}, .transposed = true};
	int rc;

	(void)op;
	if ((rc = script_op_exactly(s, a, 3, "stride", c.stride, 2, ones)) !=
		0 ||
	    (rc = script_op_exactly(s, a, 4, "padding", c.pad, 2, zeros)) !=
		0 ||
	    (rc = script_op_exactly(
		 s, a, 5, "output_padding", c.more, 2, zeros)) != 0 ||
	    (rc = script_op_exactly(
		 s, a, 7, "dilation", c.dilation, 2, ones)) != 0)
		return rc;
	c.group = script_op_int(a, 6, "groups", 1);
	return draw(s, a, &c, out);
}

/* linear(x, w, b) */
SCRIPT_OP(do_linear)
{
	const struct script_value *bias = script_op_arg(a, 2, "bias");
	struct script_value v, t;
	struct script_tensor *x, *w;
	const char *in[3];
	struct onnx_node *n;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0 ||
	    (rc = script_op_tensor(s, a, 1, &w)) != 0)
		return rc;
	if (w->rank != 2 || x->rank < 2)
		return script_fail(
		    s, a->callee, "weights of rank %zu", w->rank);
	if (x->rank == 2) {
		in[0] = script_node_input(s, &a->v[0], false);
		in[1] = script_node_input(s, &a->v[1], false);
		in[2] = bias->type == SCRIPT_TENSOR
			    ? script_node_input(s, bias, false)
			    : NULL;
		if (in[0] == NULL || in[1] == NULL ||
		    (n = script_node(
			 s, "Gemm", 1, in, in[2] != NULL ? 3 : 2)) == NULL ||
		    script_node_int(s, n, "transB", 1) != 0)
			return s->e->code;
		rc = script_node_value(s, n->out[0], 2, out);
	} else {
		struct script_value pair[2] = {a->v[0], {0}};
		static const char *const none[] = {NULL, NULL};
		struct script_args b = {pair, none, 2, a->callee, NULL};
		struct script_args turn = {&a->v[1], none, 1, a->callee, NULL};

		if ((rc = script_op_call(s, "torch.t", &turn, &t)) != 0)
			return rc;
		pair[1] = t;
		if ((rc = script_op_call(s, "torch.matmul", &b, &v)) != 0)
			return rc;
		*out = v;
		if (bias->type == SCRIPT_TENSOR)
			rc = script_node_value(s,
			    script_node_two(s, "Add", v.t->name,
				script_node_input(s, bias, false)),
			    x->rank, out);
	}
	for (size_t i = 0; rc == 0 && i + 1 < x->rank; i++)
		out->t->dim[i] = x->dim[i];
	if (rc == 0)
		out->t->dim[x->rank - 1] = w->dim[0];
	return rc;
}

/* --- windows ------------------------------------------------------------- */

static int
pool_out(struct script *s, struct onnx_node *n, const struct script_tensor *x,
    const int64_t v[8], bool ceil, struct script_value *out)
{
	int rc;

	if (script_node_ints(s, n, "kernel_shape", v, 2) != 0 ||
	    script_node_ints(s, n, "strides", v + 2, 2) != 0 ||
	    script_node_ints(s, n, "pads",
		(const int64_t[]){v[4], v[5], v[4], v[5]}, 4) != 0 ||
	    script_node_int(s, n, "ceil_mode", ceil) != 0)
		return s->e->code;
	rc = script_node_like(s, n->out[0], x, out);
	for (size_t i = 0; rc == 0 && i < 2; i++)
		out->t->dim[i + 2] = script_op_window(x->dim[i + 2], v[i],
		    v[i + 2], v[i + 4], v[i + 4], v[i + 6], ceil);
	return rc;
}

static int
pool_args(struct script *s, const struct script_args *a, int64_t v[8],
    struct script_tensor **x)
{
	int rc;

	if ((rc = script_op_tensor(s, a, 0, x)) != 0 ||
	    (rc = script_op_exactly(s, a, 1, "kernel_size", v, 2, NULL)) != 0 ||
	    (rc = script_op_exactly(s, a, 2, "stride", v + 2, 2, v)) != 0 ||
	    (rc = script_op_exactly(s, a, 3, "padding", v + 4, 2, zeros)) != 0)
		return rc;
	for (size_t i = 0; i < 6; i++)
		if (v[i] < (i < 4) || v[i] > INT16_MAX)
			return script_fail(s, a->callee, "an odd window");
	return (*x)->rank == 4 ? 0
			       : script_fail(s, a->callee,
				     "an image of rank %zu", (*x)->rank);
}

SCRIPT_OP(do_max_pool)
{
	struct script_tensor *x;
	struct onnx_node *n;
	const char *in;
	int64_t v[8];
	int rc;

	if ((rc = pool_args(s, a, v, &x)) != 0 ||
	    (rc = script_op_exactly(s, a, 4, "dilation", v + 6, 2, ones)) != 0)
		return rc;
	for (size_t i = 6; i < 8; i++)
		if (v[i] < 1 || v[i] > INT16_MAX)
			return script_fail(s, a->callee, "an odd window");
	in = script_node_input(s, &a->v[0], false);
	if (in == NULL || (n = script_node(s, op->onnx, 1, &in, 1)) == NULL ||
	    script_node_ints(s, n, "dilations", v + 6, 2) != 0)
		return s->e->code;
	return pool_out(
	    s, n, x, v, script_op_int(a, 5, "ceil_mode", 0) != 0, out);
}

static bool
same_size(const struct script_tensor *a, const struct script_tensor *b)
{
	return (a->like != NULL ? a->like : a) ==
	       (b->like != NULL ? b->like : b);
}

/* Whether the window is the whole image: avg_pool2d(x, (x.size(2), ...)). */
static bool
is_whole(const struct script_args *a)
{
	const struct script_value *k = script_op_arg(a, 1, "kernel_size");

	if (a->n == 0 || a->v[0].type != SCRIPT_TENSOR ||
	    k->type != SCRIPT_ROW || k->list->n != 2 || a->v[0].t->rank != 4)
		return false;
	for (size_t i = 0; i < 2; i++)
		if (k->list->v[i].type != SCRIPT_TENSOR ||
		    k->list->v[i].t->size_of == NULL ||
		    k->list->v[i].t->axis != (int64_t)i + 2 ||
		    !same_size(k->list->v[i].t->size_of, a->v[0].t))
			return false;
	return script_op_arg(a, 3, "padding")->type != SCRIPT_ROW ||
	       script_op_int(a, 3, "padding", 0) == 0;
}

/* avg_pool2d(x, kernel, stride, padding, ceil_mode, count_include_pad,
 * divisor_override) */
SCRIPT_OP(do_average_pool)
{
	const struct script_value *by = script_op_arg(a, 6, "divisor_override");
	bool ceil = script_op_int(a, 4, "ceil_mode", 0) != 0;
	struct script_value mean, all;
	struct script_tensor *x;
	struct onnx_node *n;
	const char *in;
	int64_t v[8] = {0};
	int rc;

	if (by->type != SCRIPT_NONE &&
	    (by->type != SCRIPT_INT || by->i == 0 || ceil))
		return script_fail(s, a->callee, "an odd divisor");
	if (is_whole(a) && by->type == SCRIPT_NONE) {
		in = script_node_one(s, "GlobalAveragePool",
		    script_node_input(s, &a->v[0], false));
		rc = script_node_like(s, in, a->v[0].t, out);
		for (size_t i = 2; rc == 0 && i < 4; i++)
			out->t->dim[i] = 1;
		return rc;
	}
	if ((rc = pool_args(s, a, v, &x)) != 0)
		return rc;
	v[6] = v[7] = 1;
	in = script_node_input(s, &a->v[0], false);
	if (in == NULL || (n = script_node(s, op->onnx, 1, &in, 1)) == NULL ||
	    script_node_int(s, n, "count_include_pad",
		by->type == SCRIPT_INT ||
		    script_op_int(a, 5, "count_include_pad", 1)) != 0)
		return s->e->code;
	if ((rc = pool_out(s, n, x, v, ceil, out)) != 0 ||
	    by->type != SCRIPT_INT)
		return rc;
	mean = *out;
	all = (struct script_value){
	    .type = SCRIPT_REAL, .f = (double)(v[0] * v[1]) / (double)by->i};
	return script_op_math_two(s, "Mul", &mean, &all, out);
}

/* By PyTorch's names; ONNX's operator, or what tells those of one
 * function apart. */
const struct script_op script_op_layer[] = {
    {"conv1d", "1", do_conv},
    {"conv2d", "2", do_conv},
    {"_convolution", "", do_convolution},
    {"_convolution_mode", "2", do_conv},
    {"conv_transpose2d", "", do_conv_transpose},
    {"linear", "", do_linear},
    {"max_pool2d", "MaxPool", do_max_pool},
    {"avg_pool2d", "AveragePool", do_average_pool},
    {NULL, NULL, NULL},
};
