/* SPDX-License-Identifier: MIT
 * Relu: y = max(x, 0).  Clip: y = min(max(x, lo), hi).  Both pass NaN on, so
 * that poisoned weights stay visible; the gradients use y alone.
 */
#include "engine/op.h"

#include <math.h>

VECTOR static void
relu_forward(const struct op_call *c)
{
	size_t n = shape_elements(c->shape_out);
	const float *x = c->in[0];
	float *y = c->out;

	for (size_t i = 0; i < n; i++)
		y[i] = x[i] < 0.0f ? 0.0f : x[i]; /* NaN passes through */
}

VECTOR static void
relu_backward(const struct op_call *c)
{
	size_t n = shape_elements(c->shape_out);
	const float *y = c->out;
	const float *dy = c->dout;
	float *dx = c->din[0];

	if (c->add[0])
		for (size_t i = 0; i < n; i++)
			dx[i] += y[i] <= 0.0f ? 0.0f : dy[i];
	else
		for (size_t i = 0; i < n; i++)
			dx[i] = y[i] <= 0.0f ? 0.0f : dy[i];
}

static int
relu_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	(void)s;
	(void)e;
	for (size_t i = 0; i < shape_elements(out); i++) {
		union number x = in[0]->known[i];

		if (shape_real(out))
			v[i].f = x.f < 0.0 ? 0.0 : x.f;
		else
			v[i].i = MAX(x.i, 0);
	}
	return 0;
}

const struct op op_relu = {
    .name = "Relu",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ANY,
    .keep = OP_KEEP_OUT,
    .infer = op_same,
    .eval = relu_eval,
    .forward = relu_forward,
    .backward = relu_backward,
};

/* --- Clip: bounds are attributes or the known inputs 1 and 2 ------------- */

/* One bound in the input's type; `absent` stays where there is none. */
static int
clip_bound(const struct step *s, const struct shape *const *in, size_t i,
    union number *bound, struct err *e)
{
	const char *name = i == 1 ? "min" : "max";
	const struct attr *a = node_attr(s->node, name);
	const struct shape *x = i < s->nin ? in[i] : NULL;
	bool real = shape_real(in[0]);
	double v;

	if (a != NULL && a->kind != ATTR_REAL && a->kind != ATTR_INT)
		return op_bad(s, e, "'%s' is no number", name);
	if (a != NULL) {
		v = node_real(s->node, name, 0.0);
		if (real)
			bound->f = v;
		else if (a->kind == ATTR_INT)
			bound->i = a->i;
		else if (v > -0x1p62 && v < 0x1p62)
			bound->i = (int64_t)v;
		return 0;
	}
	if (x == NULL)
		return 0;
	if (x->known == NULL)
		return op_bad(s, e, "'%s' depends on the image", name);
	if (shape_elements(x) != 1 || shape_real(x) != real)
		return op_bad(s, e, "'%s' is no number of the type", name);
	*bound = x->known[0];
	return 0;
}

static int
clip_bounds(const struct step *s, const struct shape *const *in,
    union number bound[2], struct err *e)
{
	int rc;

	bound[0].i = INT64_MIN;
	bound[1].i = INT64_MAX;
	if (shape_real(in[0])) {
		bound[0].f = -(double)INFINITY;
		bound[1].f = (double)INFINITY;
	}
	if ((rc = clip_bound(s, in, 1, &bound[0], e)) != 0)
		return rc;
	return clip_bound(s, in, 2, &bound[1], e);
}

static int
clip_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	union number bound[2];
	int rc = clip_bounds(s, in, bound, e);

	return rc != 0 ? rc : op_same(s, in, out, need, e);
}

static int
clip_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	union number b[2];
	int rc = clip_bounds(s, in, b, e);

	for (size_t i = 0; rc == 0 && i < shape_elements(out); i++) {
		union number x = in[0]->known[i];

		if (shape_real(out)) {
			x.f = x.f < b[0].f ? b[0].f : x.f;
			x.f = x.f > b[1].f ? b[1].f : x.f;
		} else {
			x.i = MIN(MAX(x.i, b[0].i), b[1].i);
		}
		v[i] = x;
	}
	return rc;
}

struct clip {
	float lo, hi;
};

static struct clip
clip_of(const struct op_call *c)
{
	bool real = shape_real(c->shape_in[0]);
	union number b[2];
	struct err e;

	if (clip_bounds(c->step, c->shape_in, b, &e) != 0)
		BUG(e.msg);
	return (struct clip){
	    .lo = real ? (float)b[0].f : (float)b[0].i,
	    .hi = real ? (float)b[1].f : (float)b[1].i,
	};
}

VECTOR static void
clip_line(size_t n, struct clip k, const float *restrict x, float *restrict y)
{
	for (size_t i = 0; i < n; i++) {
		float v = x[i] < k.lo ? k.lo : x[i];

		y[i] = v > k.hi ? k.hi : v;
	}
}

VECTOR static void
clip_back(size_t n, struct clip k, const float *restrict y,
    const float *restrict dy, float *restrict dx, bool add)
{
	for (size_t i = 0; i < n; i++) {
		float g = y[i] <= k.lo || y[i] >= k.hi ? 0.0f : dy[i];

		dx[i] = add ? dx[i] + g : g;
	}
}

static void
clip_forward(const struct op_call *c)
{
	clip_line(shape_elements(c->shape_out), clip_of(c), c->in[0], c->out);
}

static void
clip_backward(const struct op_call *c)
{
	clip_back(shape_elements(c->shape_out), clip_of(c), c->out, c->dout,
	    c->din[0], c->add[0]);
}

const struct op op_clip = {
    .name = "Clip",
    .min_in = 1,
    .max_in = 3,
    .layout = OP_ANY,
    .ints = 1 << 1 | 1 << 2,
    .keep = OP_KEEP_OUT,
    .infer = clip_infer,
    .eval = clip_eval,
    .forward = clip_forward,
    .backward = clip_backward,
};
