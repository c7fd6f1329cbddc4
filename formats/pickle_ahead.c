/* SPDX-License-Identifier: MIT */
#include "formats/pickle_ahead.h"

#include "base/le.h"
#include "formats/pickle_ops.h"
#include "formats/pickle_skip.h"

static void
ask(uint64_t *asked, size_t bits, uint64_t i)
{
	if (i < bits)
		asked[i / 64] |= (uint64_t)1 << i % 64;
}

/* Digits and nothing else to the end of the line. */
static bool
ask_line(struct rd *r, uint64_t *asked, size_t bits)
{
	uint64_t i = 0;
	uint8_t c;

	while (rd_u8(r, &c) == 0 && c != '\n') {
		if (c < '0' || c > '9' || i > INT64_MAX / 16)
			return false;
		i = i * 10 + c - '0';
	}
	ask(asked, bits, i);
	return true;
}

/* Any opcode, by the book. */
static bool
slow(struct rd *r, uint64_t *asked, size_t bits, bool *stopped)
{
	struct slice arg;
	uint8_t op;

	if (rd_u8(r, &op) != 0)
		return false;
	switch (op) {
	case CODE_GET:
		return ask_line(r, asked, bits);
	case CODE_BINGET:
		if (rd_bytes(r, 1, &arg) != 0)
			return false;
		ask(asked, bits, arg.ptr[0]);
		return true;
	case CODE_LONG_BINGET:
		if (rd_bytes(r, 4, &arg) != 0)
			return false;
		ask(asked, bits, le_get_4(arg.ptr));
		return true;
	default:
		*stopped = op == CODE_STOP;
		return pickle_skip(r, op) == 0;
	}
}

/* The size of the most frequent ones, 0: not one of these, as in
 * pickle_fast.c. */
static inline size_t
size_of(const uint8_t *p)
{
	switch (p[0]) {
	case CODE_MEMOIZE:
	case CODE_MARK:
	case CODE_NONE:
	case CODE_NEWTRUE:
	case CODE_NEWFALSE:
	case CODE_EMPTY_DICT:
	case CODE_EMPTY_LIST:
	case CODE_EMPTY_TUPLE:
	case CODE_SETITEM:
	case CODE_SETITEMS:
	case CODE_APPEND:
	case CODE_APPENDS:
	case CODE_TUPLE:
	case CODE_TUPLE1:
	case CODE_TUPLE2:
	case CODE_TUPLE3:
	case CODE_REDUCE:
	case CODE_BUILD:
	case CODE_NEWOBJ:
	case CODE_STACK_GLOBAL:
	case CODE_EMPTY_SET:
	case CODE_ADDITEMS:
		return 1;
	case CODE_BININT1:
	case CODE_BINPUT:
		return 2;
	case CODE_BININT2:
		return 3;
	case CODE_BININT:
	case CODE_LONG_BINPUT:
		return 5;
	case CODE_BINFLOAT:
		return 9;
	case CODE_SHORT_BINUNICODE:
	case CODE_SHORT_BINBYTES:
	case CODE_SHORT_BINSTRING:
	case CODE_LONG1:
		return 2 + (size_t)p[1];
	case CODE_BINUNICODE: /* of fewer than 256 bytes */
		return (p[2] | p[3] | p[4]) == 0 ? 5 + (size_t)p[1] : 0;
	default:
		return 0;
	}
}

bool
pickle_ahead(struct rd *r, uint64_t *asked, size_t bits)
{
	bool stopped = false;
	size_t size;

	while (!stopped) {
		const uint8_t *p = r->base + r->off;
		size_t left = r->len - r->off;

		if (left > 2 && p[0] == CODE_BINGET) {
			ask(asked, bits, p[1]);
			r->off += 2;
		} else if (left > 5 && p[0] == CODE_LONG_BINGET) {
			ask(asked, bits, le_get_4(p + 1));
			r->off += 5;
		} else if (left > 5 + UINT8_MAX && (size = size_of(p)) != 0) {
			r->off += size;
		} else if (!slow(r, asked, bits, &stopped)) {
			return false;
		}
	}
	return true;
}
