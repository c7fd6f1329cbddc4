/* SPDX-License-Identifier: MIT
 * A read cursor over hostile bytes.  The only way parsers touch input: no
 * pointer arithmetic, no casts to structs.  Each call either returns 0 and
 * advances, or returns a negative ERR_* and leaves the cursor where it was.
 * `start` is where base[0] lies in the file, so that offsets in errors are
 * those of the file also inside a nested record (see rd_sub).
 */
#ifndef BASE_RD_H
#define BASE_RD_H

#include "base/err.h"

struct rd {
	const uint8_t *base;
	size_t len;
	size_t off;
	uint64_t start;
};

struct slice {
	const uint8_t *ptr;
	size_t len;
};

struct rd rd_mem(const void *, size_t len);
/* All of it, wherever the cursor is, is this text. */
bool rd_is(struct rd, const char *);
bool rd_slice_is(struct slice, const char *);
/* These bytes stand there, wherever the cursor is. */
bool rd_has(struct rd, uint64_t at, const void *, size_t len);
#define RD_HAS(r, at, text) rd_has((r), (at), (text), sizeof(text) - 1)
static inline size_t
rd_left(const struct rd *r)
{
	return r->len - r->off;
}

/* The cursor's place in the file, for err_set. */
static inline uint64_t
rd_pos(const struct rd *r)
{
	return r->start + r->off;
}

/* Borrows from the input: valid as long as it is. */
int rd_bytes(struct rd *, uint64_t len, struct slice *out) MUST_USE;
/* A cursor over the next len bytes, which this one skips. */
int rd_sub(struct rd *, uint64_t len, struct rd *out) MUST_USE;
int rd_skip(struct rd *, uint64_t len) MUST_USE;

int rd_u8(struct rd *, uint8_t *out) MUST_USE;
int rd_u16le(struct rd *, uint16_t *out) MUST_USE;
int rd_u32le(struct rd *, uint32_t *out) MUST_USE;
int rd_u64le(struct rd *, uint64_t *out) MUST_USE;
int rd_u32be(struct rd *, uint32_t *out) MUST_USE;
/* Four bytes at most, the highest first. */
uint32_t rd_big(const uint8_t *, size_t n);
/* Base-128 varint (protobuf): at most 10 bytes, ERR_FORMAT beyond 64 bits. */
int rd_varint(struct rd *, uint64_t *out) MUST_USE;

#endif
