/* SPDX-License-Identifier: MIT */
#include "formats/image_tiff.h"

#include "base/limits.h"
#include "formats/lzw.h"

#include <zlib.h>

/* What is read of the directory. */
enum slot {
	WIDTH,
	HEIGHT,
	BITS,
	PACKING,
	MEANING,
	FILL_ORDER,
	OFFSETS,
	ORIENTATION,
	SAMPLES,
	ROWS,
	COUNTS,
	PLANAR,
	PREDICTOR,
	COLOURS,
	EXTRA,
	FORMAT,
	SLOTS
};

static const uint16_t tags[SLOTS] = {[WIDTH] = 256,
    [HEIGHT] = 257,
    [BITS] = 258,
    [PACKING] = 259,
    [MEANING] = 262,
    [FILL_ORDER] = 266,
    [OFFSETS] = 273,
    [ORIENTATION] = 274,
    [SAMPLES] = 277,
    [ROWS] = 278,
    [COUNTS] = 279,
    [PLANAR] = 284,
    [PREDICTOR] = 317,
    [COLOURS] = 320,
    [EXTRA] = 338,
    [FORMAT] = 339};

enum {
	WHITE_IS_ZERO,
	BLACK_IS_ZERO,
	RGB,
	PALETTE,
};

/* A list of integers in the file. */
struct list {
	uint32_t n;
	unsigned width; /* bytes of each */
	struct slice at;
};

struct tiff {
	struct rd rd; /* the whole file */
	bool big;
	struct list list[SLOTS];
	uint32_t w, h, samples, meaning, packing, rows;
	bool differences; /* of neighbours in a row */
};

static int
damaged(const char *what, struct err *e)
{
	return err_set(e, ERR_FORMAT, ERR_NOWHERE, "tiff: %s", what);
}

static int
refuse(const char *what, struct err *e)
{
	return err_set(
	    e, ERR_UNSUPPORTED, ERR_NOWHERE, "tiff: %s is not read", what);
}

static uint32_t
number(const struct tiff *t, const uint8_t *p, unsigned width)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < width; i++)
		v = v << 8 | p[t->big ? i : width - 1 - i];
	return v;
}

/* --- the directory -------------------------------------------------------- */

/* Value i of a tag, `absent` where there is none. */
static uint32_t
value(const struct tiff *t, enum slot slot, uint32_t i, uint32_t absent)
{
	const struct list *l = &t->list[slot];

	return i < l->n ? number(t, l->at.ptr + (size_t)i * l->width, l->width)
			: absent;
}

static int
entry(struct tiff *t, const uint8_t *p, struct err *e)
{
	static const uint8_t width[] = {0, 1, 0, 2, 4};
	uint32_t type = number(t, p + 2, 2), n = number(t, p + 4, 4);
	struct list *l;
	size_t size, slot = 0;

	while (slot < SLOTS && tags[slot] != number(t, p, 2))
		slot++;
	if (slot == SLOTS)
		return 0;
	l = &t->list[slot];
	if (type >= ARRAY_LEN(width) || width[type] == 0 || n == 0 || l->n != 0)
		return damaged("an entry of its directory is odd or twice", e);
	size = (size_t)n * width[type];
	*l = (struct list){n, width[type], {p + 8, size}};
	if (size > 4) {
		uint32_t at = number(t, p + 8, 4);

		if (at > t->rd.len || size > t->rd.len - at)
			return damaged("a list leaves the file", e);
		l->at.ptr = t->rd.base + at;
	}
	return 0;
}

static int
directory(struct tiff *t, struct err *e)
{
	uint32_t at, n;
	int rc = 0;

	t->big = t->rd.base[0] == 'M';
	at = number(t, t->rd.base + 4, 4);
	if (at > t->rd.len || t->rd.len - at < 2)
		return damaged("the directory leaves the file", e);
	n = number(t, t->rd.base + at, 2);
	if ((t->rd.len - at - 2) / 12 < n)
		return damaged("the directory leaves the file", e);
	for (uint32_t i = 0; i < n && rc == 0; i++)
		rc = entry(t, t->rd.base + at + 2 + (size_t)12 * i, e);
	return rc;
}

