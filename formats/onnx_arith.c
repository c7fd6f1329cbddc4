/* SPDX-License-Identifier: MIT
 * Numbers in comments are the operator set in which a form changed.
 */
#include "formats/onnx_arith.h"

#include "formats/onnx_fact.h"

#include <math.h>

/* --- arithmetic ---------------------------------------------------------- */

/*
 * The second operand shaped so that numpy's broadcasting does what `axis`
 * meant (until 6): ones behind its dimensions.
 */
static int
stretch(struct onnx_lower *l, const struct onnx_node *from, size_t behind,
    const char **name)
{
	struct onnx_fact f = onnx_fact_of(l, onnx_lower_name(l, from->in[1]));
	const struct tensor *t = onnx_lower_const(l, from->in[1]);
	int64_t *v =
	    arena_alloc(&l->m->arena, MODEL_MAX_RANK + behind, sizeof(*v));
	struct node *n =
	    onnx_lower_node(l, from, t != NULL ? "Reshape" : "Unsqueeze", 1, 1);

	if (v == NULL || n == NULL) {
		l->full = true;
		return 0;
	}
	n->in[0] = onnx_lower_name(l, from->in[1]);
	n->out[0] = *name = onnx_lower_fresh(l, from->out[0], "operand");
	if (t != NULL) {
		for (size_t i = 0; i < t->rank + behind; i++)
			v[i] = i < t->rank ? (int64_t)t->dim[i] : 1;
		onnx_lower_put_ints(n, "shape", v, t->rank + behind);
		onnx_lower_put_int(n, "allowzero", 0);
		return 0;
	}
	for (size_t i = 0; i < behind; i++)
		v[i] = (int64_t)(f.rank + i);
	onnx_lower_put_ints(n, "axes", v, behind);
	return 0;
}

static int
arithmetic(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *second = NULL;
	struct onnx_fact a, b;
	struct node *n;
	int64_t axis;
	int rc;

	if ((rc = onnx_lower_need(l, from, 2)) != 0)
		return rc;
	if (l->opset < 7 && onnx_file_attr(from, "axis") != NULL &&
	    onnx_lower_get_int(l, from, "broadcast", 0) != 0) {
		a = onnx_fact_of(l, onnx_lower_name(l, from->in[0]));
		b = onnx_fact_of(l, onnx_lower_name(l, from->in[1]));
		axis = onnx_lower_get_int(l, from, "axis", 0);
		if (!a.ranked || !b.ranked)
			return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
			    "broadcasting along an axis of unknown rank");
		if (axis < 0)
			axis += (int64_t)a.rank;
		if (axis < 0 || (uint64_t)axis + b.rank > a.rank)
			return onnx_lower_fail(l, from, ERR_FORMAT,
			    "broadcasting rank %zu into rank %zu at %" PRId64,
			    b.rank, a.rank, axis);
		if ((uint64_t)axis + b.rank < a.rank &&
		    (rc = stretch(l, from, a.rank - b.rank - (size_t)axis,
			 &second)) != 0)
			return rc;
	}
	if ((n = onnx_lower_node(l, from, from->op, 2, 1)) == NULL)
		return 0;
	if (second != NULL)
		n->in[1] = second;
	return 0;
}

/* Until 6 a slope vector was one of channels, whatever followed them. */
static int
prelu(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *second = NULL;
	struct onnx_fact x, s;
	struct node *n;
	int rc;

	if ((rc = onnx_lower_need(l, from, 2)) != 0)
		return rc;
	x = onnx_fact_of(l, onnx_lower_name(l, from->in[0]));
	s = onnx_fact_of(l, onnx_lower_name(l, from->in[1]));
	if (l->opset < 7 && !x.ranked)
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "an input of unknown rank");
	if (l->opset < 7 && s.rank == 1 && x.rank > 2 &&
	    (rc = stretch(l, from, x.rank - 2, &second)) != 0)
		return rc;
	if ((n = onnx_lower_node(l, from, from->op, 2, 1)) != NULL &&
	    second != NULL)
		n->in[1] = second;
	return 0;
}

