/* SPDX-License-Identifier: MIT
 * Pad with a constant, on any axes; negative pads crop.
 */
#include "base/limits.h"
#include "engine/box.h"
#include "engine/op.h"

struct pad {
	int64_t before[MODEL_MAX_RANK], after[MODEL_MAX_RANK];
};

static int
pad_build(struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	const struct attr *mode = node_attr(n, "mode");

	(void)a;
	if (mode != NULL &&
	    (mode->kind != ATTR_TEXT || strcmp(mode->s, "constant") != 0))
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "node '%s' (%s): only constants can be padded with",
		    s->name, s->op->name);
	return 0;
}

/* Pads per axis, in the order of the axes. */
static int
pad_sizes(
    const struct step *s, const struct shape *x, struct pad *p, struct err *e)
{
	const struct attr *pads = node_attr(s->node, "pads");
	const struct attr *axes = node_attr(s->node, "axes");
	size_t n = axes != NULL && axes->kind == ATTR_INTS ? axes->n : x->rank;

	if (pads == NULL || pads->kind != ATTR_INTS || n > x->rank ||
	    pads->n != 2 * n)
		return op_bad(s, e, "the pads are computed or too few");
	*p = (struct pad){0};
	for (size_t i = 0; i < n; i++) {
		int64_t k =
		    n == x->rank && axes == NULL ? (int64_t)i : axes->ints[i];
		int64_t lo = pads->ints[i], hi = pads->ints[n + i];

		k += k < 0 ? (int64_t)x->rank : 0;
		if (k < 0 || k >= (int64_t)x->rank)
			return op_bad(s, e, "axis %" PRId64, k);
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
	if ((rc = pad_sizes(s, in[0], &p, e)) != 0)
		return rc;
	*out = *in[0];
	for (size_t i = 0; i < out->rank; i++) {
		int64_t n = (int64_t)in[0]->dim[i] + p.before[i] + p.after[i];

		/* crops may not reach beyond the other end */
		if (n < 1 || (int64_t)in[0]->dim[i] + p.before[i] < 1 ||
		    (int64_t)in[0]->dim[i] + p.after[i] < 1)
			return op_bad(s, e, "nothing is left of axis %zu", i);
		out->dim[i] = (size_t)n;
	}
	return 0;
}

/* From the part of the input that stays to its place in the output. */
static struct box
pad_box(const struct step *s, const struct shape *x, const struct shape *y,
    bool rows)
{
	struct box b = {.rank = y->rank};
	struct pad p;
	struct err e;

	if (pad_sizes(s, x, &p, &e) != 0)
		BUG(e.msg);
	box_strides(&b.from, x, rows);
	box_strides(&b.to, y, rows);
	for (size_t i = 0; i < b.rank; i++) {
		size_t crop = (size_t)MAX(-p.before[i], 0);

		b.dim[i] = x->dim[i] - crop - (size_t)MAX(-p.after[i], 0);
		b.from.base += crop * (size_t)b.from.stride[i];
		b.to.base +=
		    (size_t)MAX(p.before[i], 0) * (size_t)b.to.stride[i];
	}
	return b;
}

static void
pad_forward(const struct op_call *c)
{
	float v = (float)node_real(c->step->node, "value", 0.0);
	size_t n = shape_elements(c->shape_out);
	struct box b = pad_box(c->step, c->shape_in[0], c->shape_out, false);

	for (size_t i = 0; i < n; i++)
		c->out[i] = v;
	box_move(&b, c->in[0], c->out, 1.0f, false);
}

static void
pad_backward(const struct op_call *c)
{
	struct box b = pad_box(c->step, c->shape_in[0], c->shape_out, false), t = box_turned(&b);

	if (!c->add[0])
		memset(c->din[0], 0,
		    shape_elements(c->shape_in[0]) * sizeof(*c->din[0]));
	box_move(&t, c->dout, c->din[0], 1.0f, true);
}

const struct op op_pad = {
    .name = "Pad",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ANY,
    .build = pad_build,
    .infer = pad_infer,
    .forward = pad_forward,
    .backward = pad_backward,
};
