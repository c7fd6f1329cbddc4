/* SPDX-License-Identifier: MIT
 * Slice, Split, Concat, Transpose: numbers moved, none computed.  Each says
 * once where its elements come from, as a box; the kernels and `eval` move
 * floats and known numbers along it.
 */
#include "base/limits.h"
#include "engine/move.h"

/* --- Slice, Split --------------------------------------------------------------- */

struct cut {
	size_t from[MODEL_MAX_RANK], n[MODEL_MAX_RANK];
	int64_t step[MODEL_MAX_RANK];
};

static void
cut_nothing(struct cut *c, const struct shape *x)
{
	for (size_t i = 0; i < x->rank; i++) {
		c->from[i] = 0;
		c->step[i] = 1;
		c->n[i] = x->dim[i];
	}
}

/* One axis (ONNX Slice-13): negative indices count from the end, clamped. */
static int
cut_axis(const struct step *s, struct cut *c, size_t k, size_t dim,
    const int64_t bound[3], struct err *e)
{
	int64_t len = (int64_t)dim, by = bound[2], lo, hi, n;

	if (by == 0 || by < -INT32_MAX || by > INT32_MAX)
		return op_bad(s, e, "step %" PRId64, by);
	lo = bound[0] < 0 ? MAX(bound[0], -len) + len : bound[0];
	hi = bound[1] < 0 ? MAX(bound[1], -len - 1) + len : bound[1];
	lo = MIN(lo, by > 0 ? len : len - 1);
	hi = MIN(hi, len);
	if (by > 0)
		hi = MAX(hi, 0);
	n = by > 0 ? (hi - lo + by - 1) / by : (lo - hi - by - 1) / -by;
	if ((by > 0 && hi <= lo) || (by < 0 && lo <= hi))
		n = 0;
	c->from[k] = n > 0 ? (size_t)lo : 0;
	c->step[k] = by;
	c->n[k] = (size_t)n;
	return 0;
}

static int
slice_cut(const struct step *s, const struct shape *const *in, struct cut *c,
    struct err *e)
{
	static const char *const name[] = {"starts", "ends", "axes", "steps"};
	int64_t v[4][MODEL_MAX_RANK];
	const struct shape *x = in[0];
	size_t n[4], k = 0;
	int rc;

	for (size_t i = 0; i < 4; i++) {
		rc = op_ints(s, in, name[i], i + 1, x->rank, v[i], &n[i], e);
		if (rc != 0)
			return rc;
		if (n[i] != n[0] && (i < 2 || n[i] != SIZE_MAX))
			return op_bad(
			    s, e, "%zu starts, %zu %s", n[0], n[i], name[i]);
	}
	if (n[0] == SIZE_MAX)
		return op_bad(s, e, "no starts");
	cut_nothing(c, x);
	for (size_t i = 0; i < n[0]; i++) {
		int64_t axis = n[2] != SIZE_MAX ? v[2][i] : (int64_t)i;
		int64_t by = n[3] != SIZE_MAX ? v[3][i] : 1;

		if ((rc = op_axis(s, axis, x->rank, &k, e)) != 0 ||
		    (rc = cut_axis(s, c, k, x->dim[k],
			 (int64_t[]){v[0][i], v[1][i], by}, e)) != 0)
			return rc;
	}
	return 0;
}

/* Split: step->which is the part. */
static int
split_cut(const struct step *s, const struct shape *const *in, struct cut *c,
    struct err *e)
{
	size_t parts = s->node->nout, n, axis = 0, each;
	int64_t size[LIMIT_SPLIT];
	const struct shape *x = in[0];
	uint64_t at = 0;
	int rc;

