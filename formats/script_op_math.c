/* SPDX-License-Identifier: MIT
 * Each number by itself, two tensors, products.
 */
#include "formats/script_op.h"

#include <math.h>

/* --- one ----------------------------------------------------------------- */

/* The first argument, and its name, as a float. */
static int
as_float(struct script *s, const struct script_args *a,
    struct script_tensor **x, const char **name)
{
	struct script_value v;
	int rc = script_op_tensor(s, a, 0, x);

	if (rc != 0 || (rc = script_node_float(s, &a->v[0], &v)) != 0)
		return rc;
	*x = v.t;
	*name = script_node_input(s, &v, false);
	return *name != NULL ? 0 : s->e->code;
}

static int
put(struct script *s, struct onnx_node *n, const struct script_tensor *x,
    struct script_value *out)
{
	return script_node_each(s, n != NULL ? n->out[0] : NULL, x, out);
}

/* One operator of ONNX after the other: "Sqrt Reciprocal". */
SCRIPT_OP(do_unary)
{
	struct script_tensor *x;
	const char *name;
	int rc;

	if ((rc = as_float(s, a, &x, &name)) != 0)
		return rc;
	for (const char *at = op->onnx; *at != '\0';) {
		size_t n = strcspn(at, " ");
		const char *one = arena_strdup(s->arena, at, n);

		if (one == NULL)
			return script_full(s);
		name = script_node_one(s, one, name);
		at += n + (at[n] == ' ');
	}
	return script_node_each(s, name, x, out);
}

/* x times what an operator (if any) makes of it. */
SCRIPT_OP(do_times)
{
	struct script_tensor *x;
	const char *name, *by;
	int rc;

	if ((rc = as_float(s, a, &x, &name)) != 0)
		return rc;
	by = *op->onnx != '\0' ? script_node_one(s, op->onnx, name) : name;
	return script_node_each(s, script_node_two(s, "Mul", name, by), x, out);
}

SCRIPT_OP(do_gelu)
{
	const struct script_value *how = script_op_arg(a, 1, "approximate");
	struct script_tensor *x;
	struct onnx_node *n;
	const char *name;
	int rc;

	if ((rc = as_float(s, a, &x, &name)) != 0)
		return rc;
	if ((n = script_node(s, op->onnx, 1, &name, 1)) == NULL)
		return s->e->code;
	n->opset = 20;
	if (how->type == SCRIPT_TEXT &&
	    (rc = script_node_text(s, n, "approximate", how->s)) != 0)
		return rc;
	return put(s, n, x, out);
}

SCRIPT_OP(do_hardsigmoid)
{
	struct script_tensor *x;
	struct onnx_node *n;
	const char *name;
	int rc;

	if ((rc = as_float(s, a, &x, &name)) != 0)
		return rc;
	n = script_node(s, op->onnx, 1, &name, 1);
	if (n == NULL || script_node_real(s, n, "alpha", 1.0 / 6) != 0 ||
	    script_node_real(s, n, "beta", 0.5) != 0)
		return s->e->code;
	return put(s, n, x, out);
}

/* Between lo and hi, of which NAN is none. */
static int
clip(struct script *s, const struct script_args *a, double lo, double hi,
    struct script_value *out)
{
	struct script_tensor *x;
	const char *in[3] = {NULL, NULL, NULL};
	int rc;

	if ((rc = as_float(s, a, &x, &in[0])) != 0)
		return rc;
	if (!isnan(lo) && (in[1] = script_node_scalar(s, lo)) == NULL)
		return s->e->code;
	if (!isnan(hi) && (in[2] = script_node_scalar(s, hi)) == NULL)
		return s->e->code;
	return put(s, script_node(s, "Clip", 1, in, isnan(hi) ? 2 : 3), x, out);
}

/* A bound that is a tensor is none of these. */
static int
bounds(struct script *s, const struct script_args *a)
{
	for (size_t i = 1; i < a->n; i++)
		if (a->v[i].type == SCRIPT_TENSOR)
			return script_fail(s, a->callee, "bounds of a tensor");
	return 0;
}

SCRIPT_OP(do_relu6)
{
	(void)op;
	return clip(s, a, 0, 6, out);
}

SCRIPT_OP(do_hardtanh)
{
	(void)op;
	return clip(s, a, script_op_real(a, 1, "min_val", -1),
	    script_op_real(a, 2, "max_val", 1), out);
}

SCRIPT_OP(do_clamp)
{
	int rc = bounds(s, a);

	(void)op;
	return rc != 0 ? rc
		       : clip(s, a, script_op_real(a, 1, "min", NAN),
			     script_op_real(a, 2, "max", NAN), out);
}

