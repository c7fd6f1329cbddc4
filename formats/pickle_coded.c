/* SPDX-License-Identifier: MIT */
#include "formats/pickle_coded.h"

#define LEAST 4 /* bytes */

static const struct {
	uint8_t first;
	uint8_t n;
	const char *more;
	enum pickle_coded how;
} table[] = {
#define BEGIN(first, more, how)                                                \
	{first, sizeof(more) - 1, more, PICKLE_CODED_##how},
#include "formats/pickle_coded.def"
#undef BEGIN
};

/* The first bytes of all of them, a bit each: every string of a pickle is asked
 * about, and nearly all begin otherwise. */
#define BIT(c, word) ((c) / 64 == (word) ? (uint64_t)1 << (c) % 64 : 0)
static const uint64_t firsts[4] = {
#define BEGIN(first, more, how) BIT(first, 0) |
#include "formats/pickle_coded.def"
#undef BEGIN
    0,
#define BEGIN(first, more, how) BIT(first, 1) |
#include "formats/pickle_coded.def"
#undef BEGIN
    0,
#define BEGIN(first, more, how) BIT(first, 2) |
#include "formats/pickle_coded.def"
#undef BEGIN
    0,
#define BEGIN(first, more, how) BIT(first, 3) |
#include "formats/pickle_coded.def"
#undef BEGIN
    0,
};

enum pickle_coded
pickle_coded(struct slice s)
{
	uint8_t c = s.len != 0 ? s.ptr[0] : 0;

	if (s.len < LEAST || (firsts[c / 64] >> c % 64 & 1) == 0)
		return PICKLE_CODED_NOT;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (c == table[i].first && s.len > table[i].n &&
		    memcmp(s.ptr + 1, table[i].more, table[i].n) == 0)
			return table[i].how;
	return PICKLE_CODED_NOT;
}
