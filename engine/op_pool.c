/* SPDX-License-Identifier: MIT
 * MaxPool, AveragePool and their global forms over x (N,C,H,W) stored NHWC.
 * MaxPool keeps the index of each maximum (the first one of equals, NaN
 * counting as largest) in aux; AveragePool divides by the pixels inside the
 * image, or by the window when count_include_pad is set.
 */
#include "base/limits.h"
#include "engine/window.h"

#include <math.h>

struct pool {
	struct window win;
	bool count_pad;
	bool global;
};

static int
pool_build(struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	struct pool *cfg = arena_alloc(a, 1, sizeof(*cfg));
	int rc;

	if (cfg == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
	if ((rc = window_read(&cfg->win, n, e)) != 0)
		return rc;
	if (cfg->win.size[0] == 0)
		return op_bad(s, e, "no kernel_shape");
	cfg->count_pad = node_int(n, "count_include_pad", 0) != 0;
	s->cfg = cfg;
	return 0;
}

static int
global_build(
    struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	struct pool *cfg = arena_alloc(a, 1, sizeof(*cfg));

	(void)n;
	if (cfg == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
	cfg->win = (struct window){.stride = {1, 1}, .dilation = {1, 1}};
	cfg->global = true;
	s->cfg = cfg;
	return 0;
}

static int
pool_fit(const struct step *s, const struct shape *x, struct window *w,
    struct window_fit *f, struct err *e)
{
	const struct pool *cfg = s->cfg;

	if (x->rank != 4)
		return op_bad(s, e, "rank %zu, must be 4", x->rank);
	*w = cfg->win;
	if (cfg->global) {
		w->size[0] = x->dim[2];
		w->size[1] = x->dim[3];
	}
	/* a window wholly in the padding would have nothing to take */
	for (size_t i = 0; i < 4; i++)
		if (w->pad[i] > (w->size[i % 2] - 1) * w->dilation[i % 2])
			return op_bad(s, e, "pad %zu, window %zu", w->pad[i],
			    w->size[i % 2]);
	return window_bind(w, s, x->dim[2], x->dim[3], f, e);
}

static int
average_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	struct window_fit f;
	struct window w;
	int rc;

	if ((rc = pool_fit(s, in[0], &w, &f, e)) != 0)
		return rc;
	need->taps = w.size[0] * w.size[1];
	*out = (struct shape){.rank = 4,
	    .dim = {in[0]->dim[0], in[0]->dim[1], f.out[0], f.out[1]},
	    .layout = LAYOUT_LAST};
	return 0;
}

static int
max_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	int rc = average_infer(s, in, out, need, e);

	if (rc == 0 && !shape_sane(out))
		return op_bad(s, e, "the output is too large");
	if (rc == 0)
		need->aux = shape_elements(out);
	return rc;
}

/* One output pixel: the input pixels of its window. */
struct view {
	const struct shape *x, *y;
	struct window w;
	struct window_fit f;
	size_t c;
};

static void
view_init(struct view *v, const struct op_call *c)
{
	struct err e;

	*v = (struct view){.x = c->shape_in[0], .y = c->shape_out};
	v->c = v->x->dim[1];
	if (pool_fit(c->step, v->x, &v->w, &v->f, &e) != 0)
		BUG(e.msg);
}

/* Pixel index (over N*H*W) of tap t of output pixel o; false: outside. */
static bool
view_tap(const struct view *v, size_t o, size_t t, size_t *pixel)
{
	size_t q = o % v->f.out[1], p = o / v->f.out[1] % v->f.out[0];
	size_t n = o / v->f.out[1] / v->f.out[0];
	size_t y = p * v->w.stride[0] + t / v->w.size[1] * v->w.dilation[0];
	size_t x = q * v->w.stride[1] + t % v->w.size[1] * v->w.dilation[1];

	if (y < v->f.pad[0] || x < v->f.pad[1])
		return false;
	y -= v->f.pad[0];
	x -= v->f.pad[1];
	*pixel = (n * v->f.in[0] + y) * v->f.in[1] + x;
	return y < v->f.in[0] && x < v->f.in[1];
}

static size_t
view_outputs(const struct view *v)
{
	return v->y->dim[0] * v->f.out[0] * v->f.out[1];
}

static size_t
view_taps(const struct view *v)
{
	return v->w.size[0] * v->w.size[1];
}

/* One tap of a window, all channels: NaN wins and stays. */
VECTOR static void
max_tap(size_t n, float t, const float *x, float *y, float *at)
{
	for (size_t k = 0; k < n; k++) {
		bool take = !(x[k] <= y[k]) && !isnan(y[k]);

		take = take || at[k] < 0.0f;
		y[k] = take ? x[k] : y[k];
		at[k] = take ? t : at[k];
	}
}

