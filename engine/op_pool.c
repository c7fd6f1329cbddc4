/* SPDX-License-Identifier: MIT
 * MaxPool, AveragePool and their global forms over x (N,C,spatial) stored
 * N,spatial,C.  MaxPool takes the first of equal maxima, NaN counting as
 * largest, and keeps its pixel in aux; AveragePool divides by the pixels
 * inside the image, or inside image and padding with count_include_pad.
 */
#include "base/limits.h"
#include "engine/pool_quad.h"
#include "engine/window.h"

#include <math.h>

/* From so many pixels on, rows are added up before they are added together:
 * one sum of all would lose digits. */
#define LARGE 1024

#define NO_PIXEL UINT32_MAX /* a window wholly in the padding */

struct pool {
	struct window win;
	bool count_pad;
	bool global;
	bool columns; /* indices count the first spatial axis fastest */
};

static int
pool_build(struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	struct pool *cfg = op_alloc(a, sizeof(*cfg), e);

	if (cfg == NULL)
		return ERR_LIMIT;
	cfg->count_pad = node_int(n, "count_include_pad", 0) != 0;
	cfg->columns = node_int(n, "storage_order", 0) != 0;
	s->cfg = cfg;
	return window_read(&cfg->win, n, e);
}

static int
global_build(
    struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	struct pool *cfg = op_alloc(a, sizeof(*cfg), e);

	(void)n;
	if (cfg == NULL)
		return ERR_LIMIT;
	cfg->win = (struct window){.stride = {1, 1, 1}, .dilation = {1, 1, 1}};
	cfg->global = true;
	s->cfg = cfg;
	return 0;
}

static int
pool_fit(const struct step *s, const struct shape *x, struct window_fit *f,
    struct err *e)
{
	const struct pool *cfg = s->cfg;
	int rc =
	    window_bind(&cfg->win, s, x, cfg->global ? x->dim + 2 : NULL, f, e);

	if (rc != 0)
		return rc;
	/* a window wholly in the padding would have nothing to take */
	for (size_t i = 0; i < WINDOW_AXES; i++)
		if (MAX(f->pad[i], f->behind[i]) >
		    (f->size[i] - 1) * f->dilation[i])
			return op_bad(s, e, "pad %zu, window %zu",
			    MAX(f->pad[i], f->behind[i]), f->size[i]);
	return 0;
}

static int
pool_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	struct window_fit f;
	int rc;

	if ((rc = pool_fit(s, in[0], &f, e)) != 0)
		return rc;
	need->taps = f.taps;
	return window_out(&f, s, in[0], in[0]->dim[1], out, e);
}

static int
average_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	int rc;

	if (!shape_real(in[0]))
		return op_bad(s, e, "an average of integers");
	if ((rc = pool_infer(s, in, out, need, e)) == 0 && need->taps > LARGE)
		need->scratch = in[0]->dim[1];
	return rc;
}

static int
max_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	int rc = pool_infer(s, in, out, need, e);

	if (rc != 0)
		return rc;
	need->aux = shape_elements(out);
	if (s->which == 0)
		return 0;
	out->type = DTYPE_I64;
	/* indices that depend on the image are floats */
	if (in[0]->known == NULL && shape_elements(in[0]) > 1 << 24)
		return op_bad(s, e, "indices into too large an input");
	return 0;
}

/* --- the walk ------------------------------------------------------------ */

static struct window_fit
call_fit(const struct op_call *c)
{
	struct window_fit f;
	struct err e;

	if (pool_fit(c->step, c->shape_in[0], &f, &e) != 0)
		BUG(e.msg);
	return f;
}

/* The taps of one window, row by row: `n` pixels `step` apart from `pixel`. */
struct rows {
	const struct window_fit *f;
	struct window_span s[WINDOW_AXES];
	size_t i, j; /* the row to come */
	size_t pixel, n, step;
};

