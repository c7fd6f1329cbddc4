/* SPDX-License-Identifier: MIT
 * BatchNormalization over axis 1: y = (x - mean) / sqrt(var + eps) * g + b.
 * Inputs x, scale g, bias b, running mean, running variance (C each); x is
 * (N,C) or (N,C,spatial...), stored channels last.
 *
 * Evaluation uses the running statistics.  In training the statistics of the
 * whole batch come through struct op_sync: forward gathers sum(x) and
 * sum(x^2) per channel, backward sum(dy) and sum(dy * xhat):
 *     dx = g * inv * (dy - mean(dy) - xhat * mean(dy * xhat))
 * ONNX's training_mode is in the definition only: y from the statistics of the
 * batch, and as outputs 1 and 2 the running ones, moved towards these.
 */
#include "engine/bounds.h"

#include <math.h>

struct norm {
	float epsilon;
	double momentum;
	bool training;
	struct bounds bounds;
};

static int
norm_build(struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	struct norm *cfg = op_alloc(a, sizeof(*cfg), e);

	if (cfg == NULL)
		return ERR_LIMIT;
	cfg->epsilon = (float)node_real(n, "epsilon", 1e-5);
	cfg->momentum = node_real(n, "momentum", 0.9);
	cfg->training = node_int(n, "training_mode", 0) != 0;
	cfg->bounds = bounds_read(s, n);
	s->cfg = cfg;
	return 0;
}

static int
norm_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	const struct norm *cfg = s->cfg;
	const struct shape *x = in[0];

	if (x->rank < 2 || x->rank > 5)
		return op_bad(s, e, "rank %zu, must be 2 to 5", x->rank);
	for (size_t i = 0; i < 5; i++) {
		if (in[i] == NULL || !shape_real(in[i]))
			return op_bad(s, e, "input %zu holds no reals", i);
		if (i > 0 && (in[i]->rank != 1 || in[i]->dim[0] != x->dim[1]))
			return op_bad(
			    s, e, "input %zu is no list of %zu", i, x->dim[1]);
	}
	if (s->which > 0 && (!cfg->training || x->known == NULL))
		return op_bad(s, e, "its statistics as an output");
	*out = *x;
	if (s->which > 0)
		*out = (struct shape){.rank = 1, .dim = {x->dim[1]}};
	/* scale and shift, or mean and inv, of each channel */
	if (ckd_mul(&need->scratch, x->dim[1], 2))
		return op_bad(s, e, "the input is too large");
	need->taps = 1;
	return 0;
}

static size_t
channels(const struct op_call *c)
{
	return c->shape_in[0]->dim[1];
}

/* Mean and 1/sqrt(var + eps) of channel k that this call uses. */
static void
moments(const struct op_call *c, size_t k, float *mean, float *inv)
{
	const struct norm *cfg = c->step->cfg;

	if (c->stat_forward != NULL) {
		*mean = c->stat_forward[k];
		*inv = c->stat_forward[channels(c) + k];
		return;
	}
	*mean = c->in[3][k];
	*inv = 1.0f / sqrtf(c->in[4][k] + cfg->epsilon);
}

/* Known numbers of one channel: those of image n, pixel i. */
struct channel {
	size_t images, pixels, channels, k;
};

static size_t
place(const struct channel *c, size_t n, size_t i)
{
	return (n * c->channels + c->k) * c->pixels + i;
}

/* Mean and variance over the batch. */
static void
batch_moments(const struct channel *c, const union number *x, double m[2])
{
	double count = (double)c->images * (double)c->pixels;

	m[0] = m[1] = 0.0;
	for (size_t n = 0; n < c->images; n++)
		for (size_t i = 0; i < c->pixels; i++)
			m[0] += x[place(c, n, i)].f / count;
	for (size_t n = 0; n < c->images; n++)
		for (size_t i = 0; i < c->pixels; i++) {
			double d = x[place(c, n, i)].f - m[0];

			m[1] += d * d / count;
		}
}

static int
norm_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	const struct norm *cfg = s->cfg;
	const struct shape *x = in[0];
	struct channel c = {x->dim[0], 1, x->dim[1], 0};

	(void)e;
	for (size_t i = 2; i < x->rank; i++)
		c.pixels *= x->dim[i];
	for (c.k = 0; c.k < c.channels; c.k++) {
		double run[2] = {in[3]->known[c.k].f, in[4]->known[c.k].f};
		double m[2] = {run[0], run[1]}, scale;

		if (cfg->training)
			batch_moments(&c, x->known, m);
		if (s->which > 0) {
			v[c.k].f = cfg->momentum * run[s->which - 1] +
				   (1.0 - cfg->momentum) * m[s->which - 1];
			continue;
		}
		scale = in[1]->known[c.k].f / sqrt(m[1] + (double)cfg->epsilon);
		for (size_t n = 0; n < c.images; n++)
			for (size_t i = 0; i < c.pixels; i++)
				v[place(&c, n, i)].f =
				    (x->known[place(&c, n, i)].f - m[0]) *
					scale +
				    in[2]->known[c.k].f;
	}
	if (s->which == 0)
		bounds_eval(&cfg->bounds, v, shape_elements(out));
	return 0;
}