/*
 * One bound of Clip: an attribute until 10, then an input that may be absent.
 * False when it cannot be an attribute: it is computed, or no finite number.
 */
static bool
bound(struct onnx_lower *l, const struct onnx_node *from, size_t i, double *v)
{
	static const char *const name[] = {"min", "max"};
	double none = i == 0 ? -(double)INFINITY : (double)INFINITY;
	const struct tensor *t;
	uint64_t count;

	*v = onnx_lower_get_real(l, from, name[i], none);
	if (i + 1 >= from->nin || *from->in[i + 1] == '\0')
		return true;
	t = onnx_lower_const(l, from->in[i + 1]);
	if (t == NULL || t->dtype == DTYPE_COUNT ||
	    !tensor_elements(t, &count) || count != 1)
		return false;
	*v = tensor_real(t, 0);
	return isfinite(*v) || *v == none;
}

static int
clip(struct onnx_lower *l, const struct onnx_node *from)
{
	bool known = true;
	struct node *n;
	double v[2];
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	for (size_t i = 0; i < 2; i++)
		known = bound(l, from, i, &v[i]) && known;
	n = onnx_lower_node(l, from, "Clip", known ? 1 : 3, 1);
	if (n == NULL || !known)
		return 0;
	if (v[0] != -(double)INFINITY)
		onnx_lower_put_real(n, "min", v[0]);
	if (v[1] != (double)INFINITY)
		onnx_lower_put_real(n, "max", v[1]);
	return 0;
}

/* --- any number of inputs ------------------------------------------------ */

/*
 * Sum, Mean, Min, Max: pairs from the left, and a division for the mean.  One
 * input is its own sum.
 */
static int
variadic(struct onnx_lower *l, const struct onnx_node *from)
{
	bool mean = strcmp(from->op, "Mean") == 0;
	bool sum = mean || strcmp(from->op, "Sum") == 0;
	const char *have, *next, *count;
	struct node *n;
	int rc;

	if ((rc = onnx_lower_need(l, from, MAX(from->nin, 1))) != 0)
		return rc;
	if (from->nin == 1) {
		onnx_lower_alias(l, from->out[0], from->in[0]);
		return 0;
	}
	have = onnx_lower_name(l, from->in[0]);
	for (size_t i = 1; i < from->nin; i++) {
		bool last = i + 1 == from->nin && !mean;

		next = last ? from->out[0]
			    : onnx_lower_fresh(l, from->out[0], "part");
		n = onnx_lower_insert(
		    l, from, sum ? "Add" : from->op, have, next);
		if (n == NULL)
			return 0;
		n->in[n->nin++] = onnx_lower_name(l, from->in[i]);
		onnx_fact_node(l, n);
		have = next;
	}
	if (!mean)
		return 0;
	count = onnx_lower_fresh(l, from->out[0], "count");
	onnx_lower_number(l, count, DTYPE_F32, 0, (double)from->nin);
	if ((n = onnx_lower_insert(l, from, "Div", have, from->out[0])) != NULL)
		n->in[n->nin++] = count;
	return 0;
}

/* --- the table ----------------------------------------------------------- */

static const struct {
	const char *op;
	onnx_lower_fn *fn;
} op_table[] = {
    {"Add", arithmetic},
    {"And", arithmetic},
    {"Clip", clip},
    {"Div", arithmetic},
    {"Equal", arithmetic},
    {"Greater", arithmetic},
    {"Less", arithmetic},
    {"Max", variadic},
    {"Mean", variadic},
    {"Min", variadic},
    {"Mul", arithmetic},
    {"Or", arithmetic},
    {"PRelu", prelu},
    {"Pow", arithmetic},
    {"Sub", arithmetic},
    {"Sum", variadic},
    {"Xor", arithmetic},
};

onnx_lower_fn *
onnx_arith_find(const char *op)
{
	for (size_t i = 0; i < ARRAY_LEN(op_table); i++)
		if (strcmp(op_table[i].op, op) == 0)
			return op_table[i].fn;
	return NULL;
}
