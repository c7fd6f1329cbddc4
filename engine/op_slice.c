/* SPDX-License-Identifier: MIT
 * Slice (constant bounds, steps of 1 and more), Concat, Transpose: numbers
 * moved, none computed.  On shape arithmetic Slice and Concat fold.
 */
#include "base/limits.h"
#include "engine/box.h"
#include "engine/op.h"

static int
axis_of(
    const struct step *s, int64_t axis, size_t rank, size_t *out, struct err *e)
{
	if (axis < 0)
		axis += (int64_t)rank;
	if (axis < 0 || axis >= (int64_t)rank)
		return op_bad(s, e, "axis %" PRId64 " of rank %zu", axis, rank);
	*out = (size_t)axis;
	return 0;
}

static int64_t *
ints(const struct step *s, size_t n, struct arena *a, struct err *e)
{
	int64_t *v =
	    n <= LIMIT_SHAPE_INTS ? arena_alloc(a, n + 1, sizeof(*v)) : NULL;

	if (v == NULL)
		(void)op_bad(s, e, "%zu integers", n);
	return v;
}

/* --- Slice --------------------------------------------------------------- */

struct cut {
	size_t from[MODEL_MAX_RANK], step[MODEL_MAX_RANK];
	size_t n[MODEL_MAX_RANK];
};

/* What index v of an axis means: from the end when negative, clamped. */
static int64_t
bounded(int64_t v, int64_t len)
{
	v = v < 0 ? MAX(v, -len) + len : v;
	return MIN(v, len);
}

static const int64_t *
list(const struct step *s, const char *name, size_t *n)
{
	const struct attr *a = node_attr(s->node, name);

	*n = a != NULL && a->kind == ATTR_INTS ? a->n : 0;
	return *n != 0 ? a->ints : NULL;
}

static int
slice_cut(
    const struct step *s, const struct shape *x, struct cut *c, struct err *e)
{
	size_t n, m, nstep, naxis;
	const int64_t *start = list(s, "starts", &n),
		      *end = list(s, "ends", &m);
	const int64_t *step = list(s, "steps", &nstep);
	const int64_t *axes = list(s, "axes", &naxis);
	int rc;

	if (n == 0 || n > x->rank || m != n || (nstep != 0 && nstep != n) ||
	    (naxis != 0 && naxis != n))
		return op_bad(s, e, "bounds are computed or missing");
	for (size_t i = 0; i < x->rank; i++) {
		c->from[i] = 0;
		c->step[i] = 1;
		c->n[i] = x->dim[i];
	}
	for (size_t i = 0; i < n; i++) {
		int64_t by = step != NULL ? step[i] : 1, lo, hi;
		size_t k = 0;

		rc = axis_of(
		    s, axes != NULL ? axes[i] : (int64_t)i, x->rank, &k, e);
		if (rc != 0)
			return rc;
		if (by < 1 || by > INT32_MAX)
			return op_bad(s, e, "step %" PRId64, by);
		lo = bounded(start[i], (int64_t)x->dim[k]);
		hi = MAX(lo, bounded(end[i], (int64_t)x->dim[k]));
		c->from[k] = (size_t)lo;
		c->step[k] = (size_t)by;
		c->n[k] = (size_t)((hi - lo + by - 1) / by);
	}
	return 0;
}

static int
slice_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	struct cut c;
	int rc;

	(void)need;
	if ((rc = slice_cut(s, in[0], &c, e)) != 0)
		return rc;
	*out = *in[0];
	memcpy(out->dim, c.n, out->rank * sizeof(*out->dim));
	return 0;
}

static int
slice_fold(const struct step *s, const struct shape *const *in,
    struct shape *out, struct arena *a, struct err *e)
{
	struct cut c;
	int64_t *v;
	int rc;

	if (in[0]->known == NULL)
		return 0;
	if (in[0]->rank != 1)
		return op_bad(s, e, "integers of rank %zu", in[0]->rank);
	if ((rc = slice_cut(s, in[0], &c, e)) != 0)
		return rc;
	if ((v = ints(s, c.n[0], a, e)) == NULL)
		return ERR_FORMAT;
	for (size_t i = 0; i < c.n[0]; i++)
		v[i] = in[0]->known[c.from[0] + i * c.step[0]];
	out->known = v;
	return 0;
}

/* From the input's elements to the output's. */
static struct box
slice_box(const struct op_call *c)
{
	struct box b = {.rank = c->shape_out->rank};
	size_t stride[MODEL_MAX_RANK];
	struct cut cut;
	struct err e;

	if (slice_cut(c->step, c->shape_in[0], &cut, &e) != 0)
		BUG(e.msg);
	shape_strides(c->shape_in[0], stride);
	shape_strides(c->shape_out, b.to.stride);
	for (size_t i = 0; i < b.rank; i++) {
		b.dim[i] = cut.n[i];
		b.from.base += cut.from[i] * stride[i];
		b.from.stride[i] = cut.step[i] * stride[i];
	}
	return b;
}

static void
slice_forward(const struct op_call *c)
{
	struct box b = slice_box(c);

	box_move(&b, c->in[0], c->out, 1.0f, false);
}

