/* SPDX-License-Identifier: MIT */
#include "formats/rdata_in.h"

#define WORD 100 /* serialize.c, InWord: no more */

int
rdata_in_bad(const struct rdata_in *in, const char *what)
{
	return err_set(in->e, ERR_FORMAT, rd_pos(in->r), "r: %s", what);
}

static int
cut(const struct rdata_in *in)
{
	return err_set(
	    in->e, ERR_TRUNCATED, rd_pos(in->r), "r: the file ends early");
}

int
rdata_in_begin(struct rdata_in *in)
{
	struct rd *r = in->r;
	uint8_t way, end;

	if (RD_HAS(*r, r->off, "RDX") || RD_HAS(*r, r->off, "RDA") ||
	    RD_HAS(*r, r->off, "RDB"))
		if (rd_skip(r, 5) != 0)
			return cut(in);
	if (rd_u8(r, &way) != 0 || rd_u8(r, &end) != 0)
		return cut(in);
	if (end != '\n' || (way != 'X' && way != 'B' && way != 'A'))
		return rdata_in_bad(in, "not written in a way that R knows");
	in->way = way == 'X'   ? RDATA_XDR
		  : way == 'B' ? RDATA_NATIVE
			       : RDATA_TEXT;
	return 0;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What stands up to the next blank. */
static int
word(struct rdata_in *in, char out[WORD + 1])
{
	size_t n = 0;
	uint8_t c;

	do
		if (rd_u8(in->r, &c) != 0)
			return cut(in);
	while (is_blank(c));
	for (;;) {
		if (n == WORD)
			return rdata_in_bad(in, "a word that is too long");
		out[n++] = (char)c;
		if (rd_left(in->r) == 0 || rd_u8(in->r, &c) != 0 || is_blank(c))
			break;
	}
	out[n] = '\0';
	return 0;
}

static int
text_int(struct rdata_in *in, int32_t *out)
{
	char s[WORD + 1], *end;
	long v;
	int rc;

	if ((rc = word(in, s)) != 0)
		return rc;
	*out = INT32_MIN;
	if (strcmp(s, "NA") == 0)
		return 0;
	v = strtol(s, &end, 10);
	if (*end != '\0' || v <= INT32_MIN || v > INT32_MAX)
		return rdata_in_bad(in, "no number where one must be");
	*out = (int32_t)v;
	return 0;
}

int
rdata_in_int(struct rdata_in *in, int32_t *out)
{
	uint32_t v = 0;

	if (in->way == RDATA_TEXT)
		return text_int(in, out);
	if ((in->way == RDATA_XDR ? rd_u32be(in->r, &v)
				  : rd_u32le(in->r, &v)) != 0)
		return cut(in);
	*out = (int32_t)v;
	return 0;
}

int
rdata_in_length(struct rdata_in *in, uint64_t *out)
{
	int32_t n, high, low;
	int rc;

	if ((rc = rdata_in_int(in, &n)) != 0)
		return rc;
	*out = (uint64_t)n;
	if (n >= 0)
		return 0;
	if (n != -1)
		return rdata_in_bad(in, "a negative length");
	if ((rc = rdata_in_int(in, &high)) != 0 ||
	    (rc = rdata_in_int(in, &low)) != 0)
		return rc;
	if (high < 0 || high > 65536)
		return rdata_in_bad(in, "a length beyond any");
	*out = (uint64_t)high << 32 | (uint32_t)low;
	return 0;
}

int
rdata_in_skip(struct rdata_in *in, uint64_t n, size_t bytes, size_t words)
{
	char s[WORD + 1];
	uint64_t all;
	int rc = 0;

	if (ckd_mul(&all, n, in->way == RDATA_TEXT ? words : bytes))
		return cut(in);
	if (in->way != RDATA_TEXT)
		return rd_skip(in->r, all) == 0 ? 0 : cut(in);
	while (all-- > 0 && rc == 0)
		rc = word(in, s);
	return rc;
}

static bool
octal(const struct rd *r)
{
	return rd_left(r) != 0 && r->base[r->off] >= '0' &&
	       r->base[r->off] <= '7';
}

/* A backslash and a letter or up to three octal digits is one character. */
static int
text_string(struct rdata_in *in, uint64_t n, struct slice *out)
{
	struct rd *r = in->r;
	uint8_t c;

	while (n != 0 && rd_left(r) != 0 && is_blank(r->base[r->off]))
		r->off++;
	out->ptr = r->base + r->off;
	while (n-- > 0) {
		if (rd_u8(r, &c) != 0)
			return cut(in);
		if (c != '\\')
			continue;
		if (!octal(r)) {
			if (rd_skip(r, 1) != 0)
				return cut(in);
			continue;
		}
		for (int k = 0; k < 3 && octal(r); k++)
			r->off++;
	}
	out->len = (size_t)(r->base + r->off - out->ptr);
	return 0;
}

int
rdata_in_string(struct rdata_in *in, uint64_t n, struct slice *out)
{
	*out = (struct slice){(const uint8_t *)"", 0};
	if (in->way == RDATA_TEXT)
		return text_string(in, n, out);
	return rd_bytes(in->r, n, out) == 0 ? 0 : cut(in);
}

/* serialize.c, InString */
size_t
rdata_in_plain(struct slice s, uint8_t *to)
{
	static const char letter[] = "ntvbrfa", means[] = "\n\t\v\b\r\f\a";
	struct rd r = rd_mem(s.ptr, s.len);
	const char *p;
	size_t n = 0;
	uint8_t c;

	while (rd_u8(&r, &c) == 0) {
		if (c == '\\' && octal(&r)) {
			c = 0;
			for (int k = 0; k < 3 && octal(&r); k++)
				c = (uint8_t)(c * 8 + r.base[r.off++] - '0');
		} else if (c == '\\' && rd_u8(&r, &c) == 0 && c != 0 &&
			   (p = strchr(letter, c)) != NULL) {
			c = (uint8_t)means[p - letter];
		}
		to[n++] = c;
	}
	return n;
}