SCRIPT_OP(do_clamp_min)
{
	int rc = bounds(s, a);

	(void)op;
	return rc != 0 ? rc
		       : clip(s, a, script_op_real(a, 1, "min", NAN), NAN, out);
}

SCRIPT_OP(do_clamp_max)
{
	int rc = bounds(s, a);

	(void)op;
	return rc != 0 ? rc
		       : clip(s, a, NAN, script_op_real(a, 1, "max", NAN), out);
}

SCRIPT_OP(do_alpha)
{
	double alpha = script_op_real(
	    a, 1, "alpha", strcmp(op->onnx, "LeakyRelu") == 0 ? 0.01 : 1.0);
	struct script_tensor *x;
	struct onnx_node *n;
	const char *name;
	int rc;

	if ((rc = as_float(s, a, &x, &name)) != 0)
		return rc;
	for (size_t i = 2; i < a->n; i++) /* elu's scale, input_scale */
		if (script_op_real(a, i, NULL, 1) != 1)
			return script_fail(s, a->callee, "a scale");
	n = script_node(s, op->onnx, 1, &name, 1);
	if (n == NULL || script_node_real(s, n, "alpha", alpha) != 0)
		return s->e->code;
	return put(s, n, x, out);
}

SCRIPT_OP(do_softplus)
{
	if (script_op_real(a, 1, "beta", 1) != 1)
		return script_fail(s, a->callee, "a beta that is not 1");
	return do_unary(s, a, op, out);
}

/* One slope for each channel, the second dimension. */
SCRIPT_OP(do_prelu)
{
	struct script_tensor *x, *w;
	const char *in[2];
	int64_t shape[MODEL_MAX_RANK];
	int rc;

	if ((rc = as_float(s, a, &x, &in[0])) != 0 ||
	    (rc = script_op_tensor(s, a, 1, &w)) != 0)
		return rc;
	if (w->rank != 1 || x->rank < 2)
		return script_fail(s, a->callee, "slopes of no channels");
	in[1] = script_node_input(s, &a->v[1], false);
	for (size_t i = 0; i + 1 < x->rank; i++)
		shape[i] = i == 0 ? -1 : 1;
	if (x->rank > 2)
		in[1] = script_node_two(s, "Reshape", in[1],
		    script_node_whole(s, shape, x->rank - 1));
	return script_node_each(
	    s, script_node_two(s, op->onnx, in[0], in[1]), x, out);
}

SCRIPT_OP(do_softmax)
{
	int64_t d = script_op_int(a, 1, "dim", 99);
	struct script_tensor *x;
	struct onnx_node *n;
	const char *name;
	int rc;

	if ((rc = as_float(s, a, &x, &name)) != 0)
		return rc;
	if (!script_node_axis(&d, x->rank))
		return script_fail(s, a->callee, "no dimension");
	n = script_node(s, op->onnx, 1, &name, 1);
	if (n == NULL || script_node_int(s, n, "axis", d) != 0)
		return s->e->code;
	rc = put(s, n, x, out);
	if (rc == 0)
		out->t->image = false;
	return rc;
}

/* --- two ----------------------------------------------------------------- */

/* Whether it is one number, whatever its rank. */
static bool
is_one(const struct script_tensor *t)
{
	for (size_t i = 0; i < t->rank; i++)
		if (t->dim[i] != 1)
			return false;
	return true;
}

/* The shape of what is computed of two. */
static int
broadcast(struct script *s, const char *name, const struct script_value *x,
    const struct script_value *y, struct script_value *out)
{
	static const struct script_tensor scalar = {.rank = 0, .whole = true};
	const struct script_tensor *p =
	    x->type == SCRIPT_TENSOR ? x->t : &scalar;
	const struct script_tensor *q =
	    y->type == SCRIPT_TENSOR ? y->t : &scalar;
	size_t rank = MAX(p->rank, q->rank);
	int rc = script_node_value(s, name, rank, out);

	for (size_t i = 0; rc == 0 && i < rank; i++) {
		int64_t a =
		    i + p->rank >= rank ? p->dim[i + p->rank - rank] : 1;
		int64_t b =
		    i + q->rank >= rank ? q->dim[i + q->rank - rank] : 1;

		out->t->dim[i] = a == 1 ? b : b == 1 || b == a ? a : MAX(a, b);
		/* 1 is not known to be the other one */
		if ((a == -1 && b == 1) || (b == -1 && a == 1))
			out->t->dim[i] = -1;
	}
	if (rc != 0)
		return rc;
	out->t->whole = p->whole && q->whole && x->type != SCRIPT_REAL &&
			y->type != SCRIPT_REAL;
	if (p->rank == rank && is_one(q))
		out->t->like = p->like != NULL ? p->like : p;
	out->t->image = (p->image && (q->data != NULL || q == &scalar)) ||
			(q->image && (p->data != NULL || p == &scalar));
	return 0;
}

