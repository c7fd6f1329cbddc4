/* SPDX-License-Identifier: MIT
 * Convolution by Winograd's minimal filtering, where that is faster: see
 * engine/wino.h.  The transformed weights, for the forward pass and behind
 * them for the gradient to data, are derived from the weights once.
 */
#include "engine/conv.h"
#include "engine/wino.h"

static struct wino
wino_of(const struct conv_geom *g)
{
	return (struct wino){.h = g->f.in[1],
	    .w = g->f.in[2],
	    .c = g->c,
	    .k = g->k,
	    .top = g->f.pad[1],
	    .left = g->f.pad[2],
	    .bottom = g->f.out[1] + 2 - g->f.in[1] - g->f.pad[1],
	    .right = g->f.out[2] + 2 - g->f.in[2] - g->f.pad[2]};
}

static bool
fits(const struct conv_geom *g)
{
	struct wino w;

	if (g->group != 1 || g->f.in[0] != 1 || g->f.out[0] != 1 ||
	    g->f.size[0] != 1)
		return false;
	for (size_t i = 1; i < WINDOW_AXES; i++)
		if (g->f.size[i] != 3 || g->f.stride[i] != 1 ||
		    g->f.dilation[i] != 1 || g->f.pad[i] > 2 ||
		    g->f.out[i] + 2 < g->f.in[i] + g->f.pad[i] ||
		    g->f.out[i] > g->f.in[i] + g->f.pad[i])
			return false;
	w = wino_of(g);
	return wino_fits(&w);
}

static bool
scratch(const struct conv_geom *g, size_t *n)
{
	struct wino w = wino_of(g);

	*n = wino_scratch(&w, g->n);
	return true;
}

static size_t
derived(const struct conv_geom *g)
{
	struct wino w = wino_of(g);

	return wino_forward_size(&w) + wino_data_size(&w);
}

static void
prepare(const struct conv_geom *g, const float *weight, float *to)
{
	struct wino w = wino_of(g);

	wino_forward_weights(&w, weight, to);
	wino_data_weights(&w, weight, to + wino_forward_size(&w));
}

static void
forward(const struct op_call *c, const struct conv_geom *g)
{
	struct wino w = wino_of(g);
	bool relu = g->bounds.on && bounds_relu(&g->bounds);
	struct wino_epilogue end = {
	    .bias = conv_bias(c), .add = conv_rest(c), .relu = relu};

	wino_forward(&w, g->n, c->in[0], c->derived, &end, c->out, c->scratch);
	if (!relu)
		bounds_apply(&g->bounds, c->out, shape_elements(c->shape_out));
}

static void
backward_data(const struct op_call *c, const struct conv_geom *g)
{
	struct wino w = wino_of(g);

	wino_data(&w, g->n, c->dout, NULL, c->derived + wino_forward_size(&w),
	    c->add[0], c->din[0], c->scratch);
}

static void
backward_weights(const struct op_call *c, const struct conv_geom *g)
{
	struct wino w = wino_of(g);

	wino_dweights(&w, g->n, c->in[0], c->dout, NULL, c->add[1], c->din[1],
	    c->scratch);
}

const struct conv_way conv_wino = {
    .fits = fits,
    .scratch = scratch,
    .derived = derived,
    .prepare = prepare,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weights = backward_weights,
};
