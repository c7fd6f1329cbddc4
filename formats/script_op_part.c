/* SPDX-License-Identifier: MIT
 * Parts of tensors, tensors joined, edges and sizes of images.
 */
#include "formats/script_op.h"

/* Another one of the rank and sizes of x, but for dimension d. */
static int
but_for(struct script *s, const char *name, struct script_tensor *x, int64_t d,
    int64_t size, struct script_value *out)
{
	int rc = script_node_like(s, name, x, out);

	if (rc == 0) {
		out->t->dim[d] = size;
		out->t->shared = x->shared = true;
		out->t->image = x->image && d > 1;
	}
	return rc;
}

/* --- joined -------------------------------------------------------------- */

/* Of what a list has; what unbind() gave is one. */
static int
joined(struct script *s, const struct script_args *a,
    const struct script_row *l, int64_t d, struct script_value *out)
{
	const char **in = arena_alloc(s->arena, l->n + 1, sizeof(*in));
	struct script_tensor *first;
	struct onnx_node *n;
	int64_t sum = 0;
	int rc;

	if (in == NULL)
		return script_full(s);
	if (l->n == 0 || l->n > 4096 || l->v[0].type != SCRIPT_TENSOR ||
	    !script_node_axis(&d, l->v[0].t->rank))
		return script_fail(s, a->callee, "of no tensors");
	first = l->v[0].t;
	for (size_t i = 0; i < l->n; i++) {
		const struct script_value *v = &l->v[i];

		if (v->type != SCRIPT_TENSOR || v->t->rank != first->rank ||
		    v->t->whole != first->whole || v->t->truth != first->truth)
			return script_fail(s, a->callee, "of unlike tensors");
		sum = sum < 0 || v->t->dim[d] < 0 || sum > INT32_MAX
			  ? -1
			  : sum + v->t->dim[d];
		if ((in[i] = script_node_input(s, v, false)) == NULL)
			return s->e->code;
	}
	n = script_node(s, "Concat", 1, in, l->n);
	if (n == NULL || script_node_int(s, n, "axis", d) != 0)
		return s->e->code;
	if ((rc = script_node_like(s, n->out[0], first, out)) != 0)
		return rc;
	out->t->image = false;
	for (size_t k = 0; k < first->rank; k++)
		for (size_t i = 0; i < l->n && out->t->dim[k] < 0; i++)
			out->t->dim[k] = l->v[i].t->dim[k];
	out->t->dim[d] = sum;
	return 0;
}

SCRIPT_OP(do_cat)
{
	const struct script_value *l = script_op_arg(a, 0, NULL);

	(void)op;
	if (l->type != SCRIPT_ROW)
		return script_fail(s, a->callee, "of no list");
	return joined(s, a, l->list, script_op_int(a, 1, "dim", 0), out);
}

SCRIPT_OP(do_stack)
{
	static const char *const none[] = {NULL, NULL};
	const struct script_value *l = script_op_arg(a, 0, NULL);
	int64_t d = script_op_int(a, 1, "dim", 0);
	struct script_value row, pair[2], v;
	struct script_args one = {pair, none, 2, a->callee, NULL};
	int rc = script_row(s, &row);

	if (l->type != SCRIPT_ROW || l->list->n == 0 ||
	    l->list->v[0].type != SCRIPT_TENSOR ||
	    !script_node_axis(&d, l->list->v[0].t->rank + 1))
		return script_fail(s, a->callee, "of no list");
	for (size_t i = 0; rc == 0 && i < l->list->n; i++) {
		pair[0] = l->list->v[i];
		pair[1] = (struct script_value){.type = SCRIPT_INT, .i = d};
		rc = script_op_call(s, "torch.unsqueeze", &one, &v);
		if (rc == 0)
			rc = script_row_add(s, row.list, &v);
	}
	(void)op;
	return rc != 0 ? rc : joined(s, a, row.list, d, out);
}

/* --- parted -------------------------------------------------------------- */

/* Into parts of these sizes, or (NULL) into n that ONNX counts as chunk()
 * does. */
