/* SPDX-License-Identifier: MIT
 * Convolution of each channel by itself (depthwise: one channel a group).
 * Channels lie side by side, so that all three passes are one sum over
 * vectors of channels, kernel_run():
 *     y[pixel]  = sum over taps    of x[pixel + tap] w[tap]
 *     dx[pixel] = sum over taps    of dy[pixel - tap] w[tap]
 *     dw[tap]  += sum over pixels  of x[pixel + tap] dy[pixel]
 * Weights are turned to (taps x K) in scratch.  Where a channel has several
 * outputs, x is first repeated for each of them.
 */
#include "engine/conv.h"
#include "engine/gemm.h"

/* --- the sum ------------------------------------------------------------- */

/* Strides are in floats, from one row, tap or pixel to the next. */
struct sum {
	size_t channels, rows, taps;
	const float *x, *w;
	ptrdiff_t x_row, x_tap, x_pixel;
	ptrdiff_t w_row, w_tap;
	const float *bias; /* or NULL */
	float *y;
	ptrdiff_t y_pixel;
	bool add;
	struct bounds bounds;
};

#define RUN 4 /* pixels that read a weight together */

typedef float wide __attribute__((vector_size(64)));
typedef float narrow __attribute__((vector_size(32)));

/* `pixels` times `n` vectors of channels from k on, all in registers. */
#define BLOCK(name, vec)                                                       \
	static inline __attribute__((always_inline)) void name(                \
	    const struct sum *s, size_t k, size_t pixels, size_t n)            \
	{                                                                      \
		const size_t lanes = sizeof(vec) / sizeof(float);              \
		vec acc[RUN * 2], w[4], v;                                     \
		for (size_t i = 0; i < pixels * n; i++)                        \
			acc[i] = (vec){0};                                     \
		for (size_t r = 0; r < s->rows; r++) {                         \
			const float *px = s->x + (ptrdiff_t)r * s->x_row + k;  \
			const float *pw = s->w + (ptrdiff_t)r * s->w_row + k;  \
			for (size_t t = 0; t < s->taps; t++) {                 \
				for (size_t j = 0; j < n; j++)                 \
					memcpy(&w[j], pw + j * lanes,          \
					    sizeof(vec));                      \
				for (size_t p = 0; p < pixels; p++)            \
					for (size_t j = 0; j < n; j++) {       \
						memcpy(&v,                     \
						    px +                       \
							(ptrdiff_t)p *         \
							    s->x_pixel +       \
							j * lanes,             \
						    sizeof(vec));              \
						acc[p * n + j] += v * w[j];    \
					}                                      \
				px += s->x_tap;                                \
				pw += s->w_tap;                                \
			}                                                      \
		}                                                              \
		for (size_t p = 0; p < pixels; p++)                            \
			for (size_t j = 0; j < n; j++) {                       \
				float *y = s->y + (ptrdiff_t)p * s->y_pixel +  \
					   k + j * lanes;                      \
				if (s->bias != NULL) {                         \
					memcpy(&v, s->bias + k + j * lanes,    \
					    sizeof(vec));                      \
					acc[p * n + j] += v;                   \
				}                                              \
				if (s->add) {                                  \
					memcpy(&v, y, sizeof(vec));            \
					acc[p * n + j] += v;                   \
				}                                              \
				memcpy(y, &acc[p * n + j], sizeof(vec));       \
			}                                                      \
	}

BLOCK(block_wide, wide)
BLOCK(block_narrow, narrow)
BLOCK(block_one, float)

static inline __attribute__((always_inline)) void
all_channels(const struct sum *s, size_t pixels)
{
	size_t k = 0, n = s->channels;

	for (; pixels == 1 && k + 64 <= n; k += 64)
		block_wide(s, k, 1, 4);
	for (; pixels > 1 && k + 32 <= n; k += 32)
		block_wide(s, k, pixels, 2);
	for (; k + 16 <= n; k += 16)
		block_wide(s, k, pixels, 1);
	for (; k + 8 <= n; k += 8)
		block_narrow(s, k, pixels, 1);
	for (; k < n; k++)
		block_one(s, k, pixels, 1);
}

/* At most RUN pixels. */
VECTOR static void
kernel_run(const struct sum *s, size_t pixels)
{
	switch (pixels) {
	case 1:
		all_channels(s, 1);
		break;
	case 2:
		all_channels(s, 2);
		break;
	case 3:
		all_channels(s, 3);
		break;
	default:
		all_channels(s, RUN);
		break;
	}
}

/* --- which taps meet which pixels ---------------------------------------- */

/*
 * Along one axis, the taps that a pixel is a sum over: n of them from tap
 * `from` on, the first at index `at` of the other side.
 */
struct reach {
	size_t from, n, at;
};

/* From taps to taps, from index to index, for the same and the next pixel. */
struct pace {
	size_t phases; /* pixels that far apart have the same taps */
	size_t tap;
	ptrdiff_t at;
	size_t next; /* index of pixel + phases, less that of pixel */
};