	rc = op_axis(s, node_int(s->node, "axis", 0), x->rank, &axis, e);
	if (rc != 0 ||
	    (rc = op_ints(s, in, "split", 1, LIMIT_SPLIT, size, &n, e)) != 0)
		return rc;
	if (parts > LIMIT_SPLIT || (n != SIZE_MAX && n != parts))
		return op_bad(s, e, "%zu parts, %zu outputs", n, parts);
	each = (x->dim[axis] + parts - 1) / parts; /* the last may be less */
	for (size_t i = 0; i < parts; i++) {
		if (n == SIZE_MAX)
			size[i] = (int64_t)MIN(each, x->dim[axis] - at);
		if (size[i] < 0 || (uint64_t)size[i] > x->dim[axis] - at)
			return op_bad(s, e, "parts of %zu", x->dim[axis]);
		if (i == s->which)
			break;
		at += (uint64_t)size[i];
	}
	cut_nothing(c, x);
	c->from[axis] = (size_t)at;
	c->n[axis] = (size_t)size[s->which];
	return 0;
}

static int
cut_of(const struct step *s, const struct shape *const *in, struct cut *c,
    struct err *e)
{
	return (s->op == &op_split ? split_cut : slice_cut)(s, in, c, e);
}

static int
cut_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	struct cut c;
	int rc;

	(void)need;
	if ((rc = cut_of(s, in, &c, e)) != 0)
		return rc;
	*out = *in[0];
	memcpy(out->dim, c.n, out->rank * sizeof(*out->dim));
	return 0;
}

static struct box
cut_box(const struct step *s, const struct shape *const *in,
    const struct shape *out, bool rows)
{
	struct box b = {.rank = out->rank};
	struct cut c;
	struct err e;

	if (cut_of(s, in, &c, &e) != 0)
		BUG(e.msg);
	box_strides(&b.from, in[0], rows);
	box_strides(&b.to, out, rows);
	for (size_t i = 0; i < b.rank; i++) {
		b.dim[i] = c.n[i];
		b.from.base += c.from[i] * (size_t)b.from.stride[i];
		b.from.stride[i] *= (ptrdiff_t)c.step[i];
	}
	return b;
}

const struct op op_slice = {
    .name = "Slice",
    .min_in = 1,
    .max_in = 5,
    .layout = OP_ANY,
    .ints = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4,
    .flags = OP_MOVES,
    .infer = cut_infer,
    .eval = move_eval,
    .move = cut_box,
    .forward = move_forward,
    .backward = move_backward,
};

const struct op op_split = {
    .name = "Split",
    .min_in = 1,
    .max_in = 2,
    .outs = LIMIT_SPLIT,
    .layout = OP_ANY,
    .ints = 1 << 1,
    .flags = OP_MOVES,
    .infer = cut_infer,
    .eval = move_eval,
    .move = cut_box,
    .forward = move_forward,
    .backward = move_backward,
};

/* --- Concat -------------------------------------------------------------- */

static int
concat_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	size_t axis = 0, n = 0;
	int rc;

	(void)need;
	if (in[0] == NULL)
		return op_bad(s, e, "input 0 is absent");
	rc = op_axis(s, node_int(s->node, "axis", 0), in[0]->rank, &axis, e);
	if (rc != 0)
		return rc;
	*out = *in[0];
	for (size_t i = 0; i < s->nin; i++) {
		if (in[i] == NULL || in[i]->rank != out->rank)
			return op_bad(s, e, "input %zu does not fit", i);
		if (in[i]->layout == LAYOUT_LAST)
			out->layout = LAYOUT_LAST;
		for (size_t k = 0; k < out->rank; k++)
			if (k != axis && in[i]->dim[k] != out->dim[k])
				return op_bad(s, e, "sizes %zu and %zu on %s",
				    out->dim[k], in[i]->dim[k], "another axis");
		if (ckd_add(&n, n, in[i]->dim[axis]))
			return op_bad(s, e, "the output is too large");
	}
	out->dim[axis] = n;
	return 0;
}

/* From input i's elements to their place, `at` on the axis, in the output. */
static struct box
concat_box(const struct shape *x, const struct shape *y, size_t axis, size_t at,
    bool rows)
{
	struct box b = {.rank = y->rank};

	memcpy(b.dim, x->dim, sizeof(b.dim));
	box_strides(&b.from, x, rows);
	box_strides(&b.to, y, rows);
	b.to.base = at * (size_t)b.to.stride[axis];
	return b;
}

