/* SPDX-License-Identifier: MIT
 * Functions of each number that have parameters, or that ONNX has not.
 */
#include "formats/script_op.h"

#include <math.h>

static const char *
scaled(struct script *s, const char *x, double by)
{
	return by == 1.0
		   ? x
		   : script_node_two(s, "Mul", x, script_node_scalar(s, by));
}

/* v where x > at, else x. */
static const char *
above(struct script *s, const char *x, double at, const char *v,
    const char *below)
{
	const char *in[3] = {
	    script_node_two(s, "Greater", x, script_node_scalar(s, at)), v,
	    below};
	struct onnx_node *n;

	if (in[0] == NULL || v == NULL || below == NULL)
		return NULL;
	n = script_node(s, "Where", 1, in, 3);
	return n != NULL ? n->out[0] : NULL;
}

/* At 17 and above the logarithm of 1 + exp(x) is x, as floats are. */
#define SOFT_END 17.0

/* softplus(x, beta, threshold): x where beta x is above the threshold */
SCRIPT_OP(do_softplus)
{
	double beta = script_op_real(a, 1, "beta", 1);
	double end = script_op_real(a, 2, "threshold", 20);
	struct script_tensor *x;
	const char *in, *by, *y;
	int rc;

	(void)op;
	if ((rc = script_op_math_float(s, a, &x, &in)) != 0)
		return rc;
	if (!isfinite(beta) || !(beta > 0) || isnan(end))
		return script_fail(s, a->callee, "a beta of %g", beta);
	by = scaled(s, in, beta);
	y = script_node_one(s, "Softplus", by);
	if (y != NULL)
		y = scaled(s, y, 1 / beta);
	if (end < SOFT_END)
		y = above(s, by, end, in, y);
	return script_node_each(s, y, x, out);
}

/* hardshrink(x, lambd), softshrink(x, lambd) */
SCRIPT_OP(do_shrink)
{
	double edge = script_op_real(a, 1, "lambd", 0.5);
	struct script_tensor *x;
	struct onnx_node *n;
	const char *in;
	int rc;

	if ((rc = script_op_math_float(s, a, &x, &in)) != 0)
		return rc;
	if (!isfinite(edge) || edge < 0)
		return script_fail(s, a->callee, "an edge of %g", edge);
	n = script_node(s, "Shrink", 1, &in, 1);
	if (n == NULL || script_node_real(s, n, "lambd", edge) != 0 ||
	    script_node_real(s, n, "bias", *op->onnx == 's' ? edge : 0) != 0)
		return s->e->code;
	return script_node_each(s, n->out[0], x, out);
}

/* threshold(x, threshold, value): x above it, else the value */
SCRIPT_OP(do_threshold)
{
	double at = script_op_real(a, 1, "threshold", NAN);
	double below = script_op_real(a, 2, "value", NAN);
	struct script_tensor *x;
	const char *in;
	int rc;

	(void)op;
	if ((rc = script_op_math_float(s, a, &x, &in)) != 0)
		return rc;
	if (!isfinite(at) || !isfinite(below))
		return script_fail(s, a->callee, "at what is no number");
	return script_node_each(
	    s, above(s, in, at, in, script_node_scalar(s, below)), x, out);
}

/* x - tanh(x) */
SCRIPT_OP(do_tanhshrink)
{
	struct script_tensor *x;
	const char *in;
	int rc = script_op_math_float(s, a, &x, &in);

	(void)op;
	return rc != 0 ? rc
		       : script_node_each(s,
			     script_node_two(
				 s, "Sub", in, script_node_one(s, "Tanh", in)),
			     x, out);
}

/* rrelu(x, lower, upper, training): outside of training, the middle */
SCRIPT_OP(do_rrelu)
{
	double lower = script_op_real(a, 1, "lower", 0.125);
	double upper = script_op_real(a, 2, "upper", 1.0 / 3);
	struct script_tensor *x;
	struct onnx_node *n;
	const char *in;
	int rc;

	if ((rc = script_op_math_float(s, a, &x, &in)) != 0)
		return rc;
	s->trained = s->trained || script_op_int(a, 3, "training", 0) != 0;
	n = script_node(s, op->onnx, 1, &in, 1);
	if (n == NULL ||
	    script_node_real(s, n, "alpha", (lower + upper) / 2) != 0)
		return s->e->code;
	return script_node_each(s, n->out[0], x, out);
}

