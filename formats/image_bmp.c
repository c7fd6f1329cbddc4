/* SPDX-License-Identifier: MIT */
#include "formats/image_bmp.h"

#include "base/limits.h"

struct bmp {
	uint32_t pixels,
	    head; /* where pixels begin; size of the second header */
	uint32_t w, h, bits;
	bool down; /* rows from the top */
	uint32_t ncolour;
	uint8_t colour[256][3]; /* red, green, blue */
	bool grey;
};

static int
early(const struct rd *r, struct err *e)
{
	return err_set(e, ERR_TRUNCATED, r->start + r->len, "bmp: ends early");
}

static int
core_sides(struct rd *r, struct bmp *b, struct err *e)
{
	uint16_t w, h, planes, bits;

	if (rd_u16le(r, &w) != 0 || rd_u16le(r, &h) != 0 ||
	    rd_u16le(r, &planes) != 0 || rd_u16le(r, &bits) != 0)
		return early(r, e);
	b->w = w;
	b->h = h;
	b->bits = bits;
	return 0;
}

static int
info_sides(struct rd *r, struct bmp *b, struct err *e)
{
	uint32_t how;
	uint16_t planes, bits;

	if (rd_u32le(r, &b->w) != 0 || rd_u32le(r, &b->h) != 0 ||
	    rd_u16le(r, &planes) != 0 || rd_u16le(r, &bits) != 0 ||
	    rd_u32le(r, &how) != 0 || rd_skip(r, 12) != 0 ||
	    rd_u32le(r, &b->ncolour) != 0 || rd_skip(r, b->head - 36) != 0)
		return early(r, e);
	b->bits = bits;
	if (how != 0)
		return err_set(e, ERR_UNSUPPORTED, 30,
		    "bmp: compression %" PRIu32 " is not read", how);
	if (b->h > INT32_MAX) { /* negative: rows from the top */
		b->h = 0U - b->h;
		b->down = true;
	}
	return 0;
}

static int
palette(struct rd *r, struct bmp *b, struct err *e)
{
	size_t step = b->head == 12 ? 3 : 4;

	if (b->ncolour == 0)
		b->ncolour = 1U << b->bits;
	if (b->ncolour > 1U << b->bits)
		return err_set(
		    e, ERR_FORMAT, 46, "bmp: %" PRIu32 " colours", b->ncolour);
	b->grey = true;
	for (uint32_t i = 0; i < b->ncolour; i++) {
		struct slice s;

		if (rd_bytes(r, step, &s) != 0)
			return early(r, e);
		for (size_t k = 0; k < 3; k++)
			b->colour[i][k] = s.ptr[2 - k];
		b->grey =
		    b->grey && s.ptr[0] == s.ptr[1] && s.ptr[1] == s.ptr[2];
	}
	return 0;
}

static int
header(struct rd *r, struct bmp *b, struct err *e)
{
	int rc;

	if (rd_skip(r, 10) != 0 || rd_u32le(r, &b->pixels) != 0 ||
	    rd_u32le(r, &b->head) != 0)
		return early(r, e);
	if (b->head != 12 && (b->head < 40 || b->head > 124))
		return err_set(e, ERR_UNSUPPORTED, 14,
		    "bmp: a header of %" PRIu32 " bytes", b->head);
	rc = b->head == 12 ? core_sides(r, b, e) : info_sides(r, b, e);
	if (rc != 0)
		return rc;
	if (b->bits == 24 || b->bits == 32)
		return 0;
	if (b->bits != 1 && b->bits != 4 && b->bits != 8)
		return err_set(e, ERR_UNSUPPORTED, 28,
		    "bmp: %" PRIu32 " bits a pixel are not read", b->bits);
	return palette(r, b, e);
}

/* One row of the file into one of the image. */
static int
take_row(const struct bmp *b, const uint8_t *row, size_t c, uint8_t *to,
    struct err *e)
{
	for (uint32_t x = 0; x < b->w; x++, to += c) {
		uint32_t bit = x * b->bits, i;
		const uint8_t *from = row + bit / 8;

		if (b->bits >= 24) {
			for (size_t k = 0; k < 3; k++)
				to[k] = from[2 - k];
			continue;
		}
		i = *from >> (8 - b->bits - bit % 8) & ((1U << b->bits) - 1);
		if (i >= b->ncolour)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "bmp: colour %" PRIu32 " of %" PRIu32, i,
			    b->ncolour);
		memcpy(to, b->colour[i], c);
	}
	return 0;
}

bool
image_bmp_probe(struct rd r)
{
	return r.len >= 26 && r.base[0] == 'B' && r.base[1] == 'M';
}

int
image_bmp_read(struct rd r, struct arena *a, struct image *out, struct err *e)
{
	struct bmp b = {0};
	uint64_t row;
	uint8_t *p;
	int rc;

	if ((rc = header(&r, &b, e)) != 0)
		return rc;
	row = ((uint64_t)b.w * b.bits + 31) / 32 * 4;
	if (b.pixels < r.off)
		return err_set(e, ERR_FORMAT, 10,
		    "bmp: pixels at %" PRIu32 ", inside the header", b.pixels);
	if (rd_skip(&r, b.pixels - r.off) != 0 ||
	    (b.h != 0 && row > rd_left(&r) / b.h))
		return early(&r, e);
	out->c = b.bits >= 24 || !b.grey ? 3 : 1;
	if ((p = image_alloc(a, out, b.w, b.h, e)) == NULL)
		return e->code;
	for (size_t y = 0; y < b.h; y++) {
		size_t to = b.down ? y : b.h - 1 - y;
		struct slice s;

		if (rd_bytes(&r, row, &s) != 0)
			return early(&r, e);
		rc = take_row(&b, s.ptr, out->c, p + to * b.w * out->c, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}