static bool
is_whole(const struct script_value *v)
{
	return v->type == SCRIPT_INT ||
	       (v->type == SCRIPT_TENSOR && v->t->whole);
}

/* x op y, both as integers or both as floats. */
static int
two(struct script *s, const char *op, const struct script_value *x,
    const struct script_value *y, struct script_value *out)
{
	bool whole = is_whole(x) && is_whole(y) && strcmp(op, "Pow") != 0;
	struct script_value p = *x, q = *y;
	const char *a, *b;
	int rc = 0;

	if (!whole && ((rc = script_node_float(s, x, &p)) != 0 ||
			  (rc = script_node_float(s, y, &q)) != 0))
		return rc;
	a = script_node_input(s, &p, whole);
	b = a != NULL ? script_node_input(s, &q, whole) : NULL;
	if (b == NULL)
		return s->e->code;
	rc = broadcast(s, script_node_two(s, op, a, b), &p, &q, out);
	if (rc == 0 && !whole)
		out->t->whole = false;
	return rc;
}

SCRIPT_OP(do_floor_divide);

SCRIPT_OP(do_binary)
{
	const struct script_value *x = script_op_arg(a, 0, NULL);
	const struct script_value *y = script_op_arg(a, 1, "other");
	const struct script_value *alpha = script_op_arg(a, 2, "alpha");
	const struct script_value *round = script_op_arg(a, 2, "rounding_mode");
	struct script_value v, p = *x;
	int rc;

	if (strcmp(op->onnx, "Div") == 0) {
		if (round->type == SCRIPT_TEXT)
			return do_floor_divide(s, a, op, out);
		if ((rc = script_node_float(s, x, &p)) != 0)
			return rc;
	} else if (alpha->type != SCRIPT_NONE &&
		   script_op_real(a, 2, "alpha", 1) != 1) {
		if ((rc = two(s, "Mul", y, alpha, &v)) != 0)
			return rc;
		return two(s, op->onnx, x, &v, out);
	}
	return two(s, op->onnx, &p, y, out);
}

/* Of sizes, which are not negative. */
SCRIPT_OP(do_floor_divide)
{
	const struct script_value *x = script_op_arg(a, 0, NULL);
	const struct script_value *y = script_op_arg(a, 1, "other");

	if (!is_whole(x) || !is_whole(y) ||
	    (x->type == SCRIPT_TENSOR && x->t->rank != 0))
		return script_fail(s, a->callee, "of no sizes");
	return two(s, op->onnx, x, y, out);
}

SCRIPT_OP(do_rsub)
{
	if (script_op_real(a, 2, "alpha", 1) != 1)
		return script_fail(s, a->callee, "an alpha that is not 1");
	return two(s, op->onnx, script_op_arg(a, 1, NULL),
	    script_op_arg(a, 0, NULL), out);
}

/* --- products ------------------------------------------------------------ */

static int
product(struct script *s, const struct script_args *a,
    const struct script_value *x, const struct script_value *y,
    struct script_value *out)
{
	struct script_value v;
	size_t rank;
	int rc;

	if (x->type != SCRIPT_TENSOR || y->type != SCRIPT_TENSOR ||
	    x->t->rank < 2 || y->t->rank < 2)
		return script_fail(s, a->callee, "of what are no matrices");
	if ((rc = two(s, "MatMul", x, y, &v)) != 0)
		return rc;
	rank = v.t->rank;
	*out = v;
	out->t->image = false;
	out->t->dim[rank - 2] = x->t->dim[x->t->rank - 2];
	out->t->dim[rank - 1] = y->t->dim[y->t->rank - 1];
	return 0;
}

SCRIPT_OP(do_matmul)
{
	(void)op;
	return product(
	    s, a, script_op_arg(a, 0, NULL), script_op_arg(a, 1, NULL), out);
}

/* addmm(b, x, y, beta, alpha) */
SCRIPT_OP(do_addmm)
{
	struct script_value v, w = *script_op_arg(a, 0, NULL);
	const struct script_value *beta = script_op_arg(a, 3, "beta");
	const struct script_value *alpha = script_op_arg(a, 4, "alpha");
	int rc = product(
	    s, a, script_op_arg(a, 1, NULL), script_op_arg(a, 2, NULL), &v);

	(void)op;
	if (rc == 0 && alpha->type != SCRIPT_NONE &&
	    script_op_real(a, 4, "alpha", 1) != 1)
		rc = two(s, "Mul", &v, alpha, &v);
	if (rc == 0 && beta->type != SCRIPT_NONE &&
	    script_op_real(a, 3, "beta", 1) == 0) {
		*out = v;
		return 0;
	}
	if (rc == 0 && beta->type != SCRIPT_NONE &&
	    script_op_real(a, 3, "beta", 1) != 1)
		rc = two(s, "Mul", &w, beta, &w);
	return rc != 0 ? rc : two(s, "Add", &v, &w, out);
}