/* Floats that a loop is worth: fewer channels are repeated up to there. */
#define LINE 128

/* n numbers for n / channels pixels, one for each channel, again and again. */
struct line {
	size_t n;
	float p[LINE];
};

/* `by` channel repeated, or left where it is when there are many. */
static const float *
line_of(struct line *l, const float *by, size_t channels)
{
	l->n = channels;
	if (channels > LINE / 4)
		return by;
	l->n = LINE / channels * channels;
	for (size_t i = 0; i < l->n; i += channels)
		memcpy(l->p + i, by, channels * sizeof(*by));
	return l->p;
}

VECTOR static void
norm_forward(const struct op_call *c)
{
	size_t n = shape_elements(c->shape_out), nc = channels(c);
	const struct norm *cfg = c->step->cfg;
	float *scale = c->scratch, *shift = c->scratch + nc;
	float lo = cfg->bounds.lo, hi = cfg->bounds.hi;
	const float *by, *to;
	struct line a, b;

	for (size_t k = 0; k < nc; k++) {
		float mean, inv;

		moments(c, k, &mean, &inv);
		scale[k] = c->in[1][k] * inv;
		shift[k] = c->in[2][k] - mean * scale[k];
	}
	by = line_of(&a, scale, nc);
	to = line_of(&b, shift, nc);
	for (size_t i = 0; i < n; i += a.n) {
		size_t m = MIN(a.n, n - i);
		const float *x = c->in[0] + i;
		float *restrict y = c->out + i;

		for (size_t k = 0; k < m; k++) {
			float v = x[k] * by[k] + to[k];

			v = v < lo ? lo : v;
			y[k] = v > hi ? hi : v;
		}
	}
}

/* mean and inv of every channel into the scratch; inv follows mean */
static const float *
all_moments(const struct op_call *c)
{
	size_t nc = channels(c);

	for (size_t k = 0; k < nc; k++)
		moments(c, k, &c->scratch[k], &c->scratch[nc + k]);
	return c->scratch;
}

VECTOR static void
backward_affine(const struct op_call *c)
{
	size_t n = shape_elements(c->shape_out), nc = channels(c);
	const float *mean = all_moments(c), *inv = mean + nc;
	float *dg = c->din[1], *db = c->din[2];

	if (dg != NULL && !c->add[1])
		memset(dg, 0, nc * sizeof(*dg));
	if (db != NULL && !c->add[2])
		memset(db, 0, nc * sizeof(*db));
	for (size_t i = 0; i < n; i += nc) {
		const float *dy = c->dout + i, *x = c->in[0] + i;

		for (size_t k = 0; dg != NULL && k < nc; k++)
			dg[k] += dy[k] * (x[k] - mean[k]) * inv[k];
		for (size_t k = 0; db != NULL && k < nc; k++)
			db[k] += dy[k];
	}
}

VECTOR static void
backward_data(const struct op_call *c)
{
	size_t n = shape_elements(c->shape_out), nc = channels(c);
	const float *mean = all_moments(c), *inv = mean + nc;
	const float *stat = c->stat_backward, *g = c->in[1];

	for (size_t i = 0; i < n; i += nc) {
		const float *dy = c->dout + i, *x = c->in[0] + i;
		float *dx = c->din[0] + i;

		for (size_t k = 0; k < nc; k++) {
			float d = dy[k];

			if (stat != NULL)
				d -= stat[k] +
				     (x[k] - mean[k]) * inv[k] * stat[nc + k];
			d *= g[k] * inv[k];
			dx[k] = c->add[0] ? dx[k] + d : d;
		}
	}
}

/* What the bounds leave of dy. */
static void
mask(const struct op_call *c)
{
	const struct norm *cfg = c->step->cfg;

	bounds_mask(
	    &cfg->bounds, c->out, c->dout, shape_elements(c->shape_out));
}

/* Statistics that do not depend on the batch: x is not read. */
VECTOR static void
frozen_backward(const struct op_call *c)
{
	const struct norm *cfg = c->step->cfg;
	size_t n = shape_elements(c->shape_out), nc = channels(c);
	float lo = cfg->bounds.lo, hi = cfg->bounds.hi, *g = c->scratch;
	bool on = cfg->bounds.on, add = c->add[0];
	const float *by;
	struct line l;

	for (size_t k = 0; k < nc; k++) {
		float mean, inv;

		moments(c, k, &mean, &inv);
		g[k] = c->in[1][k] * inv;
	}
	by = line_of(&l, g, nc);
	for (size_t i = 0; i < n; i += l.n) {
		size_t m = MIN(l.n, n - i);
		const float *y = on ? c->out + i : c->dout + i;
		const float *dy = c->dout + i;
		float *restrict dx = c->din[0] + i;

		for (size_t k = 0; k < m; k++) {
			bool met = on && (y[k] <= lo || y[k] >= hi);
			float d = met ? 0.0f : dy[k] * by[k];

			dx[k] = add ? dx[k] + d : d;
		}
	}
}

