/* SPDX-License-Identifier: MIT
 * Conv (2-D): x (N,C,H,W) stored NHWC, w (K, C/group, R, S) stored K,R,S,C,
 * b (K), y (N,K,P,Q) stored NPQK.
 *
 * Fast path: im2col over a few images at a time, then one product per group:
 *     y (pixels x K)   = col (pixels x RSC) w'
 *     dcol             = dy w,   dx = col2im(dcol)
 *     dw               = dy' col
 * 1x1 stride-1 convolutions use x itself as col.
 */
#include "base/limits.h"
#include "engine/blas.h"
#include "engine/window.h"

/* Pixels of one product: enough rows for BLAS, col near the L2 cache. */
#define CONV_ROWS 784

struct conv {
	struct window win;
	size_t group;
};

/* Everything about one call, worked out once. */
struct geom {
	struct window w;
	struct window_fit f;
	size_t n, c, k, group, cg, kg;
	size_t taps;   /* R * S */
	size_t depth;  /* taps * cg: one row of col */
	size_t pixels; /* P * Q */
	size_t images; /* per product */
	bool direct;   /* 1x1, stride 1, no padding, one group */
};

static int
conv_build(struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	struct conv *cfg = arena_alloc(a, 1, sizeof(*cfg));
	int64_t group = node_int(n, "group", 1);
	int rc;

	if (cfg == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
	if ((rc = window_read(&cfg->win, n, e)) != 0)
		return rc;
	if (group < 1 || group > LIMIT_CLASSES)
		return op_bad(s, e, "group %" PRId64, group);
	cfg->group = (size_t)group;
	s->cfg = cfg;
	return 0;
}

static int
conv_geom(const struct step *s, const struct shape *const *in, struct geom *g,
    struct err *e)
{
	const struct conv *cfg = s->cfg;
	const struct shape *x = in[0], *w = in[1];
	int rc;

	if (x->rank != 4 || w->rank != 4)
		return op_bad(s, e, "ranks %zu and %zu, both must be 4",
		    x->rank, w->rank);
	*g = (struct geom){.w = cfg->win, .group = cfg->group};
	for (size_t i = 0; i < 2; i++) {
		if (g->w.size[i] != 0 && g->w.size[i] != w->dim[i + 2])
			return op_bad(s, e,
			    "kernel_shape %zu, the weight has %zu",
			    g->w.size[i], w->dim[i + 2]);
		g->w.size[i] = w->dim[i + 2];
	}
	g->n = x->dim[0];
	g->c = x->dim[1];
	g->k = w->dim[0];
	g->cg = w->dim[1];
	if (g->cg * g->group != g->c || g->k % g->group != 0 || g->k == 0 ||
	    g->c == 0)
		return op_bad(s, e,
		    "%zu channels meet a weight of %zu x %zu in %zu groups",
		    g->c, g->k, g->cg, g->group);
	g->kg = g->k / g->group;
	if ((rc = window_bind(&g->w, s, x->dim[2], x->dim[3], &g->f, e)) != 0)
		return rc;
	g->taps = g->w.size[0] * g->w.size[1];
	g->depth = g->taps * g->cg;
	g->pixels = g->f.out[0] * g->f.out[1];
	g->images = MIN(g->n, MAX(1, CONV_ROWS / g->pixels));
	g->direct = g->group == 1 && g->taps == 1 && g->w.stride[0] == 1 &&
		    g->w.stride[1] == 1 && g->f.out[0] == g->f.in[0] &&
		    g->f.out[1] == g->f.in[1];
	return 0;
}

static int
conv_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	struct geom g;
	int rc;

	if ((rc = conv_geom(s, in, &g, e)) != 0)
		return rc;
	if (s->nin > 2 && in[2] != NULL && shape_elements(in[2]) != g.k)
		return op_bad(s, e, "a bias of %zu for %zu channels",
		    shape_elements(in[2]), g.k);
	*out = (struct shape){.rank = 4,
	    .dim = {g.n, g.k, g.f.out[0], g.f.out[1]},
	    .layout = LAYOUT_LAST};
	need->taps = g.depth;
	if (!g.direct &&
	    (ckd_mul(&need->scratch, g.images * g.pixels, g.depth) ||
		need->scratch > LIMIT_VALUE_ELEMENTS))
		return op_bad(s, e, "the window is too large");
	return 0;
}

/* Geometry of a call that inference has accepted. */
static void
call_geom(const struct op_call *c, struct geom *g)
{
	struct err e;

	if (conv_geom(c->step, c->shape_in, g, &e) != 0)
		BUG(e.msg);
}

static const float *
bias_of(const struct op_call *c)
{
	return c->step->nin > 2 ? c->in[2] : NULL;
}

/*
 * Call f for each window position of one image and tap (r, s): the pixel at
 * (y, x), or "outside".  `row` counts window positions.
 */
static bool
tap_at(
    const struct geom *g, size_t p, size_t q, size_t r, size_t s, size_t *pixel)
{
	size_t y = p * g->w.stride[0] + r * g->w.dilation[0];
	size_t x = q * g->w.stride[1] + s * g->w.dilation[1];

	if (y < g->f.pad[0] || x < g->f.pad[1])
		return false;
	y -= g->f.pad[0];
	x -= g->f.pad[1];
	*pixel = y * g->f.in[1] + x;
	return y < g->f.in[0] && x < g->f.in[1];
}

