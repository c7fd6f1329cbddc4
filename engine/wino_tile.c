/* SPDX-License-Identifier: MIT
 * Points 0, +-5/8, +-3/2 and infinity: with a = 5/8, b = 3/2 the rows of B'
 * are the coefficients of the polynomials that vanish at all finite points
 * but one, those of A' the powers of the points.
 */
#include "engine/wino_tile.h"

#include "engine/vector.h"
#include "engine/wide.h"

#define A  0.625f
#define B  1.5f
#define A2 (A * A)
#define B2 (B * B)

/* Vectors of 16 channels, and of 8. */
typedef wide_vec wide;
typedef float half __attribute__((vector_size(32), aligned(4), may_alias));
typedef int half_mask __attribute__((vector_size(32), aligned(4), may_alias));

#define HALF (WIDE_LANES / 2)

#define LOAD(vec, p)     (*(const vec *)(p))
#define STORE(vec, p, v) (*(vec *)(p) = (v))

/* t = B' d */
#define PATCH_LINE(name, vec)                                                  \
	WIDE_INLINE void name(vec *t, const vec *d)                            \
	{                                                                      \
		vec a = d[4] - B2 * d[2], b = d[3] - B2 * d[1];                \
		vec c = d[4] - A2 * d[2], e = d[3] - A2 * d[1];                \
                                                                               \
		t[0] = A2 * B2 * d[0] - (A2 + B2) * d[2] + d[4];               \
		t[1] = a + A * b;                                              \
		t[2] = a - A * b;                                              \
		t[3] = c + B * e;                                              \
		t[4] = c - B * e;                                              \
		t[5] = A2 * B2 * d[1] - (A2 + B2) * d[3] + d[5];               \
	}

/* t = A d */
#define SPREAD_LINE(name, vec)                                                 \
	WIDE_INLINE void name(vec *t, const vec *d)                            \
	{                                                                      \
		vec a = d[0] + A2 * d[2], b = A * d[1] + A2 * A * d[3];        \
		vec c = d[0] + B2 * d[2], e = B * d[1] + B2 * B * d[3];        \
                                                                               \
		t[0] = d[0];                                                   \
		t[1] = a + b;                                                  \
		t[2] = a - b;                                                  \
		t[3] = c + e;                                                  \
		t[4] = c - e;                                                  \
		t[5] = d[3];                                                   \
	}

/* t = A' d */
#define BLOCK_LINE(name, vec)                                                  \
	WIDE_INLINE void name(vec *t, const vec *d)                            \
	{                                                                      \
		vec a = d[1] + d[2], b = d[1] - d[2];                          \
		vec c = d[3] + d[4], e = d[3] - d[4];                          \
                                                                               \
		t[0] = d[0] + a + c;                                           \
		t[1] = A * b + B * e;                                          \
		t[2] = A2 * a + B2 * c;                                        \
		t[3] = A2 * A * b + B2 * B * e + d[5];                         \
	}

PATCH_LINE(patch_wide, wide)
PATCH_LINE(patch_half, half)
SPREAD_LINE(spread_wide, wide)
SPREAD_LINE(spread_half, half)
BLOCK_LINE(block_wide, wide)
BLOCK_LINE(block_half, half)

/* --- from images to planes ----------------------------------------------- */

/* Where a tile lies. */
struct place {
	size_t image, row, col;
};

static struct place
place_of(const struct wino_tiling *g, size_t at)
{
	return (struct place){
	    at / (g->rows * g->cols), at / g->cols % g->rows, at % g->cols};
}

static void
place_next(const struct wino_tiling *g, struct place *p)
{
	if (++p->col < g->cols)
		return;
	p->col = 0;
	if (++p->row < g->rows)
		return;
	p->row = 0;
	p->image++;
}

/* The pixels of one patch: pointers into the images, or to zeros. */
struct patch {
	const float *p[36], *mask[36];
};

