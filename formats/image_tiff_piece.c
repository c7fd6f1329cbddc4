/* SPDX-License-Identifier: MIT
 * The pixels of a TIFF: strips or tiles, each compressed by itself, in one
 * plane or one for each sample.
 */
#include "formats/image_jpeg.h"
#include "formats/image_tiff_part.h"
#include "formats/lzw.h"

#include <zlib.h>

static int
damaged(const char *what, struct err *e)
{
	return err_set(e, ERR_FORMAT, ERR_NOWHERE, "tiff: %s", what);
}

static bool
unpack_bits(struct slice in, uint8_t *out, size_t size)
{
	size_t at = 0, n = 0;

	while (n < size && at < in.len) {
		uint8_t c = in.ptr[at++];
		size_t len = c < 128 ? c + 1U : 257U - c;

		if (c == 128)
			continue;
		len = MIN(len, size - n);
		if (in.len - at < (c < 128 ? len : 1))
			return false;
		if (c < 128)
			memcpy(out + n, in.ptr + at, len);
		else
			memset(out + n, in.ptr[at], len);
		at += c < 128 ? len : 1;
		n += len;
	}
	return n == size;
}

static int
expand(const struct image_tiff *t, struct slice in, uint8_t *out, size_t size,
    struct err *e)
{
	const struct lzw_form form = {.bits = 8, .most = true, .early = true};
	uLongf got = size;
	size_t n = 0;
	bool good = false;

	switch (t->packing) {
	case 1:
		if ((good = in.len >= size))
			memcpy(out, in.ptr, size);
		break;
	case 5:
		good = lzw_expand(form, in, out, size, &n) && n == size;
		break;
	case 8:
	case 32946:
		good = uncompress(out, &got, in.ptr, in.len) == Z_OK &&
		       got == size;
		break;
	case 32773:
		good = unpack_bits(in, out, size);
		break;
	default:
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "tiff: compression %" PRIu32 " is not read", t->packing);
	}
	return good ? 0 : damaged("damaged pixels", e);
}

/* A piece by JPEG: a stream of its own, but for what all have in common. */
static int
expand_jpeg(const struct image_tiff *t, struct slice in, struct arena *a,
    uint8_t *out, size_t rows, size_t n, struct err *e)
{
	const struct image_tiff_list *l = &t->list[TIFF_TABLES];
	enum image_jpeg_colour colour = n == 1 ? IMAGE_JPEG_GREY
					: t->meaning == TIFF_YCBCR
					    ? IMAGE_JPEG_YCC
					    : IMAGE_JPEG_RGB;
	struct image image;
	int rc;

	if (t->bytes != 1 || t->differences || (n != 1 && n != 3))
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "tiff: JPEG of such samples is not read");
	rc = image_jpeg_part(
	    l->n != 0 ? l->at : (struct slice){0}, in, colour, a, &image, e);
	if (rc != 0) {
		e->off = ERR_NOWHERE; /* one within the stream means nothing */
		return err_wrap(e, "tiff");
	}
	if (image.w != t->piece_w || image.h < rows || image.c != n)
		return damaged("JPEG of another size than its strip", e);
	memcpy(out, image.pixel, image.w * rows * n);
	return 0;
}

/* Samples are differences to the one before in the row, of n each. */
static void
add_up(const struct image_tiff *t, uint8_t *p, size_t rows, size_t n)
{
	size_t row = (size_t)t->piece_w * n;

	for (size_t y = 0; y < rows; y++, p += row * t->bytes)
		for (size_t i = n; i < row; i++) {
			uint8_t *at = p + i * t->bytes;
			uint32_t v;

			v = image_tiff_number(t, at, t->bytes) +
			    image_tiff_number(t, at - n * t->bytes, t->bytes);
			at[t->big ? t->bytes - 1 : 0] = (uint8_t)v;
			if (t->bytes == 2)
				at[t->big ? 0 : 1] = (uint8_t)(v >> 8);
		}
}

/* The upper byte of each sample to where it is in the image. */
static void
place(const struct image_tiff *t, const uint8_t *from, size_t x, size_t y,
    size_t plane, uint8_t *out)
{
	size_t n = t->samples / t->planes, w = MIN(t->piece_w, t->w - x);
	size_t rows = MIN(t->piece_h, t->h - y);
	size_t top = t->bytes == 2 && !t->big;

	for (size_t r = 0; r < rows; r++)
		for (size_t i = 0; i < w; i++)
			for (size_t k = 0; k < n; k++)
				out[((y + r) * t->w + x + i) * t->samples +
				    plane * n + k] =
				    from[((r * t->piece_w + i) * n + k) *
					     t->bytes +
					 top];
}

/* Piece i; strips hold no more rows than the image has left. */
static int
read_piece(const struct image_tiff *t, struct slice in, uint32_t i,
    struct arena *a, uint8_t *room, uint8_t *out, struct err *e)
{
	uint32_t plane = i / (t->across * t->down);
	uint32_t at = i % (t->across * t->down);
	size_t y = (size_t)(at / t->across) * t->piece_h;
	size_t x = (size_t)(at % t->across) * t->piece_w;
	size_t n = t->samples / t->planes, rows = t->piece_h;
	int rc;

	if (t->list[TIFF_TILE_OFFSETS].n == 0)
		rows = MIN(rows, t->h - y);
	if (t->packing == TIFF_JPEG)
		rc = expand_jpeg(t, in, a, room, rows, n, e);
	else
		rc = expand(t, in, room, rows * t->piece_w * n * t->bytes, e);
	if (rc != 0)
		return rc;
	if (t->differences)
		add_up(t, room, rows, n);
	place(t, room, x, y, plane, out);
	return 0;
}

int
image_tiff_piece_all(
    const struct image_tiff *t, struct arena *a, uint8_t *out, struct err *e)
{
	bool tiled = t->list[TIFF_TILE_OFFSETS].n != 0;
	enum image_tiff_slot where = tiled ? TIFF_TILE_OFFSETS : TIFF_OFFSETS;
	enum image_tiff_slot size = tiled ? TIFF_TILE_COUNTS : TIFF_COUNTS;
	uint64_t n = (uint64_t)t->across * t->down * t->planes;
	size_t left = t->rd.len;
	uint8_t *room;
	int rc = 0;

	if (n == 0 || t->list[where].n != n || t->list[size].n != n)
		return damaged("another number of strips than it has rows", e);
	room = arena_alloc(a, (size_t)t->piece_w * t->piece_h,
	    (size_t)(t->samples / t->planes) * t->bytes);
	if (room == NULL)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "tiff: a strip is too large");
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		uint32_t at = image_tiff_value(t, where, i, 0);
		uint32_t len = image_tiff_value(t, size, i, 0);

		/* together no more than there is: none is read twice */
		if (at > t->rd.len || len > t->rd.len - at || len > left)
			return damaged("a strip leaves the file", e);
		left -= len;
		rc = read_piece(t, (struct slice){t->rd.base + at, len}, i, a,
		    room, out, e);
	}
	return rc;
}
