/* SPDX-License-Identifier: MIT
 * LRN: y = x / s^beta, s = bias + alpha / size * sum of x^2 over `size`
 * channels around the own one.
 *     dx = dy s^-beta - 2 alpha beta / size x sum of (dy x s^(-beta-1))
 * over those channels whose sum x is part of.  Channels come last in memory
 * whatever the rank; aux keeps s.
 */
#include "base/limits.h"
#include "engine/op.h"

#include <math.h>

struct lrn {
	size_t before, behind;    /* channels of the sum beside the own one */
	double alpha, beta, bias; /* alpha: over size */
};

static int
lrn_build(struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	struct lrn *cfg = op_alloc(a, sizeof(*cfg), e);
	int64_t size = node_int(n, "size", 0);

	if (cfg == NULL)
		return ERR_LIMIT;
	if (size < 1 || size > LIMIT_CLASSES)
		return op_bad(s, e, "size %" PRId64, size);
	cfg->before = (size_t)(size - 1) / 2;
	cfg->behind = (size_t)size - 1 - cfg->before;
	cfg->alpha = node_real(n, "alpha", 1e-4) / (double)size;
	cfg->beta = node_real(n, "beta", 0.75);
	cfg->bias = node_real(n, "bias", 1.0);
	s->cfg = cfg;
	return 0;
}

static int
lrn_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	const struct lrn *cfg = s->cfg;

	if (in[0]->rank < 2 || !shape_real(in[0]))
		return op_bad(s, e, "rank %zu, or integers", in[0]->rank);
	need->taps = cfg->before + cfg->behind + 1;
	/* one that depends on the image is sane, so is its product */
	if (in[0]->known == NULL) {
		need->aux = shape_elements(in[0]);
		need->scratch = 3 * in[0]->dim[1];
	}
	return op_same(s, in, out, need, e);
}

static int
lrn_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	const struct lrn *cfg = s->cfg;
	size_t channels = out->dim[1], inner = 1;
	const union number *x = in[0]->known;

	(void)e;
	for (size_t i = 2; i < out->rank; i++)
		inner *= out->dim[i];
	for (size_t i = 0; i < shape_elements(out); i++) {
		size_t c = i / inner % channels;
		size_t from = c - MIN(c, cfg->before);
		size_t to = MIN(channels, c + cfg->behind + 1);
		double sum = 0.0;

		for (size_t k = from; k < to; k++) {
			double near = x[i - c * inner + k * inner].f;

			sum += near * near;
		}
		sum = cfg->bias + cfg->alpha * sum;
		v[i].f = x[i].f / pow(sum, cfg->beta);
	}
	return 0;
}

/* s^-beta */
VECTOR static void
powers(size_t n, float beta, const float *restrict s, float *restrict p)
{
	if (beta == 0.75f) {
		for (size_t i = 0; i < n; i++)
			p[i] = 1.0f / (sqrtf(s[i]) * sqrtf(sqrtf(s[i])));
		return;
	}
	for (size_t i = 0; i < n; i++)
		p[i] = powf(s[i], -beta);
}

/* sum[c] += x[k] y[k] for all channels k from `before` to `behind` of c */
VECTOR static void
near(size_t n, size_t before, size_t behind, const float *x, const float *y,
    float *restrict sum)
{
	for (size_t d = MIN(before, n - 1); d > 0; d--)
		for (size_t c = d; c < n; c++)
			sum[c] += x[c - d] * y[c - d];
	for (size_t d = 0; d <= MIN(behind, n - 1); d++)
		for (size_t c = 0; c + d < n; c++)
			sum[c] += x[c + d] * y[c + d];
}

VECTOR static void
sums(size_t n, float alpha, float bias, const float *restrict x,
    float *restrict s)
{
	for (size_t c = 0; c < n; c++)
		s[c] = bias + alpha * x[c];
}

VECTOR static void
multiply(size_t n, const float *restrict a, const float *restrict b,
    float *restrict y)
{
	for (size_t c = 0; c < n; c++)
		y[c] = a[c] * b[c];
}

static void
lrn_forward(const struct op_call *c)
{
	const struct lrn *cfg = c->step->cfg;
	size_t n = c->shape_out->dim[1], all = shape_elements(c->shape_out);
	float *sum = c->scratch, *power = c->scratch + n;

	for (size_t i = 0; i < all; i += n) {
		const float *x = c->in[0] + i;

		memset(sum, 0, n * sizeof(*sum));
		near(n, cfg->before, cfg->behind, x, x, sum);
		sums(n, (float)cfg->alpha, (float)cfg->bias, sum, c->aux + i);
		powers(n, (float)cfg->beta, c->aux + i, power);
		multiply(n, x, power, c->out + i);
	}
}

/* term = dy s^(-beta-1), direct = dy s^-beta; direct holds s^-beta */
VECTOR static void
terms(size_t n, const float *restrict dy, const float *restrict s,
    float *restrict direct, float *restrict term)
{
	for (size_t c = 0; c < n; c++) {
		direct[c] *= dy[c];
		term[c] = direct[c] / s[c];
	}
}

VECTOR static void
finish(size_t n, const float *restrict direct, const float *restrict x,
    const float *restrict sum, float scale, bool add, float *restrict dx)
{
	for (size_t c = 0; c < n; c++) {
		float v = direct[c] - scale * x[c] * sum[c];

		dx[c] = add ? dx[c] + v : v;
	}
}

static void
lrn_backward(const struct op_call *c)
{
	const struct lrn *cfg = c->step->cfg;
	size_t n = c->shape_out->dim[1], all = shape_elements(c->shape_out);
	float *direct = c->scratch, *term = direct + n, *sum = term + n;
	float scale = (float)(2.0 * cfg->alpha * cfg->beta);

	for (size_t i = 0; i < all; i += n) {
		const float *x = c->in[0] + i;

		powers(n, (float)cfg->beta, c->aux + i, direct);
		terms(n, c->dout + i, c->aux + i, direct, term);
		memset(sum, 0, n * sizeof(*sum));
		/* the channels whose sums channel c is part of */
		near(n, cfg->behind, cfg->before, x, term, sum);
		finish(n, direct, x, sum, scale, c->add[0], c->din[0] + i);
	}
}

const struct op op_lrn = {
    .name = "LRN",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_IMAGE,
    .keep = OP_KEEP_IN_FOR_DATA,
    .build = lrn_build,
    .infer = lrn_infer,
    .eval = lrn_eval,
    .forward = lrn_forward,
    .backward = lrn_backward,
};