/* The pixels of a tile: side x side, of which some may lie outside. */
static void
patch_find(struct patch *t, const struct wino_images *im,
    const struct wino_tiling *g, struct place at, size_t side)
{
	size_t y = at.row * 4, top = side == 6 ? g->top : 0;
	size_t x = at.col * 4, left = side == 6 ? g->left : 0;
	/* those inside; a tile has at least one pixel of the output */
	size_t i0 = y < top ? top - y : 0, i1 = MIN(side, im->h + top - y);
	size_t j0 = x < left ? left - x : 0, j1 = MIN(side, im->w + left - x);
	/* of the first pixel, were it inside */
	size_t off = (at.image * im->h + y - top) * im->w + x - left;

	if (i0 > 0 || j0 > 0 || i1 < side || j1 < side)
		for (size_t i = 0; i < side * side; i++) {
			t->p[i] = im->zero;
			t->mask[i] = im->zero;
		}
	for (size_t i = i0; i < i1; i++) {
		size_t row = (off + i * im->w) * im->c;

		for (size_t j = j0; j < j1; j++) {
			t->p[i * side + j] = im->p + (row + j * im->c);
			if (im->mask != NULL)
				t->mask[i * side + j] =
				    im->mask + (row + j * im->c);
		}
	}
}

/* The last n < 16 channels, from c on, padded with zeros. */
struct tail {
	float p[36][WIDE_LANES], mask[36][WIDE_LANES];
};

static void
patch_tail(struct patch *to, struct tail *tail, const struct patch *from,
    size_t pixels, size_t c, size_t n, bool masked)
{
	memset(tail, 0, sizeof(*tail));
	for (size_t i = 0; i < pixels; i++) {
		memcpy(tail->p[i], from->p[i] + c, n * sizeof(float));
		to->p[i] = tail->p[i];
		if (!masked)
			continue;
		memcpy(tail->mask[i], from->mask[i] + c, n * sizeof(float));
		to->mask[i] = tail->mask[i];
	}
}

/* The channels of a vector, from c on, of one patch; side (6 or 4) and masked
 * are constants. */
#define TRANSFORM(name, vec, mask_vec, patch_line, spread_line)                \
	WIDE_INLINE void name(const struct patch *t, size_t c, float *o,       \
	    size_t plane, size_t side, bool masked)                            \
	{                                                                      \
		vec s[6][6], d[6], v[6];                                       \
                                                                               \
		WIDE_UNROLL(6)                                                 \
		for (size_t j = 0; j < side; j++) {                            \
			WIDE_UNROLL(6)                                         \
			for (size_t i = 0; i < side; i++) {                    \
				d[i] = LOAD(vec, t->p[i * side + j] + c);      \
				if (masked)                                    \
					d[i] = (vec)((mask_vec)d[i] &          \
						     ~(LOAD(vec,               \
							   t->mask[i * side +  \
								   j] +        \
							       c) <= 0.0f));   \
			}                                                      \
			if (side == 6)                                         \
				patch_line(v, d);                              \
			else                                                   \
				spread_line(v, d);                             \
			WIDE_UNROLL(6)                                         \
			for (size_t i = 0; i < 6; i++)                         \
				s[i][j] = v[i];                                \
		}                                                              \
		WIDE_UNROLL(6)                                                 \
		for (size_t i = 0; i < 6; i++, o += 6 * plane) {               \
			if (side == 6)                                         \
				patch_line(v, s[i]);                           \
			else                                                   \
				spread_line(v, s[i]);                          \
			WIDE_UNROLL(6)                                         \
			for (size_t j = 0; j < 6; j++)                         \
				STORE(vec, o + j * plane, v[j]);               \
		}                                                              \
	}

TRANSFORM(transform_wide, wide, wide_mask, patch_wide, spread_wide)
TRANSFORM(transform_half, half, half_mask, patch_half, spread_half)

