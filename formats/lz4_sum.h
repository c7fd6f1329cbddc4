/* SPDX-License-Identifier: MIT
 * xxHash32 with seed 0, the checksum of LZ4 frames (xxhash_spec.md 0.1.1).
 */
#ifndef FORMATS_LZ4_SUM_H
#define FORMATS_LZ4_SUM_H

#include "base/base.h"

struct lz4_sum {
	uint32_t lane[4];
	uint8_t held[16]; /* not yet a stripe */
	size_t nheld;
	uint64_t len;
};

void lz4_sum_init(struct lz4_sum *);
void lz4_sum_add(struct lz4_sum *, const uint8_t *, size_t len);
uint32_t lz4_sum_end(const struct lz4_sum *);
/* Of so many bytes at once. */
uint32_t lz4_sum(const uint8_t *, size_t len);

#endif
