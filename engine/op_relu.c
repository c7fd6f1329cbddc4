/* SPDX-License-Identifier: MIT
 * Relu: y = max(x, 0).  LeakyRelu: y = x < 0 ? alpha x : x.  Clip: y =
 * min(max(x, lo), hi).  All pass NaN on, so that poisoned weights stay
 * visible; the gradients of Relu and Clip use y alone.
 */
#include "engine/op.h"

#include <math.h>

static int
same_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	(void)s;
	(void)need;
	(void)e;
	*out = *in[0];
	return 0;
}

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

const struct op op_relu = {
    .name = "Relu",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ANY,
    .keep = OP_KEEP_OUT,
    .infer = same_infer,
    .forward = relu_forward,
    .backward = relu_backward,
};

struct leaky {
	float alpha;
};

static int
leaky_build(
    struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	struct leaky *cfg = arena_alloc(a, 1, sizeof(*cfg));

	if (cfg == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
	cfg->alpha = (float)node_real(n, "alpha", 0.01);
	s->cfg = cfg;
	return 0;
}

VECTOR static void
leaky_forward(const struct op_call *c)
{
	const struct leaky *cfg = c->step->cfg;
	size_t n = shape_elements(c->shape_out);
	const float *x = c->in[0];

	for (size_t i = 0; i < n; i++)
		c->out[i] = x[i] < 0.0f ? cfg->alpha * x[i] : x[i];
}

VECTOR static void
leaky_backward(const struct op_call *c)
{
	const struct leaky *cfg = c->step->cfg;
	size_t n = shape_elements(c->shape_out);
	const float *x = c->in[0], *dy = c->dout;
	float *dx = c->din[0];

	for (size_t i = 0; i < n; i++) {
		float g = x[i] > 0.0f ? dy[i] : cfg->alpha * dy[i];

		dx[i] = c->add[0] ? dx[i] + g : g;
	}
}

const struct op op_leaky_relu = {
    .name = "LeakyRelu",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ANY,
    .keep = OP_KEEP_IN_FOR_DATA,
    .build = leaky_build,
    .infer = same_infer,
    .forward = leaky_forward,
    .backward = leaky_backward,
};

struct clip {
	float lo, hi;
};

static int
clip_build(struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	struct clip *cfg = arena_alloc(a, 1, sizeof(*cfg));

	if (cfg == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
	cfg->lo = (float)node_real(n, "min", -(double)INFINITY);
	cfg->hi = (float)node_real(n, "max", (double)INFINITY);
	s->cfg = cfg;
	return 0;
}

VECTOR static void
clip_forward(const struct op_call *c)
{
	const struct clip *cfg = c->step->cfg;
	size_t n = shape_elements(c->shape_out);
	const float *x = c->in[0];

	for (size_t i = 0; i < n; i++) {
		float v = x[i] < cfg->lo ? cfg->lo : x[i];

		c->out[i] = v > cfg->hi ? cfg->hi : v;
	}
}

VECTOR static void
clip_backward(const struct op_call *c)
{
	const struct clip *cfg = c->step->cfg;
	size_t n = shape_elements(c->shape_out);
	const float *y = c->out, *dy = c->dout;
	float *dx = c->din[0];

	for (size_t i = 0; i < n; i++) {
		float g = y[i] <= cfg->lo || y[i] >= cfg->hi ? 0.0f : dy[i];

		dx[i] = c->add[0] ? dx[i] + g : g;
	}
}

const struct op op_clip = {
    .name = "Clip",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ANY,
    .keep = OP_KEEP_OUT,
    .build = clip_build,
    .infer = same_infer,
    .forward = clip_forward,
    .backward = clip_backward,
};
