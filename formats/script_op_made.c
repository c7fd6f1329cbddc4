/* SPDX-License-Identifier: MIT
 * Tensors of numbers that the code itself has, and triangles of others.
 */
#include "formats/script_op.h"

#include <math.h>

#define MOST 65536 /* numbers that are written out */

/* v in the shape of `sizes`, or of `like` (NULL: not). */
static int
filled(struct script *s, const struct script_args *a, double v,
    const struct script_value *sizes, const struct script_value *like,
    struct script_value *out)
{
	const struct script_row *l =
	    sizes->type == SCRIPT_ROW ? sizes->list : NULL;
	uint64_t shape[MODEL_MAX_RANK];
	bool known = like == NULL;
	const char *name;
	size_t rank;
	int rc;

	if (like == NULL && (l == NULL || l->n > MODEL_MAX_RANK))
		return script_fail(s, a->callee, "of no shape");
	rank = like != NULL ? like->t->rank : l->n;
	for (size_t i = 0; like == NULL && i < rank; i++) {
		if (l->v[i].type == SCRIPT_INT && l->v[i].i < 1)
			return script_fail(s, a->callee, "an empty tensor");
		known = known && l->v[i].type == SCRIPT_INT;
		shape[i] = (uint64_t)l->v[i].i;
	}
	if (known)
		name = script_node_same(s, v, shape, rank);
	else
		name = script_node_two(s, "Expand", script_node_scalar(s, v),
		    like != NULL ? script_node_one(s, "Shape",
				       script_node_input(s, like, false))
				 : script_node_sizes(s, l));
	if ((rc = script_node_value(s, name, rank, out)) != 0)
		return rc;
	for (size_t i = 0; i < rank; i++)
		out->t->dim[i] = like != NULL                 ? like->t->dim[i]
				 : l->v[i].type == SCRIPT_INT ? l->v[i].i
							      : -1;
	return 0;
}

/* Whether floats are asked for, where whole numbers would be made. */
static bool
as_floats(const struct script_args *a)
{
	const struct script_value *type = script_op_arg(a, 99, "dtype");

	return type->type == SCRIPT_INT && type->i >= 5 && type->i <= 7;
}

/* The number that is filled in; false: there is none, or a whole one that
 * makes a tensor of whole numbers. */
static bool
fill(const struct script_args *a, size_t i, bool floats, double *v)
{
	const struct script_value *x = script_op_arg(a, i, "fill_value");

	*v = script_op_real(a, i, "fill_value", NAN);
	return x->type == SCRIPT_REAL || (x->type == SCRIPT_INT && floats);
}

/* zeros(sizes), ones(sizes), full(sizes, value) */
SCRIPT_OP(do_filled)
{
	double v = *op->onnx == '1';

	if (*op->onnx == 'f' && !fill(a, 1, as_floats(a), &v))
		return script_fail(s, a->callee, "of whole numbers");
	return filled(s, a, v, script_op_arg(a, 0, "size"), NULL, out);
}

/* Of the type of the first argument, the value at `value`. */
static int
filled_as(struct script *s, const struct script_op *op,
    const struct script_args *a, size_t value, const struct script_value *size,
    const struct script_value *like, struct script_value *out)
{
	double v = *op->onnx == '1';
	struct script_tensor *x;
	int rc;

	if ((rc = script_op_tensor(s, a, 0, &x)) != 0)
		return rc;
	if ((x->whole && !as_floats(a)) ||
	    (*op->onnx == 'f' && !fill(a, value, true, &v)))
		return script_fail(s, a->callee, "of whole numbers");
	return filled(s, a, v, size, like, out);
}

/* zeros_like(x), ones_like(x), full_like(x, value) */
SCRIPT_OP(do_like)
{
	return filled_as(
	    s, op, a, 1, script_op_arg(a, 99, NULL), &a->v[0], out);
}

/* new_zeros(x, sizes), new_ones(x, sizes), new_full(x, sizes, value) */
SCRIPT_OP(do_new)
{
	return filled_as(s, op, a, 2, script_op_arg(a, 1, "size"), NULL, out);
}

/* --- rows ---------------------------------------------------------------- */

