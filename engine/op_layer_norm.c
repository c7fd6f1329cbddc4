/* SPDX-License-Identifier: MIT
 * LayerNormalization: rows are the axes from `axis` on,
 *     y = xhat g + b,  xhat = (x - mean) inv,  inv = 1 / sqrt(var + epsilon).
 * Outputs 1 and 2 are mean and inv of each row.  With d = dy g:
 *     dx = inv (d - mean(d) - xhat mean(d xhat))
 */
#include "engine/lane.h"
#include "engine/op.h"

#include <math.h>

/* Of a step: which axes are rows, and what is added to the variance. */
static size_t
row_axis(const struct step *s, const struct shape *x)
{
	size_t axis = 0;
	struct err e;

	if (op_axis(s, node_int(s->node, "axis", -1), x->rank, &axis, &e) != 0)
		BUG(e.msg);
	return axis;
}

static double
epsilon(const struct step *s)
{
	return (double)(float)node_real(s->node, "epsilon", 1e-5);
}

static size_t
row_length(const struct step *s, const struct shape *x)
{
	size_t n = 1;

	for (size_t i = row_axis(s, x); i < x->rank; i++)
		n *= x->dim[i];
	return n;
}

static const struct shape *
bias_shape(const struct step *s, const struct shape *const *in)
{
	return s->nin > 2 ? in[2] : NULL;
}

static int
layer_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	const struct shape *x = in[0];
	size_t axis = 0, rows = 1, len = 1;
	int rc;

	rc = op_axis(s, node_int(s->node, "axis", -1), x->rank, &axis, e);
	if (rc != 0)
		return rc;
	*out = *x;
	out->known = NULL;
	for (size_t i = 0; i < x->rank; i++) {
		size_t *n = i < axis ? &rows : &len;

		if (ckd_mul(n, *n, x->dim[i]))
			return op_bad(s, e, "the input is too large");
		if (i >= axis && s->which > 0)
			out->dim[i] = 1;
	}
	for (size_t i = 0; i < MIN(s->nin, 3); i++) {
		if (in[i] == NULL && i == 2)
			continue;
		if (!shape_real(in[i]))
			return op_bad(s, e, "input %zu holds no reals", i);
		if (i > 0 && shape_elements(in[i]) != len)
			return op_bad(s, e, "%zu weights for rows of %zu",
			    shape_elements(in[i]), len);
	}
	/* mean and inv of each row */
	if (ckd_mul(&need->aux, rows, 2))
		return op_bad(s, e, "the input is too large");
	need->taps = s->which > 0 ? len : 4;
	return 0;
}

static int
layer_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	const struct shape *b = bias_shape(s, in);
	size_t len = row_length(s, in[0]);

	(void)out;
	(void)e;
	for (size_t at = 0; at < shape_elements(in[0]); at += len) {
		const union number *x = in[0]->known + at;
		double mean = 0.0, var = 0.0, inv;

		for (size_t i = 0; i < len; i++)
			mean += x[i].f / (double)len;
		for (size_t i = 0; i < len; i++)
			var += (x[i].f - mean) * (x[i].f - mean) / (double)len;
		inv = 1.0 / sqrt(var + epsilon(s));
		if (s->which > 0)
			v[at / len].f = s->which == 1 ? mean : inv;
		for (size_t i = 0; s->which == 0 && i < len; i++)
			v[at + i].f =
			    (x[i].f - mean) * inv * in[1]->known[i].f +
			    (b != NULL ? b->known[i].f : 0.0);
	}
	return 0;
}

VECTOR static void
row_forward(size_t n, const float *x, float mean, float inv, const float *g,
    const float *b, float *restrict y)
{
	if (b == NULL)
		for (size_t i = 0; i < n; i++)
			y[i] = (x[i] - mean) * inv * g[i];
	else
		for (size_t i = 0; i < n; i++)
			y[i] = (x[i] - mean) * inv * g[i] + b[i];
}

