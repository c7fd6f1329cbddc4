/* SPDX-License-Identifier: MIT */
#include "formats/lz4.h"

#include "formats/lz4_sum.h"

#define MAGIC        0x184d2204U
#define MAGIC_LEGACY 0x184c2102U
#define MAGIC_SKIP   0x184d2a50U /* and the 15 above */
#define HISTORY      ((size_t)65536)
#define LEGACY_BLOCK ((size_t)8 << 20)

struct frame {
	struct lz4 *z;
	bool independent, block_sum, content_sum, sized;
	uint64_t size, given; /* as declared; what came out */
	size_t most, need;    /* of one block: as declared, as can be */
	bool wrong;           /* a checksum or size, and yet it goes on */
	struct lz4_sum sum;
	size_t at; /* in what came out last */
};

/* --- one block ----------------------------------------------------------- */

/* 15 is followed by bytes to add, the last of which is not 255 */
static int
length(struct rd *r, unsigned nibble, uint64_t *n)
{
	uint8_t more = 255;

	*n = nibble;
	while (nibble == 15 && more == 255) {
		if (rd_u8(r, &more) != 0)
			return ERR_TRUNCATED;
		*n += more;
	}
	return 0;
}

/* Bytes that came out `off` before go out again; they may overlap. */
static enum lz4_end
again(struct frame *f, size_t low, size_t off, uint64_t n, size_t end)
{
	size_t fits = (size_t)MIN(n, (uint64_t)(end - f->at));

	if (off == 0 || off > f->at - low)
		return LZ4_DAMAGED;
	for (size_t i = 0; i < fits; i++, f->at++)
		f->z->out[f->at] = f->z->out[f->at - off];
	return fits == n ? LZ4_WHOLE : LZ4_DAMAGED;
}

static enum lz4_end
literals(struct frame *f, struct rd *r, uint64_t n, size_t end)
{
	size_t fits = (size_t)MIN(n, (uint64_t)MIN(end - f->at, rd_left(r)));
	bool cut = n > rd_left(r);
	struct slice s;

	if (rd_bytes(r, fits, &s) != 0)
		return LZ4_CUT;
	if (fits != 0)
		memcpy(f->z->out + f->at, s.ptr, fits);
	f->at += fits;
	if (fits == n)
		return LZ4_WHOLE;
	return cut ? LZ4_CUT : LZ4_DAMAGED;
}

/* Sequences of literals and a match; the last one has no match. */
static enum lz4_end
block(struct frame *f, struct rd r)
{
	size_t low = f->independent ? f->at : 0;
	size_t end = f->at + f->need;
	enum lz4_end rc;

	for (;;) {
		uint8_t token;
		uint16_t off;
		uint64_t n;

		if (rd_u8(&r, &token) != 0 || length(&r, token >> 4, &n) != 0)
			return LZ4_CUT;
		if ((rc = literals(f, &r, n, end)) != LZ4_WHOLE)
			return rc;
		if (rd_left(&r) == 0)
			return LZ4_WHOLE;
		if (rd_u16le(&r, &off) != 0 || length(&r, token & 15, &n) != 0)
			return LZ4_CUT;
		if ((rc = again(f, low, off, n + 4, end)) != LZ4_WHOLE)
			return rc;
	}
}

/* --- what comes out ------------------------------------------------------ */

/* A window of history and two blocks; kept for the next frame. */
static bool
begin(struct frame *f, size_t most)
{
	struct lz4 *z = f->z;

	/* a byte of a block becomes 255 at most */
	f->most = most;
	f->need = most / 255 > z->len ? 255 * z->len + 255 : most;
	lz4_sum_init(&f->sum);
	if (z->room >= HISTORY + 2 * f->need)
		return true;
	z->room = HISTORY + 2 * f->need;
	z->out = arena_alloc(z->arena, z->room, 1);
	return z->out != NULL;
}

/* Room for one block, behind the history.  Moved at most once for each block
 * of full size, so that many small ones do not move it each time. */
static void
make_room(struct frame *f)
{
	size_t keep = MIN(f->at, HISTORY);

	if (f->z->room - f->at >= f->need)
		return;
	memmove(f->z->out, f->z->out + f->at - keep, keep);
	f->at = keep;
}

static enum lz4_end
give(struct frame *f, struct rd in, bool stored)
{
	enum lz4_end rc;
	size_t from;

	make_room(f);
	from = f->at;
	rc = stored ? literals(f, &in, in.len, f->at + f->need) : block(f, in);
	f->given += f->at - from;
	if (f->content_sum)
		lz4_sum_add(&f->sum, f->z->out + from, f->at - from);
	if (f->at != from &&
	    !f->z->take(f->z->ctx, f->z->out + from, f->at - from))
		return LZ4_STOPPED;
	return rc;
}

/* --- frames -------------------------------------------------------------- */

