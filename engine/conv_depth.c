/* SPDX-License-Identifier: MIT
 * Convolution of each channel by itself (depthwise: one channel a group).
 * Channels lie side by side, so that all three passes are one sum over
 * vectors of channels, kernel_run():
 *     y[pixel]  = sum over taps    of x[pixel + tap] w[tap]
 *     dx[pixel] = sum over taps    of dy[pixel - tap] w[tap]
 *     dw[tap]  += sum over pixels  of x[pixel + tap] dy[pixel]
 * Weights are turned to (taps x K) in scratch.  Where a channel has several
 * outputs, x is first repeated for each of them, unless it is the only one.
 */
#include "engine/conv.h"
#include "engine/gemm.h"

/* --- the sum ------------------------------------------------------------- */

/* Strides are in floats, from one row, tap or pixel to the next. */
struct sum {
	size_t channels, rows, taps;
	const float *x, *w;
	ptrdiff_t x_row, x_tap, x_pixel;
	bool lone; /* x has one channel, which meets all of w */
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

/* `pixels` times `n` vectors of channels from k on, all in registers; `lone`
 * is a constant. */
#define BLOCK(name, vec)                                                       \
	static inline __attribute__((always_inline)) void name(                \
	    const struct sum *s, size_t k, size_t pixels, size_t n, bool lone) \
	{                                                                      \
		const size_t lanes = sizeof(vec) / sizeof(float);              \
		vec acc[RUN * 2], w[4], v;                                     \
		for (size_t i = 0; i < pixels * n; i++)                        \
			acc[i] = (vec){0};                                     \
		for (size_t r = 0; r < s->rows; r++) {                         \
			const float *px = s->x + (ptrdiff_t)r * s->x_row;      \
			const float *pw = s->w + (ptrdiff_t)r * s->w_row + k;  \
			px += lone ? 0 : k;                                    \
			for (size_t t = 0; t < s->taps; t++) {                 \
				for (size_t j = 0; j < n; j++)                 \
					memcpy(&w[j], pw + j * lanes,          \
					    sizeof(vec));                      \
				for (size_t p = 0; p < pixels; p++) {          \
					const float *x =                       \
					    px + (ptrdiff_t)p * s->x_pixel;    \
					for (size_t j = 0; j < n; j++) {       \
						size_t at = p * n + j;         \
						if (lone) {                    \
							acc[at] += *x * w[j];  \
							continue;              \
						}                              \
						memcpy(&v, x + j * lanes,      \
						    sizeof(vec));              \
						acc[at] += v * w[j];           \
					}                                      \
				}                                              \
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
all_channels(const struct sum *s, size_t pixels, bool lone)
{
	size_t k = 0, n = s->channels;

	for (; pixels == 1 && k + 64 <= n; k += 64)
		block_wide(s, k, 1, 4, lone);
	for (; pixels > 1 && k + 32 <= n; k += 32)
		block_wide(s, k, pixels, 2, lone);
	for (; k + 16 <= n; k += 16)
		block_wide(s, k, pixels, 1, lone);
	for (; k + 8 <= n; k += 8)
		block_narrow(s, k, pixels, 1, lone);
	for (; k < n; k++)
		block_one(s, k, pixels, 1, lone);
}

static inline __attribute__((always_inline)) void
all_pixels(const struct sum *s, size_t pixels, bool lone)
{
	switch (pixels) {
	case 1:
		all_channels(s, 1, lone);
		break;
	case 2:
		all_channels(s, 2, lone);
		break;
	case 3:
		all_channels(s, 3, lone);
		break;
	default:
		all_channels(s, RUN, lone);
		break;
	}
}

/* At most RUN pixels. */
VECTOR static void
kernel_run(const struct sum *s, size_t pixels)
{
	if (s->lone)
		all_pixels(s, pixels, true);
	else
		all_pixels(s, pixels, false);
}

typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));

/* The sums of four lists of n floats, each from its first to its last. */
static inline __attribute__((always_inline)) quad
fold_four(size_t n, const float *s)
{
	quad v = {0}, r[4], lo[2], hi[2];
	size_t m = 0;

	for (; m + 4 <= n; m += 4) {
		for (size_t i = 0; i < 4; i++)
			r[i] = *(const quad *)(s + i * n + m);
		for (size_t i = 0; i < 2; i++) {
			lo[i] =
			    __builtin_shufflevector(r[i], r[i + 2], 0, 4, 1, 5);
			hi[i] =
			    __builtin_shufflevector(r[i], r[i + 2], 2, 6, 3, 7);
		}
		v += __builtin_shufflevector(lo[0], lo[1], 0, 4, 1, 5);
		v += __builtin_shufflevector(lo[0], lo[1], 2, 6, 3, 7);
		v += __builtin_shufflevector(hi[0], hi[1], 0, 4, 1, 5);
		v += __builtin_shufflevector(hi[0], hi[1], 2, 6, 3, 7);
	}
	for (; m < n; m++)
		v += (quad){s[m], s[n + m], s[2 * n + m], s[3 * n + m]};
	return v;
}

/* to = the sums of `lists` lists of n floats, or is added to. */
VECTOR static void
fold(size_t lists, size_t n, const float *s, bool add, float *to)
{
	size_t i = 0;

	for (; i + 4 <= lists; i += 4) {
		quad v = fold_four(n, s + i * n);

		if (add)
			v = *(quad *)(to + i) + v;
		*(quad *)(to + i) = v;
	}
	for (; i < lists; i++) {
		float v = 0.0f;

		for (size_t m = 0; m < n; m++)
			v += s[i * n + m];
		to[i] = add ? to[i] + v : v;
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

/* Pixels [from, to) meet all taps: from and to are 0 where none does. */
struct whole {
	size_t from, to;
};

static struct whole
whole_of(const struct window_fit *f, size_t axis, bool back)
{
	size_t stride = f->stride[axis], pad = f->pad[axis], end;
	size_t span = (f->size[axis] - 1) * f->dilation[axis];

	if (back) {
		end = f->out[axis];
		if (stride > 1 || end <= pad) /* none, or not worth it */
			return (struct whole){0};
		return (struct whole){
		    span > pad ? span - pad : 0, MIN(f->in[axis], end - pad)};
	}
	end = f->in[axis] + pad;
	if (end <= span)
		return (struct whole){0};
	return (struct whole){(pad + stride - 1) / stride,
	    MIN(f->out[axis], (end - span - 1) / stride + 1)};
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

/* Channels of image(). */
static size_t
image_channels(const struct conv_geom *g)
{
	return g->c == 1 ? 1 : g->k;
}

/* Image n with a channel for each output channel, or with its only one. */
static const float *
image(const struct op_call *c, const struct conv_geom *g, size_t n)
{
	const float *x = c->in[0] + n * g->f.inputs * g->c;
	float *to = repeated(c, g);

	if (image_channels(g) == g->c)
		return x;
	for (size_t i = 0; i < g->f.inputs * g->c; i++)
		for (size_t m = 0; m < g->kg; m++)
			to[i * g->kg + m] = x[i];
	return to;
}

/*
 * Row i of one image of y (or of dx going back) from x (or dy) with w of
 * taps x K; s has channels, bias and add.
 */
static void
slide_row(const struct conv_geom *g, struct sum s, const float *x,
    const float *w, float *y, size_t i, bool back)
{
	const struct window_fit *f = &g->f;
	const size_t *from = back ? f->out : f->in;
	size_t cols = back ? f->in[2] : f->out[2], run;
	size_t xc = back ? g->k : image_channels(g);
	struct pace py = pace_of(f, 1, back), px = pace_of(f, 2, back);
	struct whole whole = whole_of(f, 2, back);
	struct reach ry = reach_of(f, 1, i, back);

	s.lone = xc < g->k;
	s.x_row = py.at * (ptrdiff_t)(from[2] * xc);
	s.x_tap = px.at * (ptrdiff_t)xc;
	s.x_pixel = (ptrdiff_t)(px.next * xc);
	s.w_row = (ptrdiff_t)(py.tap * f->size[2] * g->k);
	s.w_tap = (ptrdiff_t)(px.tap * g->k);
	s.y_pixel = (ptrdiff_t)(px.phases * g->k);
	for (size_t phase = 0; phase < px.phases; phase++)
		for (size_t j = phase; j < cols; j += run * px.phases) {
			struct reach r, q;

			/* more pixels that meet the same taps */
			run = MIN(RUN, (cols - 1 - j) / px.phases + 1);
			if (whole.from <= j && j < whole.to) {
				run = MIN(run, whole.to - j);
				r = (struct reach){.n = f->size[2]};
				r.at = back ? j + f->pad[2]
					    : j * f->stride[2] - f->pad[2];
			} else {
				r = reach_of(f, 2, j, back);
				q = reach_of(
				    f, 2, j + (run - 1) * px.phases, back);
				/* where none is met says nothing of between */
				if (q.from != r.from || q.n != r.n || q.n == 0)
					run = 1;
			}
			s.rows = r.n > 0 ? ry.n : 0;
			s.taps = r.n;
			s.x = x + (ry.at * from[2] + r.at) * xc;
			s.w = w + (ry.from * f->size[2] + r.from) * g->k;
			s.y = y + j * g->k;
			kernel_run(&s, run);
		}
}

/* All rows. */
static void
slide(const struct conv_geom *g, struct sum s, const float *x, const float *w,
    float *y, bool back)
{
	const size_t *to = back ? g->f.in : g->f.out;
	size_t row = to[2] * g->k;

	for (size_t i = 0; i < to[1]; i++, y += row) {
		slide_row(g, s, x, w, y, i, back);
		/* a row that is still in the cache */
		bounds_apply(&s.bounds, y, row);
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
	const float *w = turned(c, g), *dy = c->dout;
	size_t row = g->f.in[2] * g->c;
	float *dx = c->din[0];

	for (size_t n = 0; n < g->n; n++, dy += g->f.pixels * g->k) {
		if (g->kg == 1) {
			slide(g, s, dy, w, dx, true);
			dx += g->f.inputs * g->c;
			continue;
		}
		for (size_t i = 0; i < g->f.in[1]; i++, dx += row) {
			slide_row(g, s, dy, w, repeated(c, g), i, true);
			fold(row, g->kg, repeated(c, g), c->add[0], dx);
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
	size_t k = g->k, xc = image_channels(g);
	struct sum s = {.channels = k,
	    .rows = 1,
	    .taps = to - from,
	    .lone = xc < k,
	    .x_tap = (ptrdiff_t)(f->stride[2] * xc),
	    .x_pixel = (ptrdiff_t)(f->dilation[2] * xc),
	    .w = dy + from * k,
	    .w_tap = (ptrdiff_t)k,
	    .y = dw + t * k,
	    .y_pixel = (ptrdiff_t)k,
	    .add = true};

	if (from >= to)
		return;
	s.x = x + (from * f->stride[2] + t * f->dilation[2] - f->pad[2]) * xc;
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

				add_line(g,
				    x + y * f->in[2] * image_channels(g), dy,
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
