/* SPDX-License-Identifier: MIT
 * GridSample: y[n,c,i,j] is x (N,C,H,W) at the place that grid (N,Ho,Wo,2) has
 * at n, i, j: its column and row, -1 and 1 being the first and last pixel's
 * middle (align_corners) or outer edge.  Modes bilinear ("linear" from 20 on)
 * and nearest, halves to the even pixel; outside are zeros, the border, or
 * reflections.  The arithmetic is PyTorch's (aten/src/ATen/native/cpu/
 * GridSamplerKernel.cpp), where a pixel is chosen by it rounded to floats as
 * there.  A grid of one image serves all.
 */
#include "engine/op.h"
#include "engine/vector.h"

#include <math.h>

enum outside {
	OUTSIDE_ZEROS,
	OUTSIDE_BORDER,
	OUTSIDE_REFLECTION,
};

struct sample {
	bool nearest, corners;
	enum outside outside;
};

static const char *
word(const struct node *n, const char *name, const char *absent)
{
	const struct attr *a = node_attr(n, name);

	return a == NULL ? absent : a->kind == ATTR_TEXT ? a->s : "";
}

static int
grid_sample_build(
    struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	static const char *const edges[] = {"zeros", "border", "reflection"};
	struct sample *cfg = op_alloc(a, sizeof(*cfg), e);
	const char *mode = word(n, "mode", "linear");
	const char *edge = word(n, "padding_mode", "zeros");
	size_t i = 0;

	if (cfg == NULL)
		return ERR_LIMIT;
	s->cfg = cfg;
	cfg->corners = node_int(n, "align_corners", 0) != 0;
	cfg->nearest = strcmp(mode, "nearest") == 0;
	if (!cfg->nearest && strcmp(mode, "linear") != 0 &&
	    strcmp(mode, "bilinear") != 0)
		return op_bad(s, e, "mode '%.32s'", mode);
	while (i < ARRAY_LEN(edges) && strcmp(edge, edges[i]) != 0)
		i++;
	if (i == ARRAY_LEN(edges))
		return op_bad(s, e, "padding_mode '%.32s'", edge);
	cfg->outside = (enum outside)i;
	return 0;
}

static int
grid_sample_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	const struct shape *x = in[0], *g = in[1];

	if (x->rank != 4 || g->rank != 4)
		return op_bad(s, e, "an image of rank %zu, a grid of rank %zu",
		    x->rank, g->rank);
	if (!shape_real(x) || !shape_real(g))
		return op_bad(s, e, "integers");
	if (g->dim[3] != 2 || (g->dim[0] != x->dim[0] && g->dim[0] != 1))
		return op_bad(s, e, "a grid of %zu x %zu for %zu images",
		    g->dim[0], g->dim[3], x->dim[0]);
	*out = (struct shape){.rank = 4,
	    .dim = {x->dim[0], x->dim[1], g->dim[1], g->dim[2]},
	    .layout = LAYOUT_LAST};
	need->taps = ((const struct sample *)s->cfg)->nearest ? 1 : 4;
	return shape_sane(out)
		   ? 0
		   : op_bad(s, e, "the output is empty or too large");
}

/* --- places -------------------------------------------------------------- */

/* What is left of a result: which pixel is the nearest hangs on it. */
static double
rounded(const struct sample *cfg, double v)
{
	return cfg->nearest ? (double)(float)v : v;
}

/* v between 0 and n - 1; *slope is zero where that stops it. */
static double
stop(double v, size_t n, double *slope)
{
	double last = (double)(n - 1);

	if (v <= 0.0 || v >= last)
		*slope = 0.0;
	v = v < 0.0 ? 0.0 : v;
	return v > last ? last : v;
}

/* v, reflected at `low` and low + span; *slope turns with each. */
static double
reflect(
    const struct sample *cfg, double v, double low, double span, double *slope)
{
	double rest;

	if (span == 0.0) {
		*slope = 0.0;
		return isnan(v) ? v : 0.0;
	}
	v = rounded(cfg, v - low);
	if (v < 0.0) {
		v = -v;
		*slope = -*slope;
	}
	rest = fmod(v, span);
	if (fmod(floor(v / span), 2.0) == 0.0)
		return rounded(cfg, rest + low);
	*slope = -*slope;
	return rounded(cfg, rounded(cfg, span - rest) + low);
}

/* Where g lies among n pixels, and the derivative of that. */
static double
place(const struct sample *cfg, double g, size_t n, double *slope)
{
	double scale = (double)(cfg->corners ? n - 1 : n) / 2.0;
	double v = rounded(cfg, rounded(cfg, g + 1.0) * scale);

	*slope = scale;
	if (!cfg->corners)
		v = rounded(cfg, v - 0.5);
	if (cfg->outside == OUTSIDE_REFLECTION)
		v = cfg->corners ? reflect(cfg, v, 0.0, (double)(n - 1), slope)
				 : reflect(cfg, v, -0.5, (double)n, slope);
	return cfg->outside != OUTSIDE_ZEROS ? stop(v, n, slope) : v;
}

/* Up to four pixels, their weights, and the derivatives of these by column
 * and row of the grid; a pixel outside is none. */
struct taps {
	size_t n, at[4];
	double w[4], by[4][2];
	bool bad; /* the place is no number */
};

static void
tap(struct taps *t, const struct shape *x, double row, double col, double w,
    double by_col, double by_row)
{
	if (!(row >= 0.0 && row <= (double)(x->dim[2] - 1) && col >= 0.0 &&
		col <= (double)(x->dim[3] - 1)))
		return;
	t->at[t->n] = (size_t)row * x->dim[3] + (size_t)col;
	t->w[t->n] = w;
	t->by[t->n][0] = by_col;
	t->by[t->n][1] = by_row;
	t->n++;
}

