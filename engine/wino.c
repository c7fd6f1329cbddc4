/* SPDX-License-Identifier: MIT */
#include "engine/wino.h"

#include "engine/micro.h"
#include "engine/wide.h"
#include "engine/wino_tile.h"
#include "engine/wino_weights.h"

/* The two directions of a convolution are the same computation. */
struct pass {
	struct wino_tiling tiling;
	size_t h, w, c; /* what goes in */
	size_t p, q, k; /* what comes out */
};

static size_t
tiles_of(size_t pixels)
{
	return (pixels + 3) / 4;
}

static struct pass
forward_pass(const struct wino *g)
{
	struct pass s = {.h = g->h, .w = g->w, .c = g->c, .k = g->k};

	s.p = g->h + g->top + g->bottom - 2;
	s.q = g->w + g->left + g->right - 2;
	s.tiling =
	    (struct wino_tiling){tiles_of(s.p), tiles_of(s.q), g->top, g->left};
	return s;
}

static struct pass
data_pass(const struct wino *g)
{
	struct pass f = forward_pass(g);

	return (struct pass){
	    .tiling = {tiles_of(g->h), tiles_of(g->w), 2 - g->top, 2 - g->left},
	    .h = f.p,
	    .w = f.q,
	    .c = f.k,
	    .p = g->h,
	    .q = g->w,
	    .k = g->c,
	};
}

static size_t
tiles_per_image(const struct wino_tiling *t)
{
	return t->rows * t->cols;
}

/* --- sizes ---------------------------------------------------------------- */

/* Channels of the output at a time. */
#define SLICE (size_t)64

/* Filters and channels at a time of the gradient to weights: 36 planes of that
 * many sums stay in the L2 cache. */
#define BLOCK_K (size_t)64
#define BLOCK_C (size_t)64

/*
 * Tiles at a time, as measured: few enough that the planes stay in the L2
 * cache beside the weights; where the weights alone are larger than that, so
 * many that reading these costs little.
 */
static size_t
chunk_of(const struct pass *s, size_t n)
{
	size_t most = MAX(s->c, s->k);
	size_t best = most <= 128 ? 14 : most <= 256 ? 56 : 84;

	return MIN(best, n * tiles_per_image(&s->tiling));
}

/* The same for the gradient to weights, where it is the sums that are read
 * and written once for each chunk. */
static size_t
dweights_chunk(const struct pass *s, size_t n)
{
	size_t most = MAX(s->c, s->k);
	size_t best = most <= 64 ? 96 : 64;

	return MIN(best, n * tiles_per_image(&s->tiling));
}

/* Planes of `n` rows of `channels` floats. */
static struct wino_planes
planes(float *p, size_t n, size_t channels)
{
	/* rows and planes a power of two apart would share cache sets */
	size_t row = wide_round(channels) + WIDE_LANES;

	return (struct wino_planes){
	    p, (n * row + 1023) / 1024 * 1024 + 80, row};
}

static size_t
planes_size(size_t n, size_t channels)
{
	return WINO_POSITIONS * planes(NULL, n, channels).plane;
}

static size_t
pass_scratch(const struct pass *s, size_t n)
{
	size_t chunk = chunk_of(s, n);

	return planes_size(chunk, s->c) + planes_size(chunk, MIN(SLICE, s->k));
}

static size_t
dweights_scratch(const struct pass *s, size_t n)
{
	size_t chunk = dweights_chunk(s, n);

	return planes_size(chunk, s->c) + planes_size(chunk, s->k) +
	       planes_size(MIN(BLOCK_K, s->k), MIN(BLOCK_C, s->c));
}

/* Zeros, for the pixels outside, are at the start of scratch. */
static size_t
zeros_of(const struct wino *g)
{
	return wide_round(MAX(g->c, g->k));
}

size_t
wino_scratch(const struct wino *g, size_t n)
{
	struct pass f = forward_pass(g), d = data_pass(g);

	return zeros_of(g) + MAX(dweights_scratch(&f, n),
				 MAX(pass_scratch(&f, n), pass_scratch(&d, n)));
}

/* --- forward and data ----------------------------------------------------- */

static void
convolve(const struct pass *s, size_t n, const struct wino_images *x,
    const float *u, const struct wino_output *y, float *scratch)
{
	size_t total = n * tiles_per_image(&s->tiling);
	size_t chunk = chunk_of(s, n), slice = MIN(SLICE, s->k);
	struct wino_planes v = planes(scratch, chunk, s->c);
	struct wino_planes m =
	    planes(scratch + WINO_POSITIONS * v.plane, chunk, slice);
	size_t plane = wino_weights_plane(s->c);

	for (size_t t = 0; t < total; t += chunk) {
		size_t rows = MIN(chunk, total - t);

		wino_tile_patch(x, &s->tiling, t, rows, &v);
		for (size_t k = 0; k < s->k; k += slice) {
			size_t cols = MIN(slice, s->k - k);
			struct micro g = {
			    .rows = rows,
			    .cols = wide_round(cols),
			    .depth = s->c,
			    .a_row = v.row,
			    .a_step = 1,
			    .b_panel = wino_weights_panel(s->c),
			    .b_step = MICRO_PANEL,
			    .c_row = m.row,
			};

			for (size_t i = 0; i < WINO_POSITIONS; i++) {
				g.a = v.p + i * v.plane;
				g.b =
				    u + k / MICRO_PANEL * g.b_panel + i * plane;
				g.c = m.p + i * m.plane;
				micro_product(&g);
			}
			wino_tile_block(&m, &s->tiling, t, rows, k, cols, y);
		}
	}
}