static struct pace
pace_of(const struct window_fit *f, size_t axis, bool back)
{
	size_t stride = f->stride[axis], dilation = f->dilation[axis];

	if (!back)
		return (struct pace){1, 1, (ptrdiff_t)dilation, stride};
	/* one of the two is 1 */
	return (struct pace){stride, stride, -(ptrdiff_t)dilation, 1};
}

/* Output i, or input i going back. */
static struct reach
reach_of(const struct window_fit *f, size_t axis, size_t i, bool back)
{
	size_t stride = f->stride[axis], dilation = f->dilation[axis];
	size_t u = i + f->pad[axis], from, last, over;

	if (!back) {
		struct window_span s = window_span(f, axis, i);

		return (struct reach){s.from, s.to - s.from, s.at};
	}
	/* tap r met output (u - r * dilation) / stride, which is below out */
	from = u % stride;
	last = MIN(f->size[axis] - 1, u / dilation);
	over = (f->out[axis] - 1) * stride;
	if (u > over + from * dilation)
		from += (u - over - from * dilation + stride * dilation - 1) /
			(stride * dilation) * stride;
	if (from > last)
		return (struct reach){0};
	return (struct reach){
	    from, (last - from) / stride + 1, (u - from * dilation) / stride};
}

/* --- passes -------------------------------------------------------------- */

static bool
fits(const struct conv_geom *g)
{
	const struct window_fit *f = &g->f;
	bool flat = f->in[0] == 1 && f->size[0] == 1 && f->out[0] == 1;

	for (size_t i = 0; i < WINDOW_AXES; i++)
		flat = flat && (f->stride[i] == 1 || f->dilation[i] == 1);
	return flat && g->cg == 1 && f->taps > 1;
}

static bool
scratch(const struct conv_geom *g, size_t *n)
{
	size_t pixels = g->kg > 1 ? g->f.inputs : 0;

	return !ckd_add(n, pixels, g->f.taps) && !ckd_mul(n, *n, g->k);
}

/* Weights as taps x K, in scratch. */
static float *
turned(const struct op_call *c, const struct conv_geom *g)
{
	size_t taps = g->f.taps;

	for (size_t t = 0; t < taps; t++)
		for (size_t k = 0; k < g->k; k++)
			c->scratch[t * g->k + k] = c->in[1][k * taps + t];
	return c->scratch;
}

/* Room for one image with K channels, behind the weights. */
static float *
repeated(const struct op_call *c, const struct conv_geom *g)
{
	return c->scratch + g->f.taps * g->k;
}

/* Image n with a channel for each output channel. */
static const float *
image(const struct op_call *c, const struct conv_geom *g, size_t n)
{
	const float *x = c->in[0] + n * g->f.inputs * g->c;
	float *to = repeated(c, g);

	if (g->kg == 1)
		return x;
	for (size_t i = 0; i < g->f.inputs * g->c; i++)
		for (size_t m = 0; m < g->kg; m++)
			to[i * g->kg + m] = x[i];
	return to;
}

/*
 * One image, all pixels of y (or of dx going back) from x (or dy) with w of
 * taps x K; s has channels, bias and add.
 */
static void
slide(const struct conv_geom *g, struct sum s, const float *x, const float *w,
    float *y, bool back)
{
	const struct window_fit *f = &g->f;
	const size_t *from = back ? f->out : f->in, *to = back ? f->in : f->out;
	struct pace py = pace_of(f, 1, back), px = pace_of(f, 2, back);
	ptrdiff_t k = (ptrdiff_t)g->k;

	s.x_row = py.at * (ptrdiff_t)from[2] * k;
	s.x_tap = px.at * k;
	s.x_pixel = (ptrdiff_t)px.next * k;
	s.w_row = (ptrdiff_t)(py.tap * f->size[2]) * k;
	s.w_tap = (ptrdiff_t)px.tap * k;
	s.y_pixel = (ptrdiff_t)px.phases * k;
	for (size_t i = 0; i < to[1]; i++) {
		struct reach ry = reach_of(f, 1, i, back);

		for (size_t phase = 0; phase < px.phases; phase++) {
			size_t j = phase, step = px.phases, run;

			for (; j < to[2]; j += run * step) {
				struct reach r = reach_of(f, 2, j, back), q;

				/* more pixels that meet the same taps */
				run = MIN(RUN, (to[2] - 1 - j) / step + 1);
				q = reach_of(f, 2, j + (run - 1) * step, back);
				if (q.from != r.from || q.n != r.n)
					run = 1;
				s.rows = r.n > 0 ? ry.n : 0;
				s.taps = r.n;
				s.x = x + (ry.at * from[2] + r.at) * g->k;
				s.w =
				    w + (ry.from * f->size[2] + r.from) * g->k;
				s.y = y + (i * to[2] + j) * g->k;
				kernel_run(&s, run);
			}
		}
		/* a row that is still in the cache */
		bounds_apply(&s.bounds, y + i * to[2] * g->k, to[2] * g->k);
	}
}

