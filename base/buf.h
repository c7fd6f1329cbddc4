/* SPDX-License-Identifier: MIT
 * A growing byte buffer, for what we write.  Owned by the caller; ends with
 * buf_free().  It never fails: a buffer that outgrows memory aborts, so sizes
 * that come from input are checked before anything is appended.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h"

struct buf {
	uint8_t *ptr;
	size_t len;
	size_t cap;
};

void buf_free(struct buf *);
void buf_append(struct buf *, const void *, size_t len);
/* len zero bytes, to be set by the caller. */
void buf_zeros(struct buf *, size_t len);
void buf_puts(struct buf *, const char *s);
void buf_printf(struct buf *, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_u8(struct buf *, uint8_t);
void buf_u16le(struct buf *, uint16_t);
void buf_u32le(struct buf *, uint32_t);
void buf_u64le(struct buf *, uint64_t);
void buf_varint(struct buf *, uint64_t);
/* Zero bytes until len is a multiple of align (a power of two). */
void buf_align(struct buf *, size_t align);
/* The content as a C string: terminated, the terminator not counted. */
const char *buf_str(struct buf *);

#endif
