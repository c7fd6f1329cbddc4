/* SPDX-License-Identifier: MIT
 * Numbers of up to eight bytes, the least significant first, where the bounds
 * have been checked already: headers that are written again, raw data.
 */
#ifndef BASE_LE_H
#define BASE_LE_H

#include "base/base.h"

static inline uint64_t
le_get_bytes(const uint8_t *p, size_t width)
{
	uint64_t v = 0;

	for (size_t i = width; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

/* Inline, the usual widths by one instruction: every weight goes through it. */
static inline uint64_t
le_get(const uint8_t *p, size_t width)
{
	switch (width) {
	case 2:
		return le_get_bytes(p, 2);
	case 4:
		return le_get_bytes(p, 4);
	case 8:
		return le_get_bytes(p, 8);
	default:
		return le_get_bytes(p, width);
	}
}

/* Returns what is behind it. */
static inline uint8_t *
le_put(uint8_t *p, size_t width, uint64_t v)
{
	for (size_t i = 0; i < width; i++, v >>= 8)
		p[i] = (uint8_t)v;
	return p + width;
}

#endif
