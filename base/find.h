/* SPDX-License-Identifier: MIT
 * Where in many bytes one of a few beginnings may stand: up to three bytes of
 * each are compared at all places at once, as the Teddy algorithm of
 * Hyperscan does it (Wang et al., NSDI 2019).  Who asks looks again: a place
 * that is returned need not be one, but none is left out.
 */
#ifndef BASE_FIND_H
#define BASE_FIND_H

#include "base/base.h"

#define FIND_BYTES   3
#define FIND_BUCKETS 8

/* Of each byte's low and high half: the buckets that have it. */
struct find {
	uint8_t low[FIND_BYTES][16], high[FIND_BYTES][16];
};

/*
 * A beginning of n bytes, of which FIND_BYTES count.  Those in one bucket (of
 * FIND_BUCKETS) should be alike: mixtures of them are returned as well.
 */
void find_add(struct find *, unsigned bucket, const void *, size_t n);

/* The first such place from `from` on with FIND_BYTES before len; or len. */
size_t find_next(const struct find *, const uint8_t *, size_t from, size_t len);

#endif
