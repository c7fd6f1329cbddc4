/* SPDX-License-Identifier: MIT
 * The transforms of activations: 6x6 patches of images to 36 planes (one per
 * position of the transformed patch) and back to 4x4 blocks of images.  A plane
 * has a row per tile; a row has the channels, padded with zeros to whole
 * vectors.  Tiles are counted image by image, row by row.
 */
#ifndef ENGINE_WINO_TILE_H
#define ENGINE_WINO_TILE_H

#include "base/base.h"

#define WINO_POSITIONS 36

/* How tiles lie: blocks of 4x4 from (0, 0), patches from (-top, -left). */
struct wino_tiling {
	size_t rows, cols; /* tiles of one image */
	size_t top, left;
};

/* Images N,H,W,C. */
struct wino_images {
	const float *p;
	const float *mask; /* of the same shape, or NULL: where it is <= 0,
			      p counts as 0 */
	size_t h, w, c;
	const float *zero; /* at least c zeros */
};

struct wino_planes {
	float *p;
	size_t plane, row; /* floats from one to the next */
};

/* Planes = B' patch B of tiles [first, first + n). */
void wino_tile_patch(const struct wino_images *, const struct wino_tiling *,
    size_t first, size_t n, const struct wino_planes *);

/* Planes = A block A', the adjoint of wino_tile_block(). */
void wino_tile_spread(const struct wino_images *, const struct wino_tiling *,
    size_t first, size_t n, const struct wino_planes *);

/* What becomes of a finished block: y = f(A' planes A + bias + add). */
struct wino_output {
	float *y; /* N,H,W,C */
	size_t h, w, c;
	const float *bias; /* C, or NULL */
	const float *add;  /* of y's shape (or y itself), or NULL */
	bool relu;
};

/* Channels [c0, c0 + nc) of y from the first nc of the planes. */
void wino_tile_block(const struct wino_planes *, const struct wino_tiling *,
    size_t first, size_t n, size_t c0, size_t nc, const struct wino_output *);

#endif