static void
rows_begin(struct rows *r, const struct window_fit *f, size_t out)
{
	r->f = f;
	window_pixel(f, out, r->s);
	r->i = r->s[0].from;
	r->j = r->s[1].from;
	r->n = r->s[2].to - r->s[2].from;
	r->step = f->dilation[2];
}

static bool
rows_next(struct rows *r)
{
	const struct window_fit *f = r->f;
	const struct window_span *s = r->s;

	if (r->j == s[1].to) {
		r->j = s[1].from;
		r->i++;
	}
	if (r->i >= s[0].to || r->j >= s[1].to || r->n == 0)
		return false;
	r->pixel = s[0].at + (r->i - s[0].from) * f->dilation[0];
	r->pixel = r->pixel * f->in[1] + s[1].at;
	r->pixel += (r->j - s[1].from) * f->dilation[1];
	r->pixel = r->pixel * f->in[2] + s[2].at;
	r->j++;
	return true;
}

/* What the average of a window divides by. */
static size_t
divisor(const struct window_fit *f, const struct window_span *s, size_t out,
    bool count_pad)
{
	size_t n = 1;

	for (size_t k = WINDOW_AXES; k-- > 0; out /= f->out[k]) {
		size_t first = out % f->out[k] * f->stride[k];
		size_t end = f->in[k] + f->pad[k] + f->behind[k];
		size_t all = 0;

		/* with ceil_mode a window may leave even the padding */
		if (first < end)
			all = (end - first - 1) / f->dilation[k] + 1;
		n *= count_pad ? MIN(all, f->size[k]) : s[k].to - s[k].from;
	}
	return n;
}

/* --- definitions --------------------------------------------------------- */

static double
real_of(const struct shape *s, union number v)
{
	return shape_real(s) ? v.f : (double)v.i;
}

/* The pixel of a plane's maximum within a window, or NO_PIXEL. */
static size_t
max_pixel(const struct shape *s, const struct window_fit *f, size_t out,
    const union number *x)
{
	size_t best = NO_PIXEL;
	struct rows r;

	rows_begin(&r, f, out);
	while (rows_next(&r))
		for (size_t t = 0; t < r.n; t++) {
			size_t at = r.pixel + t * r.step;
			double v = real_of(s, x[at]), most;

			if (best == NO_PIXEL) {
				best = at;
				continue;
			}
			most = real_of(s, x[best]);
			if (!(v <= most) && !isnan(most))
				best = at;
		}
	return best;
}

/* A pixel of plane p as ONNX counts it. */
static size_t
flat_index(
    const struct pool *cfg, const struct window_fit *f, size_t p, size_t pixel)
{
	size_t z, y, x;

	if (pixel == NO_PIXEL)
		return 0;
	if (!cfg->columns)
		return p * f->inputs + pixel;
	x = pixel % f->in[2];
	y = pixel / f->in[2] % f->in[1];
	z = pixel / f->in[2] / f->in[1];
	return p * f->inputs + (x * f->in[1] + y) * f->in[0] + z;
}

static int
max_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	const struct shape *x = in[0];
	struct window_fit f;
	int rc;

	(void)out;
	if ((rc = pool_fit(s, x, &f, e)) != 0)
		return rc;
	for (size_t p = 0; p < x->dim[0] * x->dim[1]; p++) {
		const union number *plane = x->known + p * f.inputs;

		for (size_t o = 0; o < f.pixels; o++, v++) {
			size_t at = max_pixel(x, &f, o, plane);

			if (s->which != 0)
				v->i = (int64_t)flat_index(s->cfg, &f, p, at);
			else if (at != NO_PIXEL)
				*v = plane[at];
			else if (shape_real(x))
				v->f = -(double)INFINITY;
			else
				v->i = INT64_MIN;
		}
	}
	return 0;
}

