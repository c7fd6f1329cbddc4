/* SPDX-License-Identifier: MIT
 * Pad on any axes, by a constant, the edge, a reflection, or the other end;
 * negative pads crop.  Each axis of the output is cut into runs that come
 * from one stretch of the input, and a box is moved for each combination.
 */
#include "base/limits.h"
#include "engine/box.h"
#include "engine/op.h"

enum mode {
	MODE_CONSTANT,
	MODE_EDGE,
	MODE_REFLECT,
	MODE_WRAP
};

/* Pads per axis, in the order of the axes. */
struct pad {
	enum mode mode;
	int64_t before[MODEL_MAX_RANK], after[MODEL_MAX_RANK];
	union number value;
};

static int
pad_mode(const struct step *s, struct pad *p, struct err *e)
{
	static const char *const name[] = {
	    "constant", "edge", "reflect", "wrap"};
	const struct attr *a = node_attr(s->node, "mode");

	for (size_t i = 0; i < ARRAY_LEN(name); i++)
		if (a == NULL ||
		    (a->kind == ATTR_TEXT && strcmp(a->s, name[i]) == 0)) {
			p->mode = (enum mode)i;
			return 0;
		}
	return op_bad(s, e, "unknown mode");
}

/* The number that is padded with, in the type of the data. */
static int
pad_value(const struct step *s, const struct shape *const *in, struct pad *p,
    struct err *e)
{
	const struct shape *x = s->nin > 2 ? in[2] : NULL;
	double v = node_real(s->node, "value", 0.0);

	if (x != NULL && x->known == NULL)
		return op_bad(s, e, "the value depends on the image");
	if (x != NULL &&
	    (shape_elements(x) != 1 || shape_real(x) != shape_real(in[0])))
		return op_bad(s, e, "the value is no number of the type");
	if (x != NULL)
		p->value = x->known[0];
	else if (shape_real(in[0]))
		p->value.f = v;
	else if (v > -0x1p62 && v < 0x1p62)
		p->value.i = (int64_t)v;
	return 0;
}

static int
pad_sizes(const struct step *s, const struct shape *const *in, struct pad *p,
    struct err *e)
{
	int64_t pads[2 * MODEL_MAX_RANK], axes[MODEL_MAX_RANK];
	const struct shape *x = in[0];
	size_t n, np, k = 0;
	int rc;

	*p = (struct pad){0};
	if ((rc = pad_mode(s, p, e)) != 0 ||
	    (rc = pad_value(s, in, p, e)) != 0 ||
	    (rc = op_ints(s, in, "axes", 3, x->rank, axes, &n, e)) != 0 ||
	    (rc = op_ints(s, in, "pads", 1, 2 * x->rank, pads, &np, e)) != 0)
		return rc;
	for (size_t i = 0; n == SIZE_MAX && i < x->rank; i++)
		axes[i] = (int64_t)i;
	n = MIN(n, x->rank);
	if (np != 2 * n)
		return op_bad(s, e, "%zu pads for %zu axes", np, n);
	for (size_t i = 0; i < n; i++) {
		int64_t lo = pads[i], hi = pads[n + i];

		if ((rc = op_axis(s, axes[i], x->rank, &k, e)) != 0)
			return rc;
		if (lo < -LIMIT_IMAGE_SIDE || lo > LIMIT_IMAGE_SIDE ||
		    hi < -LIMIT_IMAGE_SIDE || hi > LIMIT_IMAGE_SIDE)
			return op_bad(
			    s, e, "pads %" PRId64 " and %" PRId64, lo, hi);
		p->before[k] = lo;
		p->after[k] = hi;
	}
	return 0;
}

static int
pad_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	struct pad p;
	int rc;

	(void)need;
	if ((rc = pad_sizes(s, in, &p, e)) != 0)
		return rc;
	*out = *in[0];
	out->known = NULL;
	for (size_t i = 0; i < out->rank; i++) {
		int64_t n = (int64_t)MIN(in[0]->dim[i], INT32_MAX);

		if (p.before[i] == 0 && p.after[i] == 0)
			continue;
		/* crops may not reach beyond the other end */
		if (n < 1 || n == INT32_MAX ||
		    n + p.before[i] + p.after[i] < 1 || n + p.before[i] < 1 ||
		    n + p.after[i] < 1)
			return op_bad(s, e, "nothing is left of axis %zu", i);
		out->dim[i] = (size_t)(n + p.before[i] + p.after[i]);
	}
	return 0;
}