static void
slice_backward(const struct op_call *c)
{
	struct box b = slice_box(c), t = box_turned(&b);

	if (!c->add[0])
		memset(c->din[0], 0,
		    shape_elements(c->shape_in[0]) * sizeof(*c->din[0]));
	box_move(&t, c->dout, c->din[0], 1.0f, true);
}

const struct op op_slice = {
    .name = "Slice",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ANY,
    .infer = slice_infer,
    .fold = slice_fold,
    .forward = slice_forward,
    .backward = slice_backward,
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
	rc = axis_of(s, node_int(s->node, "axis", 0), in[0]->rank, &axis, e);
	if (rc != 0)
		return rc;
	*out = *in[0];
	for (size_t i = 0; i < s->nin; i++) {
		if (in[i] == NULL || in[i]->rank != out->rank ||
		    in[i]->layout != out->layout)
			return op_bad(s, e, "input %zu does not fit", i);
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

static int
concat_fold(const struct step *s, const struct shape *const *in,
    struct shape *out, struct arena *a, struct err *e)
{
	int64_t *v;

	for (size_t i = 0; i < s->nin; i++)
		if (in[i]->known == NULL)
			return 0;
	if (out->rank != 1)
		return op_bad(s, e, "integers of rank %zu", out->rank);
	if ((v = ints(s, out->dim[0], a, e)) == NULL)
		return ERR_FORMAT;
	out->known = v;
	for (size_t i = 0; i < s->nin; i++) {
		memcpy(v, in[i]->known, in[i]->dim[0] * sizeof(*v));
		v += in[i]->dim[0];
	}
	return 0;
}

/* From input i's elements to their place, `at` on the axis, in the output. */
static struct box
concat_box(const struct op_call *c, size_t i, size_t axis, size_t at)
{
	struct box b = {.rank = c->shape_out->rank};

	memcpy(b.dim, c->shape_in[i]->dim, sizeof(b.dim));
	shape_strides(c->shape_in[i], b.from.stride);
	shape_strides(c->shape_out, b.to.stride);
	b.to.base = at * b.to.stride[axis];
	return b;
}

static size_t
concat_axis(const struct op_call *c)
{
	size_t axis = 0;
	struct err e;

	if (axis_of(c->step, node_int(c->step->node, "axis", 0),
		c->shape_out->rank, &axis, &e) != 0)
		BUG(e.msg);
	return axis;
}

static void
concat_forward(const struct op_call *c)
{
	size_t axis = concat_axis(c), at = 0;

	for (size_t i = 0; i < c->step->nin; i++) {
		struct box b = concat_box(c, i, axis, at);

		box_move(&b, c->in[i], c->out, 1.0f, false);
		at += c->shape_in[i]->dim[axis];
	}
}

static void
concat_backward(const struct op_call *c)
{
	size_t axis = concat_axis(c), at = 0;

	for (size_t i = 0; i < c->step->nin; i++) {
		struct box b = concat_box(c, i, axis, at);
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
    .infer = concat_infer,
    .fold = concat_fold,
    .forward = concat_forward,
    .backward = concat_backward,
};

/* --- Transpose ----------------------------------------------------------- */

static int
transpose_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	size_t rank = in[0]->rank, n;
	const int64_t *perm = list(s, "perm", &n);
	bool seen[MODEL_MAX_RANK] = {false};

	(void)need;
	if (n != 0 && n != rank)
		return op_bad(s, e, "%zu axes of rank %zu", n, rank);
	*out = (struct shape){.rank = rank};
	for (size_t i = 0; i < rank; i++) {
		int64_t k = perm != NULL ? perm[i] : (int64_t)(rank - 1 - i);

		if (k < 0 || k >= (int64_t)rank || seen[k])
			return op_bad(s, e, "axis %" PRId64, k);
		seen[k] = true;
		out->dim[i] = in[0]->dim[k];
	}
	return 0;
}

static struct box
transpose_box(const struct op_call *c)
{
	struct box b = {.rank = c->shape_out->rank};
	size_t stride[MODEL_MAX_RANK], n;
	const int64_t *perm = list(c->step, "perm", &n);

	shape_strides(c->shape_in[0], stride);
	shape_strides(c->shape_out, b.to.stride);
	for (size_t i = 0; i < b.rank; i++) {
		b.dim[i] = c->shape_out->dim[i];
		b.from.stride[i] =
		    stride[perm != NULL ? (size_t)perm[i] : b.rank - 1 - i];
	}
	return b;
}

static void
transpose_forward(const struct op_call *c)
{
	struct box b = transpose_box(c);

	box_move(&b, c->in[0], c->out, 1.0f, false);
}

static void
transpose_backward(const struct op_call *c)
{
	struct box b = transpose_box(c), t = box_turned(&b);

	box_move(&t, c->dout, c->din[0], 1.0f, c->add[0]);
}

const struct op op_transpose = {
    .name = "Transpose",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ANY_TO_ROWS,
    .infer = transpose_infer,
    .forward = transpose_forward,
    .backward = transpose_backward,
};