/* One image, one group: col (pixels x R x S x cg) from x (H x W x C). */
VECTOR static void
im2col(const struct geom *g, const float *x, size_t group, float *col)
{
	size_t bytes = g->cg * sizeof(*col);

	x += group * g->cg;
	for (size_t p = 0; p < g->f.out[0]; p++)
		for (size_t q = 0; q < g->f.out[1]; q++)
			for (size_t r = 0; r < g->w.size[0]; r++)
				for (size_t s = 0; s < g->w.size[1]; s++) {
					size_t at;

					if (!tap_at(g, p, q, r, s, &at))
						memset(col, 0, bytes);
					else if (g->cg == 1)
						*col = x[at * g->c];
					else
						memcpy(
						    col, x + at * g->c, bytes);
					col += g->cg;
				}
}

/* The adjoint: dx += what each tap received. */
VECTOR static void
col2im(const struct geom *g, const float *col, size_t group, float *dx)
{
	dx += group * g->cg;
	for (size_t p = 0; p < g->f.out[0]; p++)
		for (size_t q = 0; q < g->f.out[1]; q++)
			for (size_t r = 0; r < g->w.size[0]; r++)
				for (size_t s = 0; s < g->w.size[1]; s++) {
					size_t at;

					if (tap_at(g, p, q, r, s, &at))
						for (size_t i = 0; i < g->cg;
						     i++)
							dx[at * g->c + i] +=
							    col[i];
					col += g->cg;
				}
}

/* col of images [first, first + m) of one group, or x itself. */
static struct blas_matrix
columns(const struct op_call *c, const struct geom *g, size_t first, size_t m,
    size_t group)
{
	size_t image = g->f.in[0] * g->f.in[1] * g->c;

	if (g->direct)
		return (struct blas_matrix){c->in[0] + first * image, g->c};
	for (size_t i = 0; i < m; i++)
		im2col(g, c->in[0] + (first + i) * image, group,
		    c->scratch + i * g->pixels * g->depth);
	return (struct blas_matrix){c->scratch, g->depth};
}

static struct blas_matrix
weights(const struct op_call *c, const struct geom *g, size_t group)
{
	return (struct blas_matrix){
	    c->in[1] + group * g->kg * g->depth, g->depth};
}

static void
conv_forward(const struct op_call *c)
{
	const float *b = bias_of(c);
	struct geom g;

	call_geom(c, &g);
	for (size_t i = 0; b != NULL && i < g.n * g.pixels; i++)
		memcpy(c->out + i * g.k, b, g.k * sizeof(*b));
	for (size_t i = 0; i < g.n; i += g.images) {
		size_t m = MIN(g.images, g.n - i);

		for (size_t k = 0; k < g.group; k++)
			blas_nt(m * g.pixels, g.kg, g.depth,
			    columns(c, &g, i, m, k), weights(c, &g, k),
			    b != NULL, c->out + i * g.pixels * g.k + k * g.kg,
			    g.k);
	}
}

VECTOR static void
backward_bias(const struct op_call *c, const struct geom *g)
{
	float *db = c->din[2];

	if (!c->add[2])
		memset(db, 0, g->k * sizeof(*db));
	for (size_t i = 0; i < g->n * g->pixels; i++)
		for (size_t k = 0; k < g->k; k++)
			db[k] += c->dout[i * g->k + k];
}

static void
backward_data(const struct op_call *c, const struct geom *g)
{
	size_t image = g->f.in[0] * g->f.in[1] * g->c;
	float *dx = c->din[0];

	if (!c->add[0] && !g->direct)
		memset(dx, 0, g->n * image * sizeof(*dx));
	for (size_t i = 0; i < g->n; i += g->images) {
		size_t m = MIN(g->images, g->n - i);

		for (size_t k = 0; k < g->group; k++) {
			struct blas_matrix dy = {
			    c->dout + i * g->pixels * g->k + k * g->kg, g->k};

			if (g->direct) {
				blas_nn(m * g->pixels, g->c, g->k, dy,
				    weights(c, g, k), c->add[0], dx + i * image,
				    g->c);
				continue;
			}
			blas_nn(m * g->pixels, g->depth, g->kg, dy,
			    weights(c, g, k), 0.0f, c->scratch, g->depth);
			for (size_t j = 0; j < m; j++)
				col2im(g, c->scratch + j * g->pixels * g->depth,
				    k, dx + (i + j) * image);
		}
	}
}

static void
backward_weights(const struct op_call *c, const struct geom *g)
{
	bool add = c->add[1];

	for (size_t i = 0; i < g->n; i += g->images, add = true) {
		size_t m = MIN(g->images, g->n - i);

		for (size_t k = 0; k < g->group; k++) {
			struct blas_matrix dy = {
			    c->dout + i * g->pixels * g->k + k * g->kg, g->k};

			blas_tn(g->kg, g->depth, m * g->pixels, dy,
			    columns(c, g, i, m, k), add,
			    c->din[1] + k * g->kg * g->depth, g->depth);
		}
	}
}

static void
conv_backward(const struct op_call *c)
{
	struct geom g;

	call_geom(c, &g);
	if (c->step->nin > 2 && c->din[2] != NULL)
		backward_bias(c, &g);
	if (c->din[1] != NULL)
		backward_weights(c, &g);
	if (c->din[0] != NULL)
		backward_data(c, &g);
}

const struct op op_conv = {
    .name = "Conv",
    .min_in = 2,
    .max_in = 3,
    .layout = OP_IMAGE,
    .weights = 1 << 1 | 1 << 2,
    .constants = 1 << 1 | 1 << 2,
    .keep = OP_KEEP_IN_FOR_WEIGHTS,
    .build = conv_build,
    .infer = conv_infer,
    .forward = conv_forward,
    .backward = conv_backward,
};
