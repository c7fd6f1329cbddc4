/* SPDX-License-Identifier: MIT
 * The same numbers in another shape or order.
 */
#include "formats/script_op.h"

/* A value that shows the numbers of x. */
static int
shows(struct script *s, const char *name, struct script_tensor *x, size_t rank,
    struct script_value *out)
{
	int rc = script_node_value(s, name, rank, out);

	if (rc == 0) {
		out->t->whole = x->whole;
		out->t->truth = x->truth;
		out->t->shared = x->shared = true;
	}
	return rc;
}

/* --- nothing ------------------------------------------------------------- */

SCRIPT_OP(do_same)
{
	(void)op;
	*out = *script_op_arg(a, 0, NULL);
	return out->type == SCRIPT_TENSOR
		   ? 0
		   : script_fail(s, a->callee, "of what is no tensor");
}

/* A copy, or the tensor itself: its layout and the interpreter decide, so that
 * neither may be changed in its place. */
SCRIPT_OP(do_same_or_copy)
{
	int rc = do_same(s, a, op, out);

	if (rc == 0)
		out->t->shared = true;
	return rc;
}

SCRIPT_OP(do_copy)
{
	int rc = do_same(s, a, op, out);
	struct script_tensor *x = out->t;

	if (rc != 0 || x->data != NULL)
		return rc;
	if ((rc = script_node_like(s, x->name, x, out)) == 0)
		out->t->truth = x->truth;
	return rc;
}

/* --- shapes -------------------------------------------------------------- */

static int
shaped(struct script *s, const struct script_args *a,
    const struct script_row *to, struct script_value *out)
{
	struct script_tensor *x;
	const char *in;
	int64_t left = 1, rest = 1;
	bool known = true;
	size_t open = SIZE_MAX;
	int rc;

	if ((rc = script_op_input(s, a, &x, &in)) != 0 ||
	    (rc = shows(s,
		 script_node_two(s, "Reshape", in, script_node_sizes(s, to)), x,
		 to->n, out)) != 0)
		return rc;
	for (size_t i = 0; i < x->rank; i++)
		known =
		    known && x->dim[i] > 0 && !ckd_mul(&left, left, x->dim[i]);
	for (size_t i = 0; i < to->n; i++) {
		int64_t d = to->v[i].type == SCRIPT_INT ? to->v[i].i : -2;

		if (d == 0)
			return script_fail(s, a->callee, "an empty dimension");
		out->t->dim[i] = d > 0 ? d : -1;
		if (d == -1)
			open = i;
		known = known && d != -2 && (d < 0 || !ckd_mul(&rest, rest, d));
	}
	if (known && open != SIZE_MAX && rest > 0 && left % rest == 0)
		out->t->dim[open] = left / rest;
	return 0;
}

SCRIPT_OP(do_reshape)
{
	const struct script_value *to = script_op_arg(a, 1, "shape");

	(void)op;
	if (to->type != SCRIPT_ROW) /* also view(dtype) */
		return script_fail(s, a->callee, "to no shape");
	return shaped(s, a, to->list, out);
}

SCRIPT_OP(do_reshape_as)
{
	struct script_value row, size;
	struct script_tensor *y;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 1, &y)) != 0 ||
	    (rc = script_row(s, &row)) != 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < y->rank; i++)
		if ((rc = script_node_size(s, y, (int64_t)i, &size)) == 0)
			rc = script_row_add(s, row.list, &size);
	return rc != 0 ? rc : shaped(s, a, row.list, out);
}

/* The sizes of x from `from` on, before `to`. */
static int
add_sizes(struct script *s, struct script_tensor *x, size_t from, size_t to,
    struct script_row *row)
{
	struct script_value size;
	int rc = 0;

	for (size_t i = from; rc == 0 && i < to; i++)
		if ((rc = script_node_size(s, x, (int64_t)i, &size)) == 0)
			rc = script_row_add(s, row, &size);
	return rc;
}