/* Where a run of the output comes from, unless it is the constant. */
struct run {
	size_t n;
	int64_t from;
	ptrdiff_t step;
	bool outside;
};

/* From output index o on, on an axis of `dim` that has `before` in front. */
static struct run
run_at(enum mode mode, size_t o, size_t dim, int64_t before)
{
	int64_t len = (int64_t)dim, i = (int64_t)o - before, turn;

	if (mode == MODE_CONSTANT || mode == MODE_EDGE) {
		bool outside = mode == MODE_CONSTANT;

		if (i < 0)
			return (struct run){(size_t)-i, 0, 0, outside};
		if (i >= len)
			return (struct run){SIZE_MAX, len - 1, 0, outside};
		return (struct run){(size_t)(len - i), i, 1, false};
	}
	/* reflections come back after going there and back */
	turn = mode == MODE_WRAP || len == 1 ? len : 2 * (len - 1);
	i = (i % turn + turn) % turn;
	if (i < len)
		return (struct run){(size_t)(len - i), i, 1, false};
	return (struct run){(size_t)(turn - i), turn - i, -1, false};
}

/* The boxes of the output one after the other. */
struct boxes {
	const struct shape *x, *y;
	struct pad pad;
	struct box_side from, to;
	size_t at[MODEL_MAX_RANK]; /* first index of the box */
	bool done;
};

static struct boxes
boxes_begin(const struct step *s, const struct shape *const *in,
    const struct shape *out, bool rows)
{
	struct boxes b = {.x = in[0], .y = out};
	struct err e;

	if (pad_sizes(s, in, &b.pad, &e) != 0)
		BUG(e.msg);
	box_strides(&b.from, b.x, rows);
	box_strides(&b.to, b.y, rows);
	for (size_t i = 0; i < out->rank; i++)
		b.done = b.done || out->dim[i] == 0;
	return b;
}

/* The box here, and on to the next; false where nothing is to be moved. */
static bool
boxes_next(struct boxes *b, struct box *box)
{
	bool inside = true;
	size_t i;

	*box = (struct box){.rank = b->y->rank};
	for (i = 0; i < box->rank; i++) {
		struct run r = run_at(
		    b->pad.mode, b->at[i], b->x->dim[i], b->pad.before[i]);

		inside = inside && !r.outside;
		box->dim[i] = MIN(r.n, b->y->dim[i] - b->at[i]);
		box->from.base += (size_t)r.from * (size_t)b->from.stride[i];
		box->from.stride[i] = r.step * b->from.stride[i];
		box->to.base += b->at[i] * (size_t)b->to.stride[i];
		box->to.stride[i] = b->to.stride[i];
	}
	while (i-- > 0) {
		b->at[i] += box->dim[i];
		if (b->at[i] < b->y->dim[i])
			return inside;
		b->at[i] = 0;
	}
	b->done = true;
	return inside;
}

static int
pad_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	struct boxes b = boxes_begin(s, in, out, true);
	struct box box;

	(void)e;
	for (size_t i = 0; i < shape_elements(out); i++)
		v[i] = b.pad.value;
	while (!b.done)
		if (boxes_next(&b, &box))
			box_numbers(&box, in[0]->known, v);
	return 0;
}

static void
pad_forward(const struct op_call *c)
{
	struct boxes b = boxes_begin(c->step, c->shape_in, c->shape_out, false);
	size_t n = shape_elements(c->shape_out);
	struct box box;
	float v = shape_real(b.x) ? (float)b.pad.value.f : (float)b.pad.value.i;

	for (size_t i = 0; b.pad.mode == MODE_CONSTANT && i < n; i++)
		c->out[i] = v;
	while (!b.done)
		if (boxes_next(&b, &box))
			box_move(&box, c->in[0], c->out, 1.0f, false);
}

static void
pad_backward(const struct op_call *c)
{
	struct boxes b = boxes_begin(c->step, c->shape_in, c->shape_out, false);
	struct box box;

	if (!c->add[0])
		memset(c->din[0], 0,
		    shape_elements(c->shape_in[0]) * sizeof(*c->din[0]));
	while (!b.done)
		if (boxes_next(&b, &box)) {
			struct box t = box_turned(&box);

			box_move(&t, c->dout, c->din[0], 1.0f, true);
		}
}

const struct op op_pad = {
    .name = "Pad",
    .min_in = 1,
    .max_in = 4,
    .layout = OP_ANY,
    .ints = 1 << 1 | 1 << 2 | 1 << 3,
    .infer = pad_infer,
    .eval = pad_eval,
    .forward = pad_forward,
    .backward = pad_backward,
};
