/* SPDX-License-Identifier: MIT
 * Numbers of up to eight bytes, the least significant first, where the bounds
 * have been checked already: headers that are written again, raw data.
 */
#ifndef BASE_LE_H
#define BASE_LE_H

#include "base/base.h"

/* Inline: every weight goes through it. */
static inline uint64_t
le_get(const uint8_t *p, size_t width)
{
	uint64_t v = 0;

	for (size_t i = width; i-- > 0;)
		v = v << 8 | p[i];
	return v;
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
