/* SPDX-License-Identifier: MIT */
#include "formats/image_bmp.h"

#include "base/limits.h"

struct bmp {
	uint32_t pixels,
	    head; /* where pixels begin; size of the second header */
	uint32_t w, h, bits;
	bool down;        /* rows from the top */
	uint32_t how;     /* compression */
	uint32_t mask[3]; /* of red, green, blue, where it has them */
	uint32_t ncolour;
	uint8_t colour[256][3]; /* red, green, blue */
	bool grey;
};

enum {
	HOW_RLE8 = 1,
	HOW_FIELDS = 3,
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

/* Which bits are which colour: those that Pillow knows (BmpImagePlugin.py). */
static bool
knows_masks(const struct bmp *b)
{
	static const uint32_t known[][3] = {{0xf800, 0x7e0, 0x1f},
	    {0x7c00, 0x3e0, 0x1f}, {0xff0000, 0xff00, 0xff},
	    {0xff000000, 0xff0000, 0xff00}, {0xff000000, 0xff00, 0xff},
	    {0xff, 0xff00, 0xff0000}};
	size_t from = b->bits == 16 ? 0 : 2, to = ARRAY_LEN(known);

	to = b->bits == 16 ? 2 : b->bits == 24 ? 3 : to;
	for (size_t i = from; i < to; i++)
		if (memcmp(b->mask, known[i], sizeof(b->mask)) == 0)
			return true;
	return false;
}

/* Behind the first 40 bytes of the header, or within a longer one. */
static int
fields(struct rd *r, struct bmp *b, struct err *e)
{
	for (size_t i = 0; i < 3; i++)
		if (rd_u32le(r, &b->mask[i]) != 0)
			return early(r, e);
	if (b->bits != 16 && b->bits != 24 && b->bits != 32)
		return err_set(e, ERR_FORMAT, 28,
		    "bmp: masks for %" PRIu32 " bits a pixel", b->bits);
	return knows_masks(b) ? 0
			      : err_set(e, ERR_UNSUPPORTED, 54,
				    "bmp: colours in the bits %08" PRIx32
				    " %08" PRIx32 " %08" PRIx32 " are not read",
				    b->mask[0], b->mask[1], b->mask[2]);
}

static int
info_sides(struct rd *r, struct bmp *b, struct err *e)
{
	uint16_t planes, bits;
	uint32_t rest;
	int rc = 0;

	if (rd_u32le(r, &b->w) != 0 || rd_u32le(r, &b->h) != 0 ||
	    rd_u16le(r, &planes) != 0 || rd_u16le(r, &bits) != 0 ||
	    rd_u32le(r, &b->how) != 0 || rd_skip(r, 12) != 0 ||
	    rd_u32le(r, &b->ncolour) != 0 || rd_skip(r, 4) != 0)
		return early(r, e);
	b->bits = bits;
	rest = b->head - 40;
	if (b->how == HOW_FIELDS && (rest == 0 || rest >= 12)) {
		rc = fields(r, b, e);
		rest -= rest != 0 ? 12 : 0;
	} else if (b->how != 0 && (b->how != HOW_RLE8 || bits != 8)) {
		rc = err_set(e, ERR_UNSUPPORTED, 30,
		    "bmp: compression %" PRIu32 " is not read", b->how);
	}
	if (rc != 0)
		return rc;
	if (rd_skip(r, rest) != 0)
		return early(r, e);
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
	if (b->bits == 16 && b->how == 0) {
		b->mask[0] = 0x7c00;
		b->mask[1] = 0x3e0;
		b->mask[2] = 0x1f;
	}
	if (b->bits == 24 || b->bits == 32 || b->bits == 16)
		return 0;
	if (b->bits != 1 && b->bits != 4 && b->bits != 8)
		return err_set(e, ERR_UNSUPPORTED, 28,
		    "bmp: %" PRIu32 " bits a pixel are not read", b->bits);
	return palette(r, b, e);
}

/* Of a colour's bits the byte, as Pillow has it (libImaging/Unpack.c). */
static uint8_t
spread(uint32_t pixel, uint32_t mask)
{
	while ((mask & 1) == 0) {
		mask >>= 1;
		pixel >>= 1;
	}
	return (uint8_t)((pixel & mask) * 255 / mask);
}

static void
take_masked(const struct bmp *b, const uint8_t *row, uint8_t *to)
{
	size_t step = b->bits / 8;

	for (uint32_t x = 0; x < b->w; x++, row += step, to += 3) {
		uint32_t pixel = 0;

		for (size_t k = step; k-- > 0;)
			pixel = pixel << 8 | row[k];
		for (size_t k = 0; k < 3; k++)
			to[k] = spread(pixel, b->mask[k]);
	}
}

/* One row of the file into one of the image. */
static int
take_row(const struct bmp *b, const uint8_t *row, size_t c, uint8_t *to,
    struct err *e)
{
	if (b->mask[0] != 0) {
		take_masked(b, row, to);
		return 0;
	}
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

/* --- runs ---------------------------------------------------------------- */

/* Where the next pixel goes; rows are counted as the file has them. */
struct runs {
	uint8_t *to; /* (h, w) colours, zero at first */
	size_t row, col;
	bool ended;
};

static int
bad_run(struct err *e, const char *what)
{
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE, "bmp: %s", what);
}

/* An end of a row, of the image, or a step to elsewhere.  What a row lacks is
 * colour 0; readers do not agree on rows without pixels, or on steps. */
static int
take_mark(const struct bmp *b, struct runs *s, uint8_t mark, struct err *e)
{
	if (mark == 2)
		return bad_run(e, "runs that leave pixels out are not read");
	if (mark == 0 && s->col == 0)
		return bad_run(e, "runs with a row of no pixels are not read");
	s->ended = mark == 1;
	if (mark == 1 && s->col != b->w)
		return bad_run(e, "runs that end within a row are not read");
	s->row++;
	s->col = 0;
	return 0;
}

/* n times a colour, or (n 0) v colours as they are and an even end. */
static int
take_run(struct rd *r, const struct bmp *b, struct runs *s, struct err *e)
{
	struct slice v;
	uint8_t n, x;

	if (rd_u8(r, &n) != 0 || rd_u8(r, &x) != 0)
		return early(r, e);
	if (n == 0 && x < 3)
		return take_mark(b, s, x, e);
	if ((n != 0 ? n : x) > b->w - s->col)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "bmp: a row of more than %" PRIu32 " pixels", b->w);
	if (n != 0)
		memset(s->to + s->row * b->w + s->col, x, n);
	else if (rd_bytes(r, x, &v) != 0 || rd_skip(r, x % 2) != 0)
		return early(r, e);
	else
		memcpy(s->to + s->row * b->w + s->col, v.ptr, x);
	s->col += n != 0 ? n : x;
	return 0;
}

/* All runs as rows of w bytes. */
static int
unpack_runs(struct rd *r, const struct bmp *b, struct arena *a, struct rd *out,
    struct err *e)
{
	size_t all = (size_t)b->w * b->h;
	struct runs s = {.to = arena_alloc(a, all + 1, 1)};
	int rc = 0;

	if (s.to == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "bmp: too large");
	if (b->down || b->pixels % 2 != 0)
		return bad_run(e, "runs in an odd place are not read");
	while (rc == 0 && !s.ended && s.row * b->w + s.col < all)
		rc = take_run(r, b, &s, e);
	if (rc == 0 && s.row * b->w + s.col < all)
		rc = early(r, e);
	*out = rd_mem(s.to, all);
	return rc;
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
	    (b.how != HOW_RLE8 && b.h != 0 && row > rd_left(&r) / b.h))
		return early(&r, e);
	out->c = b.bits >= 16 || !b.grey ? 3 : 1;
	if ((p = image_alloc(a, out, b.w, b.h, e)) == NULL)
		return e->code;
	if (b.how == HOW_RLE8) {
		row = b.w;
		if ((rc = unpack_runs(&r, &b, a, &r, e)) != 0)
			return rc;
	}
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
