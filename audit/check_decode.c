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

static int
hex(uint8_t c)
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
		int a = hex(s.ptr[i]), b = hex(s.ptr[i + 1]);

		if (a < 0 || b < 0)
			return 0;
		out[n++] = (uint8_t)(a << 4 | b);
	}
	return n;
}
