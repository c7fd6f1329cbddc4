/* SPDX-License-Identifier: MIT
 * LZ4 in memory (lz4_Frame_format.md 1.6.4, lz4_Block_format.md): frames one
 * after the other, linked and independent blocks, stored ones, skippable
 * frames, and the frames of before 2013 ("legacy").  What comes before damage
 * is given, because a reader may have used it by then.
 */
#ifndef FORMATS_LZ4_H
#define FORMATS_LZ4_H

#include "base/arena.h"
#include "base/rd.h"

enum lz4_end {
	LZ4_WHOLE,
	LZ4_DAMAGED, /* it contradicts itself: a size, a checksum, an offset */
	LZ4_CUT,     /* the input ended first */
	LZ4_STOPPED, /* take() or memory said so */
};

struct lz4 {
	/* what comes out, a block at a time; false: no more of it */
	bool (*take)(void *ctx, const uint8_t *, size_t len);
	/* what a skippable frame holds; or NULL */
	void (*skip)(void *ctx, struct rd);
	void *ctx;
	struct arena *arena; /* 32 MiB at most */
	size_t used;         /* of the input, by whole frames */
	/* the reader's own: what came out last */
	uint8_t *out;
	size_t room, len;
};

enum lz4_end lz4_read(struct lz4 *, struct rd);

#endif
