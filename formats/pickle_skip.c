/* SPDX-License-Identifier: MIT */
#include "formats/pickle_skip.h"

const uint8_t pickle_skip_table[256] = {['('] = PICKLE_SKIP_NONE,
    ['.'] = PICKLE_SKIP_NONE,
    ['0'] = PICKLE_SKIP_NONE,
    ['1'] = PICKLE_SKIP_NONE,
    ['2'] = PICKLE_SKIP_NONE,
    ['F'] = PICKLE_SKIP_LINE,
    ['I'] = PICKLE_SKIP_LINE,
    ['J'] = PICKLE_SKIP_4,
    ['K'] = PICKLE_SKIP_1,
    ['L'] = PICKLE_SKIP_LINE,
    ['M'] = PICKLE_SKIP_2,
    ['N'] = PICKLE_SKIP_NONE,
    ['P'] = PICKLE_SKIP_LINE,
    ['Q'] = PICKLE_SKIP_NONE,
    ['R'] = PICKLE_SKIP_NONE,
    ['S'] = PICKLE_SKIP_LINE,
    ['T'] = PICKLE_SKIP_LEN4,
    ['U'] = PICKLE_SKIP_LEN1,
    ['V'] = PICKLE_SKIP_LINE,
    ['X'] = PICKLE_SKIP_LEN4,
    ['a'] = PICKLE_SKIP_NONE,
    ['b'] = PICKLE_SKIP_NONE,
    ['c'] = PICKLE_SKIP_LINES,
    ['d'] = PICKLE_SKIP_NONE,
    ['}'] = PICKLE_SKIP_NONE,
    ['e'] = PICKLE_SKIP_NONE,
    ['g'] = PICKLE_SKIP_LINE,
    ['h'] = PICKLE_SKIP_1,
    ['i'] = PICKLE_SKIP_LINES,
    ['j'] = PICKLE_SKIP_4,
    ['l'] = PICKLE_SKIP_NONE,
    [']'] = PICKLE_SKIP_NONE,
    ['o'] = PICKLE_SKIP_NONE,
    ['p'] = PICKLE_SKIP_LINE,
    ['q'] = PICKLE_SKIP_1,
    ['r'] = PICKLE_SKIP_4,
    ['s'] = PICKLE_SKIP_NONE,
    ['t'] = PICKLE_SKIP_NONE,
    [')'] = PICKLE_SKIP_NONE,
    ['u'] = PICKLE_SKIP_NONE,
    ['G'] = PICKLE_SKIP_8,
    ['B'] = PICKLE_SKIP_LEN4,
    ['C'] = PICKLE_SKIP_LEN1,
    [0x80] = PICKLE_SKIP_1,
    [0x81] = PICKLE_SKIP_NONE,
    [0x82] = PICKLE_SKIP_1,
    [0x83] = PICKLE_SKIP_2,
    [0x84] = PICKLE_SKIP_4,
    [0x85] = PICKLE_SKIP_NONE,
    [0x86] = PICKLE_SKIP_NONE,
    [0x87] = PICKLE_SKIP_NONE,
    [0x88] = PICKLE_SKIP_NONE,
    [0x89] = PICKLE_SKIP_NONE,
    [0x8a] = PICKLE_SKIP_LEN1,
    [0x8b] = PICKLE_SKIP_LEN4,
    [0x8c] = PICKLE_SKIP_LEN1,
    [0x8d] = PICKLE_SKIP_LEN8,
    [0x8e] = PICKLE_SKIP_LEN8,
    [0x8f] = PICKLE_SKIP_NONE,
    [0x90] = PICKLE_SKIP_NONE,
    [0x91] = PICKLE_SKIP_NONE,
    [0x92] = PICKLE_SKIP_NONE,
    [0x93] = PICKLE_SKIP_NONE,
    [0x94] = PICKLE_SKIP_NONE,
    [0x95] = PICKLE_SKIP_8,
    [0x96] = PICKLE_SKIP_LEN8,
    [0x97] = PICKLE_SKIP_NONE,
    [0x98] = PICKLE_SKIP_NONE};

static int
skip_line(struct rd *r)
{
	const uint8_t *at = r->base + r->off;
	const uint8_t *end =
	    rd_left(r) != 0 ? memchr(at, '\n', rd_left(r)) : NULL;

	return end == NULL ? ERR_TRUNCATED
			   : rd_skip(r, (uint64_t)(end - at) + 1);
}

int
pickle_skip(struct rd *r, uint8_t op)
{
	uint64_t n = 0;
	uint32_t n4 = 0;
	uint8_t n1 = 0;
	int rc;

	switch ((enum pickle_skip)pickle_skip_table[op]) {
	case PICKLE_SKIP_BAD:
		return ERR_FORMAT;
	case PICKLE_SKIP_NONE:
		return 0;
	case PICKLE_SKIP_1:
		return rd_skip(r, 1);
	case PICKLE_SKIP_2:
		return rd_skip(r, 2);
	case PICKLE_SKIP_4:
		return rd_skip(r, 4);
	case PICKLE_SKIP_8:
		return rd_skip(r, 8);
	case PICKLE_SKIP_LEN1:
		rc = rd_u8(r, &n1);
		return rc != 0 ? rc : rd_skip(r, n1);
	case PICKLE_SKIP_LEN4:
		rc = rd_u32le(r, &n4);
		return rc != 0 ? rc : rd_skip(r, n4);
	case PICKLE_SKIP_LEN8:
		rc = rd_u64le(r, &n);
		return rc != 0 ? rc : rd_skip(r, n);
	case PICKLE_SKIP_LINE:
		return skip_line(r);
	case PICKLE_SKIP_LINES:
		rc = skip_line(r);
		return rc != 0 ? rc : skip_line(r);
	}
	return ERR_FORMAT;
}
