/* SPDX-License-Identifier: MIT
 * Each number by itself, two tensors, products.
 */
#include "formats/script_op.h"

#include <math.h>

/* --- one ----------------------------------------------------------------- */

int
script_op_math_float(struct script *s, const struct script_args *a,
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

	if ((rc = script_op_math_float(s, a, &x, &name)) != 0)
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

	if ((rc = script_op_math_float(s, a, &x, &name)) != 0)
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

	if ((rc = script_op_math_float(s, a, &x, &name)) != 0)
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

	if ((rc = script_op_math_float(s, a, &x, &name)) != 0)
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

	if ((rc = script_op_math_float(s, a, &x, &in[0])) != 0)
		return rc;
	if (!isnan(lo) && (in[1] = script_node_scalar(s, lo)) == NULL)
		return s->e->code;
	if (!isnan(hi) && (in[2] = script_node_scalar(s, hi)) == NULL)
		return s->e->code;
	return put(s, script_node(s, "Clip", 1, in, isnan(hi) ? 2 : 3), x, out);
}

/* Bounds of which one is a tensor: the upper one counts where they cross. */
static int
between(struct script *s, const struct script_value *x,
    const struct script_value *lo, const struct script_value *hi,
    struct script_value *out)
{
	int rc = 0;

	*out = *x;
	if (lo->type != SCRIPT_NONE)
		rc = script_op_math_two(s, "Max", x, lo, out);
	if (rc == 0 && hi->type != SCRIPT_NONE) {
		struct script_value v = *out;

		rc = script_op_math_two(s, "Min", &v, hi, out);
	}
	return rc;
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

/* clamp(x, min, max); clamp_min(x, min), clamp_max(x, max) */
SCRIPT_OP(do_clamp)
{
	bool most = strcmp(op->name, "clamp_max") == 0;
	const struct script_value *lo = script_op_arg(a, most ? 99 : 1, "min");
	const struct script_value *hi = script_op_arg(a, most ? 1 : 2, "max");

	if (lo->type == SCRIPT_TENSOR || hi->type == SCRIPT_TENSOR)
		return between(s, script_op_arg(a, 0, NULL), lo, hi, out);
	return clip(s, a, script_op_real(a, most ? 99 : 1, "min", NAN),
	    script_op_real(a, most ? 1 : 2, "max", NAN), out);
}

SCRIPT_OP(do_alpha)
{
	double alpha = script_op_real(
	    a, 1, "alpha", strcmp(op->onnx, "LeakyRelu") == 0 ? 0.01 : 1.0);
	struct script_tensor *x;
	struct onnx_node *n;
	const char *name;
	int rc;

	if ((rc = script_op_math_float(s, a, &x, &name)) != 0)
		return rc;
	for (size_t i = 2; i < a->n; i++) /* elu's scale, input_scale */
		if (script_op_real(a, i, NULL, 1) != 1)
			return script_fail(s, a->callee, "a scale");
	n = script_node(s, op->onnx, 1, &name, 1);
	if (n == NULL || script_node_real(s, n, "alpha", alpha) != 0)
		return s->e->code;
	return put(s, n, x, out);
}

/* One slope for each channel, the second dimension. */
SCRIPT_OP(do_prelu)
{
	struct script_tensor *x, *w;
	const char *in[2];
	int64_t shape[MODEL_MAX_RANK];
	int rc;

	if ((rc = script_op_math_float(s, a, &x, &in[0])) != 0 ||
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

	if ((rc = script_op_math_float(s, a, &x, &name)) != 0)
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

int
script_op_math_broadcast(struct script *s, const char *name,
    const struct script_value *x, const struct script_value *y,
    struct script_value *out)
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

static bool
is_truth(const struct script_value *v)
{
	return v->type == SCRIPT_TENSOR && v->t->truth;
}

int
script_op_math_two(struct script *s, const char *op,
    const struct script_value *x, const struct script_value *y,
    struct script_value *out)
{
	bool whole = is_whole(x) && is_whole(y) && strcmp(op, "Pow") != 0;
	struct script_value p = *x, q = *y;
	const char *a, *b;
	int rc = 0;

	/* of two truths PyTorch makes another one, of one and a number that */
	if (whole && (is_truth(x) || is_truth(y)))
		return script_fail(s, op, "of what is true or not");
	if (!whole && ((rc = script_node_float(s, x, &p)) != 0 ||
			  (rc = script_node_float(s, y, &q)) != 0))
		return rc;
	a = script_node_input(s, &p, whole);
	b = a != NULL ? script_node_input(s, &q, whole) : NULL;
	if (b == NULL)
		return s->e->code;
	rc = script_op_math_broadcast(
	    s, script_node_two(s, op, a, b), &p, &q, out);
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
		if ((rc = script_op_math_two(s, "Mul", y, alpha, &v)) != 0)
			return rc;
		return script_op_math_two(s, op->onnx, x, &v, out);
	}
	return script_op_math_two(s, op->onnx, &p, y, out);
}

/* Of sizes, which are not negative. */
SCRIPT_OP(do_floor_divide)
{
	const struct script_value *x = script_op_arg(a, 0, NULL);
	const struct script_value *y = script_op_arg(a, 1, "other");

	if (!is_whole(x) || !is_whole(y) ||
	    (x->type == SCRIPT_TENSOR && x->t->rank != 0))
		return script_fail(s, a->callee, "of no sizes");
	return script_op_math_two(s, op->onnx, x, y, out);
}

SCRIPT_OP(do_rsub)
{
	if (script_op_real(a, 2, "alpha", 1) != 1)
		return script_fail(s, a->callee, "an alpha that is not 1");
	return script_op_math_two(s, op->onnx, script_op_arg(a, 1, NULL),
	    script_op_arg(a, 0, NULL), out);
}

/* --- products ------------------------------------------------------------ */

/* A vector on one side is a row or a column that goes. */
static int
by_vector(struct script *s, const struct script_value *v,
    const struct script_tensor *x, const struct script_tensor *y,
    struct script_value *out)
{
	const struct script_tensor *m = x->rank == 1 ? y : x;
	size_t gone = x->rank == 1 ? m->rank - 2 : m->rank - 1, k = 0;
	int rc = script_node_value(s, v->t->name, m->rank - 1, out);

	for (size_t i = 0; rc == 0 && i < m->rank; i++)
		if (i != gone)
			out->t->dim[k++] = m->dim[i];
	return rc;
}

static int
product(struct script *s, const struct script_args *a,
    const struct script_value *x, const struct script_value *y,
    struct script_value *out)
{
	struct script_value v;
	size_t rank;
	int rc;

	if (x->type != SCRIPT_TENSOR || y->type != SCRIPT_TENSOR ||
	    x->t->rank < 1 || y->t->rank < 1 || x->t->rank + y->t->rank < 3)
		return script_fail(s, a->callee, "of what are no matrices");
	if ((rc = script_op_math_two(s, "MatMul", x, y, &v)) != 0)
		return rc;
	if (x->t->rank == 1 || y->t->rank == 1)
		return by_vector(s, &v, x->t, y->t, out);
	rank = v.t->rank;
	*out = v;
	out->t->image = false;
	out->t->like = NULL;
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
		rc = script_op_math_two(s, "Mul", &v, alpha, &v);
	if (rc == 0 && beta->type != SCRIPT_NONE &&
	    script_op_real(a, 3, "beta", 1) == 0) {
		*out = v;
		return 0;
	}
	if (rc == 0 && beta->type != SCRIPT_NONE &&
	    script_op_real(a, 3, "beta", 1) != 1)
		rc = script_op_math_two(s, "Mul", &w, beta, &w);
	return rc != 0 ? rc : script_op_math_two(s, "Add", &v, &w, out);
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
    {"log1p", "Log1p", do_unary},
    {"expm1", "Expm1", do_unary},
    {"tan", "Tan", do_unary},
    {"sinh", "Sinh", do_unary},
    {"cosh", "Cosh", do_unary},
    {"asin", "Asin", do_unary},
    {"acos", "Acos", do_unary},
    {"atan", "Atan", do_unary},
    {"asinh", "Asinh", do_unary},
    {"acosh", "Acosh", do_unary},
    {"atanh", "Atanh", do_unary},
    {"square", "", do_times},
    {"silu", "Sigmoid", do_times},
    {"log_sigmoid", "Neg Softplus Neg", do_unary},
    {"gelu", "Gelu", do_gelu},
    {"hardsigmoid", "HardSigmoid", do_hardsigmoid},
    {"relu6", "Clip", do_relu6},
    {"hardtanh", "Clip", do_hardtanh},
    {"clamp", "Clip", do_clamp},
    {"clip", "Clip", do_clamp},
    {"clamp_min", "Clip", do_clamp},
    {"clamp_max", "Clip", do_clamp},
    {"leaky_relu", "LeakyRelu", do_alpha},
    {"elu", "Elu", do_alpha},
    {"celu", "Celu", do_alpha},
    {"selu", "Selu", do_unary},
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
    {"mv", "MatMul", do_matmul},
    {"addmm", "", do_addmm},
    {"baddbmm", "", do_addmm},
    {NULL, NULL, NULL},
};
