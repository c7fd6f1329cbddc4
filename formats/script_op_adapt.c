/* SPDX-License-Identifier: MIT
 * Adaptive pools: part i of `side` is floor(n i / side) to
 * ceil(n (i + 1) / side) of the n rows (torch's AdaptivePooling.h).  Where n
 * is not known, arithmetic with the size stands for it.
 */
#include "formats/script_op.h"

#define MOST 16 /* parts of one axis */

/* Where each part begins, and ends. */
struct cuts {
	const char *from, *to;
	int64_t side, axis;
};

/* v * n + up, divided by side: of all v at once. */
static const char *
scaled(
    struct script *s, const int64_t *v, const char *n, int64_t up, int64_t side)
{
	const char *x =
	    script_node_two(s, "Mul", script_node_whole(s, v, (size_t)side), n);

	if (x != NULL && up != 0)
		x = script_node_two(s, "Add", x, script_node_whole(s, &up, 1));
	return x != NULL ? script_node_two(
			       s, "Div", x, script_node_whole(s, &side, 1))
			 : NULL;
}

static int
cut(struct script *s, const char *x, const struct script_tensor *t,
    struct cuts *c)
{
	int64_t first[MOST], next[MOST], n = t->dim[c->axis];
	const char *size;

	for (int64_t i = 0; i < c->side; i++) {
		first[i] = n < 0 ? i : i * n / c->side;
		next[i] = n < 0 ? i + 1 : ((i + 1) * n + c->side - 1) / c->side;
	}
	if (n >= 0) {
		c->from = script_node_whole(s, first, (size_t)c->side);
		c->to = script_node_whole(s, next, (size_t)c->side);
	} else {
		size =
		    script_node_two(s, "Gather", script_node_one(s, "Shape", x),
			script_node_whole(s, &c->axis, 1));
		if (size == NULL)
			return s->e->code;
		c->from = scaled(s, first, size, 0, c->side);
		c->to = scaled(s, next, size, c->side - 1, c->side);
	}
	return c->from != NULL && c->to != NULL ? 0 : s->e->code;
}

static const char *
part(struct script *s, const char *x, const struct cuts *c, int64_t i,
    bool average)
{
	const char *at = script_node_whole(s, &i, 1), *in[5] = {x};
	struct onnx_node *n;

	in[1] = script_node_two(s, "Gather", c->from, at);
	in[2] = script_node_two(s, "Gather", c->to, at);
	in[3] = script_node_whole(s, &c->axis, 1);
	in[4] = script_node_whole(s, &(int64_t){1}, 1);
	for (size_t k = 0; k < 5; k++)
		if (in[k] == NULL)
			return NULL;
	if ((n = script_node(s, "Slice", 1, in, 5)) == NULL)
		return NULL;
	n = script_node(s, average ? "ReduceMean" : "ReduceMax", 1, n->out, 1);
	if (n == NULL || script_node_ints(s, n, "axes", &c->axis, 1) != 0 ||
	    script_node_int(s, n, "keepdims", 1) != 0)
		return NULL;
	return n->out[0];
}

/* Each part's mean or maximum, side by side.  What a mean over one axis and
 * then over the other has of them is the mean over both. */
static const char *
along(struct script *s, const char *x, const struct script_tensor *t,
    int64_t axis, int64_t side, bool average)
{
	struct cuts c = {.side = side, .axis = axis};
	const char *in[MOST];
	struct onnx_node *n;

	if (cut(s, x, t, &c) != 0)
		return NULL;
	for (int64_t i = 0; i < side; i++)
		if ((in[i] = part(s, x, &c, i, average)) == NULL)
			return NULL;
	n = script_node(s, "Concat", 1, in, (size_t)side);
	return n != NULL && script_node_int(s, n, "axis", axis) == 0 ? n->out[0]
								     : NULL;
}

/* The sizes that are asked for; 0 where it stays as it is. */
static int
sides(struct script *s, const struct script_args *a,
    const struct script_tensor *x, int64_t *to, size_t axes)
{
	const struct script_value *v = script_op_arg(a, 1, "output_size");

	if (v->type != SCRIPT_ROW || v->list->n == 1) {
		int rc =
		    script_op_exactly(s, a, 1, "output_size", to, axes, NULL);

		return rc == 0 && to[0] < 1
			   ? script_fail(s, a->callee, "an empty result")
			   : rc;
	}
	if (v->list->n != axes)
		return script_fail(s, a->callee, "%zu sizes", v->list->n);
	for (size_t i = 0; i < axes; i++) {
		const struct script_value *p = &v->list->v[i];
		bool own = p->type == SCRIPT_TENSOR && p->t->size_of == x &&
			   p->t->axis == (int64_t)i + 2;

		if (p->type != SCRIPT_INT && p->type != SCRIPT_NONE && !own)
			return script_fail(
			    s, a->callee, "a size that only an image tells");
		to[i] = p->type == SCRIPT_INT ? p->i : 0;
		if (p->type == SCRIPT_INT && p->i < 1)
			return script_fail(s, a->callee, "an empty result");
	}
	return 0;
}

/* To one number each, to parts that are alike, or by arithmetic. */
static int
adapted(struct script *s, const struct script_args *a, bool average,
    struct script_value *out)
{
	size_t axes = strchr(a->callee, '1') != NULL ? 1 : 2;
	const char *in = NULL;
	struct script_tensor *x;
	int64_t to[2] = {1, 1};
	int rc;

	if ((rc = script_op_input(s, a, &x, &in)) != 0)
		return rc;
	if (x->rank != axes + 2)
		return script_fail(
		    s, a->callee, "an image of rank %zu", x->rank);
	if ((rc = sides(s, a, x, to, axes)) != 0)
		return rc;
	if (to[0] == 1 && to[1] == 1)
		in = script_node_one(
		    s, average ? "GlobalAveragePool" : "GlobalMaxPool", in);
	else
		for (size_t i = 0; i < axes && in != NULL; i++) {
			if (to[i] < 0 || to[i] > MOST)
				return script_fail(
				    s, a->callee, "%" PRId64 " parts", to[i]);
			if (to[i] > 0 && to[i] != x->dim[i + 2])
				in = along(
				    s, in, x, (int64_t)i + 2, to[i], average);
		}
	if ((rc = script_node_like(s, in, x, out)) != 0)
		return rc;
	for (size_t i = 0; i < axes; i++)
		if (to[i] > 0)
			out->t->dim[i + 2] = to[i];
	return 0;
}

SCRIPT_OP(do_average)
{
	(void)op;
	return adapted(s, a, true, out);
}

/* And the places, which are not known. */
SCRIPT_OP(do_max)
{
	struct script_value v, places = {.type = SCRIPT_UNKNOWN};
	int rc;

	(void)op;
	if ((rc = adapted(s, a, false, &v)) != 0 ||
	    (rc = script_row(s, out)) != 0 ||
	    (rc = script_row_add(s, out->list, &v)) != 0)
		return rc;
	return script_row_add(s, out->list, &places);
}

const struct script_op script_op_adapt[] = {
    {"adaptive_avg_pool1d", "", do_average},
    {"adaptive_avg_pool2d", "", do_average},
    {"adaptive_max_pool1d", "", do_max},
    {"adaptive_max_pool2d", "", do_max},
    {NULL, NULL, NULL},
};
