/* SPDX-License-Identifier: MIT
 * Gather with indices known when the plan is made, and Cast.
 */
#include "engine/box.h"
#include "engine/op.h"

#include <math.h>

/* --- Gather -------------------------------------------------------------- */

static int
gather_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	const struct shape *x = in[0], *index = in[1];
	size_t axis = 0, rank = x->rank + index->rank;
	int64_t len;
	int rc;

	(void)need;
	rc = op_axis(s, node_int(s->node, "axis", 0), x->rank, &axis, e);
	if (rc != 0)
		return rc;
	if (index->known == NULL || shape_real(index))
		return op_bad(s, e, "the indices depend on the image");
	if (rank - 1 > MODEL_MAX_RANK)
		return op_bad(s, e, "rank %zu", rank - 1);
	*out = (struct shape){0};
	for (size_t i = 0; i < axis; i++)
		out->dim[out->rank++] = x->dim[i];
	for (size_t i = 0; i < index->rank; i++)
		out->dim[out->rank++] = index->dim[i];
	for (size_t i = axis + 1; i < x->rank; i++)
		out->dim[out->rank++] = x->dim[i];
	len = (int64_t)x->dim[axis];
	for (size_t i = 0; i < shape_elements(index); i++)
		if (index->known[i].i < -len || index->known[i].i >= len)
			return op_bad(s, e, "index %" PRId64 " of %" PRId64,
			    index->known[i].i, len);
	return 0;
}

/*
 * Index i of the axis: from a slab of the input to a slab of the output.  The
 * output's axes are those of the input with the indices' in place of one.
 */
static struct box
gather_box(const struct step *s, const struct shape *const *in,
    const struct shape *out, size_t i, bool rows)
{
	const struct shape *x = in[0];
	struct box b = {.rank = x->rank};
	struct box_side to;
	int64_t k = in[1]->known[i].i;
	size_t axis = 0, run = 1;
	struct err e;

	if (op_axis(s, node_int(s->node, "axis", 0), x->rank, &axis, &e) != 0)
		BUG(e.msg);
	box_strides(&b.from, x, rows);
	box_strides(&to, out, true); /* the output is row-major */
	for (size_t d = 0; d < x->rank; d++) {
		b.dim[d] = d == axis ? 1 : x->dim[d];
		if (d < axis)
			b.to.stride[d] = to.stride[d];
		else if (d > axis)
			b.to.stride[d] = to.stride[d + in[1]->rank - 1];
	}
	for (size_t d = axis + 1; d < x->rank; d++)
		run *= x->dim[d];
	k += k < 0 ? (int64_t)x->dim[axis] : 0;
	b.from.base = (size_t)k * (size_t)b.from.stride[axis];
	b.to.base = i * run;
	return b;
}

static int
gather_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < shape_elements(in[1]); i++) {
		struct box b = gather_box(s, in, out, i, true);

		box_numbers(&b, in[0]->known, v);
	}
	return 0;
}

static void
gather_forward(const struct op_call *c)
{
	for (size_t i = 0; i < shape_elements(c->shape_in[1]); i++) {
		struct box b =
		    gather_box(c->step, c->shape_in, c->shape_out, i, false);

		box_move(&b, c->in[0], c->out, 1.0f, false);
	}
}

static void
gather_backward(const struct op_call *c)
{
	if (!c->add[0])
		memset(c->din[0], 0,
		    shape_elements(c->shape_in[0]) * sizeof(*c->din[0]));
	for (size_t i = 0; i < shape_elements(c->shape_in[1]); i++) {
		struct box b =
		    gather_box(c->step, c->shape_in, c->shape_out, i, false);
		struct box t = box_turned(&b);

		box_move(&t, c->dout, c->din[0], 1.0f, true);
	}
}

const struct op op_gather = {
    .name = "Gather",
    .min_in = 2,
    .max_in = 2,
    .layout = OP_ANY_TO_ROWS,
    .ints = 1 << 1,
    .flags = OP_MOVES,
    .infer = gather_infer,
    .eval = gather_eval,
    .forward = gather_forward,
    .backward = gather_backward,
};

/* --- Cast ---------------------------------------------------------------- */

/* ONNX's number of a type; half floats are computed with as floats. */
static int
cast_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	(void)need;
	*out = *in[0];
	out->known = NULL;
	switch (node_int(s->node, "to", 0)) {
	case 1:
	case 10:
	case 16:
		out->type = DTYPE_F32;
		return 0;
	case 2:
	case 3:
	case 5:
	case 6:
		out->type = DTYPE_I32;
		return 0;
	case 7:
		out->type = DTYPE_I64;
		return 0;
	case 9:
		out->type = DTYPE_BOOL;
		return 0;
	case 11:
		out->type = DTYPE_F64;
		return 0;
	default:
		return op_bad(
		    s, e, "to type %" PRId64, node_int(s->node, "to", 0));
	}
}

static int
cast_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	bool from = shape_real(in[0]), to = shape_real(out);

	for (size_t i = 0; i < shape_elements(out); i++) {
		union number x = in[0]->known[i];

		if (from == to)
			v[i] = x;
		else if (to)
			v[i].f = (double)x.i;
		else if (out->type == DTYPE_BOOL)
			v[i].i = x.f != 0.0;
		else if (x.f > -0x1p62 && x.f < 0x1p62)
			v[i].i = (int64_t)x.f;
		else
			return op_bad(s, e, "%g is no integer", x.f);
	}
	return 0;
}

static void
cast_forward(const struct op_call *c)
{
	bool from = shape_real(c->shape_in[0]), to = shape_real(c->shape_out);

	for (size_t i = 0; i < shape_elements(c->shape_out); i++) {
		float x = c->in[0][i];

		if (c->shape_out->type == DTYPE_BOOL)
			x = x != 0.0f ? 1.0f : 0.0f;
		c->out[i] = from && !to ? truncf(x) : x;
	}
}

static void
cast_backward(const struct op_call *c)
{
	bool flat = !shape_real(c->shape_out);

	for (size_t i = 0; i < shape_elements(c->shape_out); i++) {
		float d = flat ? 0.0f : c->dout[i];

		c->din[0][i] = c->add[0] ? c->din[0][i] + d : d;
	}
}

const struct op op_cast = {
    .name = "Cast",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ANY,
    .flags = OP_TYPED | OP_MOVES,
    .infer = cast_infer,
    .eval = cast_eval,
    .forward = cast_forward,
    .backward = cast_backward,
};