/* A block of n bytes, of which the input may have fewer. */
static enum lz4_end
take_block(struct frame *f, struct rd *r, uint32_t n, bool stored)
{
	bool cut = n > rd_left(r);
	enum lz4_end rc;
	struct rd in;
	uint32_t sum;

	if (rd_sub(r, MIN((uint64_t)n, rd_left(r)), &in) != 0)
		return LZ4_CUT;
	rc = give(f, in, stored);
	if (rc == LZ4_STOPPED || cut)
		return rc == LZ4_STOPPED ? rc : LZ4_CUT;
	/* the block says how long it is: it is not cut, it is wrong */
	if (rc != LZ4_WHOLE)
		return LZ4_DAMAGED;
	if (!f->block_sum)
		return rc;
	if (rd_u32le(r, &sum) != 0)
		return LZ4_CUT;
	f->wrong = f->wrong || sum != lz4_sum(in.base, in.len);
	return rc;
}

static enum lz4_end
end_frame(struct frame *f, struct rd *r)
{
	uint32_t sum;

	if (f->content_sum) {
		if (rd_u32le(r, &sum) != 0)
			return LZ4_CUT;
		f->wrong = f->wrong || sum != lz4_sum_end(&f->sum);
	}
	f->wrong = f->wrong || (f->sized && f->size != f->given);
	return LZ4_WHOLE;
}

/* FLG, BD, content size, number of a dictionary, header checksum.  Without
 * the dictionary, what refers to it is damaged. */
static enum lz4_end
descriptor(struct frame *f, struct rd *r)
{
	const uint8_t *from = r->base + r->off;
	uint8_t flags, max, sum;
	size_t at = r->off;

	if (rd_u8(r, &flags) != 0 || rd_u8(r, &max) != 0)
		return LZ4_CUT;
	f->independent = (flags & 0x20) != 0;
	f->block_sum = (flags & 0x10) != 0;
	f->sized = (flags & 0x08) != 0;
	f->content_sum = (flags & 0x04) != 0;
	if ((f->sized && rd_u64le(r, &f->size) != 0) ||
	    ((flags & 1) != 0 && rd_skip(r, 4) != 0))
		return LZ4_CUT;
	at = r->off - at;
	if (rd_u8(r, &sum) != 0)
		return LZ4_CUT;
	if (flags >> 6 != 1 || (max >> 4 & 7) < 4)
		return LZ4_DAMAGED;
	f->wrong = (flags & 2) != 0 || (max & 0x8f) != 0 ||
		   sum != (lz4_sum(from, at) >> 8 & 0xff);
	return begin(f, (size_t)1 << (8 + 2 * (max >> 4 & 7))) ? LZ4_WHOLE
							       : LZ4_STOPPED;
}

static enum lz4_end
frame(struct frame *f, struct rd *r)
{
	enum lz4_end rc = descriptor(f, r);
	uint32_t n;

	while (rc == LZ4_WHOLE) {
		if (rd_u32le(r, &n) != 0)
			return LZ4_CUT;
		if (n == 0)
			return end_frame(f, r);
		if ((n & 0x7fffffff) > f->most)
			return LZ4_DAMAGED;
		rc = take_block(f, r, n & 0x7fffffff, n >> 31 != 0);
	}
	return rc;
}

static bool
is_magic(uint32_t n)
{
	return n == MAGIC || n == MAGIC_LEGACY || n >> 4 == MAGIC_SKIP >> 4;
}

/* Blocks up to the end of the file or the next frame. */
static enum lz4_end
legacy(struct frame *f, struct rd *r)
{
	f->independent = true;
	if (!begin(f, LEGACY_BLOCK))
		return LZ4_STOPPED;
	while (rd_left(r) != 0) {
		struct rd next = *r;
		enum lz4_end rc;
		uint32_t n;

		if (rd_u32le(&next, &n) != 0)
			return LZ4_CUT;
		if (is_magic(n))
			break;
		*r = next;
		/* LZ4_compressBound() */
		if (n == 0 || n > LEGACY_BLOCK + LEGACY_BLOCK / 255 + 16)
			return LZ4_DAMAGED;
		if ((rc = take_block(f, r, n, false)) != LZ4_WHOLE)
			return rc;
	}
	return LZ4_WHOLE;
}

static enum lz4_end
skip(struct lz4 *z, struct rd *r)
{
	struct rd in;
	uint32_t n;

	if (rd_u32le(r, &n) != 0)
		return LZ4_CUT;
	if (rd_sub(r, MIN((uint64_t)n, rd_left(r)), &in) != 0)
		return LZ4_CUT;
	if (z->skip != NULL && in.len != 0)
		z->skip(z->ctx, in);
	return in.len == n ? LZ4_WHOLE : LZ4_CUT;
}

enum lz4_end
lz4_read(struct lz4 *z, struct rd r)
{
	enum lz4_end rc = LZ4_WHOLE;
	bool wrong = false;
	uint32_t magic;

	z->used = z->room = 0;
	z->len = r.len;
	if (rd_left(&r) < 4)
		return LZ4_CUT;
	while (rd_u32le(&r, &magic) == 0 && is_magic(magic)) {
		struct frame f = {.z = z};

		if (magic == MAGIC)
			rc = frame(&f, &r);
		else if (magic == MAGIC_LEGACY)
			rc = legacy(&f, &r);
		else
			rc = skip(z, &r);
		z->used = r.off;
		/* a frame with a wrong checksum has an end all the same */
		wrong = wrong || f.wrong;
		if (rc != LZ4_WHOLE)
			return rc;
	}
	return wrong ? LZ4_DAMAGED : LZ4_WHOLE;
}
