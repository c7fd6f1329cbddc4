/* SPDX-License-Identifier: MIT
 * Numbers of up to eight bytes, the least significant first, where the bounds
 * have been checked already: headers that are written again, raw data.
 */
#ifndef BASE_LE_H
#define BASE_LE_H

#include "base/base.h"

static inline uint32_t
le_get_4(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* Inline, and the usual widths without a loop, which compilers read by one
 * instruction: every weight goes through it. */
static inline uint64_t
le_get(const uint8_t *p, size_t width)
{
	uint64_t v = 0;

	switch (width) {
	case 2:
		return p[0] | (uint64_t)p[1] << 8;
	case 4:
		return le_get_4(p);
	case 8:
		return le_get_4(p) | (uint64_t)le_get_4(p + 4) << 32;
	default:
		for (size_t i = width; i-- > 0;)
			v = v << 8 | p[i];
		return v;
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
