/* SPDX-License-Identifier: MIT */
#include "audit/check_expand.h"

#include "base/limits.h"
#include "formats/lz4.h"

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>

#define STEP ((size_t)64 << 10)

bool
check_expand_take(const struct check_file *f, struct check_expanded *x,
    const void *p, size_t n)
{
	if (n > LIMIT_INSPECT_PIECE - x->bytes.len) {
		check_short(f, FINDING_FILE_LIMIT, ERR_NOWHERE,
		    "one thing within expands to more than %" PRIu64 " bytes",
		    LIMIT_INSPECT_PIECE);
		return false;
	}
	if (!check_spend(f, n))
		return false;
	buf_append(&x->bytes, p, n);
	return true;
}

/* --- deflate, alone, in zlib's wrapping and in gzip's --------------------- */

/* One step; true while there is more to come. */
static bool
step(const struct check_file *f, z_stream *z, struct rd in,
    struct check_expanded *x)
{
	uint8_t out[STEP];
	uInt give = (uInt)MIN(in.len - x->used, (size_t)1 << 30);
	int rc;

	z->next_in = (Bytef *)(uintptr_t)in.base + x->used;
	z->avail_in = give;
	z->next_out = out;
	z->avail_out = STEP;
	rc = inflate(z, Z_NO_FLUSH);
	x->used += give - z->avail_in;
	if (!check_expand_take(f, x, out, STEP - z->avail_out)) {
		x->end = EXPAND_LIMIT;
		return false;
	}
	if (rc == Z_STREAM_END) {
		x->end = EXPAND_WHOLE;
		return false;
	}
	if (rc != Z_OK && rc != Z_BUF_ERROR) {
		x->end = EXPAND_DAMAGED;
		return false;
	}
	/* all was given, and still it wants more */
	if (z->avail_out != 0 && x->used == in.len) {
		x->end = EXPAND_CUT;
		return false;
	}
	return true;
}

static void
inflate_one(const struct check_file *f, struct rd in, int wrap,
    struct check_expanded *x)
{
	z_stream z = {0};

	if (inflateInit2(&z, wrap) != Z_OK)
		BUG("zlib");
	while (step(f, &z, in, x))
		continue;
	inflateEnd(&z);
}

void
check_expand_deflate(
    const struct check_file *f, struct rd in, struct check_expanded *x)
{
	*x = (struct check_expanded){.end = EXPAND_CUT};
	inflate_one(f, in, -15, x);
}

void
check_expand_zlib(
    const struct check_file *f, struct rd in, struct check_expanded *x)
{
	*x = (struct check_expanded){.end = EXPAND_CUT};
	inflate_one(f, in, 15, x);
}

/* One member after the other (RFC 1952 2.2): together one file. */
void
check_expand_gzip(
    const struct check_file *f, struct rd in, struct check_expanded *x)
{
	*x = (struct check_expanded){.end = EXPAND_CUT};
	do
		inflate_one(f, in, 15 + 16, x);
	while (x->end == EXPAND_WHOLE && RD_HAS(in, x->used, "\x1f\x8b"));
}

/* --- bzip2 --------------------------------------------------------------- */

static bool
step_bzip2(const struct check_file *f, bz_stream *b, struct rd in,
    struct check_expanded *x)
{
	unsigned give = (unsigned)MIN(in.len - x->used, (size_t)1 << 30);
	char out[STEP];
	int rc;

	b->next_in = (char *)(uintptr_t)in.base + x->used;
	b->avail_in = give;
	b->next_out = out;
	b->avail_out = STEP;
	rc = BZ2_bzDecompress(b);
	x->used += give - b->avail_in;
	if (!check_expand_take(f, x, out, STEP - b->avail_out))
		x->end = EXPAND_LIMIT;
	else if (rc == BZ_STREAM_END)
		x->end = EXPAND_WHOLE;
	else if (rc != BZ_OK)
		x->end = EXPAND_DAMAGED;
	else if (b->avail_out != 0 && x->used == in.len)
		x->end = EXPAND_CUT;
	else
		return true;
	return false;
}

void
check_expand_bzip2(
    const struct check_file *f, struct rd in, struct check_expanded *x)
{
	*x = (struct check_expanded){.end = EXPAND_CUT};
	do {
		bz_stream b = {0};

		if (BZ2_bzDecompressInit(&b, 0, 0) != BZ_OK)
			BUG("bzip2");
		while (step_bzip2(f, &b, in, x))
			continue;
		BZ2_bzDecompressEnd(&b);
	} while (x->end == EXPAND_WHOLE && RD_HAS(in, x->used, "BZh"));
}

/* --- xz and lzma --------------------------------------------------------- */

/* A dictionary may be 4 GiB; xz -9 has 64 MiB. */
#define LZMA_MEMORY ((uint64_t)1 << 30)