SCRIPT_OP(do_addcmul)
{
	struct script_value v;
	int rc;

	(void)op;
	if (script_op_real(a, 3, "value", 1) != 1)
		return script_fail(s, a->callee, "a value that is not 1");
	rc = two(
	    s, "Mul", script_op_arg(a, 1, NULL), script_op_arg(a, 2, NULL), &v);
	return rc != 0 ? rc : two(s, "Add", script_op_arg(a, 0, NULL), &v, out);
}

SCRIPT_OP(do_einsum)
{
	const struct script_value *eq = script_op_arg(a, 0, NULL);
	const struct script_value *x = script_op_arg(a, 1, NULL);
	const char *in[2], *to;
	struct onnx_node *n;
	size_t rank = 0;

	if (eq->type != SCRIPT_TEXT || x->type != SCRIPT_ROW ||
	    x->list->n == 0 || x->list->n > 2 ||
	    (to = strstr(eq->s, "->")) == NULL || strchr(eq->s, '.') != NULL)
		return script_fail(s, a->callee, "an unknown form");
	for (const char *c = to + 2; *c != '\0'; c++)
		rank += *c != ' ';
	for (size_t i = 0; i < x->list->n; i++)
		if ((in[i] = script_node_input(s, &x->list->v[i], false)) ==
		    NULL)
			return s->e->code;
	n = script_node(s, op->onnx, 1, in, x->list->n);
	if (n == NULL || script_node_text(s, n, "equation", eq->s) != 0)
		return s->e->code;
	return script_node_value(s, n->out[0], rank, out);
}

/* By PyTorch's names; ONNX's operator, or what tells those of one
 * function apart. */
const struct script_op script_op_math[] = {
    {"relu", "Relu", do_unary},
    {"sigmoid", "Sigmoid", do_unary},
    {"tanh", "Tanh", do_unary},
    {"exp", "Exp", do_unary},
    {"log", "Log", do_unary},
    {"sqrt", "Sqrt", do_unary},
    {"abs", "Abs", do_unary},
    {"neg", "Neg", do_unary},
    {"sin", "Sin", do_unary},
    {"cos", "Cos", do_unary},
    {"erf", "Erf", do_unary},
    {"floor", "Floor", do_unary},
    {"ceil", "Ceil", do_unary},
    {"round", "Round", do_unary},
    {"sign", "Sign", do_unary},
    {"reciprocal", "Reciprocal", do_unary},
    {"hardswish", "HardSwish", do_unary},
    {"mish", "Mish", do_unary},
    {"rsqrt", "Sqrt Reciprocal", do_unary},
    {"square", "", do_times},
    {"silu", "Sigmoid", do_times},
    {"log_sigmoid", "Neg Softplus Neg", do_unary},
    {"gelu", "Gelu", do_gelu},
    {"hardsigmoid", "HardSigmoid", do_hardsigmoid},
    {"relu6", "Clip", do_relu6},
    {"hardtanh", "Clip", do_hardtanh},
    {"clamp", "Clip", do_clamp},
    {"clamp_min", "Clip", do_clamp_min},
    {"clamp_max", "Clip", do_clamp_max},
    {"leaky_relu", "LeakyRelu", do_alpha},
    {"elu", "Elu", do_alpha},
    {"celu", "Celu", do_alpha},
    {"selu", "Selu", do_unary},
    {"softplus", "Softplus", do_softplus},
    {"prelu", "PRelu", do_prelu},
    {"softmax", "Softmax", do_softmax},
    {"log_softmax", "LogSoftmax", do_softmax},
    {"add", "Add", do_binary},
    {"sub", "Sub", do_binary},
    {"subtract", "Sub", do_binary},
    {"mul", "Mul", do_binary},
    {"multiply", "Mul", do_binary},
    {"div", "Div", do_binary},
    {"pow", "Pow", do_binary},
    {"maximum", "Max", do_binary},
    {"minimum", "Min", do_binary},
    {"floor_divide", "Div", do_floor_divide},
    {"floordiv", "Div", do_floor_divide},
    {"rsub", "Sub", do_rsub},
    {"matmul", "MatMul", do_matmul},
    {"bmm", "MatMul", do_matmul},
    {"mm", "MatMul", do_matmul},
    {"addmm", "", do_addmm},
    {"baddbmm", "", do_addmm},
    {"addcmul", "", do_addcmul},
    {"einsum", "Einsum", do_einsum},
    {NULL, NULL, NULL},
};