static int
parted(struct script *s, const struct script_args *a, int64_t d,
    const int64_t *size, size_t n, struct script_value *out)
{
	const char *in[2];
	struct script_tensor *x;
	struct script_value v;
	struct onnx_node *node;
	const char **name;
	int rc;

	if ((rc = script_op_input(s, a, &x, &in[0])) != 0 ||
	    (rc = script_row(s, out)) != 0)
		return rc;
	if (!script_node_axis(&d, x->rank) || n == 0 || n > 64)
		return script_fail(s, a->callee, "%zu parts", n);
	if (size != NULL && (in[1] = script_node_whole(s, size, n)) == NULL)
		return s->e->code;
	node = script_node(s, "Split", n, in, size != NULL ? 2 : 1);
	if (node == NULL || script_node_int(s, node, "axis", d) != 0 ||
	    (size == NULL &&
		script_node_int(s, node, "num_outputs", (int64_t)n) != 0))
		return s->e->code;
	if (size == NULL)
		node->opset = 18;
	name = node->out;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = but_for(s, name[i], x, d, size != NULL ? size[i] : -1, &v);
		if (rc == 0)
			rc = script_row_add(s, out->list, &v);
	}
	return rc;
}

/* Each of `each`, the last of what is left. */
static int
each(struct script *s, const struct script_args *a, int64_t d, int64_t each,
    struct script_value *out)
{
	struct script_tensor *x;
	int64_t size[64], left;
	size_t n = 0;
	int rc;

	if ((rc = script_op_tensor(s, a, 0, &x)) != 0)
		return rc;
	if (!script_node_axis(&d, x->rank) || x->dim[d] < 1 || each < 1 ||
	    each > INT32_MAX || (x->dim[d] + each - 1) / each > 64)
		return script_fail(s, a->callee,
		    "parts of a size that is not known, or more than 64");
	for (left = x->dim[d]; left > 0; left -= each)
		size[n++] = MIN(left, each);
	return parted(s, a, d, size, n, out);
}

SCRIPT_OP(do_chunk)
{
	int64_t n = script_op_int(a, 1, "chunks", 0);
	int64_t d = script_op_int(a, 2, "dim", 0), at = d;
	struct script_tensor *x;
	int rc;

	if ((rc = script_op_tensor(s, a, 0, &x)) != 0)
		return rc;
	if (n < 1 || n > 64 || !script_node_axis(&at, x->rank))
		return script_fail(s, a->callee, "an odd number of parts");
	if (strcmp(op->name, "tensor_split") == 0 &&
	    (x->dim[at] < 0 || x->dim[at] % n != 0))
		return script_fail(s, a->callee, "parts that are not alike");
	if (x->dim[at] > 0)
		return each(s, a, d, (x->dim[at] + n - 1) / n, out);
	return parted(s, a, d, NULL, (size_t)n, out);
}

SCRIPT_OP(do_split)
{
	const struct script_value *v = script_op_arg(a, 1, NULL);
	int64_t d = script_op_int(a, 2, "dim", 0), size[64];
	size_t n;
	int rc;

	(void)op;
	if (v->type == SCRIPT_INT)
		return each(s, a, d, v->i, out);
	if ((rc = script_op_ints(s, a, 1, NULL, size, 64, &n)) != 0)
		return rc;
	return parted(s, a, d, size, n, out);
}

SCRIPT_OP(do_unbind)
{
	struct script_tensor *x;
	struct script_value v;
	int64_t d = script_op_int(a, 1, "dim", 0);
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0)
		return rc;
	if (!script_node_axis(&d, x->rank))
		return script_fail(s, a->callee, "a dimension that is none");
	if (x->dim[d] < 1 || x->dim[d] > 64)
		return script_fail(s, a->callee, "a size that is not known");
	rc = script_row(s, out);
	for (int64_t i = 0; rc == 0 && i < x->dim[d]; i++)
		if ((rc = script_node_select(s, x, d, i, &v)) == 0)
			rc = script_row_add(s, out->list, &v);
	return rc;
}

SCRIPT_OP(do_select)
{
	int64_t d = script_op_int(a, 1, "dim", 99);
	const struct script_value *i = script_op_arg(a, 2, "index");
	struct script_tensor *x;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0)
		return rc;
	if (i->type != SCRIPT_INT)
		return script_fail(s, a->callee, "a place that is not known");
	return script_node_select(s, x, d, i->i, out);
}

/* What Python's x[from:to:step] leaves of a size. */
static int64_t
left_of(int64_t n, int64_t from, int64_t to, int64_t step)
{
	if (n < 0)
		return -1;
	from = MIN(MAX(from < 0 ? from + n : from, 0), n);
	to = MIN(MAX(to < 0 ? to + n : to, 0), n);
	return to > from ? (to - from + step - 1) / step : 0;
}

