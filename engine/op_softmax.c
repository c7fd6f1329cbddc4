/* SPDX-License-Identifier: MIT
 * Softmax and LogSoftmax over one axis: y = exp(x) / sum(exp(x)), its log.
 * In storage an axis is `outer` blocks of `len` lines of `inner` elements.
 *     dx = y (dy - sum(dy y));  of the log: dx = dy - exp(y) sum(dy)
 */
#include "engine/lane.h"
#include "engine/op.h"
#include "engine/vmath.h"

#include <math.h>

struct lines {
	size_t outer, len, inner;
};

static size_t
axis_of(const struct step *s, const struct shape *x)
{
	size_t axis = 0;
	struct err e;

	if (op_axis(s, node_int(s->node, "axis", -1), x->rank, &axis, &e) != 0)
		BUG(e.msg);
	return axis;
}

static struct lines
lines(const struct step *s, const struct shape *x, bool rows)
{
	size_t axis = axis_of(s, x), stride[MODEL_MAX_RANK];
	struct lines l = {.len = x->dim[axis]};

	if (rows)
		shape_row_strides(x, stride);
	else
		shape_strides(x, stride);
	l.inner = stride[axis];
	l.outer = shape_elements(x) / (l.len * l.inner);
	return l;
}

static int
softmax_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	size_t axis = 0, stride[MODEL_MAX_RANK];
	int rc;

	rc = op_axis(s, node_int(s->node, "axis", -1), in[0]->rank, &axis, e);
	if (rc != 0)
		return rc;
	if (!shape_real(in[0]))
		return op_bad(s, e, "of integers");
	*out = *in[0];
	out->known = NULL;
	shape_strides(in[0], stride);
	/* a line of maxima and one of sums, or a whole line */
	if (ckd_mul(&need->scratch, stride[axis], 2))
		return op_bad(s, e, "the input is too large");
	need->scratch = MAX(need->scratch, in[0]->dim[axis]);
	need->taps = 4;
	return 0;
}

static void
softmax_numbers(
    const struct lines *l, const union number *x, union number *y, bool log_too)
{
	double most = -(double)INFINITY, sum = 0.0;

	for (size_t i = 0; i < l->len; i++)
		most = fmax(most, x[i * l->inner].f);
	for (size_t i = 0; i < l->len; i++)
		sum += exp(x[i * l->inner].f - most);
	for (size_t i = 0; i < l->len; i++) {
		double d = x[i * l->inner].f - most;

		y[i * l->inner].f = log_too ? d - log(sum) : exp(d) / sum;
	}
}

static int
both_eval(
    const struct step *s, const struct shape *x, union number *v, bool log_too)
{
	struct lines l;

	if (shape_elements(x) == 0)
		return 0;
	l = lines(s, x, true);
	for (size_t i = 0; i < l.outer * l.inner; i++) {
		size_t at = i / l.inner * l.len * l.inner + i % l.inner;

		softmax_numbers(&l, x->known + at, v + at, log_too);
	}
	return 0;
}

/* --- the axis innermost -------------------------------------------------- */

/* y = x * by + plus */
VECTOR static void
affine_line(size_t n, const float *x, float by, float plus, float *y)
{
	for (size_t i = 0; i < n; i++)
		y[i] = x[i] * by + plus;
}

static void
line_forward(size_t n, const float *x, float *y, bool log_too)
{
	float most = lane_max(n, x), sum;

	affine_line(n, x, 1.0f, -most, y);
	vmath_exp(n, y, y);
	sum = lane_sum(n, y);
	if (log_too) {
		affine_line(n, x, 1.0f, -most, y);
		affine_line(n, y, 1.0f, -logf(sum), y);
	} else {
		affine_line(n, y, 1.0f / sum, 0.0f, y);
	}
}

VECTOR static void
line_backward(size_t n, const float *y, const float *dy, float *dx, bool add)
{
	float sum = lane_dot(n, dy, y);

	if (add)
		for (size_t i = 0; i < n; i++)
			dx[i] += y[i] * (dy[i] - sum);
	else
		for (size_t i = 0; i < n; i++)
			dx[i] = y[i] * (dy[i] - sum);
}

/* `p` is the softmax. */
VECTOR static void
log_line_backward(
    size_t n, const float *p, const float *dy, float *dx, bool add)
{
	float sum = lane_sum(n, dy);

	if (add)
		for (size_t i = 0; i < n; i++)
			dx[i] += dy[i] - p[i] * sum;
	else
		for (size_t i = 0; i < n; i++)
			dx[i] = dy[i] - p[i] * sum;
}

