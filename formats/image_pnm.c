/* SPDX-License-Identifier: MIT */
#include "formats/image_pnm.h"

#include "base/limits.h"

#include <math.h>

static bool
is_space(uint8_t b)
{
	return b == ' ' || (b >= '\t' && b <= '\r');
}

/* A number, after white space and comments; at most `most`. */
static int
number(
    struct rd *r, const char *what, uint32_t most, uint32_t *out, struct err *e)
{
	uint64_t v = 0, at;
	bool comment = false, any = false;
	uint8_t b = 0;

	while (rd_u8(r, &b) == 0 && (comment || b == '#' || is_space(b)))
		comment = b != '\n' && b != '\r' && (comment || b == '#');
	at = rd_pos(r) - (rd_left(r) != 0 || r->off != 0);
	for (; b >= '0' && b <= '9'; any = true) {
		v = v * 10 + (uint64_t)(b - '0');
		if (v > most)
			return err_set(e, ERR_LIMIT, at,
			    "pnm: %s is above %" PRIu32, what, most);
		if (rd_u8(r, &b) != 0) {
			*out = (uint32_t)v;
			return 0;
		}
	}
	if (!any && rd_left(r) == 0)
		return err_set(
		    e, ERR_TRUNCATED, r->start + r->len, "pnm: ends early");
	if (!any || !is_space(b))
		return err_set(e, ERR_FORMAT, at, "pnm: no %s", what);
	*out = (uint32_t)v;
	return 0;
}

/* As Pillow: round(v / most * 255), halves to even. */
static uint8_t
scaled(uint32_t v, uint32_t most)
{
	return most == 255
		   ? (uint8_t)v
		   : (uint8_t)nearbyint((double)v / (double)most * 255.0);
}

static int
raw(struct rd *r, uint32_t most, size_t n, uint8_t *out, struct err *e)
{
	struct slice s;

	if (rd_bytes(r, n, &s) != 0)
		return err_set(
		    e, ERR_TRUNCATED, r->start + r->len, "pnm: ends early");
	for (size_t i = 0; i < n; i++) {
		if (s.ptr[i] > most)
			return err_set(e, ERR_FORMAT, rd_pos(r) - n + i,
			    "pnm: a sample is above %" PRIu32, most);
		out[i] = scaled(s.ptr[i], most);
	}
	return 0;
}

static int
plain(struct rd *r, uint32_t most, size_t n, uint8_t *out, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t v;
		int rc = number(r, "sample", most, &v, e);

		if (rc != 0)
			return rc;
		out[i] = scaled(v, most);
	}
	return 0;
}

bool
image_pnm_probe(struct rd r)
{
	return r.len >= 3 && r.base[0] == 'P' && r.base[1] >= '1' &&
	       r.base[1] <= '6' && (is_space(r.base[2]) || r.base[2] == '#');
}

int
image_pnm_read(struct rd r, struct arena *a, struct image *out, struct err *e)
{
	uint8_t kind = r.base[1];
	uint32_t w, h, most;
	uint8_t *p;
	int rc;

	if (kind == '1' || kind == '4')
		return err_set(e, ERR_UNSUPPORTED, 0,
		    "pnm: bitmaps (P1, P4) are not read");
	r.off = 2;
	if ((rc = number(&r, "width", UINT32_MAX, &w, e)) != 0 ||
	    (rc = number(&r, "height", UINT32_MAX, &h, e)) != 0 ||
	    (rc = number(&r, "maximum", 65535, &most, e)) != 0)
		return rc;
	if (most == 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE, "pnm: maximum is 0");
	if (most > 255)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "pnm: 16 bits a channel is not read");
	/* every sample takes a byte: do not make room for what cannot come */
	out->c = kind == '2' || kind == '5' ? 1 : 3;
	if ((uint64_t)w * h > rd_left(&r) && w != 0 && h != 0)
		return err_set(e, ERR_TRUNCATED, r.start + r.len,
		    "pnm: %" PRIu32 "x%" PRIu32 " pixels, %zu bytes", w, h,
		    rd_left(&r));
	if ((p = image_alloc(a, out, w, h, e)) == NULL)
		return e->code;
	return kind <= '3' ? plain(&r, most, out->w * out->h * out->c, p, e)
			   : raw(&r, most, out->w * out->h * out->c, p, e);
}
