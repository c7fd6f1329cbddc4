/* SPDX-License-Identifier: MIT
 * Compressed bytes expanded in memory for the checks.  What comes out is
 * deducted with check_spend() before it comes; what came before damage or a
 * limit is kept, because a reader may have used it by then.
 */
#ifndef AUDIT_CHECK_EXPAND_H
#define AUDIT_CHECK_EXPAND_H

#include "audit/check.h"
#include "base/buf.h"

enum check_expand_end {
	EXPAND_WHOLE,   /* the stream says that it has ended */
	EXPAND_DAMAGED, /* it contradicts itself */
	EXPAND_CUT,     /* the input ended first */
	EXPAND_LIMIT,   /* FILE_LIMIT was found */
};

struct check_expanded {
	struct buf bytes; /* owned: check_expand_free() */
	size_t used;      /* of the input */
	enum check_expand_end end;
};

/* One stream, without a wrapping and in zlib's. */
void check_expand_deflate(
    const struct check_file *, struct rd in, struct check_expanded *);
void check_expand_zlib(
    const struct check_file *, struct rd in, struct check_expanded *);
/* gzip: one member or several. */
void check_expand_gzip(
    const struct check_file *, struct rd in, struct check_expanded *);
/* bzip2: one stream or several. */
void check_expand_bzip2(
    const struct check_file *, struct rd in, struct check_expanded *);
/* xz: one stream or several, with padding. */
void check_expand_xz(
    const struct check_file *, struct rd in, struct check_expanded *);
/* LZMA_alone; its 13 bytes of header in the input, or apart from it. */
void check_expand_lzma(
    const struct check_file *, struct rd in, struct check_expanded *);
void check_expand_lzma_headed(const struct check_file *, const uint8_t head[13],
    struct rd in, struct check_expanded *);

/* LZ4: one frame or several. */
void check_expand_lz4(
    const struct check_file *, struct rd in, struct check_expanded *);

void check_expand_free(struct check_expanded *);

/* Append n bytes at p, after check_spend(); false: a limit. */
bool check_expand_take(const struct check_file *, struct check_expanded *,
    const void *p, size_t n);

/* "damaged", "ends early", "beyond a limit" */
const char *check_expand_text(enum check_expand_end);

#endif