static void
norm_backward(const struct op_call *c)
{
	bool weights = c->din[1] != NULL || c->din[2] != NULL;

	if (!weights && c->stat_backward == NULL) {
		if (c->din[0] != NULL)
			frozen_backward(c);
		return;
	}
	mask(c);
	if (c->din[1] != NULL || c->din[2] != NULL)
		backward_affine(c);
	if (c->din[0] != NULL)
		backward_data(c);
}

/* --- batch statistics ---------------------------------------------------- */

static size_t
sync_size(const struct shape *x)
{
	return 2 * x->dim[1];
}

VECTOR static void
gather_forward(const struct op_call *c, double *sum)
{
	size_t n = shape_elements(c->shape_in[0]), nc = channels(c);

	for (size_t i = 0; i < n; i += nc) {
		for (size_t k = 0; k < nc; k++) {
			double v = (double)c->in[0][i + k];

			sum[k] += v;
			sum[nc + k] += v * v;
		}
	}
}

/* A variance that rounding has taken below zero; not fmax(), which would make
 * zero of what is no number. */
static double
no_less(double var)
{
	return var < 0.0 ? 0.0 : var;
}

/* Pixels per channel over the whole batch. */
static double
population(const struct shape *x, size_t images)
{
	return (double)images *
	       (double)(shape_elements(x) / x->dim[0] / x->dim[1]);
}

static void
finish_forward(const struct step *s, const struct shape *x, const double *sum,
    size_t images, float *stat)
{
	const struct norm *cfg = s->cfg;
	double m = population(x, images);
	size_t nc = x->dim[1];

	for (size_t k = 0; k < nc; k++) {
		double mean = sum[k] / m;
		double var = no_less(sum[nc + k] / m - mean * mean);

		stat[k] = (float)mean;
		stat[nc + k] = (float)(1.0 / sqrt(var + (double)cfg->epsilon));
	}
}

VECTOR static void
add_backward(const struct op_call *c, double *sum)
{
	size_t n = shape_elements(c->shape_in[0]), nc = channels(c);
	const float *mean = all_moments(c), *inv = mean + nc;

	for (size_t i = 0; i < n; i += nc) {
		const float *dy = c->dout + i, *x = c->in[0] + i;

		for (size_t k = 0; k < nc; k++) {
			sum[k] += (double)dy[k];
			sum[nc + k] +=
			    (double)(dy[k] * (x[k] - mean[k]) * inv[k]);
		}
	}
}

static void
gather_backward(const struct op_call *c, double *sum)
{
	mask(c);
	add_backward(c, sum);
}

static void
finish_backward(const struct step *s, const struct shape *x, const double *sum,
    size_t images, float *stat)
{
	double m = population(x, images);

	(void)s;
	for (size_t k = 0; k < 2 * x->dim[1]; k++)
		stat[k] = (float)(sum[k] / m);
}

/* PyTorch's rule: r += momentum * (batch - r), variance unbiased. */
static void
update(const struct step *s, const struct shape *x, const float *stat,
    size_t images, float momentum, float *mean, float *var)
{
	const struct norm *cfg = s->cfg;
	double m = population(x, images);
	size_t nc = x->dim[1];

	for (size_t k = 0; k < nc; k++) {
		double inv = (double)stat[nc + k];
		double v = no_less(1.0 / (inv * inv) - (double)cfg->epsilon);

		v *= m > 1 ? m / (m - 1) : 1.0;
		mean[k] += momentum * (stat[k] - mean[k]);
		var[k] += momentum * ((float)v - var[k]);
	}
}

static const struct op_sync norm_sync = {
    .size = sync_size,
    .gather_forward = gather_forward,
    .finish_forward = finish_forward,
    .gather_backward = gather_backward,
    .finish_backward = finish_backward,
    .update = update,
};

const struct op op_batch_norm = {
    .name = "BatchNormalization",
    .min_in = 5,
    .max_in = 5,
    .outs = 3,
    .layout = OP_IMAGE,
    .weights = 1 << 1 | 1 << 2,
    .constants = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4,
    .keep = OP_KEEP_IN_FOR_WEIGHTS,
    .build = norm_build,
    .infer = norm_infer,
    .eval = norm_eval,
    .forward = norm_forward,
    .backward = norm_backward,
    .sync = &norm_sync,
};