static size_t
concat_axis(const struct step *s, const struct shape *y)
{
	size_t axis = 0;
	struct err e;

	if (op_axis(s, node_int(s->node, "axis", 0), y->rank, &axis, &e) != 0)
		BUG(e.msg);
	return axis;
}

static int
concat_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	size_t axis = concat_axis(s, out), at = 0;

	(void)e;
	for (size_t i = 0; i < s->nin; i++) {
		struct box b = concat_box(in[i], out, axis, at, true);

		box_numbers(&b, in[i]->known, v);
		at += in[i]->dim[axis];
	}
	return 0;
}

static void
concat_forward(const struct op_call *c)
{
	size_t axis = concat_axis(c->step, c->shape_out), at = 0;

	for (size_t i = 0; i < c->step->nin; i++) {
		struct box b =
		    concat_box(c->shape_in[i], c->shape_out, axis, at, false);

		box_move(&b, c->in[i], c->out, 1.0f, false);
		at += c->shape_in[i]->dim[axis];
	}
}

static void
concat_backward(const struct op_call *c)
{
	size_t axis = concat_axis(c->step, c->shape_out), at = 0;

	for (size_t i = 0; i < c->step->nin; i++) {
		struct box b =
		    concat_box(c->shape_in[i], c->shape_out, axis, at, false);
		struct box t = box_turned(&b);

		if (c->din[i] != NULL)
			box_move(&t, c->dout, c->din[i], 1.0f, c->add[i]);
		at += c->shape_in[i]->dim[axis];
	}
}

const struct op op_concat = {
    .name = "Concat",
    .min_in = 1,
    .max_in = LIMIT_STEP_ARITY,
    .layout = OP_ANY,
    .weights = UINT32_MAX, /* the class token of a vision transformer */
    .flags = OP_MOVES | OP_OPERAND,
    .infer = concat_infer,
    .eval = concat_eval,
    .forward = concat_forward,
    .backward = concat_backward,
};

/* --- Transpose ----------------------------------------------------------- */

static int
transpose_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	const struct attr *perm = node_attr(s->node, "perm");
	size_t rank = in[0]->rank, k = 0;
	bool seen[MODEL_MAX_RANK] = {false};
	int rc;

	(void)need;
	if (perm != NULL && (perm->kind != ATTR_INTS || perm->n != rank))
		return op_bad(s, e, "%zu axes of rank %zu", perm->n, rank);
	*out = (struct shape){.rank = rank};
	for (size_t i = 0; i < rank; i++) {
		int64_t axis =
		    perm != NULL ? perm->ints[i] : (int64_t)(rank - 1 - i);

		if ((rc = op_axis(s, axis, rank, &k, e)) != 0)
			return rc;
		if (seen[k])
			return op_bad(s, e, "axis %zu twice", k);
		seen[k] = true;
		out->dim[i] = in[0]->dim[k];
	}
	return 0;
}

static struct box
transpose_box(const struct step *s, const struct shape *const *in,
    const struct shape *y, bool rows)
{
	const struct attr *perm = node_attr(s->node, "perm");
	struct box b = {.rank = y->rank};
	struct box_side from;

	box_strides(&from, in[0], rows);
	box_strides(&b.to, y, rows);
	for (size_t i = 0; i < b.rank; i++) {
		int64_t k =
		    perm != NULL ? perm->ints[i] : (int64_t)(b.rank - 1 - i);

		b.dim[i] = y->dim[i];
		b.from.stride[i] = from.stride[k < 0 ? k + (int64_t)b.rank : k];
	}
	return b;
}

const struct op op_transpose = {
    .name = "Transpose",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ANY_TO_ROWS,
    .flags = OP_MOVES,
    .infer = transpose_infer,
    .eval = move_eval,
    .move = transpose_box,
    .forward = move_forward,
    .backward = move_backward,
};
