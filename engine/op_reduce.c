/* SPDX-License-Identifier: MIT
 * ReduceMean and ReduceSum over any axes, with or without keeping them.
 */
#include "engine/box.h"
#include "engine/op.h"

/* Which axes are summed over. */
static int
reduce_axes(const struct step *s, const struct shape *x,
    bool set[MODEL_MAX_RANK], struct err *e)
{
	const struct attr *a = node_attr(s->node, "axes");

	for (size_t i = 0; i < MODEL_MAX_RANK; i++)
		set[i] = a == NULL || a->kind != ATTR_INTS;
	if (a == NULL || a->kind != ATTR_INTS)
		return 0;
	for (size_t i = 0; i < a->n; i++) {
		int64_t k = a->ints[i];

		k += k < 0 ? (int64_t)x->rank : 0;
		if (k < 0 || k >= (int64_t)x->rank || set[k])
			return op_bad(
			    s, e, "axis %" PRId64 " of rank %zu", k, x->rank);
		set[k] = true;
	}
	return 0;
}

static int
reduce_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	bool keep = node_int(s->node, "keepdims", 1) != 0;
	bool set[MODEL_MAX_RANK];
	int rc;

	(void)need;
	if ((rc = reduce_axes(s, in[0], set, e)) != 0)
		return rc;
	*out = (struct shape){.rank = 0};
	for (size_t i = 0; i < in[0]->rank; i++)
		if (!set[i] || keep)
			out->dim[out->rank++] = set[i] ? 1 : in[0]->dim[i];
	return 0;
}

/* From the input's elements to the sums. */
static struct box
reduce_box(const struct op_call *c)
{
	const struct shape *x = c->shape_in[0];
	struct box b = {.rank = x->rank};
	bool set[MODEL_MAX_RANK];
	size_t run = 1;
	struct err e;

	if (reduce_axes(c->step, x, set, &e) != 0)
		BUG(e.msg);
	memcpy(b.dim, x->dim, sizeof(b.dim));
	box_strides(&b.from, x, false);
	for (size_t i = x->rank; i-- > 0;) {
		b.to.stride[i] = set[i] ? 0 : (ptrdiff_t)run;
		run *= set[i] ? 1 : x->dim[i];
	}
	return b;
}

static void
reduce_forward(const struct op_call *c, float scale)
{
	struct box b = reduce_box(c);

	memset(c->out, 0, shape_elements(c->shape_out) * sizeof(*c->out));
	box_move(&b, c->in[0], c->out, scale, true);
}

static void
reduce_backward(const struct op_call *c, float scale)
{
	struct box b = reduce_box(c), t = box_turned(&b);

	box_move(&t, c->dout, c->din[0], scale, c->add[0]);
}

static float
share(const struct op_call *c)
{
	return (float)shape_elements(c->shape_out) /
	       (float)shape_elements(c->shape_in[0]);
}

static void
mean_forward(const struct op_call *c)
{
	reduce_forward(c, share(c));
}

static void
mean_backward(const struct op_call *c)
{
	reduce_backward(c, share(c));
}

static void
sum_forward(const struct op_call *c)
{
	reduce_forward(c, 1.0f);
}

static void
sum_backward(const struct op_call *c)
{
	reduce_backward(c, 1.0f);
}

#define REDUCE(lower, title)                                                   \
	const struct op op_reduce_##lower = {                                  \
	    .name = title,                                                     \
	    .min_in = 1,                                                       \
	    .max_in = 1,                                                       \
	    .layout = OP_ANY_TO_ROWS,                                          \
	    .infer = reduce_infer,                                             \
	    .forward = lower##_forward,                                        \
	    .backward = lower##_backward,                                      \
	}

REDUCE(mean, "ReduceMean");
REDUCE(sum, "ReduceSum");