static int
average_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	const struct pool *cfg = s->cfg;
	const struct shape *x = in[0];
	struct window_fit f;
	struct rows r;
	int rc;

	(void)out;
	if ((rc = pool_fit(s, x, &f, e)) != 0)
		return rc;
	for (size_t p = 0; p < x->dim[0] * x->dim[1]; p++)
		for (size_t o = 0; o < f.pixels; o++, v++) {
			size_t n;

			rows_begin(&r, &f, o);
			n = divisor(&f, r.s, o, cfg->count_pad);
			v->f = 0.0;
			while (rows_next(&r))
				for (size_t t = 0; t < r.n; t++)
					v->f += x->known[p * f.inputs +
							 r.pixel + t * r.step]
						    .f;
			v->f = n != 0 ? v->f / (double)n : 0.0;
		}
	return 0;
}

/* --- maxima -------------------------------------------------------------- */

/* A row of taps, all channels: NaN wins and stays. */
VECTOR static void
max_row(size_t n, size_t taps, size_t step, const float *restrict x,
    size_t pixel, size_t next, float *restrict y, uint32_t *restrict at)
{
	for (size_t t = 0; t < taps; t++, x += step, pixel += next) {
		uint32_t here = (uint32_t)pixel;

		for (size_t k = 0; k < n; k++) {
			bool take = !(x[k] <= y[k]) && !isnan(y[k]);

			take = take || at[k] == NO_PIXEL;
			y[k] = take ? x[k] : y[k];
			at[k] = take ? here : at[k];
		}
	}
}

/* The pixels of the maxima as indices into the whole input. */
static void
write_indices(
    const struct op_call *c, const struct window_fit *f, const uint32_t *at)
{
	size_t channels = c->shape_in[0]->dim[1];

	for (size_t n = 0; n < c->shape_in[0]->dim[0]; n++)
		for (size_t o = 0; o < f->pixels; o++)
			for (size_t k = 0; k < channels; k++) {
				size_t i = (n * f->pixels + o) * channels + k;

				c->out[i] = (float)flat_index(
				    c->step->cfg, f, n * channels + k, at[i]);
			}
}

/* Any windows, one image. */
static void
max_image(const struct window_fit *f, size_t channels, const float *x, float *y,
    uint32_t *at)
{
	for (size_t o = 0; o < f->pixels; o++, y += channels, at += channels) {
		struct rows r;

		for (size_t k = 0; k < channels; k++) {
			y[k] = -INFINITY;
			at[k] = NO_PIXEL;
		}
		rows_begin(&r, f, o);
		while (rows_next(&r))
			max_row(channels, r.n, r.step * channels,
			    x + r.pixel * channels, r.pixel, r.step, y, at);
	}
}

static void
max_forward(const struct op_call *c)
{
	struct window_fit f = call_fit(c);
	size_t channels = c->shape_in[0]->dim[1];
	size_t out = f.pixels * channels;
	uint32_t *at = (void *)c->aux;
	bool quad = pool_quad_fits(&f);

	for (size_t n = 0; n < c->shape_in[0]->dim[0]; n++) {
		const float *x = c->in[0] + n * f.inputs * channels;

		if (quad)
			pool_quad_forward(
			    &f, channels, x, c->out + n * out, at + n * out);
		else
			max_image(
			    &f, channels, x, c->out + n * out, at + n * out);
	}
	if (c->step->which != 0)
		write_indices(c, &f, at);
}

/* Any windows, one image. */
static void
max_image_back(const struct window_fit *f, size_t channels, const float *dy,
    const uint32_t *at, float *dx)
{
	for (size_t o = 0; o < f->pixels; o++)
		for (size_t k = 0; k < channels; k++, at++, dy++)
			if (*at != NO_PIXEL)
				dx[*at * channels + k] += *dy;
}

static void
max_backward(const struct op_call *c)
{
	struct window_fit f = call_fit(c);
	size_t channels = c->shape_in[0]->dim[1];
	size_t in = f.inputs * channels, out = f.pixels * channels;
	const uint32_t *at = (const void *)c->aux;
	bool quad = pool_quad_fits(&f);

	for (size_t n = 0; n < c->shape_in[0]->dim[0]; n++) {
		const float *dy = c->dout + n * out;
		float *dx = c->din[0] + n * in;

		if (!c->add[0])
			memset(dx, 0, in * sizeof(*dx));
		if (c->step->which != 0) /* indices have no slope */
			continue;
		if (quad)
			pool_quad_backward(&f, channels, dy, at + n * out, dx);
		else
			max_image_back(&f, channels, dy, at + n * out, dx);
	}
}