static void
taps_of(const struct sample *cfg, const struct shape *x, double gx, double gy,
    struct taps *t)
{
	double sx, sy, u = place(cfg, gx, x->dim[3], &sx);
	double v = place(cfg, gy, x->dim[2], &sy);
	double left = floor(u), top = floor(v), p = u - left, q = v - top;

	*t = (struct taps){.bad = isnan(u) || isnan(v)};
	if (cfg->nearest) {
		tap(t, x, rint(v), rint(u), 1.0, 0.0, 0.0);
		return;
	}
	tap(t, x, top, left, (1 - q) * (1 - p), -sx * (1 - q), -sy * (1 - p));
	tap(t, x, top, left + 1, (1 - q) * p, sx * (1 - q), -sy * p);
	tap(t, x, top + 1, left, q * (1 - p), -sx * q, sy * (1 - p));
	tap(t, x, top + 1, left + 1, q * p, sx * q, sy * p);
}

/* --- definition ---------------------------------------------------------- */

static int
grid_sample_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	const struct shape *x = in[0], *g = in[1];
	size_t pixels = out->dim[2] * out->dim[3];
	size_t plane = x->dim[2] * x->dim[3];

	(void)e;
	for (size_t i = 0; i < shape_elements(out); i++) {
		size_t n = i / pixels / out->dim[1];
		size_t at = (g->dim[0] == 1 ? 0 : n) * pixels + i % pixels;
		const union number *from = x->known + i / pixels * plane;
		struct taps t;

		taps_of(
		    s->cfg, x, g->known[2 * at].f, g->known[2 * at + 1].f, &t);
		v[i].f = t.bad ? (double)NAN : 0.0;
		for (size_t k = 0; k < t.n; k++)
			v[i].f += t.w[k] * from[t.at[k]].f;
	}
	return 0;
}

/* --- kernels ------------------------------------------------------------- */

/* A pixel of the output: where the grid's two numbers for it are. */
struct at {
	size_t grid, next; /* of the column; from there to the row */
};

static struct at
at_of(const struct op_call *c, size_t n, size_t i)
{
	const struct shape *g = c->shape_in[1];
	size_t stride[MODEL_MAX_RANK];

	shape_strides(g, stride);
	return (struct at){.grid = (g->dim[0] == 1 ? 0 : n) * stride[0] +
				   i / g->dim[2] * stride[1] +
				   i % g->dim[2] * stride[2],
	    .next = stride[3]};
}

VECTOR static void
add_pixel(size_t n, float w, const float *restrict x, float *restrict y)
{
	for (size_t k = 0; k < n; k++)
		y[k] += w * x[k];
}

static void
grid_sample_forward(const struct op_call *c)
{
	const struct shape *x = c->shape_in[0], *out = c->shape_out;
	size_t channels = x->dim[1], pixels = out->dim[2] * out->dim[3];
	size_t image = x->dim[2] * x->dim[3] * channels;
	float *y = c->out;

	for (size_t n = 0; n < x->dim[0]; n++)
		for (size_t i = 0; i < pixels; i++, y += channels) {
			struct at at = at_of(c, n, i);
			const float *g = c->in[1] + at.grid;
			struct taps t;

			taps_of(c->step->cfg, x, (double)g[0],
			    (double)g[at.next], &t);
			for (size_t k = 0; k < channels; k++)
				y[k] = t.bad ? NAN : 0.0f;
			for (size_t k = 0; k < t.n; k++)
				add_pixel(channels, (float)t.w[k],
				    c->in[0] + n * image + t.at[k] * channels,
				    y);
		}
}

static float
product(size_t n, const float *x, const float *y)
{
	float sum = 0.0f;

	for (size_t k = 0; k < n; k++)
		sum += x[k] * y[k];
	return sum;
}

static void
grid_sample_backward(const struct op_call *c)
{
	const struct shape *x = c->shape_in[0], *out = c->shape_out;
	size_t channels = x->dim[1], pixels = out->dim[2] * out->dim[3];
	size_t image = x->dim[2] * x->dim[3] * channels;
	const float *dy = c->dout;

	for (size_t k = 0; k < 2; k++)
		if (c->din[k] != NULL && !c->add[k])
			memset(c->din[k], 0,
			    shape_elements(c->shape_in[k]) * sizeof(float));
	for (size_t n = 0; n < x->dim[0]; n++)
		for (size_t i = 0; i < pixels; i++, dy += channels) {
			struct at at = at_of(c, n, i);
			const float *g = c->in[1] + at.grid;
			struct taps t;

			taps_of(c->step->cfg, x, (double)g[0],
			    (double)g[at.next], &t);
			for (size_t k = 0; k < t.n; k++) {
				size_t from = n * image + t.at[k] * channels;
				float sum;

				if (c->din[0] != NULL)
					add_pixel(channels, (float)t.w[k], dy,
					    c->din[0] + from);
				if (c->din[1] == NULL)
					continue;
				sum = product(channels, c->in[0] + from, dy);
				c->din[1][at.grid] += sum * (float)t.by[k][0];
				c->din[1][at.grid + at.next] +=
				    sum * (float)t.by[k][1];
			}
		}
}

const struct op op_grid_sample = {
    .name = "GridSample",
    .min_in = 2,
    .max_in = 2,
    .layout = OP_IMAGE,
    .keep = OP_KEEP_IN_FOR_DATA,
    .build = grid_sample_build,
    .infer = grid_sample_infer,
    .eval = grid_sample_eval,
    .forward = grid_sample_forward,
    .backward = grid_sample_backward,
};