static void
forward(const struct op_call *c, const struct conv_geom *g)
{
	struct sum s = {
	    .channels = g->k, .bias = conv_bias(c), .bounds = g->bounds};
	const float *w = turned(c, g), *rest = conv_rest(c);
	struct gemm_end end = {
	    .add = rest, .lo = g->bounds.lo, .hi = g->bounds.hi};

	if (rest != NULL)
		s.bounds.on = false; /* it is added first */
	for (size_t n = 0; n < g->n; n++)
		slide(g, s, image(c, g, n), w, c->out + n * g->f.pixels * g->k,
		    false);
	if (rest != NULL)
		gemm_finish(&end, g->n * g->f.pixels, g->k, c->out, g->k);
}

static void
backward_data(const struct op_call *c, const struct conv_geom *g)
{
	struct sum s = {.channels = g->k, .add = g->kg == 1 && c->add[0]};
	const float *w = turned(c, g);

	for (size_t n = 0; n < g->n; n++) {
		float *dx = c->din[0] + n * g->f.inputs * g->c;
		const float *sum = repeated(c, g);

		slide(g, s, c->dout + n * g->f.pixels * g->k, w,
		    g->kg == 1 ? dx : repeated(c, g), true);
		for (size_t i = 0; g->kg > 1 && i < g->f.inputs * g->c; i++) {
			float v = 0.0f;

			for (size_t m = 0; m < g->kg; m++)
				v += *sum++;
			dx[i] = c->add[0] ? dx[i] + v : v;
		}
	}
}

/* Outputs [from, to) of a line that tap t meets inside. */
static void
met(const struct window_fit *f, size_t t, size_t *from, size_t *to)
{
	size_t at = t * f->dilation[2], pad = f->pad[2];
	size_t stride = f->stride[2], end = f->in[2] + pad;

	*from = at < pad ? (pad - at + stride - 1) / stride : 0;
	*to = at < end ? (end - at + stride - 1) / stride : 0;
	*to = MIN(*to, f->out[2]);
	*from = MIN(*from, *to);
}

/* dw of n taps from t on, over outputs [from, to) of one line. */
static void
add_taps(const struct conv_geom *g, const float *x, const float *dy, float *dw,
    size_t t, size_t n, size_t from, size_t to)
{
	const struct window_fit *f = &g->f;
	size_t k = g->k;
	struct sum s = {.channels = k,
	    .rows = 1,
	    .taps = to - from,
	    .x_tap = (ptrdiff_t)(f->stride[2] * k),
	    .x_pixel = (ptrdiff_t)(f->dilation[2] * k),
	    .w = dy + from * k,
	    .w_tap = (ptrdiff_t)k,
	    .y = dw + t * k,
	    .y_pixel = (ptrdiff_t)k,
	    .add = true};

	if (from >= to)
		return;
	s.x = x + (from * f->stride[2] + t * f->dilation[2] - f->pad[2]) * k;
	kernel_run(&s, n);
}

/* dw of a row of taps: x is the line that it meets. */
static void
add_line(const struct conv_geom *g, const float *x, const float *dy, float *dw)
{
	size_t size = g->f.size[2], n;

	for (size_t t = 0; t < size; t += n) {
		size_t from, to, a, b;

		/* where all of a few taps are inside, then the rest of each */
		n = MIN(RUN, size - t);
		met(&g->f, t, &from, &b);
		met(&g->f, t + n - 1, &a, &to);
		if (from >= to)
			from = to = 0;
		add_taps(g, x, dy, dw, t, n, from, to);
		for (size_t i = t; i < t + n; i++) {
			met(&g->f, i, &a, &b);
			add_taps(g, x, dy, dw, i, 1, a, from < to ? from : b);
			if (from < to)
				add_taps(g, x, dy, dw, i, 1, to, b);
		}
	}
}

static void
backward_weights(const struct op_call *c, const struct conv_geom *g)
{
	const struct window_fit *f = &g->f;
	size_t taps = f->taps, k = g->k;
	float *dw = c->scratch, *out = c->din[1];

	memset(dw, 0, taps * k * sizeof(*dw));
	for (size_t n = 0; n < g->n; n++) {
		const float *x = image(c, g, n);
		const float *dy = c->dout + n * f->pixels * k;

		for (size_t p = 0; p < f->out[1]; p++, dy += f->out[2] * k) {
			struct window_span s = window_span(f, 1, p);

			for (size_t r = s.from; r < s.to; r++) {
				size_t y = s.at + (r - s.from) * f->dilation[1];

				add_line(g, x + y * f->in[2] * k, dy,
				    dw + r * f->size[2] * k);
			}
		}
	}
	for (size_t i = 0; i < k; i++)
		for (size_t t = 0; t < taps; t++, out++)
			*out = c->add[1] ? *out + dw[t * k + i] : dw[t * k + i];
}

const struct conv_way conv_depth = {
    .fits = fits,
    .scratch = scratch,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weights = backward_weights,
};
