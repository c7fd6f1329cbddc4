/* SPDX-License-Identifier: MIT
 * GroupNormalization and InstanceNormalization (a group for each channel):
 *     y = xhat g + b,  xhat = (x - mean) inv,  inv = 1 / sqrt(var + epsilon)
 * with mean and variance of each image's group of channels.  With d = dy g:
 *     dx = inv (d - mean(d) - xhat mean(d xhat))
 * g and b are per channel or (GroupNormalization until opset 20) per group.
 * x is (N,C,spatial...), stored N,spatial...,C.
 */
#include "engine/op.h"

#include <math.h>

/* Pixels whose sums are taken apart, so that sums of many stay exact. */
#define RUN 64

struct groups {
	size_t images, pixels, channels, per; /* channels of a group */
	size_t wide;                          /* channels that share a scale */
};

static size_t
group_count(const struct step *s, const struct shape *x)
{
	bool instance = strcmp(s->op->name, "InstanceNormalization") == 0;
	int64_t n = node_int(s->node, "num_groups", 1);

	if (instance)
		return x->dim[1];
	return n < 1 || (uint64_t)n > x->dim[1] ? 0 : (size_t)n;
}

static double
epsilon(const struct step *s)
{
	return (double)(float)node_real(s->node, "epsilon", 1e-5);
}

static struct groups
groups(const struct step *s, const struct shape *const *in)
{
	const struct shape *x = in[0];
	struct groups g = {.images = x->dim[0],
	    .pixels = 1,
	    .channels = x->dim[1],
	    .per = x->dim[1] / group_count(s, x)};

	for (size_t i = 2; i < x->rank; i++)
		g.pixels *= x->dim[i];
	g.wide = shape_elements(in[1]) == g.channels ? 1 : g.per;
	return g;
}

static int
group_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	const struct shape *x = in[0];
	size_t n;

	if (x->rank < 2)
		return op_bad(s, e, "rank %zu", x->rank);
	n = group_count(s, x);
	if (n == 0 || x->dim[1] % n != 0)
		return op_bad(s, e, "%zu channels in %" PRId64 " groups",
		    x->dim[1], node_int(s->node, "num_groups", 1));
	for (size_t i = 0; i < 3; i++) {
		size_t len = i > 0 ? shape_elements(in[i]) : 0;

		if (!shape_real(in[i]))
			return op_bad(s, e, "input %zu holds no reals", i);
		if (i > 0 && ((len != x->dim[1] && len != n) ||
				 len != shape_elements(in[1])))
			return op_bad(s, e, "%zu weights for %zu channels", len,
			    x->dim[1]);
	}
	*out = *x;
	out->known = NULL;
	/* mean and inv of each image's channels; sums of an image's */
	if (ckd_mul(&need->aux, x->dim[0], x->dim[1]) ||
	    ckd_mul(&need->aux, need->aux, 2) ||
	    ckd_mul(&need->scratch, x->dim[1], 4))
		return op_bad(s, e, "the input is too large");
	need->taps = 4;
	return 0;
}

static int
group_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	struct groups g;
	size_t len;

	(void)e;
	if (shape_elements(out) == 0)
		return 0;
	g = groups(s, in);
	len = g.per * g.pixels;
	for (size_t at = 0; at < shape_elements(out); at += len) {
		const union number *x = in[0]->known + at;
		double mean = 0.0, var = 0.0, inv;

		for (size_t i = 0; i < len; i++)
			mean += x[i].f / (double)len;
		for (size_t i = 0; i < len; i++)
			var += (x[i].f - mean) * (x[i].f - mean) / (double)len;
		inv = 1.0 / sqrt(var + epsilon(s));
		for (size_t i = 0; i < len; i++) {
			size_t k = (at + i) / g.pixels % g.channels / g.wide;

			v[at + i].f =
			    (x[i].f - mean) * inv * in[1]->known[k].f +
			    in[2]->known[k].f;
		}
	}
	return 0;
}

/* --- sums of one image by channel ---------------------------------------- */

/* Add `run` to sum and clear it. */
VECTOR static void
flush(size_t n, float *run, float *sum)
{
	for (size_t k = 0; k < n; k++) {
		sum[k] += run[k];
		run[k] = 0.0f;
	}
}

VECTOR static void
add_pixel(size_t n, const float *x, float *restrict sum)
{
	for (size_t k = 0; k < n; k++)
		sum[k] += x[k];
}

VECTOR static void
add_square(size_t n, const float *x, const float *mean, float *restrict sum)
{
	for (size_t k = 0; k < n; k++)
		sum[k] += (x[k] - mean[k]) * (x[k] - mean[k]);
}

VECTOR static void
add_products(size_t n, const float *x, const float *mean, const float *dy,
    float *restrict sum)
{
	for (size_t k = 0; k < n; k++)
		sum[k] += (x[k] - mean[k]) * dy[k];
}

/*
 * sum[k]: of x, of (x - mean)^2 where there is a mean, of (x - mean) dy where
 * there is dy; run is scratch for as many.
 */