/* Asks for 16 channels of what a patch does not share with the one before. */
WIDE_INLINE void
fetch(const struct patch *t, size_t c, size_t side, bool masked)
{
	for (size_t i = 0; i < side; i++)
		for (size_t j = side - 4; j < side; j++) {
			__builtin_prefetch(t->p[i * side + j] + c);
			if (masked)
				__builtin_prefetch(t->mask[i * side + j] + c);
		}
}

/* The half vector at c, with zeros behind as of a whole one. */
WIDE_INLINE void
tile_half(const struct patch *t, size_t c, float *o, size_t plane, size_t side,
    bool masked)
{
	transform_half(t, c, o, plane, side, masked);
	for (size_t i = 0; i < WINO_POSITIONS; i++)
		STORE(half, o + i * plane + HALF, (half){0});
}

WIDE_INLINE void
tiles(const struct wino_images *im, const struct wino_tiling *g, size_t first,
    size_t n, const struct wino_planes *to, size_t side, bool masked)
{
	size_t whole = im->c / WIDE_LANES * WIDE_LANES, rest = im->c - whole;
	struct place at = place_of(g, first);
	struct patch t[2], end;
	struct tail tail;

	patch_find(&t[0], im, g, at, side);
	for (size_t i = 0; i < n; i++) {
		struct patch *now = &t[i % 2], *next = &t[(i + 1) % 2];
		float *o = to->p + i * to->row;

		if (i + 1 < n) {
			place_next(g, &at);
			patch_find(next, im, g, at, side);
		}
		for (size_t c = 0; c < whole; c += WIDE_LANES) {
			if (i + 1 < n)
				fetch(next, c, side, masked);
			transform_wide(now, c, o + c, to->plane, side, masked);
		}
		if (rest == HALF) {
			tile_half(
			    now, whole, o + whole, to->plane, side, masked);
		} else if (rest > 0) {
			patch_tail(
			    &end, &tail, now, side * side, whole, rest, masked);
			transform_wide(
			    &end, 0, o + whole, to->plane, side, masked);
		}
	}
}

VECTOR void
wino_tile_patch(const struct wino_images *im, const struct wino_tiling *g,
    size_t first, size_t n, const struct wino_planes *to)
{
	if (im->mask != NULL)
		tiles(im, g, first, n, to, 6, true);
	else
		tiles(im, g, first, n, to, 6, false);
}

VECTOR void
wino_tile_spread(const struct wino_images *im, const struct wino_tiling *g,
    size_t first, size_t n, const struct wino_planes *to)
{
	if (im->mask != NULL)
		tiles(im, g, first, n, to, 4, true);
	else
		tiles(im, g, first, n, to, 4, false);
}

/* --- from planes to images ----------------------------------------------- */

/* Where a block goes: pixel (i, j) at y + i * row + j * col, h x w of them. */
struct block {
	float *y;
	const float *add, *bias; /* or NULL */
	size_t row, col, h, w;
	bool relu;
};

/* The channels of a vector, from c on, of one block. */
#define RESTORE(name, vec, mask, line)                                         \
	WIDE_INLINE void name(                                                 \
	    const float *m, size_t plane, const struct block *b, size_t c)     \
	{                                                                      \
		vec s[4][6], d[6], v[4];                                       \
		vec bias =                                                     \
		    b->bias != NULL ? LOAD(vec, b->bias + c) : (vec){0};       \
                                                                               \
		WIDE_UNROLL(6)                                                 \
		for (size_t j = 0; j < 6; j++) {                               \
			WIDE_UNROLL(6)                                         \
			for (size_t i = 0; i < 6; i++)                         \
				d[i] = LOAD(vec, m + (i * 6 + j) * plane);     \
			line(v, d);                                            \
			WIDE_UNROLL(4)                                         \
			for (size_t i = 0; i < 4; i++)                         \
				s[i][j] = v[i];                                \
		}                                                              \
		WIDE_UNROLL(4)                                                 \
		for (size_t i = 0; i < 4; i++) {                               \
			if (i >= b->h)                                         \
				continue;                                      \
			line(v, s[i]);                                         \
			WIDE_UNROLL(4)                                         \
			for (size_t j = 0; j < 4; j++) {                       \
				size_t at = i * b->row + j * b->col + c;       \
                                                                               \
				if (j >= b->w)                                 \
					continue;                              \
				v[j] += bias;                                  \
				if (b->add != NULL)                            \
					v[j] += LOAD(vec, b->add + at);        \
				if (b->relu) /* NaN passes through */          \
					v[j] = (vec)((mask)v[j] &              \
						     ~(v[j] < 0.0f));          \
				STORE(vec, b->y + at, v[j]);                   \
			}                                                      \
		}                                                              \
	}

