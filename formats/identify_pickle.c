/* SPDX-License-Identifier: MIT
 * Pickle streams (Python's pickletools.py lists the opcodes): the stream is
 * walked opcode by opcode to STOP without being interpreted.  Protocol 2 and
 * later announce themselves; older ones must also do something that a chance
 * run of letters does not.
 */
#include "formats/identify_probe.h"

enum arg {
	ARG_BAD, /* no such opcode */
	ARG_NONE,
	ARG_1,
	ARG_2,
	ARG_4,
	ARG_8,
	ARG_LEN1, /* one byte of length, then that many bytes */
	ARG_LEN4,
	ARG_LEN8,
	ARG_LINE,
	ARG_LINES, /* two lines */
};

static const uint8_t opcode[256] = {['('] = ARG_NONE,
    ['.'] = ARG_NONE,
    ['0'] = ARG_NONE,
    ['1'] = ARG_NONE,
    ['2'] = ARG_NONE,
    ['F'] = ARG_LINE,
    ['I'] = ARG_LINE,
    ['J'] = ARG_4,
    ['K'] = ARG_1,
    ['L'] = ARG_LINE,
    ['M'] = ARG_2,
    ['N'] = ARG_NONE,
    ['P'] = ARG_LINE,
    ['Q'] = ARG_NONE,
    ['R'] = ARG_NONE,
    ['S'] = ARG_LINE,
    ['T'] = ARG_LEN4,
    ['U'] = ARG_LEN1,
    ['V'] = ARG_LINE,
    ['X'] = ARG_LEN4,
    ['a'] = ARG_NONE,
    ['b'] = ARG_NONE,
    ['c'] = ARG_LINES,
    ['d'] = ARG_NONE,
    ['}'] = ARG_NONE,
    ['e'] = ARG_NONE,
    ['g'] = ARG_LINE,
    ['h'] = ARG_1,
    ['i'] = ARG_LINES,
    ['j'] = ARG_4,
    ['l'] = ARG_NONE,
    [']'] = ARG_NONE,
    ['o'] = ARG_NONE,
    ['p'] = ARG_LINE,
    ['q'] = ARG_1,
    ['r'] = ARG_4,
    ['s'] = ARG_NONE,
    ['t'] = ARG_NONE,
    [')'] = ARG_NONE,
    ['u'] = ARG_NONE,
    ['G'] = ARG_8,
    ['B'] = ARG_LEN4,
    ['C'] = ARG_LEN1,
    [0x80] = ARG_1,
    [0x81] = ARG_NONE,
    [0x82] = ARG_1,
    [0x83] = ARG_2,
    [0x84] = ARG_4,
    [0x85] = ARG_NONE,
    [0x86] = ARG_NONE,
    [0x87] = ARG_NONE,
    [0x88] = ARG_NONE,
    [0x89] = ARG_NONE,
    [0x8a] = ARG_LEN1,
    [0x8b] = ARG_LEN4,
    [0x8c] = ARG_LEN1,
    [0x8d] = ARG_LEN8,
    [0x8e] = ARG_LEN8,
    [0x8f] = ARG_NONE,
    [0x90] = ARG_NONE,
    [0x91] = ARG_NONE,
    [0x92] = ARG_NONE,
    [0x93] = ARG_NONE,
    [0x94] = ARG_NONE,
    [0x95] = ARG_8,
    [0x96] = ARG_LEN8,
    [0x97] = ARG_NONE,
    [0x98] = ARG_NONE};

static int
skip_line(struct rd *r)
{
	const uint8_t *at = r->base + r->off;
	const uint8_t *end =
	    rd_left(r) != 0 ? memchr(at, '\n', rd_left(r)) : NULL;

	return end == NULL ? ERR_TRUNCATED
			   : rd_skip(r, (uint64_t)(end - at) + 1);
}

static int
skip_arg(struct rd *r, enum arg a)
{
	uint64_t n = 0;
	uint32_t n4 = 0;
	uint8_t n1 = 0;
	int rc;

	switch (a) {
	case ARG_BAD:
		return ERR_FORMAT;
	case ARG_NONE:
		return 0;
	case ARG_1:
		return rd_skip(r, 1);
	case ARG_2:
		return rd_skip(r, 2);
	case ARG_4:
		return rd_skip(r, 4);
	case ARG_8:
		return rd_skip(r, 8);
	case ARG_LEN1:
		rc = rd_u8(r, &n1);
		return rc != 0 ? rc : rd_skip(r, n1);
	case ARG_LEN4:
		rc = rd_u32le(r, &n4);
		return rc != 0 ? rc : rd_skip(r, n4);
	case ARG_LEN8:
		rc = rd_u64le(r, &n);
		return rc != 0 ? rc : rd_skip(r, n);
	case ARG_LINE:
		return skip_line(r);
	case ARG_LINES:
		rc = skip_line(r);
		return rc != 0 ? rc : skip_line(r);
	}
	return ERR_FORMAT;
}

unsigned
identify_pickle(struct rd r)
{
	bool framed = r.len >= 3 && r.base[0] == 0x80 && r.base[1] <= 5;
	size_t ops = 0, made = 0;
	uint8_t op = 0;

	while (rd_u8(&r, &op) == 0 && op != '.') {
		if (skip_arg(&r, (enum arg)opcode[op]) != 0)
			break;
		ops++;
		/* imports, calls and containers */
		made += strchr("cioRbdl}])", op) != NULL && op != '\0';
	}
	if (framed) /* a broken stream still runs up to where it breaks */
		return op == '.' && ops > 1 ? 48 : ops > 4 ? 20 : 0;
	return op == '.' && ops > 1 && made != 0 ? 24 : 0;
}