/* Logarithms and powers of another base. */
SCRIPT_OP(do_base)
{
	double base = strchr(op->name, '1') != NULL ? 10 : 2;
	struct script_tensor *x;
	const char *in;
	int rc;

	if ((rc = script_op_math_float(s, a, &x, &in)) != 0)
		return rc;
	if (strcmp(op->onnx, "Log") == 0)
		in = scaled(s, script_node_one(s, "Log", in), 1 / log(base));
	else
		in = script_node_one(s, "Exp", scaled(s, in, log(base)));
	return script_node_each(s, in, x, out);
}

/* Towards zero, or what is left of it then. */
SCRIPT_OP(do_trunc)
{
	struct script_tensor *x;
	const char *in, *y;
	int rc;

	if ((rc = script_op_math_float(s, a, &x, &in)) != 0)
		return rc;
	y = script_node_two(s, "Mul", script_node_one(s, "Sign", in),
	    script_node_one(s, "Floor", script_node_one(s, "Abs", in)));
	if (*op->onnx == '-')
		y = script_node_two(s, "Sub", in, y);
	return script_node_each(s, y, x, out);
}

/* lerp(x, y, weight) = x + weight (y - x) */
SCRIPT_OP(do_lerp)
{
	const struct script_value *x = script_op_arg(a, 0, NULL);
	struct script_value v;
	int rc;

	(void)op;
	if ((rc = script_op_math_two(
		 s, "Sub", script_op_arg(a, 1, "end"), x, &v)) != 0 ||
	    (rc = script_op_math_two(
		 s, "Mul", &v, script_op_arg(a, 2, "weight"), &v)) != 0)
		return rc;
	return script_op_math_two(s, "Add", x, &v, out);
}

/* addcmul(x, y, z, value) = x + value y z; addcdiv */
SCRIPT_OP(do_addc)
{
	const struct script_value *by = script_op_arg(a, 3, "value");
	struct script_value v, y = *script_op_arg(a, 1, NULL);
	int rc = 0;

	if (strcmp(op->onnx, "Div") == 0)
		rc = script_node_float(s, script_op_arg(a, 1, NULL), &y);
	if (rc == 0)
		rc = script_op_math_two(
		    s, op->onnx, &y, script_op_arg(a, 2, NULL), &v);
	if (rc == 0 && by->type != SCRIPT_NONE)
		rc = script_op_math_two(s, "Mul", &v, by, &v);
	return rc != 0 ? rc
		       : script_op_math_two(
			     s, "Add", script_op_arg(a, 0, NULL), &v, out);
}

/* remainder(x, y) = x - y floor(x / y), fmod(x, y) = x - y trunc(x / y) */
SCRIPT_OP(do_remainder)
{
	static const char *const none[] = {NULL};
	const struct script_value *x = script_op_arg(a, 0, NULL);
	const struct script_value *y = script_op_arg(a, 1, "other");
	struct script_value v, w;
	const struct script_args one = {&v, none, 1, op->onnx, NULL};
	int rc = script_op_math_two(s, "Div", x, y, &v);

	if (rc != 0)
		return rc;
	w = v; /* of sizes, which are not negative, it is whole already */
	if (v.t->whole && v.t->rank != 0)
		return script_fail(s, a->callee, "of whole numbers");
	if ((!v.t->whole &&
		(rc = script_op_call(s, op->onnx, &one, &w)) != 0) ||
	    (rc = script_op_math_two(s, "Mul", &w, y, &w)) != 0)
		return rc;
	return script_op_math_two(s, "Sub", x, &w, out);
}

/* By PyTorch's names; ONNX's operator, or what tells those of one
 * function apart. */
const struct script_op script_op_curve[] = {
    {"softplus", "", do_softplus},
    {"hardshrink", "h", do_shrink},
    {"softshrink", "s", do_shrink},
    {"threshold", "", do_threshold},
    {"tanhshrink", "", do_tanhshrink},
    {"rrelu", "LeakyRelu", do_rrelu},
    {"log2", "Log", do_base},
    {"log10", "Log", do_base},
    {"exp2", "Exp", do_base},
    {"trunc", "", do_trunc},
    {"fix", "", do_trunc},
    {"frac", "-", do_trunc},
    {"lerp", "", do_lerp},
    {"addcmul", "Mul", do_addc},
    {"addcdiv", "Div", do_addc},
    {"remainder", "torch.floor", do_remainder},
    {"fmod", "torch.trunc", do_remainder},
    {NULL, NULL, NULL},
};