static void
sums(const struct groups *g, const float *x, const float *mean, const float *dy,
    float *sum, float *run)
{
	size_t n = g->channels;

	memset(sum, 0, n * sizeof(*sum));
	memset(run, 0, n * sizeof(*run));
	for (size_t i = 0; i < g->pixels; i++) {
		if (mean == NULL)
			add_pixel(n, x + i * n, run);
		else if (dy == NULL)
			add_square(n, x + i * n, mean, run);
		else
			add_products(n, x + i * n, mean, dy + i * n, run);
		if (i % RUN == RUN - 1 || i == g->pixels - 1)
			flush(n, run, sum);
	}
}

/* Each channel's number becomes the mean of its group. */
static void
means(const struct groups *g, float *sum)
{
	float n = (float)(g->per * g->pixels);

	for (size_t k = 0; k < g->channels; k += g->per) {
		float v = 0.0f;

		for (size_t i = k; i < k + g->per; i++)
			v += sum[i];
		for (size_t i = k; i < k + g->per; i++)
			sum[i] = v / n;
	}
}

/* --- forward and backward ------------------------------------------------ */

/* y = (x - mean) scale + shift for all pixels of an image */
VECTOR static void
normalise(const struct groups *g, const float *x, const float *mean,
    const float *scale, const float *shift, float *restrict y)
{
	size_t n = g->channels;

	for (size_t i = 0; i < g->pixels * n; i += n)
		for (size_t k = 0; k < n; k++)
			y[i + k] = (x[i + k] - mean[k]) * scale[k] + shift[k];
}

static void
group_forward(const struct op_call *c)
{
	struct groups g = groups(c->step, c->shape_in);
	size_t n = g.channels, size = g.pixels * n;
	float *scale = c->scratch, *shift = scale + n, *run = shift + n;

	for (size_t i = 0; i < g.images; i++) {
		const float *x = c->in[0] + i * size;
		float *mean = c->aux + 2 * i * n, *inv = mean + n;

		sums(&g, x, NULL, NULL, mean, run);
		means(&g, mean);
		sums(&g, x, mean, NULL, inv, run);
		means(&g, inv);
		for (size_t k = 0; k < n; k++) {
			inv[k] = 1.0f / sqrtf(inv[k] + (float)epsilon(c->step));
			scale[k] = inv[k] * c->in[1][k / g.wide];
			shift[k] = c->in[2][k / g.wide];
		}
		normalise(&g, x, mean, scale, shift, c->out + i * size);
	}
}

/* dx = by dy - a - (x - mean) b for all pixels of an image */
VECTOR static void
image_backward(const struct groups *g, const float *x, const float *mean,
    const float *dy, const float *by, float *restrict dx, bool add)
{
	size_t n = g->channels;
	const float *a = by + n, *b = a + n;

	for (size_t i = 0; i < g->pixels * n; i += n)
		for (size_t k = 0; k < n; k++) {
			float d = by[k] * dy[i + k] - a[k] -
				  (x[i + k] - mean[k]) * b[k];

			dx[i + k] = add ? dx[i + k] + d : d;
		}
}

static void
group_backward(const struct op_call *c)
{
	struct groups g = groups(c->step, c->shape_in);
	size_t n = g.channels, size = g.pixels * n;
	float *by = c->scratch, *a = by + n, *b = a + n, *run = b + n;

	for (size_t i = 1; i < 3; i++)
		if (c->din[i] != NULL && !c->add[i])
			memset(c->din[i], 0,
			    shape_elements(c->shape_in[i]) *
				sizeof(*c->din[i]));
	for (size_t i = 0; i < g.images; i++) {
		const float *x = c->in[0] + i * size, *dy = c->dout + i * size;
		const float *mean = c->aux + 2 * i * n, *inv = mean + n;

		sums(&g, dy, NULL, NULL, a, run);
		sums(&g, x, mean, dy, b, run);
		for (size_t k = 0; k < n; k++) {
			float scale = c->in[1][k / g.wide];

			if (c->din[1] != NULL)
				c->din[1][k / g.wide] += b[k] * inv[k];
			if (c->din[2] != NULL)
				c->din[2][k / g.wide] += a[k];
			by[k] = scale * inv[k];
			a[k] *= scale;
			b[k] *= scale;
		}
		if (c->din[0] == NULL)
			continue;
		means(&g, a);
		means(&g, b);
		for (size_t k = 0; k < n; k++) {
			a[k] *= inv[k];
			b[k] *= inv[k] * inv[k] * inv[k];
		}
		image_backward(
		    &g, x, mean, dy, by, c->din[0] + i * size, c->add[0]);
	}
}

#define GROUP_NORM(lower, title)                                               \
	const struct op op_##lower = {                                         \
	    .name = title,                                                     \
	    .min_in = 3,                                                       \
	    .max_in = 3,                                                       \
	    .layout = OP_IMAGE,                                                \
	    .weights = 1 << 1 | 1 << 2,                                        \
	    .keep = OP_KEEP_IN_FOR_DATA | OP_KEEP_IN_FOR_WEIGHTS,              \
	    .infer = group_infer,                                              \
	    .eval = group_eval,                                                \
	    .forward = group_forward,                                          \
	    .backward = group_backward,                                        \
	}

GROUP_NORM(group_norm, "GroupNormalization");
GROUP_NORM(instance_norm, "InstanceNormalization");
