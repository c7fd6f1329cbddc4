/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
#include "audit/check_path.h"

static bool
is_letter(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* Windows takes both slashes, and other systems' readers may. */
static bool
is_slash(uint8_t c)
{
	return c == '/' || c == '\\';
}

static bool
climbs(struct slice s)
{
	for (size_t i = 0; i + 1 < s.len; i++) {
		bool begins = i == 0 || is_slash(s.ptr[i - 1]);
		bool ends = i + 2 == s.len || is_slash(s.ptr[i + 2]);

		if (begins && ends && s.ptr[i] == '.' && s.ptr[i + 1] == '.')
			return true;
	}
	return false;
}

/* scheme://, as RFC 3986 3.1 spells a scheme */
static bool
is_address(struct slice s)
{
	size_t i = 0;

	if (s.len == 0 || !is_letter(s.ptr[0]))
		return false;
	while (i < s.len &&
	       (is_letter(s.ptr[i]) || s.ptr[i] == '+' || s.ptr[i] == '-' ||
		   s.ptr[i] == '.' || (s.ptr[i] >= '0' && s.ptr[i] <= '9')))
		i++;
	return s.len - i >= 3 && memcmp(s.ptr + i, "://", 3) == 0;
}

const char *
check_path_escape(struct slice s)
{
	if (s.len == 0)
		return NULL;
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return "holds a control character";
	if (is_slash(s.ptr[0]))
		return "is absolute";
	if (s.ptr[0] == '~')
		return "begins in somebody's home";
	if (is_address(s))
		return "is an address";
	if (s.len >= 2 && is_letter(s.ptr[0]) && s.ptr[1] == ':')
		return "names a drive";
	return climbs(s) ? "leaves its folder" : NULL;
}
