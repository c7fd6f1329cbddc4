/* SPDX-License-Identifier: MIT
 * ArgMax and ArgMin along one axis.  NaN counts as the extreme, as in numpy.
 */
#include "engine/op.h"

#include <math.h>

/* Indices must be exact as floats. */
#define ARG_MAX ((size_t)1 << 24)

static int
arg_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	bool keep = node_int(s->node, "keepdims", 1) != 0;
	size_t axis = 0;
	int rc;

	rc = op_axis(s, node_int(s->node, "axis", 0), in[0]->rank, &axis, e);
	if (rc != 0)
		return rc;
	if (in[0]->dim[axis] == 0 || in[0]->dim[axis] > ARG_MAX)
		return op_bad(s, e, "of %zu elements", in[0]->dim[axis]);
	*out = (struct shape){.type = DTYPE_I64};
	for (size_t i = 0; i < in[0]->rank; i++)
		if (i != axis || keep)
			out->dim[out->rank++] = i == axis ? 1 : in[0]->dim[i];
	need->taps = in[0]->dim[axis];
	return 0;
}

/* One axis of an input, and where output i reads it from. */
struct along {
	size_t axis, n, by;
	size_t stride[MODEL_MAX_RANK];
	bool last; /* of equal ones */
};

static struct along
along(const struct step *s, const struct shape *x, bool rows)
{
	struct along a = {
	    .last = node_int(s->node, "select_last_index", 0) != 0};
	struct err e;

	if (op_axis(s, node_int(s->node, "axis", 0), x->rank, &a.axis, &e) != 0)
		BUG(e.msg);
	if (rows)
		shape_row_strides(x, a.stride);
	else
		shape_strides(x, a.stride);
	a.n = x->dim[a.axis];
	a.by = a.stride[a.axis];
	return a;
}

/* The outputs are row-major. */
static size_t
begins(const struct along *a, const struct shape *x, size_t i)
{
	size_t at = 0;

	for (size_t k = x->rank; k-- > 0;) {
		if (k == a->axis)
			continue;
		at += i % x->dim[k] * a->stride[k];
		i /= x->dim[k];
	}
	return at;
}

/* Whether y takes the place of x. */
static bool
beats(double x, double y, bool max, bool last)
{
	if (isnan(x) || isnan(y))
		return isnan(y) && (last || !isnan(x));
	return (max ? y > x : y < x) || (last && x == y);
}

static int
arg_eval(bool max, const struct step *s, const struct shape *x,
    const struct shape *out, union number *v)
{
	struct along a = along(s, x, true);

	for (size_t i = 0; i < shape_elements(out); i++) {
		const union number *p = x->known + begins(&a, x, i);
		size_t at = 0;

		for (size_t k = 1; k < a.n; k++) {
			union number q = p[at * a.by], r = p[k * a.by];
			bool more = max ? r.i > q.i : r.i < q.i;

			if (shape_real(x) ? beats(q.f, r.f, max, a.last)
					  : more || (a.last && r.i == q.i))
				at = k;
		}
		v[i].i = (int64_t)at;
	}
	return 0;
}

static void
arg_forward(bool max, const struct op_call *c)
{
	const struct shape *x = c->shape_in[0];
	struct along a = along(c->step, x, false);

	for (size_t i = 0; i < shape_elements(c->shape_out); i++) {
		const float *p = c->in[0] + begins(&a, x, i);
		size_t at = 0;

		for (size_t k = 1; k < a.n; k++)
			if (beats((double)p[at * a.by], (double)p[k * a.by],
				max, a.last))
				at = k;
		c->out[i] = (float)at;
	}
}

#define ARG(lower, title, max)                                                 \
	static int lower##_eval(const struct step *s,                          \
	    const struct shape *const *in, const struct shape *out,            \
	    union number *v, struct err *e)                                    \
	{                                                                      \
		(void)e;                                                       \
		return arg_eval(max, s, in[0], out, v);                        \
	}                                                                      \
	static void lower##_forward(const struct op_call *c)                   \
	{                                                                      \
		arg_forward(max, c);                                           \
	}                                                                      \
	const struct op op_##lower = {                                         \
	    .name = title,                                                     \
	    .min_in = 1,                                                       \
	    .max_in = 1,                                                       \
	    .layout = OP_ANY_TO_ROWS,                                          \
	    .flags = OP_TYPED | OP_FLAT,                                       \
	    .infer = arg_infer,                                                \
	    .eval = lower##_eval,                                              \
	    .forward = lower##_forward,                                        \
	}

ARG(arg_max, "ArgMax", true);
ARG(arg_min, "ArgMin", false);