SCRIPT_OP(do_flatten)
{
	int64_t from = script_op_int(a, 1, "start_dim", 0);
	int64_t to = script_op_int(a, 2, "end_dim", -1);
	struct script_value row, all = {.type = SCRIPT_INT, .i = 1};
	struct script_tensor *x;
	struct onnx_node *n;
	const char *in;
	int rc;

	(void)op;
	if ((rc = script_op_input(s, a, &x, &in)) != 0)
		return rc;
	if (!script_node_axis(&from, x->rank) ||
	    !script_node_axis(&to, x->rank) || to < from)
		return script_fail(s, a->callee, "dimensions that are none");
	for (int64_t i = from; i <= to && all.i > 0; i++)
		all.i = x->dim[i] > 0 && x->dim[i] < INT32_MAX / all.i
			    ? all.i * x->dim[i]
			    : -1;
	if (from == 1 && (size_t)to + 1 == x->rank) {
		if ((n = script_node(s, "Flatten", 1, &in, 1)) == NULL ||
		    script_node_int(s, n, "axis", 1) != 0)
			return s->e->code;
		if ((rc = shows(s, n->out[0], x, 2, out)) == 0) {
			out->t->dim[0] = x->dim[0];
			out->t->dim[1] = all.i;
		}
		return rc;
	}
	if (from == 0 && (size_t)to + 1 == x->rank)
		all.i = -1;
	if ((rc = script_row(s, &row)) != 0 ||
	    (rc = add_sizes(s, x, 0, (size_t)from, row.list)) != 0 ||
	    (rc = script_row_add(s, row.list, &all)) != 0 ||
	    (rc = add_sizes(s, x, (size_t)to + 1, x->rank, row.list)) != 0)
		return rc;
	return shaped(s, a, row.list, out);
}

/* unflatten(x, dim, sizes) */
SCRIPT_OP(do_unflatten)
{
	const struct script_value *to = script_op_arg(a, 2, "sizes");
	int64_t d = script_op_int(a, 1, "dim", 99);
	struct script_value row;
	struct script_tensor *x;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0)
		return rc;
	if (!script_node_axis(&d, x->rank) || to->type != SCRIPT_ROW)
		return script_fail(s, a->callee, "a dimension that is none");
	if ((rc = script_row(s, &row)) != 0 ||
	    (rc = add_sizes(s, x, 0, (size_t)d, row.list)) != 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < to->list->n; i++)
		rc = script_row_add(s, row.list, &to->list->v[i]);
	if (rc == 0)
		rc = add_sizes(s, x, (size_t)d + 1, x->rank, row.list);
	return rc != 0 ? rc : shaped(s, a, row.list, out);
}

/* --- order --------------------------------------------------------------- */

/* Weights of two dimensions, as the view of them that it is. */
static int
turned(
    struct script *s, const struct script_tensor *x, struct script_value *out)
{
	const struct tensor *w = x->data;
	struct tensor *t = arena_alloc(s->arena, 1, sizeof(*t));
	uint64_t *stride = arena_alloc(s->arena, 2, sizeof(*stride));
	uint64_t width = dtype_width(w->dtype);
	int rc;

	if (t == NULL || stride == NULL)
		return script_full(s);
	*t = *w;
	t->name = arena_printf(s->arena, "%.*s/T", 1000, w->name);
	for (size_t i = 0; i < 2; i++) {
		t->dim[i] = w->dim[1 - i];
		stride[1 - i] = w->stride != NULL ? w->stride[i]
				: i == 0          ? width * w->dim[1]
						  : width;
	}
	t->stride = stride;
	if ((rc = script_node_value(s, t->name, 2, out)) == 0) {
		out->t->data = t;
		out->t->shared = true;
		for (size_t i = 0; i < 2; i++)
			out->t->dim[i] = (int64_t)t->dim[i];
		rc = script_node_list(s, t);
	}
	return rc;
}

static int
ordered(struct script *s, const struct script_args *a, const int64_t *perm,
    struct script_value *out)
{
	struct script_tensor *x = a->v[0].t;
	const char *in;
	struct onnx_node *n;
	int rc;

	if (x->data != NULL && x->rank == 2 && perm[0] == 1)
		return turned(s, x, out);
	in = script_node_input(s, &a->v[0], false);
	if (in == NULL ||
	    (n = script_node(s, "Transpose", 1, &in, 1)) == NULL ||
	    script_node_ints(s, n, "perm", perm, x->rank) != 0)
		return s->e->code;
	rc = shows(s, n->out[0], x, x->rank, out);
	for (size_t i = 0; rc == 0 && i < x->rank; i++)
		out->t->dim[i] = x->dim[perm[i]];
	return rc;
}

SCRIPT_OP(do_permute)
{
	int64_t perm[MODEL_MAX_RANK];
	bool seen[MODEL_MAX_RANK] = {0};
	struct script_tensor *x;
	size_t n;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0 ||
	    (rc = script_op_ints(s, a, 1, "dims", perm, MODEL_MAX_RANK, &n)) !=
		0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (n != x->rank || !script_node_axis(&perm[i], n) ||
		    seen[perm[i]])
			return script_fail(s, a->callee, "an odd order");
		seen[perm[i]] = true;
	}
	return ordered(s, a, perm, out);
}

