/* SPDX-License-Identifier: MIT
 * What is true of each number of a tensor, and choices by that.
 */
#include "formats/script_op.h"

/* A truth for each number of v. */
static int
put(struct script *s, const char *name, const struct script_tensor *x,
    struct script_value *out)
{
	int rc = script_node_like(s, name, x, out);

	if (rc == 0)
		out->t->whole = out->t->truth = true;
	return rc;
}

static bool
is_truth(const struct script_value *v)
{
	return v->type == SCRIPT_TENSOR && v->t->truth;
}

/* Truths are compared as the numbers 0 and 1. */
static int
number(struct script *s, const struct script_value *v, bool as_number,
    struct script_value *out)
{
	if (v->type != SCRIPT_TENSOR && v->type != SCRIPT_INT &&
	    v->type != SCRIPT_REAL && v->type != SCRIPT_BOOL)
		return script_fail(s, "where", "of what is no number");
	*out = *v;
	if (v->type == SCRIPT_BOOL)
		out->type = SCRIPT_INT;
	return as_number ? script_node_float(s, v, out) : 0;
}

SCRIPT_OP(do_compare)
{
	const struct script_value *x = script_op_arg(a, 0, NULL);
	const struct script_value *y = script_op_arg(a, 1, "other");
	bool truth = is_truth(x) || is_truth(y);
	bool turned = op->onnx[0] == '!';
	struct script_value p, q;
	int rc;

	if ((rc = number(s, x, truth, &p)) != 0 ||
	    (rc = number(s, y, truth, &q)) != 0 ||
	    (rc = script_op_math_two(s, op->onnx + turned, &p, &q, out)) != 0)
		return rc;
	if (turned)
		rc = put(
		    s, script_node_one(s, "Not", out->t->name), out->t, out);
	out->t->whole = out->t->truth = true;
	return rc;
}

/* Whether it is another number than 0. */
static int
truth_of(struct script *s, const struct script_args *a, size_t i,
    struct script_value *out)
{
	const struct script_value *v = script_op_arg(a, i, NULL);
	struct script_value x, zero = {.type = SCRIPT_REAL};
	int rc;

	*out = *v;
	if (is_truth(v))
		return 0;
	if (v->type != SCRIPT_TENSOR)
		return script_fail(
		    s, a->callee, "its argument %zu is no tensor", i + 1);
	if ((rc = script_node_float(s, v, &x)) != 0 ||
	    (rc = script_op_math_two(s, "Equal", &x, &zero, out)) != 0)
		return rc;
	return put(s, script_node_one(s, "Not", out->t->name), x.t, out);
}

static int
join(struct script *s, const char *op, const struct script_value *x,
    const struct script_value *y, struct script_value *out)
{
	int rc = script_op_math_broadcast(s,
	    script_node_two(s, op, script_node_input(s, x, true),
		script_node_input(s, y, true)),
	    x, y, out);

	if (rc == 0)
		out->t->whole = out->t->truth = true;
	return rc;
}

SCRIPT_OP(do_logical)
{
	struct script_value x, y;
	int rc;

	if ((rc = truth_of(s, a, 0, &x)) != 0 ||
	    (rc = truth_of(s, a, 1, &y)) != 0)
		return rc;
	return join(s, op->onnx, &x, &y, out);
}

/* Of numbers these go bit by bit. */
SCRIPT_OP(do_bitwise)
{
	if (!is_truth(script_op_arg(a, 0, NULL)) ||
	    !is_truth(script_op_arg(a, 1, NULL)))
		return script_fail(s, a->callee, "of bits");
	return do_logical(s, a, op, out);
}

SCRIPT_OP(do_not)
{
	struct script_value x;
	int rc = truth_of(s, a, 0, &x);

	if (rc == 0 && *op->onnx == '~' && !is_truth(script_op_arg(a, 0, NULL)))
		return script_fail(s, a->callee, "of bits");
	return rc != 0 ? rc
		       : put(s,
			     script_node_one(
				 s, "Not", script_node_input(s, &x, true)),
			     x.t, out);
}