/* What the directory says, as far as it is read here. */
static int
understand(struct tiff *t, struct err *e)
{
	uint32_t colours, extra;

	t->w = value(t, WIDTH, 0, 0);
	t->h = value(t, HEIGHT, 0, 0);
	t->samples = value(t, SAMPLES, 0, 1);
	t->meaning = value(t, MEANING, 0, UINT32_MAX);
	t->packing = value(t, PACKING, 0, 1);
	t->rows = MIN(value(t, ROWS, 0, UINT32_MAX), t->h);
	t->differences = value(t, PREDICTOR, 0, 1) == 2;
	colours = t->meaning == RGB ? 3 : 1;
	extra = t->samples - colours;
	if (t->meaning > PALETTE)
		return refuse("what its samples stand for", e);
	if (t->samples < colours || extra > 1)
		return refuse("this number of samples", e);
	for (uint32_t i = 0; i < t->samples; i++)
		if (value(t, BITS, i, value(t, BITS, 0, 1)) != 8 ||
		    value(t, FORMAT, i, 1) != 1)
			return refuse("a sample that is not of 8 bits", e);
	if (extra == 1 && value(t, EXTRA, 0, 0) == 1)
		return refuse("opacity that is multiplied in", e);
	if (value(t, PLANAR, 0, 1) != 1 && t->samples > 1)
		return refuse("one plane for each sample", e);
	if (value(t, FILL_ORDER, 0, 1) != 1 ||
	    value(t, ORIENTATION, 0, 1) != 1 || value(t, PREDICTOR, 0, 1) > 2)
		return refuse("another order of its bits or rows", e);
	if (t->meaning == PALETTE && t->list[COLOURS].n != 3 * 256)
		return damaged("a palette that has not 256 colours", e);
	if (t->list[OFFSETS].n == 0)
		return refuse("an image that is not in strips", e);
	return 0;
}

/* --- the pixels ----------------------------------------------------------- */

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
expand(const struct tiff *t, struct slice in, uint8_t *out, size_t size,
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

/* All strips, one after the other. */
static int
strips(const struct tiff *t, uint8_t *out, struct err *e)
{
	size_t row = (size_t)t->w * t->samples, left = t->rd.len;
	uint32_t n = t->rows != 0 ? (t->h + t->rows - 1) / t->rows : 0;
	int rc = 0;

	if (n == 0 || t->list[OFFSETS].n != n || t->list[COUNTS].n != n)
		return damaged("another number of strips than it has rows", e);
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		uint32_t at = value(t, OFFSETS, i, 0);
		uint32_t len = value(t, COUNTS, i, 0);
		size_t rows = MIN(t->rows, t->h - i * t->rows);

		/* together no more than there is: none is read twice */
		if (at > t->rd.len || len > t->rd.len - at || len > left)
			return damaged("a strip leaves the file", e);
		left -= len;
		rc = expand(t, (struct slice){t->rd.base + at, len}, out,
		    rows * row, e);
		out += rows * row;
	}
	return rc;
}

static void
add_up(const struct tiff *t, uint8_t *p)
{
	size_t n = t->samples, row = (size_t)t->w * n;

	for (size_t y = 0; y < t->h; y++, p += row)
		for (size_t i = n; i < row; i++)
			p[i] = (uint8_t)(p[i] + p[i - n]);
}

static void
paint(const struct tiff *t, const uint8_t *from, size_t c, uint8_t *p)
{
	size_t n = (size_t)t->w * t->h;

	for (size_t i = 0; i < n; i++, from += t->samples)
		for (size_t k = 0; k < c; k++)
			*p++ =
			    t->meaning == PALETTE
				? (uint8_t)(value(t, COLOURS,
						(uint32_t)k * 256 + *from, 0) >>
					    8)
			    : t->meaning == WHITE_IS_ZERO
				? (uint8_t)(255 - from[k])
				: from[k];
}

bool
image_tiff_probe(struct rd r)
{
	return r.len >= 8 && (memcmp(r.base, "II*\0", 4) == 0 ||
				 memcmp(r.base, "MM\0*", 4) == 0);
}

int
image_tiff_read(struct rd r, struct arena *a, struct image *out, struct err *e)
{
	struct tiff t = {.rd = r};
	uint8_t *p, *raw;
	int rc;

	if ((rc = directory(&t, e)) != 0 || (rc = understand(&t, e)) != 0)
		return rc;
	out->c = t.meaning == RGB || t.meaning == PALETTE ? 3 : 1;
	if ((p = image_alloc(a, out, t.w, t.h, e)) == NULL)
		return e->code;
	raw = arena_alloc(a, out->w * out->h, t.samples);
	if (raw == NULL)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "tiff: the image is too large");
	if ((rc = strips(&t, raw, e)) != 0)
		return rc;
	if (t.differences)
		add_up(&t, raw);
	paint(&t, raw, out->c, p);
	return 0;
}
