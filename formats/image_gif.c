/* SPDX-License-Identifier: MIT */
#include "formats/image_gif.h"

#include "formats/lzw.h"

#define TABLE      0x80
#define INTERLACED 0x40

struct gif {
	uint16_t w, h;
	struct slice colours; /* three bytes each */
	bool interlaced;
};

static int
early(const struct rd *r, struct err *e)
{
	return err_set(e, ERR_TRUNCATED, r->start + r->len, "gif: ends early");
}

/* A table of colours where the flags say so. */
static int
table(struct rd *r, uint8_t flags, struct gif *g, struct err *e)
{
	if ((flags & TABLE) == 0)
		return 0;
	return rd_bytes(r, (size_t)3 << ((flags & 7) + 1), &g->colours) != 0
		   ? early(r, e)
		   : 0;
}

static int
head(struct rd *r, struct gif *g, struct err *e)
{
	uint8_t flags;

	if (rd_skip(r, 6) != 0 || rd_u16le(r, &g->w) != 0 ||
	    rd_u16le(r, &g->h) != 0 || rd_u8(r, &flags) != 0 ||
	    rd_skip(r, 2) != 0)
		return early(r, e);
	return table(r, flags, g, e);
}

/* Over blocks until an empty one; their bytes one after the other to `to`,
 * which has room for all, or nowhere. */
static int
blocks(struct rd *r, uint8_t *to, size_t *n, struct err *e)
{
	struct slice s;
	uint8_t len;

	*n = 0;
	do {
		if (rd_u8(r, &len) != 0 || rd_bytes(r, len, &s) != 0)
			return early(r, e);
		if (to != NULL && len != 0)
			memcpy(to + *n, s.ptr, len);
		*n += len;
	} while (len != 0);
	return 0;
}

/* To the first picture, behind its head. */
static int
find(struct rd *r, struct gif *g, struct err *e)
{
	uint16_t x, y, w, h;
	uint8_t kind, flags;
	size_t unused;
	int rc;

	for (;;) {
		if (rd_u8(r, &kind) != 0)
			return early(r, e);
		if (kind == 0x2c)
			break;
		if (kind != 0x21)
			return err_set(e, ERR_FORMAT, rd_pos(r) - 1,
			    kind == 0x3b ? "gif: no picture in it"
					 : "gif: a block of no known kind");
		if (rd_skip(r, 1) != 0)
			return early(r, e);
		if ((rc = blocks(r, NULL, &unused, e)) != 0)
			return rc;
	}
	if (rd_u16le(r, &x) != 0 || rd_u16le(r, &y) != 0 ||
	    rd_u16le(r, &w) != 0 || rd_u16le(r, &h) != 0 ||
	    rd_u8(r, &flags) != 0)
		return early(r, e);
	if (x != 0 || y != 0 || w != g->w || h != g->h)
		return err_set(e, ERR_UNSUPPORTED, rd_pos(r) - 9,
		    "gif: a first picture that is not all of the image is not "
		    "read");
	g->interlaced = (flags & INTERLACED) != 0;
	if ((rc = table(r, flags, g, e)) == 0 && g->colours.len == 0)
		return err_set(e, ERR_FORMAT, rd_pos(r),
		    "gif: there is no table of colours");
	return rc;
}

/* Row i of the stream is which of the image. */
static size_t
row_of(const struct gif *g, size_t i)
{
	static const uint8_t first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};

	for (size_t pass = 0; g->interlaced && pass < 4; pass++) {
		size_t n = g->h > first[pass]
			       ? (g->h - first[pass] - 1U) / step[pass] + 1
			       : 0;

		if (i < n)
			return first[pass] + i * step[pass];
		i -= n;
	}
	return i;
}

static int
paint(const struct gif *g, const uint8_t *index, uint8_t *p, struct err *e)
{
	for (size_t y = 0; y < g->h; y++) {
		uint8_t *row = p + row_of(g, y) * g->w * 3;

		for (size_t x = 0; x < g->w; x++, index++) {
			if (*index >= g->colours.len / 3)
				return err_set(e, ERR_FORMAT, ERR_NOWHERE,
				    "gif: a colour that is not in the table");
			memcpy(row + 3 * x, g->colours.ptr + 3 * *index, 3);
		}
	}
	return 0;
}

bool
image_gif_probe(struct rd r)
{
	return r.len >= 6 && (memcmp(r.base, "GIF87a", 6) == 0 ||
				 memcmp(r.base, "GIF89a", 6) == 0);
}

int
image_gif_read(struct rd r, struct arena *a, struct image *out, struct err *e)
{
	struct gif g = {0};
	uint8_t bits, *p, *packed, *index;
	size_t n = 0, count;
	int rc;

	if ((rc = head(&r, &g, e)) != 0 || (rc = find(&r, &g, e)) != 0)
		return rc;
	out->c = 3;
	if ((p = image_alloc(a, out, g.w, g.h, e)) == NULL)
		return e->code;
	if (rd_u8(&r, &bits) != 0)
		return early(&r, e);
	if (bits < 2 || bits > 8)
		return err_set(e, ERR_FORMAT, rd_pos(&r) - 1,
		    "gif: pixels of %u bits", bits);
	count = out->w * out->h;
	packed = arena_alloc(a, rd_left(&r) + 1, 1);
	index = arena_alloc(a, count, 1);
	if (packed == NULL || index == NULL)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "gif: the image is too large");
	if ((rc = blocks(&r, packed, &n, e)) != 0)
		return rc;
	if (!lzw_expand((struct lzw_form){.bits = bits},
		(struct slice){packed, n}, index, count, &n) ||
	    n != count)
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "gif: damaged pixels");
	return paint(&g, index, p, e);
}