static bool
step_lzma(const struct check_file *f, lzma_stream *z, struct rd in,
    struct check_expanded *x)
{
	size_t give = in.len - x->used;
	uint8_t out[STEP];
	lzma_ret rc;

	z->next_in = in.base + x->used;
	z->avail_in = give;
	z->next_out = out;
	z->avail_out = STEP;
	rc = lzma_code(z, LZMA_RUN);
	x->used += give - z->avail_in;
	if (!check_expand_take(f, x, out, STEP - z->avail_out))
		x->end = EXPAND_LIMIT;
	else if (rc == LZMA_STREAM_END)
		x->end = EXPAND_WHOLE;
	else if (z->avail_out != 0 && x->used == in.len &&
		 (rc == LZMA_OK || rc == LZMA_BUF_ERROR))
		x->end = EXPAND_CUT;
	else if (rc != LZMA_OK)
		x->end = EXPAND_DAMAGED;
	else
		return true;
	return false;
}

/* The next stream of an xz file, behind padding of four zeros each. */
static bool
next_xz(struct rd in, struct check_expanded *x)
{
	size_t at = x->used;

	while (RD_HAS(in, at, "\0\0\0\0"))
		at += 4;
	if (!RD_HAS(in, at,
		"\xfd"
		"7zXZ\0"))
		return false;
	x->used = at;
	return true;
}

void
check_expand_xz(
    const struct check_file *f, struct rd in, struct check_expanded *x)
{
	*x = (struct check_expanded){.end = EXPAND_CUT};
	do {
		lzma_stream z = LZMA_STREAM_INIT;

		if (lzma_stream_decoder(&z, LZMA_MEMORY, 0) != LZMA_OK)
			BUG("lzma");
		while (step_lzma(f, &z, in, x))
			continue;
		lzma_end(&z);
	} while (x->end == EXPAND_WHOLE && next_xz(in, x));
}

static void
open_lzma(lzma_stream *z, struct check_expanded *x)
{
	*x = (struct check_expanded){.end = EXPAND_CUT};
	if (lzma_alone_decoder(z, LZMA_MEMORY) != LZMA_OK)
		BUG("lzma");
}

void
check_expand_lzma(
    const struct check_file *f, struct rd in, struct check_expanded *x)
{
	lzma_stream z = LZMA_STREAM_INIT;

	open_lzma(&z, x);
	while (step_lzma(f, &z, in, x))
		continue;
	lzma_end(&z);
}

void
check_expand_lzma_headed(const struct check_file *f, const uint8_t head[13],
    struct rd in, struct check_expanded *x)
{
	lzma_stream z = LZMA_STREAM_INIT;
	uint8_t none[1];

	open_lzma(&z, x);
	z.next_in = head;
	z.avail_in = 13;
	z.next_out = none;
	z.avail_out = 1; /* the header alone becomes nothing */
	if (lzma_code(&z, LZMA_RUN) != LZMA_OK || z.avail_in != 0)
		x->end = EXPAND_DAMAGED;
	while (x->end == EXPAND_CUT && step_lzma(f, &z, in, x))
		continue;
	lzma_end(&z);
}

/* --- LZ4 ----------------------------------------------------------------- */

#define LZ4_MEMORY ((size_t)33 << 20)

struct lz4_out {
	const struct check_file *f;
	struct check_expanded *x;
};

static bool
take_lz4(void *ctx, const uint8_t *p, size_t n)
{
	struct lz4_out *o = ctx;

	return check_expand_take(o->f, o->x, p, n);
}

/* No reader of LZ4 looks at these, but another may begin there. */
static void
skipped_lz4(void *ctx, struct rd in)
{
	struct lz4_out *o = ctx;

	check_within(o->f, "skippable frame", in);
}

void
check_expand_lz4(
    const struct check_file *f, struct rd in, struct check_expanded *x)
{
	static const enum check_expand_end end[] = {[LZ4_WHOLE] = EXPAND_WHOLE,
	    [LZ4_DAMAGED] = EXPAND_DAMAGED,
	    [LZ4_CUT] = EXPAND_CUT,
	    [LZ4_STOPPED] = EXPAND_LIMIT};
	struct lz4_out out = {f, x};
	struct arena a;
	struct lz4 z = {
	    .take = take_lz4, .skip = skipped_lz4, .ctx = &out, .arena = &a};

	*x = (struct check_expanded){.end = EXPAND_CUT};
	arena_init(&a, LZ4_MEMORY);
	x->end = end[lz4_read(&z, in)];
	x->used = z.used;
	arena_release(&a);
}

void
check_expand_free(struct check_expanded *x)
{
	buf_free(&x->bytes);
}

const char *
check_expand_text(enum check_expand_end end)
{
	static const char *const text[] = {
	    [EXPAND_WHOLE] = "whole",
	    [EXPAND_DAMAGED] = "damaged",
	    [EXPAND_CUT] = "ends early",
	    [EXPAND_LIMIT] = "beyond a limit",
	};

	return text[end];
}