/* Whole numbers, known or sizes of an image, from v[0] to v[1] by v[2]. */
static int
range(struct script *s, const struct script_args *a,
    const struct script_value v[3], struct script_value *out)
{
	const char *in[3];
	struct onnx_node *n;
	bool known = true;
	int rc;

	for (size_t i = 0; i < 3; i++) {
		bool size = v[i].type == SCRIPT_TENSOR && v[i].t->whole &&
			    !v[i].t->truth && v[i].t->rank == 0;

		if (v[i].type != SCRIPT_INT && !size)
			return script_fail(
			    s, a->callee, "of what are no whole numbers");
		known = known && v[i].type == SCRIPT_INT;
		if ((in[i] = script_node_input(s, &v[i], true)) == NULL)
			return s->e->code;
	}
	if (known && (v[2].i < 1 || v[2].i > MOST || v[0].i < -MOST ||
			 v[1].i > MOST || v[1].i <= v[0].i))
		return script_fail(s, a->callee, "an odd row");
	if ((n = script_node(s, "Range", 1, in, 3)) == NULL)
		return s->e->code;
	if ((rc = script_node_value(s, n->out[0], 1, out)) != 0)
		return rc;
	out->t->whole = true;
	if (known)
		out->t->dim[0] = (v[1].i - v[0].i + v[2].i - 1) / v[2].i;
	return 0;
}

/* arange(end), arange(start, end), arange(start, end, step) */
SCRIPT_OP(do_arange)
{
	struct script_value v[3] = {{.type = SCRIPT_INT}, {.type = SCRIPT_INT},
	    {.type = SCRIPT_INT, .i = 1}};
	const struct script_value *type = script_op_arg(a, 99, "dtype");
	struct script_value row;
	size_t n = 0;
	int rc;

	(void)op;
	while (n < a->n && a->key[n] == NULL)
		n++;
	if (n < 1 || n > 3)
		return script_fail(s, a->callee, "an unknown form");
	for (size_t i = 0; i < n; i++)
		v[n == 1 ? 1 : i] = a->v[i];
	if (type->type == SCRIPT_INT && type->i != 4 && !as_floats(a))
		return script_fail(s, a->callee, "of an odd type");
	if ((rc = range(s, a, v, &row)) != 0)
		return rc;
	*out = row;
	return as_floats(a) ? script_node_float(s, &row, out) : 0;
}

/* tensor([..]) of whole numbers, which stands for places. */
SCRIPT_OP(do_tensor)
{
	const struct script_value *l = script_op_arg(a, 0, NULL);
	int64_t v[256];
	struct script_value whole;
	size_t n;
	int rc;

	(void)op;
	if (l->type != SCRIPT_ROW || l->list->n == 0)
		return script_fail(s, a->callee, "of no list");
	if ((rc = script_op_ints(s, a, 0, NULL, v, ARRAY_LEN(v), &n)) != 0 ||
	    (rc = script_node_value(
		 s, script_node_whole(s, v, n), 1, &whole)) != 0)
		return rc;
	whole.t->whole = true;
	whole.t->dim[0] = (int64_t)n;
	*out = whole;
	return as_floats(a) ? script_node_float(s, &whole, out) : 0;
}

/* embedding(weights, places) */
SCRIPT_OP(do_embedding)
{
	static const char *const none[3] = {NULL};
	const struct script_value v[3] = {*script_op_arg(a, 0, NULL),
	    {.type = SCRIPT_INT}, *script_op_arg(a, 1, NULL)};
	const struct script_args b = {v, none, 3, a->callee, NULL};

	(void)op;
	return script_op_call(s, "torch.index_select", &b, out);
}

/* --- triangles ----------------------------------------------------------- */

/* tril(x, diagonal), triu */
SCRIPT_OP(do_triangle)
{
	int64_t k = script_op_int(a, 1, "diagonal", 0);
	struct script_tensor *x;
	const char *in[2];
	struct onnx_node *n;
	int rc;

	if ((rc = script_op_input(s, a, &x, &in[0])) != 0)
		return rc;
	if (x->rank < 2 || x->whole || k < -MOST || k > MOST)
		return script_fail(s, a->callee, "of no matrix of floats");
	if ((in[1] = script_node_integer(s, k)) == NULL ||
	    (n = script_node(s, "Trilu", 1, in, 2)) == NULL ||
	    script_node_int(s, n, "upper", *op->onnx == 'u') != 0)
		return s->e->code;
	rc = script_node_like(s, n->out[0], x, out);
	if (rc == 0)
		out->t->image = false;
	return rc;
}

/* By PyTorch's names, and what tells those of one function apart. */
const struct script_op script_op_made[] = {
    {"zeros", "0", do_filled},
    {"ones", "1", do_filled},
    {"full", "f", do_filled},
    {"zeros_like", "0", do_like},
    {"ones_like", "1", do_like},
    {"full_like", "f", do_like},
    {"new_zeros", "0", do_new},
    {"new_ones", "1", do_new},
    {"new_full", "f", do_new},
    {"arange", "", do_arange},
    {"tensor", "", do_tensor},
    {"embedding", "", do_embedding},
    {"tril", "l", do_triangle},
    {"triu", "u", do_triangle},
    {NULL, NULL, NULL},
};