static void
layer_forward(const struct op_call *c)
{
	const struct shape *b = bias_shape(c->step, c->shape_in);
	size_t len = row_length(c->step, c->shape_in[0]);
	size_t rows = shape_elements(c->shape_in[0]) / len;

	for (size_t i = 0; i < rows; i++) {
		const float *x = c->in[0] + i * len;
		float mean = lane_sum(len, x) / (float)len;
		float var = lane_square(len, x, mean) / (float)len;
		float inv = 1.0f / sqrtf(var + (float)epsilon(c->step));

		c->aux[2 * i] = mean;
		c->aux[2 * i + 1] = inv;
		if (c->step->which > 0)
			c->out[i] = c->step->which == 1 ? mean : inv;
		else
			row_forward(len, x, mean, inv, c->in[1],
			    b != NULL ? c->in[2] : NULL, c->out + i * len);
	}
}

/* dx of one row: by (dy g - a - (x - mean) b) */
VECTOR static void
row_backward(size_t n, const float *x, float mean, const float *g,
    const float *dy, const float by[3], float *restrict dx, bool add)
{
	float inv = by[0], a = by[1], b = by[2];

	for (size_t i = 0; i < n; i++) {
		float d = inv * (dy[i] * g[i] - a - (x[i] - mean) * b);

		dx[i] = add ? dx[i] + d : d;
	}
}

VECTOR static void
row_weights(size_t n, const float *x, float mean, float inv, const float *dy,
    float *dg, float *db)
{
	if (dg != NULL)
		for (size_t i = 0; i < n; i++)
			dg[i] += dy[i] * (x[i] - mean) * inv;
	if (db != NULL)
		for (size_t i = 0; i < n; i++)
			db[i] += dy[i];
}

/* Of mean and inv, which are outputs: dx = dy / n, -dy inv^3 (x - mean) / n */
VECTOR static void
moment_backward(size_t n, const float *x, const float moment[2], bool second,
    float dy, float *restrict dx, bool add)
{
	float mean = moment[0], inv = moment[1];
	float by = dy / (float)n * (second ? -inv * inv * inv : 1.0f);

	for (size_t i = 0; i < n; i++) {
		float d = second ? by * (x[i] - mean) : by;

		dx[i] = add ? dx[i] + d : d;
	}
}

static void
zero(const struct op_call *c, size_t i)
{
	if (c->din[i] != NULL && !c->add[i])
		memset(c->din[i], 0,
		    shape_elements(c->shape_in[i]) * sizeof(*c->din[i]));
}

static void
affine_backward(const struct op_call *c, size_t len, size_t i)
{
	const float *x = c->in[0] + i * len, *dy = c->dout + i * len;
	float mean = c->aux[2 * i], inv = c->aux[2 * i + 1];
	float *db = c->step->nin > 2 ? c->din[2] : NULL;

	if (c->din[0] != NULL) {
		float a = lane_dot(len, dy, c->in[1]) / (float)len;
		float b = lane_moment(len, x, mean, dy, c->in[1]) / (float)len;

		row_backward(len, x, mean, c->in[1], dy,
		    (float[]){inv, a, b * inv * inv}, c->din[0] + i * len,
		    c->add[0]);
	}
	row_weights(len, x, mean, inv, dy, c->din[1], db);
}

static void
layer_backward(const struct op_call *c)
{
	size_t len = row_length(c->step, c->shape_in[0]);
	size_t rows = shape_elements(c->shape_in[0]) / len;

	for (size_t i = 1; i < c->step->nin; i++)
		zero(c, i);
	for (size_t i = 0; i < rows; i++) {
		if (c->step->which == 0)
			affine_backward(c, len, i);
		else if (c->din[0] != NULL)
			moment_backward(len, c->in[0] + i * len, c->aux + 2 * i,
			    c->step->which == 2, c->dout[i],
			    c->din[0] + i * len, c->add[0]);
	}
}

const struct op op_layer_norm = {
    .name = "LayerNormalization",
    .min_in = 2,
    .max_in = 3,
    .outs = 3,
    .layout = OP_ROWS,
    .weights = 1 << 1 | 1 << 2,
    .keep = OP_KEEP_IN_FOR_DATA | OP_KEEP_IN_FOR_WEIGHTS,
    .infer = layer_infer,
    .eval = layer_eval,
    .forward = layer_forward,
    .backward = layer_backward,
};
