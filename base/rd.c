/* SPDX-License-Identifier: MIT */
#include "base/rd.h"

struct rd
rd_mem(const void *ptr, size_t len)
{
	/* an empty file maps to NULL, which nothing may be added to */
	static const uint8_t none;

	return (struct rd){.base = ptr != NULL ? ptr : &none, .len = len};
}

int
rd_bytes(struct rd *r, uint64_t len, struct slice *out)
{
	if (len > rd_left(r))
		return ERR_TRUNCATED;
	*out = (struct slice){r->base + r->off, (size_t)len};
	r->off += (size_t)len;
	return 0;
}

int
rd_sub(struct rd *r, uint64_t len, struct rd *out)
{
	uint64_t start = rd_pos(r);
	struct slice s;
	int rc;

	if ((rc = rd_bytes(r, len, &s)) != 0)
		return rc;
	*out = (struct rd){.base = s.ptr, .len = s.len, .start = start};
	return 0;
}

int
rd_skip(struct rd *r, uint64_t len)
{
	if (len > rd_left(r))
		return ERR_TRUNCATED;
	r->off += (size_t)len;
	return 0;
}

static int
read_le(struct rd *r, size_t size, uint64_t *out)
{
	struct slice s;
	uint64_t v = 0;
	int rc;

	if ((rc = rd_bytes(r, size, &s)) != 0)
		return rc;
	for (size_t i = size; i-- > 0;)
		v = v << 8 | s.ptr[i];
	*out = v;
	return 0;
}

int
rd_u8(struct rd *r, uint8_t *out)
{
	if (r->off == r->len)
		return ERR_TRUNCATED;
	*out = r->base[r->off++];
	return 0;
}

int
rd_u16le(struct rd *r, uint16_t *out)
{
	uint64_t v;
	int rc = read_le(r, 2, &v);

	if (rc == 0)
		*out = (uint16_t)v;
	return rc;
}

int
rd_u32le(struct rd *r, uint32_t *out)
{
	uint64_t v;
	int rc = read_le(r, 4, &v);

	if (rc == 0)
		*out = (uint32_t)v;
	return rc;
}

int
rd_u64le(struct rd *r, uint64_t *out)
{
	return read_le(r, 8, out);
}

int
rd_u32be(struct rd *r, uint32_t *out)
{
	int rc = rd_u32le(r, out);

	if (rc == 0)
		*out = __builtin_bswap32(*out);
	return rc;
}

uint32_t
rd_big(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

int
rd_varint(struct rd *r, uint64_t *out)
{
	uint64_t v = 0;
	size_t at = r->off;

	for (unsigned shift = 0; shift < 70; shift += 7, at++) {
		uint8_t b;

		if (at >= r->len)
			return ERR_TRUNCATED;
		b = r->base[at];
		if (shift == 63 && b > 1)
			return ERR_FORMAT;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80) {
			r->off = at + 1;
			*out = v;
			return 0;
		}
	}
	return ERR_FORMAT;
}

bool
rd_is(struct rd r, const char *s)
{
	return rd_slice_is((struct slice){r.base, r.len}, s);
}

bool
rd_slice_is(struct slice s, const char *text)
{
	/* an empty one may be of nothing at all */
	return s.len == strlen(text) &&
	       (s.len == 0 || memcmp(s.ptr, text, s.len) == 0);
}

bool
rd_has(struct rd r, uint64_t at, const void *p, size_t len)
{
	return at <= r.len && len <= r.len - at &&
	       memcmp(r.base + at, p, len) == 0;
}