/* --- averages ------------------------------------------------------------ */

VECTOR static void
add_row(size_t n, size_t taps, size_t step, const float *restrict x,
    float *restrict y)
{
	for (size_t t = 0; t < taps; t++, x += step)
		for (size_t k = 0; k < n; k++)
			y[k] += x[k];
}

VECTOR static void
add_row_back(size_t n, size_t taps, size_t step, const float *restrict dy,
    float weight, float *restrict dx)
{
	for (size_t t = 0; t < taps; t++, dx += step)
		for (size_t k = 0; k < n; k++)
			dx[k] += weight * dy[k];
}

VECTOR static void
scale(size_t n, float by, float *y)
{
	for (size_t k = 0; k < n; k++)
		y[k] *= by;
}

/* One over what window o divides by. */
static float
average_weight(const struct op_call *c, const struct window_fit *f,
    struct rows *r, size_t o)
{
	const struct pool *cfg = c->step->cfg;
	size_t n = divisor(f, r->s, o, cfg->count_pad);

	return n != 0 ? 1.0f / (float)n : 0.0f;
}

static void
average_forward(const struct op_call *c)
{
	struct window_fit f = call_fit(c);
	size_t channels = c->shape_in[0]->dim[1];
	float *y = c->out;

	for (size_t n = 0; n < c->shape_in[0]->dim[0]; n++) {
		const float *x = c->in[0] + n * f.inputs * channels;

		for (size_t o = 0; o < f.pixels; o++, y += channels) {
			struct rows r;

			memset(y, 0, channels * sizeof(*y));
			rows_begin(&r, &f, o);
			while (rows_next(&r)) {
				float *to = f.taps > LARGE ? c->scratch : y;

				if (to != y)
					memset(to, 0, channels * sizeof(*to));
				add_row(channels, r.n, r.step * channels,
				    x + r.pixel * channels, to);
				if (to != y)
					add_row(channels, 1, channels, to, y);
			}
			scale(channels, average_weight(c, &f, &r, o), y);
		}
	}
}

static void
average_backward(const struct op_call *c)
{
	struct window_fit f = call_fit(c);
	size_t channels = c->shape_in[0]->dim[1];
	const float *dy = c->dout;
	float *dx = c->din[0];

	if (!c->add[0])
		memset(dx, 0, shape_elements(c->shape_in[0]) * sizeof(*dx));
	for (size_t n = 0; n < c->shape_in[0]->dim[0]; n++) {
		for (size_t o = 0; o < f.pixels; o++, dy += channels) {
			float weight;
			struct rows r;

			rows_begin(&r, &f, o);
			weight = average_weight(c, &f, &r, o);
			while (rows_next(&r))
				add_row_back(channels, r.n, r.step * channels,
				    dy, weight, dx + r.pixel * channels);
		}
		dx += f.inputs * channels;
	}
}

#define POOL(id, title, outputs, set, how, more)                               \
	const struct op op_##id = {                                            \
	    .name = title,                                                     \
	    .min_in = 1,                                                       \
	    .max_in = 1,                                                       \
	    .outs = outputs,                                                   \
	    .layout = OP_IMAGE,                                                \
	    .flags = more,                                                     \
	    .build = set##_build,                                              \
	    .infer = how##_infer,                                              \
	    .eval = how##_eval,                                                \
	    .forward = how##_forward,                                          \
	    .backward = how##_backward,                                        \
	}

POOL(average_pool, "AveragePool", 1, pool, average, 0);
POOL(global_average_pool, "GlobalAveragePool", 1, global, average, 0);
POOL(global_max_pool, "GlobalMaxPool", 1, global, max, OP_TYPED);
POOL(max_pool, "MaxPool", 2, pool, max, OP_TYPED);