RESTORE(restore_wide, wide, wide_mask, block_wide)
RESTORE(restore_half, half, half_mask, block_half)

/* The last n < 16 channels, from c on: by way of a padded copy. */
WIDE_INLINE void
restore_tail(
    const float *m, size_t plane, const struct block *b, size_t c, size_t n)
{
	float y[16 * WIDE_LANES], add[16 * WIDE_LANES] = {0};
	float bias[WIDE_LANES] = {0};
	struct block t = *b;

	t.y = y;
	t.row = 4 * WIDE_LANES;
	t.col = WIDE_LANES;
	if (b->bias != NULL)
		t.bias = memcpy(bias, b->bias + c, n * sizeof(*bias));
	if (b->add != NULL)
		t.add = add;
	for (size_t i = 0; b->add != NULL && i < b->h; i++)
		for (size_t j = 0; j < b->w; j++)
			memcpy(add + i * t.row + j * t.col,
			    b->add + i * b->row + j * b->col + c,
			    n * sizeof(*add));
	restore_wide(m, plane, &t, 0);
	for (size_t i = 0; i < b->h; i++)
		for (size_t j = 0; j < b->w; j++)
			memcpy(b->y + i * b->row + j * b->col + c,
			    y + i * t.row + j * t.col, n * sizeof(*y));
}

/* Channels from c0 on of a tile. */
static struct block
block_find(const struct wino_output *o, struct place at, size_t c0)
{
	size_t y = at.row * 4, x = at.col * 4;
	size_t off = ((at.image * o->h + y) * o->w + x) * o->c + c0;

	return (struct block){
	    .y = o->y + off,
	    .add = o->add != NULL ? o->add + off : NULL,
	    .bias = o->bias != NULL ? o->bias + c0 : NULL,
	    .row = o->w * o->c,
	    .col = o->c,
	    .h = MIN(4, o->h - y),
	    .w = MIN(4, o->w - x),
	    .relu = o->relu,
	};
}

/* Asks for 16 channels of what will be written, and read with it. */
WIDE_INLINE void
claim(const struct block *b, size_t c)
{
	for (size_t i = 0; i < b->h; i++)
		for (size_t j = 0; j < b->w; j++) {
			size_t at = i * b->row + j * b->col + c;

			__builtin_prefetch(b->y + at, 1);
			if (b->add != NULL)
				__builtin_prefetch(b->add + at);
		}
}

VECTOR void
wino_tile_block(const struct wino_planes *from, const struct wino_tiling *g,
    size_t first, size_t n, size_t c0, size_t nc, const struct wino_output *o)
{
	size_t whole = nc / WIDE_LANES * WIDE_LANES, rest = nc - whole;
	struct place at = place_of(g, first);
	struct block next = block_find(o, at, c0);

	for (size_t i = 0; i < n; i++) {
		const float *m = from->p + i * from->row;
		struct block b = next;

		if (i + 1 < n) {
			place_next(g, &at);
			next = block_find(o, at, c0);
		}
		for (size_t c = 0; c < whole; c += WIDE_LANES) {
			if (i + 1 < n)
				claim(&next, c);
			restore_wide(m + c, from->plane, &b, c);
		}
		if (rest == HALF)
			restore_half(m + whole, from->plane, &b, whole);
		else if (rest > 0)
			restore_tail(m + whole, from->plane, &b, whole, rest);
	}
}
