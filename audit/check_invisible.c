/* SPDX-License-Identifier: MIT
 * Letters that nobody sees and a model reads: tags (U+E0020 to U+E007F, which spell
 * ASCII), variation selectors one after another (U+E0100 to U+E01EF), rows of
 * characters without width.  Flags of regions are spelt with a few tags behind a
 * black flag (UTS 51, Annex C); emoji have one joiner between two.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"

#define TAGS  8 /* a flag has up to 6 */
#define SMALL ((size_t)1 << 20)
#define WIDTH 16 /* bits of two letters */

/* Of the character at p: 1 a tag, 2 a selector, 3 without width; *len its bytes. */
static unsigned
kind_of(const uint8_t *p, size_t left, size_t *len)
{
	*len = 4;
	if (left >= 4 && p[0] == 0xf3 && p[1] == 0xa0 &&
	    (p[2] == 0x80 || p[2] == 0x81) && (p[3] & 0xc0) == 0x80)
		return 1;
	if (left >= 4 && p[0] == 0xf3 && p[1] == 0xa0 && p[2] >= 0x84 &&
	    p[2] <= 0x87)
		return 2;
	*len = 3;
	if (left >= 3 && p[0] == 0xe2 &&
	    ((p[1] == 0x80 && p[2] >= 0x8b && p[2] <= 0x8d) ||
		(p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xa4)))
		return 3;
	*len = 1;
	return 0;
}

/* The same in JSON's ASCII: \udb40\udc41. */
static bool
escaped(struct rd r)
{
	static const char word[] = "\\udb40\\udc";
	const uint8_t *p = r.base, *end = r.base + r.len;
	size_t n = 0;

	while (p < end && (p = memmem(p, (size_t)(end - p), word,
			       sizeof(word) - 1)) != NULL) {
		p += sizeof(word) - 1;
		n++;
	}
	return n >= TAGS;
}

/* What a terminal is told: to conceal what follows (ECMA-48, SGR 8), or to put text in
 * the clipboard (xterm, OSC 52).  Colours and titles are in every captured log. */
static bool
conceals(struct rd r)
{
	static const char *const codes[] = {"\033[8m", "\033[0;8m", "\033]52;"};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (memmem(r.base, r.len, codes[i], strlen(codes[i])) != NULL)
			return true;
	return false;
}

void
check_invisible(const struct check_file *f)
{
	struct rd r = f->bytes;
	size_t n = 0, len = 1;
	unsigned last = 0;

	if (r.len == 0)
		return;
	/* a bell is no text, and belongs to the codes of terminals */
	if ((check_is(f, "text") || (f->bids->n == 0 && r.len < SMALL)) &&
	    conceals(r))
		check_find(f, FINDING_TEXT_INVISIBLE, ERR_NOWHERE,
		    "a terminal is told to hide text, or to copy it");
	if (!check_is(f, "text"))
		return;
	for (size_t i = 0; i < r.len; i += len) {
		unsigned kind = kind_of(r.base + i, r.len - i, &len);

		n = kind != 0 && kind == last ? n + 1 : kind != 0;
		last = kind;
		if (n == (kind == 3 ? WIDTH : TAGS)) {
			check_find(f, FINDING_TEXT_INVISIBLE, i,
			    "%zu or more in a row", n);
			return;
		}
	}
	if (escaped(r))
		check_find(f, FINDING_TEXT_INVISIBLE, ERR_NOWHERE,
		    "in the escapes of JSON");
}
