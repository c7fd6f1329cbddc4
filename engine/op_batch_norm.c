/* SPDX-License-Identifier: MIT
 * BatchNormalization over axis 1: y = (x - mean) / sqrt(var + eps) * g + b.
 * Inputs x, scale g, bias b, running mean, running variance (C each).
 *
 * Evaluation uses the running statistics.  In training the statistics of the
 * whole batch come through struct op_sync: forward gathers sum(x) and
 * sum(x^2) per channel, backward sum(dy) and sum(dy * xhat):
 *     dx = g * inv * (dy - mean(dy) - xhat * mean(dy * xhat))
 * x is (N,C,H,W) stored NHWC, or (N,C).
 */
#include "engine/op.h"

#include <math.h>

struct norm {
	float epsilon;
};

static int
norm_build(struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	struct norm *cfg = arena_alloc(a, 1, sizeof(*cfg));

	if (cfg == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
	cfg->epsilon = (float)node_real(n, "epsilon", 1e-5);
	s->cfg = cfg;
	return 0;
}

static int
norm_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	const struct shape *x = in[0];

	if (x->rank != 4 && x->rank != 2)
		return op_bad(s, e, "rank %zu, must be 2 or 4", x->rank);
	for (size_t i = 1; i < 5; i++)
		if (in[i] == NULL || shape_elements(in[i]) != x->dim[1])
			return op_bad(s, e,
			    "input %zu does not have %zu "
			    "elements",
			    i, x->dim[1]);
	*out = *x;
	/* scale and shift, or mean and inv, of each channel */
	need->scratch = 2 * x->dim[1];
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

static int
norm_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	const struct norm *cfg = s->cfg;
	size_t inner = 1;

	(void)e;
	for (size_t i = 2; i < out->rank; i++)
		inner *= out->dim[i];
	for (size_t i = 0; i < shape_elements(out); i++) {
		size_t k = i / inner % out->dim[1];
		double inv =
		    1.0 / sqrt(in[4]->known[k].f + (double)cfg->epsilon);

		v[i].f = (in[0]->known[i].f - in[3]->known[k].f) * inv *
			     in[1]->known[k].f +
			 in[2]->known[k].f;
	}
	return 0;
}

VECTOR static void
norm_forward(const struct op_call *c)
{
	size_t n = shape_elements(c->shape_out), nc = channels(c);
	float *scale = c->scratch, *shift = c->scratch + nc;

	for (size_t k = 0; k < nc; k++) {
		float mean, inv;

		moments(c, k, &mean, &inv);
		scale[k] = c->in[1][k] * inv;
		shift[k] = c->in[2][k] - mean * scale[k];
	}
	for (size_t i = 0; i < n; i += nc)
		for (size_t k = 0; k < nc; k++)
			c->out[i + k] = c->in[0][i + k] * scale[k] + shift[k];
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

static void
norm_backward(const struct op_call *c)
{
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
		double var = fmax(sum[nc + k] / m - mean * mean, 0.0);

		stat[k] = (float)mean;
		stat[nc + k] = (float)(1.0 / sqrt(var + (double)cfg->epsilon));
	}
}

VECTOR static void
gather_backward(const struct op_call *c, double *sum)
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
		double v = 1.0 / (inv * inv) - (double)cfg->epsilon;

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