static const float *
zeros(const struct wino *g, float *scratch)
{
	return memset(scratch, 0, zeros_of(g) * sizeof(*scratch));
}

void
wino_forward(const struct wino *g, size_t n, const float *x, const float *u,
    const struct wino_epilogue *e, float *y, float *scratch)
{
	struct pass s = forward_pass(g);
	struct wino_images in = {x, NULL, s.h, s.w, s.c, zeros(g, scratch)};
	struct wino_output out = {y, s.p, s.q, s.k, e->bias, e->add, e->relu};

	convolve(&s, n, &in, u, &out, scratch + zeros_of(g));
}

void
wino_data(const struct wino *g, size_t n, const float *dy, const float *mask,
    const float *u, bool add, float *dx, float *scratch)
{
	struct pass s = data_pass(g);
	struct wino_images in = {dy, mask, s.h, s.w, s.c, zeros(g, scratch)};
	struct wino_output out = {
	    dx, s.p, s.q, s.k, NULL, add ? dx : NULL, false};

	convolve(&s, n, &in, u, &out, scratch + zeros_of(g));
}

size_t
wino_forward_size(const struct wino *g)
{
	return wino_weights_size(g->c, g->k);
}

size_t
wino_data_size(const struct wino *g)
{
	return wino_weights_size(g->k, g->c);
}

void
wino_forward_weights(const struct wino *g, const float *w, float *u)
{
	wino_weights(g->k, g->c, w, u);
}

void
wino_data_weights(const struct wino *g, const float *w, float *u)
{
	wino_weights_data(g->k, g->c, w, u);
}

/* --- weights -------------------------------------------------------------- */

/* d = Z' V for filters [k, k + nk) and channels [c, c + nc), all positions */
static void
correlate(const struct wino_planes *z, size_t k, size_t nk,
    const struct wino_planes *v, size_t c, size_t nc, size_t tiles,
    const struct wino_planes *d)
{
	struct micro g = {
	    .rows = nk,
	    .cols = wide_round(nc),
	    .depth = tiles,
	    .a_row = 1,
	    .a_step = z->row,
	    .b_panel = MICRO_PANEL,
	    .b_step = v->row,
	    .c_row = d->row,
	};

	for (size_t i = 0; i < WINO_POSITIONS; i++) {
		g.a = z->p + i * z->plane + k;
		g.b = v->p + i * v->plane + c;
		g.c = d->p + i * d->plane;
		micro_product(&g);
	}
}

void
wino_dweights(const struct wino *g, size_t n, const float *x, const float *dy,
    const float *mask, bool add, float *dw, float *scratch)
{
	struct pass s = forward_pass(g);
	const float *zero = zeros(g, scratch);
	struct wino_images in = {x, NULL, s.h, s.w, s.c, zero};
	struct wino_images out = {dy, mask, s.p, s.q, s.k, zero};
	size_t total = n * tiles_per_image(&s.tiling);
	size_t chunk = dweights_chunk(&s, n);
	struct wino_planes v, z, d;

	v = planes(scratch + zeros_of(g), chunk, s.c);
	z = planes(v.p + WINO_POSITIONS * v.plane, chunk, s.k);
	d = planes(z.p + WINO_POSITIONS * z.plane, MIN(BLOCK_K, s.k),
	    MIN(BLOCK_C, s.c));
	for (size_t t = 0; t < total; t += chunk, add = true) {
		size_t tiles = MIN(chunk, total - t);

		wino_tile_patch(&in, &s.tiling, t, tiles, &v);
		wino_tile_spread(&out, &s.tiling, t, tiles, &z);
		for (size_t k = 0; k < s.k; k += BLOCK_K)
			for (size_t c = 0; c < s.c; c += BLOCK_C) {
				size_t nk = MIN(BLOCK_K, s.k - k);
				size_t nc = MIN(BLOCK_C, s.c - c);

				correlate(&z, k, nk, &v, c, nc, tiles, &d);
				wino_weights_reduce(nk, nc, d.p, d.plane, d.row,
				    s.c, add, dw + k * 9 * s.c + c);
			}
	}
}

/* Measured against im2col and OpenBLAS 0.3.21: with 16 channels and more it is
 * twice as fast from 6 pixels a tile (5x5) on, with 8 from 12 (7x7) on. */
bool
wino_fits(const struct wino *g)
{
	struct pass s = forward_pass(g);
	size_t least = MIN(s.c, s.k), tiles = tiles_per_image(&s.tiling);

	return least >= 8 && s.p * s.q >= tiles * (least >= 16 ? 6 : 12);
}
