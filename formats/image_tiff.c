/* SPDX-License-Identifier: MIT */
#include "formats/image_tiff.h"

#include "base/limits.h"
#include "formats/image_tiff_part.h"

static const uint16_t tags[TIFF_SLOTS] = {[TIFF_WIDTH] = 256,
    [TIFF_HEIGHT] = 257,
    [TIFF_BITS] = 258,
    [TIFF_PACKING] = 259,
    [TIFF_MEANING] = 262,
    [TIFF_FILL_ORDER] = 266,
    [TIFF_OFFSETS] = 273,
    [TIFF_ORIENTATION] = 274,
    [TIFF_SAMPLES] = 277,
    [TIFF_ROWS] = 278,
    [TIFF_COUNTS] = 279,
    [TIFF_PLANAR] = 284,
    [TIFF_PREDICTOR] = 317,
    [TIFF_COLOURS] = 320,
    [TIFF_EXTRA] = 338,
    [TIFF_FORMAT] = 339,
    [TIFF_TILE_WIDTH] = 322,
    [TIFF_TILE_HEIGHT] = 323,
    [TIFF_TILE_OFFSETS] = 324,
    [TIFF_TILE_COUNTS] = 325,
    [TIFF_TABLES] = 347};

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

uint32_t
image_tiff_number(const struct image_tiff *t, const uint8_t *p, unsigned width)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < width; i++)
		v = v << 8 | p[t->big ? i : width - 1 - i];
	return v;
}

/* --- the directory -------------------------------------------------------- */

/* Value i of a tag, `absent` where there is none. */
uint32_t
image_tiff_value(const struct image_tiff *t, enum image_tiff_slot slot,
    uint32_t i, uint32_t absent)
{
	const struct image_tiff_list *l = &t->list[slot];

	return i < l->n ? image_tiff_number(
			      t, l->at.ptr + (size_t)i * l->width, l->width)
			: absent;
}

static int
entry(struct image_tiff *t, const uint8_t *p, struct err *e)
{
	static const uint8_t width[] = {0, 1, 0, 2, 4, 0, 0, 1};
	uint32_t type = image_tiff_number(t, p + 2, 2),
		 n = image_tiff_number(t, p + 4, 4);
	struct image_tiff_list *l;
	size_t size, slot = 0;

	while (slot < TIFF_SLOTS && tags[slot] != image_tiff_number(t, p, 2))
		slot++;
	if (slot == TIFF_SLOTS)
		return 0;
	l = &t->list[slot];
	if (type >= ARRAY_LEN(width) || width[type] == 0 || n == 0 || l->n != 0)
		return damaged("an entry of its directory is odd or twice", e);
	size = (size_t)n * width[type];
	*l = (struct image_tiff_list){n, width[type], {p + 8, size}};
	if (size > 4) {
		uint32_t at = image_tiff_number(t, p + 8, 4);

		if (at > t->rd.len || size > t->rd.len - at)
			return damaged("a list leaves the file", e);
		l->at.ptr = t->rd.base + at;
	}
	return 0;
}

static int
directory(struct image_tiff *t, struct err *e)
{
	uint32_t at, n;
	int rc = 0;

	t->big = t->rd.base[0] == 'M';
	at = image_tiff_number(t, t->rd.base + 4, 4);
	if (at > t->rd.len || t->rd.len - at < 2)
		return damaged("the directory leaves the file", e);
	n = image_tiff_number(t, t->rd.base + at, 2);
	if ((t->rd.len - at - 2) / 12 < n)
		return damaged("the directory leaves the file", e);
	for (uint32_t i = 0; i < n && rc == 0; i++)
		rc = entry(t, t->rd.base + at + 2 + (size_t)12 * i, e);
	return rc;
}

static int
check_samples(const struct image_tiff *t, struct err *e)
{
	uint32_t colours =
	    t->meaning == TIFF_RGB || t->meaning == TIFF_YCBCR ? 3 : 1;
	uint32_t extra = t->samples - colours;

	if (t->meaning > TIFF_PALETTE &&
	    (t->meaning != TIFF_YCBCR || t->packing != TIFF_JPEG))
		return refuse("what its samples stand for", e);
	if (t->samples < colours || extra > 1)
		return refuse("this number of samples", e);
	for (uint32_t i = 0; i < t->samples; i++)
		if (image_tiff_value(t, TIFF_BITS, i,
			image_tiff_value(t, TIFF_BITS, 0, 1)) != 8 * t->bytes ||
		    image_tiff_value(t, TIFF_FORMAT, i, 1) != 1)
			return refuse(
			    "a sample that is not of 8 bits or 16", e);
	if (extra == 1 && image_tiff_value(t, TIFF_EXTRA, 0, 0) == 1)
		return refuse("opacity that is multiplied in", e);
	if (t->meaning != TIFF_PALETTE)
		return 0;
	if (t->bytes != 1)
		return refuse("a palette of 16 bits", e);
	if (t->list[TIFF_COLOURS].n != 3 * 256)
		return damaged("a palette that has not 256 colours", e);
	return 0;
}