SCRIPT_OP(do_is_nan)
{
	struct script_tensor *x;
	const char *in;
	int rc = script_op_math_float(s, a, &x, &in);

	return rc != 0 ? rc : put(s, script_node_one(s, op->onnx, in), x, out);
}

/* y where c is true, else z. */
static int
choose(struct script *s, const struct script_args *a,
    const struct script_value *c, const struct script_value *y,
    const struct script_value *z, struct script_value *out)
{
	const char *in[3];
	struct script_value p, q, both;
	struct onnx_node *n;
	bool whole;
	int rc;

	if (!is_truth(c))
		return script_fail(s, a->callee, "by what is no truth");
	if (is_truth(y) || is_truth(z))
		return script_fail(s, a->callee, "of truths");
	if ((rc = number(s, y, false, &p)) != 0 ||
	    (rc = number(s, z, false, &q)) != 0)
		return rc;
	whole = (p.type == SCRIPT_TENSOR ? p.t->whole : p.type == SCRIPT_INT) &&
		(q.type == SCRIPT_TENSOR ? q.t->whole : q.type == SCRIPT_INT);
	if (!whole && ((rc = script_node_float(s, y, &p)) != 0 ||
			  (rc = script_node_float(s, z, &q)) != 0))
		return rc;
	in[0] = script_node_input(s, c, true);
	in[1] = script_node_input(s, &p, whole);
	in[2] = script_node_input(s, &q, whole);
	if (in[0] == NULL || in[1] == NULL || in[2] == NULL ||
	    (n = script_node(s, "Where", 1, in, 3)) == NULL)
		return s->e->code;
	if ((rc = script_op_math_broadcast(s, n->out[0], &p, &q, &both)) != 0 ||
	    (rc = script_op_math_broadcast(s, n->out[0], c, &both, out)) != 0)
		return rc;
	out->t->whole = whole;
	return 0;
}

SCRIPT_OP(do_where)
{
	(void)op;
	if (a->n != 3)
		return script_fail(s, a->callee, "the places of what is true");
	return choose(s, a, &a->v[0], script_op_arg(a, 1, "self"),
	    script_op_arg(a, 2, "other"), out);
}

/* masked_fill(x, mask, value) */
SCRIPT_OP(do_masked_fill)
{
	const struct script_value *mask = script_op_arg(a, 1, "mask");
	const struct script_value *v = script_op_arg(a, 2, "value");
	struct script_tensor *x;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0)
		return rc;
	if (mask->type != SCRIPT_TENSOR || mask->t->rank > x->rank ||
	    (x->whole && v->type != SCRIPT_INT))
		return script_fail(s, a->callee, "of another type or rank");
	rc = choose(s, a, mask, v, &a->v[0], out);
	for (size_t i = 0; rc == 0 && i < x->rank; i++)
		if (x->dim[i] > 0)
			out->t->dim[i] = x->dim[i];
	return rc;
}

/* By PyTorch's names; ONNX's operator, "!" before one that is turned round. */
const struct script_op script_op_truth[] = {
    {"eq", "Equal", do_compare},
    {"ne", "!Equal", do_compare},
    {"lt", "Less", do_compare},
    {"le", "LessOrEqual", do_compare},
    {"gt", "Greater", do_compare},
    {"ge", "GreaterOrEqual", do_compare},
    {"logical_and", "And", do_logical},
    {"logical_or", "Or", do_logical},
    {"logical_xor", "Xor", do_logical},
    {"logical_not", "", do_not},
    {"bitwise_and", "And", do_bitwise},
    {"bitwise_or", "Or", do_bitwise},
    {"bitwise_xor", "Xor", do_bitwise},
    {"bitwise_not", "~", do_not},
    {"__and__", "And", do_bitwise},
    {"__or__", "Or", do_bitwise},
    {"__xor__", "Xor", do_bitwise},
    {"isnan", "IsNaN", do_is_nan},
    {"where", "Where", do_where},
    {"masked_fill", "Where", do_masked_fill},
    {NULL, NULL, NULL},
};
