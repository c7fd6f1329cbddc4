/* SPDX-License-Identifier: MIT
 * Hardmax along one axis: 1 at the first of the largest, 0 elsewhere.  NaN
 * counts as the largest, and stays NaN.
 */
#include "engine/op.h"

#include <math.h>

/* Lines of `len` elements, `step` apart. */
struct line {
	size_t len, step;
};

static int
hardmax_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	size_t axis;
	int rc =
	    op_axis(s, node_int(s->node, "axis", -1), in[0]->rank, &axis, e);

	if (rc != 0)
		return rc;
	if (!shape_real(in[0]))
		return op_bad(s, e, "integers");
	need->taps = in[0]->dim[axis];
	*out = *in[0];
	out->known = NULL;
	return 0;
}

static struct line
line_of(const struct step *s, const struct shape *x, bool rows)
{
	size_t stride[MODEL_MAX_RANK], axis;
	struct err e;

	if (op_axis(s, node_int(s->node, "axis", -1), x->rank, &axis, &e) != 0)
		BUG(e.msg);
	if (rows)
		shape_row_strides(x, stride);
	else
		shape_strides(x, stride);
	return (struct line){x->dim[axis], stride[axis]};
}

/* Whether a line begins at element i. */
static bool
begins(const struct line *l, size_t i)
{
	return i / l->step % l->len == 0;
}

static int
hardmax_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	struct line l = line_of(s, in[0], true);
	const union number *x = in[0]->known;

	(void)e;
	for (size_t i = 0; i < shape_elements(out); i++) {
		size_t best = i;

		if (!begins(&l, i))
			continue;
		for (size_t k = 0; k < l.len; k++) {
			size_t at = i + k * l.step;

			v[at].f = 0.0;
			if (!(x[at].f <= x[best].f) && !isnan(x[best].f))
				best = at;
		}
		v[best].f = isnan(x[best].f) ? x[best].f : 1.0;
	}
	return 0;
}

static void
hardmax_forward(const struct op_call *c)
{
	struct line l = line_of(c->step, c->shape_in[0], false);
	size_t n = shape_elements(c->shape_out);
	const float *x = c->in[0];

	for (size_t i = 0; i < n; i++) {
		size_t best = i;

		if (!begins(&l, i))
			continue;
		for (size_t k = 0; k < l.len; k++) {
			size_t at = i + k * l.step;

			c->out[at] = 0.0f;
			if (!(x[at] <= x[best]) && !isnan(x[best]))
				best = at;
		}
		c->out[best] = isnan(x[best]) ? x[best] : 1.0f;
	}
}

const struct op op_hardmax = {
    .name = "Hardmax",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ANY,
    .flags = OP_FLAT,
    .infer = hardmax_infer,
    .eval = hardmax_eval,
    .forward = hardmax_forward,
};
