/* SPDX-License-Identifier: MIT
 * LZW with codes of growing width, as GIF (least significant bit first) and
 * TIFF (most significant first, one code earlier) pack pixels.
 */
#ifndef FORMATS_LZW_H
#define FORMATS_LZW_H

#include "base/rd.h"

#define LZW_MOST 12 /* bits of a code */

struct lzw_form {
	unsigned bits; /* of a literal, 2 to 8 */
	bool most;     /* the most significant bit comes first */
	bool early;    /* codes grow one before they have to */
};

/*
 * Expand `in` into out, until it is full or the end is said or reached; *n:
 * bytes written.  False: a code that stands for nothing.  Time is that of in
 * and out together.
 */
bool lzw_expand(struct lzw_form, struct slice in, uint8_t *out, size_t size,
    size_t *n) MUST_USE;

#endif
