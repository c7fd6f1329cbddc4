/* SPDX-License-Identifier: MIT
 * What the directory of a TIFF says (image_tiff.c), for the reading of its
 * pixels (image_tiff_piece.c).
 */
#ifndef FORMATS_IMAGE_TIFF_PART_H
#define FORMATS_IMAGE_TIFF_PART_H

#include "formats/image.h"

/* What is read of the directory. */
enum image_tiff_slot {
	TIFF_WIDTH,
	TIFF_HEIGHT,
	TIFF_BITS,
	TIFF_PACKING,
	TIFF_MEANING,
	TIFF_FILL_ORDER,
	TIFF_OFFSETS,
	TIFF_ORIENTATION,
	TIFF_SAMPLES,
	TIFF_ROWS,
	TIFF_COUNTS,
	TIFF_PLANAR,
	TIFF_PREDICTOR,
	TIFF_COLOURS,
	TIFF_EXTRA,
	TIFF_FORMAT,
	TIFF_TILE_WIDTH,
	TIFF_TILE_HEIGHT,
	TIFF_TILE_OFFSETS,
	TIFF_TILE_COUNTS,
	TIFF_TABLES,
	TIFF_SLOTS
};

/* What samples stand for. */
enum {
	TIFF_WHITE_IS_ZERO,
	TIFF_BLACK_IS_ZERO,
	TIFF_RGB,
	TIFF_PALETTE,
	TIFF_YCBCR = 6, /* within JPEG */
};

#define TIFF_JPEG 7 /* of compressions */

/* A list of integers in the file. */
struct image_tiff_list {
	uint32_t n;
	unsigned width; /* bytes of each */
	struct slice at;
};

/* An image is cut into pieces, strips or tiles: across x down, for each of
 * `planes` (1, or one for each sample). */
struct image_tiff {
	struct rd rd; /* the whole file */
	bool big;
	struct image_tiff_list list[TIFF_SLOTS];
	uint32_t w, h, samples, meaning, packing;
	uint32_t bytes; /* of a sample: 1, or 2 */
	uint32_t piece_w, piece_h, across, down, planes;
	bool differences; /* of neighbours in a row */
};

/* Value i of a tag, `absent` where there is none. */
uint32_t image_tiff_value(const struct image_tiff *, enum image_tiff_slot,
    uint32_t i, uint32_t absent);
/* The sample at p, of two bytes or four in the file's order, or one. */
uint32_t image_tiff_number(
    const struct image_tiff *, const uint8_t *p, unsigned width);

/*
 * All pixels as w*h*samples bytes; of samples of 16 bits the upper 8.  `a` is
 * for what is needed on the way.
 */
int image_tiff_piece_all(const struct image_tiff *, struct arena *a,
    uint8_t *out, struct err *) MUST_USE;

#endif