static int
cut(struct script *s, const struct script_value *v, int64_t d, int64_t from,
    int64_t to, int64_t step, struct script_value *out)
{
	const char *in[5] = {script_node_input(s, v, false)};
	struct onnx_node *n;

	in[1] = script_node_whole(s, &from, 1);
	in[2] = script_node_whole(s, &to, 1);
	in[3] = script_node_whole(s, &d, 1);
	in[4] = script_node_whole(s, &step, 1);
	for (size_t i = 0; i < 5; i++)
		if (in[i] == NULL)
			return s->e->code;
	if ((n = script_node(s, "Slice", 1, in, 5)) == NULL)
		return s->e->code;
	return but_for(s, n->out[0], v->t, d,
	    step < 0 ? v->t->dim[d] : left_of(v->t->dim[d], from, to, step),
	    out);
}

/* slice(x, dim, start, end, step) */
SCRIPT_OP(do_slice)
{
	const struct script_value *from = script_op_arg(a, 2, "start");
	const struct script_value *to = script_op_arg(a, 3, "end");
	int64_t d = script_op_int(a, 1, "dim", 0);
	int64_t step = script_op_int(a, 4, "step", 1);
	struct script_tensor *x;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0)
		return rc;
	if (!script_node_axis(&d, x->rank) || step < 1 || step > INT32_MAX ||
	    (from->type != SCRIPT_NONE && from->type != SCRIPT_INT) ||
	    (to->type != SCRIPT_NONE && to->type != SCRIPT_INT))
		return script_fail(s, a->callee, "ends that are not known");
	if (script_op_int(a, 2, "start", 0) == 0 && step == 1 &&
	    script_op_int(a, 3, "end", INT64_MAX) == INT64_MAX) {
		*out = a->v[0];
		return 0;
	}
	return cut(s, &a->v[0], d, script_op_int(a, 2, "start", 0),
	    script_op_int(a, 3, "end", INT64_MAX), step, out);
}

/* narrow(x, dim, start, length) */
SCRIPT_OP(do_narrow)
{
	int64_t d = script_op_int(a, 1, "dim", 99);
	int64_t from = script_op_int(a, 2, "start", -1);
	int64_t n = script_op_int(a, 3, "length", -1);
	struct script_tensor *x;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0)
		return rc;
	if (!script_node_axis(&d, x->rank) || from < 0 || n < 1 ||
	    from > INT32_MAX || n > INT32_MAX)
		return script_fail(s, a->callee, "ends that are not known");
	return cut(s, &a->v[0], d, from, from + n, 1, out);
}

SCRIPT_OP(do_flip)
{
	int64_t d[MODEL_MAX_RANK];
	struct script_tensor *x;
	struct script_value v;
	size_t n;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0 ||
	    (rc = script_op_ints(s, a, 1, "dims", d, MODEL_MAX_RANK, &n)) != 0)
		return rc;
	*out = a->v[0];
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (!script_node_axis(&d[i], x->rank))
			return script_fail(s, a->callee, "an odd dimension");
		v = *out;
		rc = cut(s, &v, d[i], -1, INT64_MIN + 1, -1, out);
	}
	return rc;
}

/* roll(x, shifts, dims) */
SCRIPT_OP(do_roll)
{
	int64_t by[MODEL_MAX_RANK], d[MODEL_MAX_RANK];
	struct script_tensor *x;
	struct script_value v = a->v[0], part, row;
	size_t n, m;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0 ||
	    (rc = script_op_ints(s, a, 1, "shifts", by, MODEL_MAX_RANK, &n)) !=
		0 ||
	    (rc = script_op_ints(s, a, 2, "dims", d, MODEL_MAX_RANK, &m)) != 0)
		return rc;
	if (n != m || n == 0)
		return script_fail(s, a->callee, "over all dimensions");
	for (size_t i = 0; i < n; i++) {
		if (!script_node_axis(&d[i], x->rank) || by[i] == INT64_MIN ||
		    (x->dim[d[i]] >= 0 &&
			(by[i] >= x->dim[d[i]] || -by[i] >= x->dim[d[i]])))
			return script_fail(s, a->callee, "an odd shift");
		if (by[i] == 0)
			continue;
		if ((rc = script_row(s, &row)) != 0 ||
		    (rc = cut(s, &v, d[i], -by[i], INT64_MAX, 1, &part)) != 0 ||
		    (rc = script_row_add(s, row.list, &part)) != 0 ||
		    (rc = cut(s, &v, d[i], 0, -by[i], 1, &part)) != 0 ||
		    (rc = script_row_add(s, row.list, &part)) != 0 ||
		    (rc = joined(s, a, row.list, d[i], &part)) != 0)
			return rc;
		v = part;
	}
	*out = v;
	return 0;
}

