/* SPDX-License-Identifier: MIT
 * Programs for processors and virtual machines, by as much of their headers
 * as their loaders insist on.
 */
#include "formats/identify_probe.h"

/* The class file format (JVMS 4.1): versions 45 to, as yet, 70.  A fat Mach-O
 * binary has the same magic and then a small count. */
unsigned
identify_code_class(struct rd r)
{
	return RD_HAS(r, 0, "\xca\xfe\xba\xbe") && r.len > 24 &&
		       r.base[6] == 0 && r.base[7] >= 45 && r.base[7] < 100
		   ? 40
		   : 0;
}

unsigned
identify_code_dex(struct rd r)
{
	return RD_HAS(r, 0, "dex\n0") && r.len > 112 && r.base[7] == 0 ? 48 : 0;
}

/* Shell link (MS-SHLLINK 2.1): header size and class id */
unsigned
identify_code_lnk(struct rd r)
{
	return RD_HAS(r, 0,
		   "\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0"
		   "F")
		   ? 64
		   : 0;
}

static uint32_t
word_at(struct rd r, size_t at)
{
	return (uint32_t)r.base[at] | (uint32_t)r.base[at + 1] << 8 |
	       (uint32_t)r.base[at + 2] << 16 | (uint32_t)r.base[at + 3] << 24;
}

/* A code object as marshal writes it (r_object() of Python/marshal.c): counts
 * of arguments and locals, stack and flags, four to six of them by version, and
 * then its instructions, a string. */
static bool
is_code_object(struct rd r)
{
	if (r.len < 48 || (r.base[0] != 0xe3 && r.base[0] != 'c'))
		return false;
	for (size_t n = 1; n <= 6; n++) {
		size_t at = 1 + 4 * n;

		if (n >= 4 && (r.base[at] == 's' || r.base[at] == 0xf3) &&
		    word_at(r, at + 1) >= 2 &&
		    word_at(r, at + 1) <= r.len - at - 5)
			return true;
		/* all but flags are small, and those have 27 bits */
		if (word_at(r, at - 4) >> 28 != 0)
			return false;
	}
	return false;
}

/* CPython's importlib: a magic that ends with CR LF, flags, and 8 bytes of
 * source time and size or hash (PEP 552); then a code object.  That alone is what
 * marshal.loads() is given. */
unsigned
identify_code_pyc(struct rd r)
{
	uint8_t code;

	if (is_code_object(r))
		return 40;
	if (r.len < 32 || !RD_HAS(r, 2, "\r\n"))
		return 0;
	/* before 3.7 there are no flags, before 3.3 no size */
	for (size_t at = 8; at <= 16; at += 4) {
		code = r.base[at];
		if ((code == 0xe3 || code == 'c') &&
		    (at < 16 || (r.base[4] <= 3 && RD_HAS(r, 5, "\0\0\0"))))
			return at == 16 ? 48 : 24;
	}
	return 0;
}

/* A batch file, as far as it says so. */
unsigned
identify_code_batch(struct rd r)
{
	static const char word[] = "@echo off";

	if (r.len < sizeof(word))
		return 0;
	for (size_t i = 0; i < sizeof(word) - 1; i++)
		if ((r.base[i] | 0x20) != (word[i] | 0x20))
			return 0;
	return 40;
}