/* --- any other axis: many lines at once ---------------------------------- */

VECTOR static void
block_forward(const struct lines *l, const float *x, float *y, float *scratch,
    bool log_too)
{
	size_t n = l->inner;
	float *most = scratch, *sum = scratch + n;

	for (size_t j = 0; j < n; j++) {
		most[j] = -INFINITY;
		sum[j] = 0.0f;
	}
	for (size_t i = 0; i < l->len; i++)
		for (size_t j = 0; j < n; j++)
			most[j] =
			    x[i * n + j] > most[j] ? x[i * n + j] : most[j];
	for (size_t i = 0; i < l->len; i++) {
		for (size_t j = 0; j < n; j++)
			y[i * n + j] = x[i * n + j] - most[j];
		vmath_exp(n, y + i * n, y + i * n);
		for (size_t j = 0; j < n; j++)
			sum[j] += y[i * n + j];
	}
	for (size_t j = 0; j < n; j++)
		sum[j] = log_too ? logf(sum[j]) : 1.0f / sum[j];
	for (size_t i = 0; i < l->len; i++)
		for (size_t j = 0; j < n; j++)
			y[i * n + j] = log_too ? x[i * n + j] - most[j] - sum[j]
					       : y[i * n + j] * sum[j];
}

VECTOR static void
block_backward(const struct lines *l, const float *y, const float *dy,
    float *dx, float *scratch, bool add, bool log_too)
{
	size_t n = l->inner;
	float *sum = scratch, *p = scratch + n;

	memset(sum, 0, n * sizeof(*sum));
	for (size_t i = 0; i < l->len * n; i += n)
		for (size_t j = 0; j < n; j++)
			sum[j] += log_too ? dy[i + j] : dy[i + j] * y[i + j];
	for (size_t i = 0; i < l->len * n; i += n) {
		if (log_too)
			vmath_exp(n, y + i, p);
		for (size_t j = 0; j < n; j++) {
			float d = log_too ? dy[i + j] - p[j] * sum[j]
					  : y[i + j] * (dy[i + j] - sum[j]);

			dx[i + j] = add ? dx[i + j] + d : d;
		}
	}
}

/* --- the kernels --------------------------------------------------------- */

static void
both_forward(const struct op_call *c, bool log_too)
{
	struct lines l = lines(c->step, c->shape_in[0], false);
	size_t block = l.len * l.inner;

	for (size_t i = 0; i < l.outer * block; i += block) {
		if (l.inner == 1)
			line_forward(l.len, c->in[0] + i, c->out + i, log_too);
		else
			block_forward(
			    &l, c->in[0] + i, c->out + i, c->scratch, log_too);
	}
}

static void
both_backward(const struct op_call *c, bool log_too)
{
	struct lines l = lines(c->step, c->shape_in[0], false);
	size_t block = l.len * l.inner;

	for (size_t i = 0; i < l.outer * block; i += block) {
		const float *y = c->out + i, *dy = c->dout + i;
		float *dx = c->din[0] + i;

		if (l.inner > 1) {
			block_backward(
			    &l, y, dy, dx, c->scratch, c->add[0], log_too);
		} else if (log_too) {
			vmath_exp(l.len, y, c->scratch);
			log_line_backward(l.len, c->scratch, dy, dx, c->add[0]);
		} else {
			line_backward(l.len, y, dy, dx, c->add[0]);
		}
	}
}

#define SOFTMAX(lower, title, log_too)                                         \
	static int lower##_eval(const struct step *s,                          \
	    const struct shape *const *in, const struct shape *out,            \
	    union number *v, struct err *e)                                    \
	{                                                                      \
		(void)out;                                                     \
		(void)e;                                                       \
		return both_eval(s, in[0], v, log_too);                        \
	}                                                                      \
	static void lower##_forward(const struct op_call *c)                   \
	{                                                                      \
		both_forward(c, log_too);                                      \
	}                                                                      \
	static void lower##_backward(const struct op_call *c)                  \
	{                                                                      \
		both_backward(c, log_too);                                     \
	}                                                                      \
	const struct op op_##lower = {                                         \
	    .name = title,                                                     \
	    .min_in = 1,                                                       \
	    .max_in = 1,                                                       \
	    .layout = OP_ANY,                                                  \
	    .keep = OP_KEEP_OUT,                                               \
	    .infer = softmax_infer,                                            \
	    .eval = lower##_eval,                                              \
	    .forward = lower##_forward,                                        \
	    .backward = lower##_backward,                                      \
	}

SOFTMAX(softmax, "Softmax", false);
SOFTMAX(log_softmax, "LogSoftmax", true);