/* movedim(x, source, destination), of one or several */
SCRIPT_OP(do_movedim)
{
	int64_t from[MODEL_MAX_RANK], to[MODEL_MAX_RANK];
	int64_t perm[MODEL_MAX_RANK], next = 0;
	bool taken[MODEL_MAX_RANK] = {0}, set[MODEL_MAX_RANK] = {0};
	struct script_tensor *x;
	size_t n, m;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0 ||
	    (rc = script_op_ints(
		 s, a, 1, "source", from, MODEL_MAX_RANK, &n)) != 0 ||
	    (rc = script_op_ints(
		 s, a, 2, "destination", to, MODEL_MAX_RANK, &m)) != 0)
		return rc;
	if (n != m)
		return script_fail(s, a->callee, "an odd order");
	for (size_t i = 0; i < n; i++) {
		if (!script_node_axis(&from[i], x->rank) ||
		    !script_node_axis(&to[i], x->rank) || taken[from[i]] ||
		    set[to[i]])
			return script_fail(s, a->callee, "an odd order");
		perm[to[i]] = from[i];
		taken[from[i]] = set[to[i]] = true;
	}
	for (size_t i = 0; i < x->rank; i++) {
		if (set[i])
			continue;
		while (taken[next])
			next++;
		perm[i] = next++;
	}
	return ordered(s, a, perm, out);
}

SCRIPT_OP(do_transpose)
{
	int64_t perm[MODEL_MAX_RANK];
	int64_t p = script_op_int(a, 1, "dim0", 99),
		q = script_op_int(a, 2, "dim1", 99);
	struct script_tensor *x;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0)
		return rc;
	if (!script_node_axis(&p, x->rank) || !script_node_axis(&q, x->rank))
		return script_fail(s, a->callee, "a dimension that is none");
	for (size_t i = 0; i < x->rank; i++)
		perm[i] = (int64_t)i;
	perm[p] = q;
	perm[q] = p;
	return ordered(s, a, perm, out);
}

SCRIPT_OP(do_t)
{
	static const int64_t perm[] = {1, 0};
	struct script_tensor *x;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0)
		return rc;
	return x->rank == 2 ? ordered(s, a, perm, out)
			    : script_fail(s, a->callee, "of no matrix");
}

/* --- dimensions of one --------------------------------------------------- */

SCRIPT_OP(do_unsqueeze)
{
	int64_t d = script_op_int(a, 1, "dim", 99);
	struct script_tensor *x;
	const char *in;
	int rc;

	if ((rc = script_op_input(s, a, &x, &in)) != 0)
		return rc;
	if (!script_node_axis(&d, x->rank + 1))
		return script_fail(s, a->callee, "a dimension that is none");
	rc = shows(s,
	    script_node_two(s, op->onnx, in, script_node_whole(s, &d, 1)), x,
	    x->rank + 1, out);
	for (size_t i = 0; rc == 0 && i <= x->rank; i++)
		out->t->dim[i] =
		    i == (size_t)d ? 1 : x->dim[i - (i > (size_t)d)];
	return rc;
}

SCRIPT_OP(do_squeeze)
{
	int64_t d = script_op_int(a, 1, "dim", 99);
	struct script_tensor *x;
	const char *in;
	int rc;

	if ((rc = script_op_input(s, a, &x, &in)) != 0)
		return rc;
	if (!script_node_axis(&d, x->rank))
		return script_fail(s, a->callee, "of no one dimension");
	if (x->dim[d] != 1)
		return x->dim[d] > 1 ? do_same(s, a, op, out)
				     : script_fail(s, a->callee,
					   "a size that is not known");
	rc = shows(s,
	    script_node_two(s, op->onnx, in, script_node_whole(s, &d, 1)), x,
	    x->rank - 1, out);
	for (size_t i = 0; rc == 0 && i + 1 < x->rank; i++)
		out->t->dim[i] = x->dim[i + (i >= (size_t)d)];
	return rc;
}

/* --- more of the same ---------------------------------------------------- */