/* Strips are as wide as the image. */
static int
cut(struct image_tiff *t, struct err *e)
{
	bool tiled = t->list[TIFF_TILE_OFFSETS].n != 0;

	if (!tiled && t->list[TIFF_OFFSETS].n == 0)
		return damaged("an image without strips or tiles", e);
	if (tiled && t->list[TIFF_OFFSETS].n != 0)
		return damaged("strips and tiles", e);
	t->piece_w = tiled ? image_tiff_value(t, TIFF_TILE_WIDTH, 0, 0) : t->w;
	t->piece_h =
	    tiled ? image_tiff_value(t, TIFF_TILE_HEIGHT, 0, 0)
		  : MIN(image_tiff_value(t, TIFF_ROWS, 0, UINT32_MAX), t->h);
	if (t->piece_w == 0 || t->piece_h == 0)
		return damaged("strips or tiles without pixels", e);
	t->across = t->w / t->piece_w + (t->w % t->piece_w != 0);
	t->down = t->h / t->piece_h + (t->h % t->piece_h != 0);
	return 0;
}

/* What the directory says, as far as it is read here. */
static int
understand(struct image_tiff *t, struct err *e)
{
	int rc;

	t->w = image_tiff_value(t, TIFF_WIDTH, 0, 0);
	t->h = image_tiff_value(t, TIFF_HEIGHT, 0, 0);
	t->samples = image_tiff_value(t, TIFF_SAMPLES, 0, 1);
	t->meaning = image_tiff_value(t, TIFF_MEANING, 0, UINT32_MAX);
	t->packing = image_tiff_value(t, TIFF_PACKING, 0, 1);
	t->bytes = image_tiff_value(t, TIFF_BITS, 0, 1) == 16 ? 2 : 1;
	t->differences = image_tiff_value(t, TIFF_PREDICTOR, 0, 1) == 2;
	if ((rc = check_samples(t, e)) != 0)
		return rc;
	t->planes =
	    image_tiff_value(t, TIFF_PLANAR, 0, 1) == 2 ? t->samples : 1;
	if (image_tiff_value(t, TIFF_FILL_ORDER, 0, 1) != 1 ||
	    image_tiff_value(t, TIFF_ORIENTATION, 0, 1) != 1 ||
	    image_tiff_value(t, TIFF_PREDICTOR, 0, 1) > 2)
		return refuse("another order of its bits or rows", e);
	return cut(t, e);
}

static void
paint(const struct image_tiff *t, const uint8_t *from, size_t c, uint8_t *p)
{
	size_t n = (size_t)t->w * t->h;

	for (size_t i = 0; i < n; i++, from += t->samples)
		for (size_t k = 0; k < c; k++)
			*p++ =
			    t->meaning == TIFF_PALETTE
				? (uint8_t)(image_tiff_value(t, TIFF_COLOURS,
						(uint32_t)k * 256 + *from, 0) >>
					    8)
			    : t->meaning == TIFF_WHITE_IS_ZERO
				? (uint8_t)(255 - from[k])
				: from[k];
}

bool
image_tiff_probe(struct rd r)
{
	static const char *const magic[] = {"II*\0", "MM\0*", "II+\0", "MM\0+"};

	for (size_t i = 0; r.len >= 8 && i < ARRAY_LEN(magic); i++)
		if (memcmp(r.base, magic[i], 4) == 0)
			return true;
	return false;
}

int
image_tiff_read(struct rd r, struct arena *a, struct image *out, struct err *e)
{
	struct image_tiff t = {.rd = r};
	uint8_t *p, *raw;
	int rc;

	if (memchr(r.base, '+', 4) != NULL)
		return refuse("BigTIFF", e);
	if ((rc = directory(&t, e)) != 0 || (rc = understand(&t, e)) != 0)
		return rc;
	out->c = t.meaning <= TIFF_BLACK_IS_ZERO ? 1 : 3;
	if ((p = image_alloc(a, out, t.w, t.h, e)) == NULL)
		return e->code;
	raw = arena_alloc(a, out->w * out->h, t.samples);
	if (raw == NULL)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "tiff: the image is too large");
	if ((rc = image_tiff_piece_all(&t, a, raw, e)) != 0)
		return rc;
	paint(&t, raw, out->c, p);
	return 0;
}