/* --- by a tensor --------------------------------------------------------- */

static int
taken(struct script *s, const struct script_args *a, const char *op, int64_t d,
    const struct script_value *by, struct script_value *out)
{
	struct script_tensor *x;
	const char *in[2];
	struct onnx_node *n;
	size_t rank = 0;
	int rc;

	if ((rc = script_op_input(s, a, &x, &in[0])) != 0)
		return rc;
	if (by->type != SCRIPT_TENSOR || !by->t->whole || by->t->truth ||
	    !script_node_axis(&d, x->rank) ||
	    x->rank + by->t->rank > MODEL_MAX_RANK + 1)
		return script_fail(s, a->callee, "by what are no places");
	if ((in[1] = script_node_input(s, by, true)) == NULL ||
	    (n = script_node(s, op, 1, in, 2)) == NULL ||
	    script_node_int(s, n, "axis", d) != 0)
		return s->e->code;
	if (op[6] != '\0') { /* GatherElements */
		rc = script_node_like(s, n->out[0], by->t, out);
		if (rc == 0) {
			out->t->whole = x->whole;
			out->t->truth = x->truth;
		}
		return rc;
	}
	rc = script_node_value(s, n->out[0], x->rank - 1 + by->t->rank, out);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < (size_t)d; i++)
		out->t->dim[rank++] = x->dim[i];
	for (size_t i = 0; i < by->t->rank; i++)
		out->t->dim[rank++] = by->t->dim[i];
	for (size_t i = (size_t)d + 1; i < x->rank; i++)
		out->t->dim[rank++] = x->dim[i];
	out->t->whole = x->whole;
	out->t->truth = x->truth;
	return 0;
}

/* x[:, i] with one tensor of places */
SCRIPT_OP(do_index)
{
	const struct script_value *l = script_op_arg(a, 1, "indices");
	size_t at = SIZE_MAX;

	if (l->type != SCRIPT_ROW)
		return script_fail(s, a->callee, "by no list");
	for (size_t i = 0; i < l->list->n; i++) {
		if (l->list->v[i].type == SCRIPT_NONE)
			continue;
		if (at != SIZE_MAX)
			return script_fail(s, a->callee, "by several tensors");
		at = i;
	}
	if (at == SIZE_MAX)
		return script_fail(s, a->callee, "by no tensor");
	return taken(s, a, op->onnx, (int64_t)at, &l->list->v[at], out);
}

SCRIPT_OP(do_index_select)
{
	return taken(s, a, op->onnx, script_op_int(a, 1, "dim", 99),
	    script_op_arg(a, 2, "index"), out);
}

SCRIPT_OP(do_gather)
{
	return taken(s, a, op->onnx, script_op_int(a, 1, "dim", 99),
	    script_op_arg(a, 2, "index"), out);
}

SCRIPT_OP(do_glu)
{
	static const char *const none[] = {NULL, NULL, NULL};
	struct script_value v[3] = {a->v[0], {.type = SCRIPT_INT, .i = 2},
	    {.type = SCRIPT_INT, .i = script_op_int(a, 1, "dim", -1)}};
	struct script_args b = {v, none, 3, a->callee, NULL};
	static const struct script_op part = {.name = "chunk"};
	struct script_value row;
	int rc = do_chunk(s, &b, &part, &row);

	(void)op;
	if (rc != 0)
		return rc;
	if (row.list->n != 2)
		return script_fail(s, a->callee, "of no halves");
	return script_node_like(s,
	    script_node_two(s, "Mul", row.list->v[0].t->name,
		script_node_one(s, "Sigmoid", row.list->v[1].t->name)),
	    row.list->v[0].t, out);
}

/* By PyTorch's names; ONNX's operator, or what tells those of one
 * function apart. */
const struct script_op script_op_part[] = {
    {"glu", "", do_glu},
    {"cat", "Concat", do_cat},
    {"concat", "Concat", do_cat},
    {"stack", "Concat", do_stack},
    {"chunk", "Split", do_chunk},
    {"split", "Split", do_split},
    {"split_with_sizes", "Split", do_split},
    {"tensor_split", "Split", do_chunk},
    {"unbind", "", do_unbind},
    {"select", "Gather", do_select},
    {"slice", "Slice", do_slice},
    {"narrow", "Slice", do_narrow},
    {"index", "Gather", do_index},
    {"index_select", "Gather", do_index_select},
    {"gather", "GatherElements", do_gather},
    {"roll", "Slice", do_roll},
    {"flip", "Slice", do_flip},
    {NULL, NULL, NULL},
};