VECTOR static void
max_tap_back(size_t n, float t, const float *dy, const float *at, float *dx)
{
	for (size_t k = 0; k < n; k++)
		dx[k] += at[k] == t ? dy[k] : 0.0f;
}

static void
max_forward(const struct op_call *c)
{
	struct view v;

	view_init(&v, c);
	for (size_t o = 0; o < view_outputs(&v); o++) {
		float *y = c->out + o * v.c, *at = c->aux + o * v.c;

		for (size_t k = 0; k < v.c; k++) {
			y[k] = -INFINITY;
			at[k] = -1.0f; /* a window wholly in the padding */
		}
		for (size_t t = 0; t < view_taps(&v); t++) {
			const float *x;
			size_t pixel;

			if (!view_tap(&v, o, t, &pixel))
				continue;
			x = c->in[0] + pixel * v.c;
			max_tap(v.c, (float)t, x, y, at);
		}
	}
}

static void
max_backward(const struct op_call *c)
{
	float *dx = c->din[0];
	struct view v;

	view_init(&v, c);
	if (!c->add[0])
		memset(dx, 0, shape_elements(v.x) * sizeof(*dx));
	for (size_t o = 0; o < view_outputs(&v); o++) {
		const float *at = c->aux + o * v.c, *dy = c->dout + o * v.c;

		for (size_t t = 0; t < view_taps(&v); t++) {
			size_t pixel;

			if (view_tap(&v, o, t, &pixel))
				max_tap_back(
				    v.c, (float)t, dy, at, dx + pixel * v.c);
		}
	}
}

/* One over the number of pixels that output pixel o averages. */
static float
average_weight(const struct view *v, const struct pool *cfg, size_t o)
{
	size_t inside = 0, taps = view_taps(v);

	for (size_t t = 0; t < taps; t++) {
		size_t q = o % v->f.out[1], p = o / v->f.out[1] % v->f.out[0];
		size_t y = p * v->w.stride[0] + t / v->w.size[1];
		size_t x = q * v->w.stride[1] + t % v->w.size[1];
		size_t pixel;

		/* with ceil_mode a window may leave even the padding */
		if (cfg->count_pad)
			inside += y < v->f.in[0] + v->w.pad[0] + v->w.pad[2] &&
				  x < v->f.in[1] + v->w.pad[1] + v->w.pad[3];
		else
			inside += view_tap(v, o, t, &pixel);
	}
	return inside != 0 ? 1.0f / (float)inside : 0.0f;
}

static void
average_forward(const struct op_call *c)
{
	struct view v;

	view_init(&v, c);
	for (size_t o = 0; o < view_outputs(&v); o++) {
		float *y = c->out + o * v.c;
		float weight = average_weight(&v, c->step->cfg, o);

		memset(y, 0, v.c * sizeof(*y));
		for (size_t t = 0; t < view_taps(&v); t++) {
			size_t pixel;

			if (!view_tap(&v, o, t, &pixel))
				continue;
			for (size_t k = 0; k < v.c; k++)
				y[k] += c->in[0][pixel * v.c + k];
		}
		for (size_t k = 0; k < v.c; k++)
			y[k] *= weight;
	}
}

static void
average_backward(const struct op_call *c)
{
	float *dx = c->din[0];
	struct view v;

	view_init(&v, c);
	if (!c->add[0])
		memset(dx, 0, shape_elements(v.x) * sizeof(*dx));
	for (size_t o = 0; o < view_outputs(&v); o++) {
		const float *dy = c->dout + o * v.c;
		float weight = average_weight(&v, c->step->cfg, o);

		for (size_t t = 0; t < view_taps(&v); t++) {
			size_t pixel;

			if (!view_tap(&v, o, t, &pixel))
				continue;
			for (size_t k = 0; k < v.c; k++)
				dx[pixel * v.c + k] += weight * dy[k];
		}
	}
}

const struct op op_max_pool = {
    .name = "MaxPool",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_IMAGE,
    .build = pool_build,
    .infer = max_infer,
    .forward = max_forward,
    .backward = max_backward,
};

const struct op op_average_pool = {
    .name = "AveragePool",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_IMAGE,
    .build = pool_build,
    .infer = average_infer,
    .forward = average_forward,
    .backward = average_backward,
};

const struct op op_global_average_pool = {
    .name = "GlobalAveragePool",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_IMAGE,
    .build = global_build,
    .infer = average_infer,
    .forward = average_forward,
    .backward = average_backward,
};

const struct op op_global_max_pool = {
    .name = "GlobalMaxPool",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_IMAGE,
    .build = global_build,
    .infer = max_infer,
    .forward = max_forward,
    .backward = max_backward,
};