SCRIPT_OP(do_expand)
{
	const struct script_value *to = script_op_arg(a, 1, "size");
	struct script_value row, one = {.type = SCRIPT_INT, .i = 1};
	struct script_tensor *x;
	const char *in;
	int rc;

	if ((rc = script_op_input(s, a, &x, &in)) != 0)
		return rc;
	if (to->type != SCRIPT_ROW || to->list->n < x->rank)
		return script_fail(s, a->callee, "to no shape");
	rc = script_row(s, &row);
	for (size_t i = 0; rc == 0 && i < to->list->n; i++) {
		const struct script_value *v = &to->list->v[i];
		bool stays = v->type == SCRIPT_INT && v->i == -1;

		rc = script_row_add(s, row.list, stays ? &one : v);
	}
	if (rc != 0)
		return rc;
	rc = shows(s,
	    script_node_two(s, op->onnx, in, script_node_sizes(s, row.list)), x,
	    to->list->n, out);
	for (size_t i = 0; rc == 0 && i < to->list->n; i++) {
		const struct script_value *v = &to->list->v[i];
		size_t less = to->list->n - x->rank;

		out->t->dim[i] = v->type == SCRIPT_INT && v->i >= 0 ? v->i
				 : v->type == SCRIPT_INT && i >= less
				     ? x->dim[i - less]
				     : -1;
	}
	return rc;
}

SCRIPT_OP(do_expand_as)
{
	struct script_tensor *x, *y;
	const char *in;
	int rc;

	if ((rc = script_op_input(s, a, &x, &in)) != 0 ||
	    (rc = script_op_tensor(s, a, 1, &y)) != 0)
		return rc;
	rc = shows(s,
	    script_node_two(s, op->onnx, in,
		script_node_one(
		    s, "Shape", script_node_input(s, &a->v[1], false))),
	    x, y->rank, out);
	for (size_t i = 0; rc == 0 && i < y->rank; i++)
		out->t->dim[i] = y->dim[i];
	return rc;
}

SCRIPT_OP(do_repeat)
{
	const struct script_value *to = script_op_arg(a, 1, "repeats");
	struct script_tensor *x;
	const char *in;
	size_t less;
	int rc;

	if ((rc = script_op_input(s, a, &x, &in)) != 0)
		return rc;
	if (to->type != SCRIPT_ROW || to->list->n < x->rank ||
	    to->list->n > MODEL_MAX_RANK)
		return script_fail(s, a->callee, "to no shape");
	less = to->list->n - x->rank;
	for (size_t i = 0; i < less && in != NULL; i++)
		in = script_node_two(s, "Unsqueeze", in,
		    script_node_whole(s, (const int64_t[]){0}, 1));
	rc = script_node_value(s,
	    script_node_two(s, op->onnx, in, script_node_sizes(s, to->list)),
	    to->list->n, out);
	for (size_t i = 0; rc == 0 && i < to->list->n; i++) {
		int64_t d = i < less ? 1 : x->dim[i - less];
		const struct script_value *v = &to->list->v[i];

		out->t->dim[i] = v->type == SCRIPT_INT && v->i == 1 ? d
				 : v->type == SCRIPT_INT && d > 0 && v->i > 0 &&
					 v->i < INT32_MAX / d
				     ? d * v->i
				     : -1;
	}
	if (rc == 0) {
		out->t->whole = x->whole;
		out->t->truth = x->truth;
	}
	return rc;
}

/* By PyTorch's names; ONNX's operator, or what tells those of one
 * function apart. */
const struct script_op script_op_shape[] = {
    {"dropout", "", do_same_or_copy},
    {"feature_dropout", "", do_same_or_copy},
    {"alpha_dropout", "", do_same_or_copy},
    {"feature_alpha_dropout", "", do_same_or_copy},
    {"contiguous", "", do_same_or_copy},
    {"detach", "", do_same},
    {"alias", "", do_same},
    {"lift_fresh", "", do_same},
    {"clone", "", do_copy},
    {"view", "Reshape", do_reshape},
    {"reshape", "Reshape", do_reshape},
    {"reshape_as", "Reshape", do_reshape_as},
    {"view_as", "Reshape", do_reshape_as},
    {"flatten", "Reshape", do_flatten},
    {"unflatten", "Reshape", do_unflatten},
    {"permute", "Transpose", do_permute},
    {"movedim", "Transpose", do_movedim},
    {"moveaxis", "Transpose", do_movedim},
    {"transpose", "Transpose", do_transpose},
    {"swapaxes", "Transpose", do_transpose},
    {"swapdims", "Transpose", do_transpose},
    {"t", "Transpose", do_t},
    {"numpy_T", "Transpose", do_t},
    {"unsqueeze", "Unsqueeze", do_unsqueeze},
    {"squeeze", "Squeeze", do_squeeze},
    {"expand", "Expand", do_expand},
    {"broadcast_to", "Expand", do_expand},
    {"expand_as", "Expand", do_expand_as},
    {"repeat", "Tile", do_repeat},
    {NULL, NULL, NULL},
};
