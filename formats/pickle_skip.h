/* SPDX-License-Identifier: MIT
 * How long each opcode of a pickle is (Python's pickletools.py lists them), for
 * those who go along a pickle without doing what it says.
 */
#ifndef FORMATS_PICKLE_SKIP_H
#define FORMATS_PICKLE_SKIP_H

#include "base/rd.h"

/* The first are the opcode's size, with its argument. */
enum pickle_skip {
	PICKLE_SKIP_BAD, /* no such opcode */
	PICKLE_SKIP_NONE,
	PICKLE_SKIP_1,
	PICKLE_SKIP_2,
	PICKLE_SKIP_4 = 5,
	PICKLE_SKIP_8 = 9,
	PICKLE_SKIP_LEN1, /* one byte of length, then that many bytes */
	PICKLE_SKIP_LEN4,
	PICKLE_SKIP_LEN8,
	PICKLE_SKIP_LINE,
	PICKLE_SKIP_LINES, /* two lines */
};

extern const uint8_t pickle_skip_table[256];

/* Skip the argument of an opcode that was read; ERR_FORMAT: it is none. */
int pickle_skip(struct rd *, uint8_t op) MUST_USE;

#endif
