/* SPDX-License-Identifier: MIT */
#include "audit/check_decode.h"

static int
digit(uint8_t c)
{
	return c >= 'A' && c <= 'Z'   ? c - 'A'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 26
	       : c >= '0' && c <= '9' ? c - '0' + 52
	       : c == '+' || c == '-' ? 62
	       : c == '/' || c == '_' ? 63
				      : -1;
}

size_t
check_decode_base64_run(struct slice s)
{
	size_t n = 0;

	while (n < s.len && digit(s.ptr[n]) >= 0)
		n++;
	return n;
}

size_t
check_decode_base64(struct slice s, uint8_t *out)
{
	uint32_t bits = 0;
	size_t n = 0, have = 0;

	for (size_t i = 0; i < s.len && s.ptr[i] != '='; i++) {
		int d = digit(s.ptr[i]);

		if (d < 0 && (s.ptr[i] == '\n' || s.ptr[i] == '\r'))
			continue;
		if (d < 0)
			return 0;
		bits = bits << 6 | (uint32_t)d;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
		}
	}
	return n;
}

int
check_decode_digit(uint8_t c)
{
	return c >= '0' && c <= '9'                 ? c - '0'
	       : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
						    : -1;
}

size_t
check_decode_hex(struct slice s, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < s.len; i += 2) {
		int a = check_decode_digit(s.ptr[i]);
		int b = check_decode_digit(s.ptr[i + 1]);

		if (a < 0 || b < 0)
			return 0;
		out[n++] = (uint8_t)(a << 4 | b);
	}
	return n;
}

/* The value of a character: of RFC 1924 (Python's b85encode), or of Adobe's. */
static int
digit85(uint8_t c, bool ascii85)
{
	static const char order[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "!#$%&()*+-;<=>?@^_`{|}~";
	const char *at = c != 0 ? strchr(order, c) : NULL;

	if (ascii85)
		return c >= '!' && c <= 'u' ? c - '!' : -1;
	return at != NULL ? (int)(at - order) : -1;
}

/* Five characters are four bytes, n of the last five n - 1. */
size_t
check_decode_base85(struct slice s, bool ascii85, uint8_t *out)
{
	size_t n = 0, have = 0, i = 0;
	uint64_t v = 0;

	for (; i < s.len; i++) {
		int d = digit85(s.ptr[i], ascii85);

		if (ascii85 && s.ptr[i] == 'z' && have == 0) {
			memset(out + n, 0, 4);
			n += 4;
			continue;
		}
		if (d < 0 && (s.ptr[i] == '\n' || s.ptr[i] == '\r'))
			continue;
		if (d < 0)
			return 0;
		v = v * 85 + (uint64_t)d;
		if (++have < 5)
			continue;
		for (int k = 3; k >= 0; k--, v >>= 8)
			out[n + (size_t)k] = (uint8_t)v;
		n += 4;
		v = have = 0;
	}
	for (size_t k = have; have > 1 && k < 5; k++)
		v = v * 85 + 84;
	for (size_t k = 0; k + 1 < have; k++)
		out[n++] = (uint8_t)(v >> (24 - 8 * k));
	return n;
}
