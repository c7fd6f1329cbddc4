/* SPDX-License-Identifier: MIT */
#include "audit/check_source.h"

#include "base/limits.h"

static const uint8_t zeros[65536];

static la_ssize_t
on_read(struct archive *a, void *ctx, const void **out)
{
	struct check_source *s = ctx;
	size_t left = rd_left(&s->bytes);

	(void)a;
	*out = s->bytes.base + s->bytes.off;
	s->bytes.off = s->bytes.len;
	return (la_ssize_t)left;
}

static la_int64_t
on_seek(struct archive *a, void *ctx, la_int64_t off, int whence)
{
	struct check_source *s = ctx;
	int64_t len = (int64_t)s->bytes.len, at = 0;

	(void)a;
	if (whence == SEEK_CUR)
		at = (int64_t)s->bytes.off;
	else if (whence == SEEK_END)
		at = len;
	if (ckd_add(&at, at, off) || at < 0 || at > len)
		return ARCHIVE_FATAL;
	s->bytes.off = (size_t)at;
	return at;
}

struct archive *
check_source_open(struct check_source *s)
{
	struct archive *a = archive_read_new();

	if (a == NULL ||
	    archive_read_set_read_callback(a, on_read) != ARCHIVE_OK ||
	    archive_read_set_seek_callback(a, on_seek) != ARCHIVE_OK ||
	    archive_read_set_callback_data(a, s) != ARCHIVE_OK)
		BUG("libarchive");
	return a;
}

static bool
lies_in(const struct check_source *s, const uint8_t *p, size_t len)
{
	uintptr_t from = (uintptr_t)s->bytes.base, at = (uintptr_t)p;

	return at >= from && at - from <= s->bytes.len &&
	       len <= s->bytes.len - (at - from);
}

/* Zeros up to an offset. */
static bool
fill(const struct check_file *f, struct check_expanded *x, uint64_t to)
{
	while (x->bytes.len < to) {
		size_t n = (size_t)MIN(to - x->bytes.len, sizeof(zeros));

		if (!check_expand_take(f, x, zeros, n))
			return false;
	}
	return true;
}

/* What is held back in *out becomes part of what is expanded. */
static bool
settle(const struct check_file *f, struct check_expanded *x, struct rd *out)
{
	bool ok = out->len == 0 || check_expand_take(f, x, out->base, out->len);

	out->len = 0;
	return ok;
}

static bool
piece(const struct check_file *f, const struct check_source *s,
    struct check_expanded *x, struct rd *out, struct slice p, uint64_t off)
{
	if (p.len == 0 && off <= x->bytes.len + out->len)
		return true;
	if (off == 0 && x->bytes.len == 0 && out->len == 0 &&
	    lies_in(s, p.ptr, p.len)) {
		*out = rd_mem(p.ptr, p.len);
		return true;
	}
	return settle(f, x, out) && fill(f, x, off) &&
	       (p.len == 0 || check_expand_take(f, x, p.ptr, p.len));
}

void
check_source_data(const struct check_file *f, struct archive *a,
    const struct check_source *s, struct check_expanded *x, struct rd *out)
{
	const void *p;
	la_int64_t off;
	size_t len;
	int rc;

	*x = (struct check_expanded){.end = EXPAND_WHOLE};
	*out = rd_mem("", 0);
	while (
	    (rc = archive_read_data_block(a, &p, &len, &off)) == ARCHIVE_OK ||
	    rc == ARCHIVE_WARN) {
		/* a checksum is wrong, and the data come all the same */
		if (rc == ARCHIVE_WARN)
			x->end = EXPAND_DAMAGED;
		if (off < 0) {
			x->end = EXPAND_DAMAGED;
			break;
		}
		if (!piece(
			f, s, x, out, (struct slice){p, len}, (uint64_t)off)) {
			x->end = EXPAND_LIMIT;
			break;
		}
	}
	if (rc < ARCHIVE_WARN && x->end == EXPAND_WHOLE)
		x->end = EXPAND_DAMAGED;
	if (x->bytes.len != 0)
		*out = rd_mem(x->bytes.ptr, x->bytes.len);
}

/* --- filters ------------------------------------------------------------- */

static void
filter_once(const struct check_file *f, int filter, struct rd in,
    struct check_expanded *x)
{
	struct check_source s = {.bytes = rd_mem(in.base, in.len)};
	struct archive *a = check_source_open(&s);
	struct archive_entry *entry;
	struct rd out;

	*x = (struct check_expanded){.end = EXPAND_DAMAGED};
	if (archive_read_append_filter(a, filter) != ARCHIVE_OK ||
	    archive_read_support_format_raw(a) != ARCHIVE_OK ||
	    archive_read_support_format_empty(a) != ARCHIVE_OK)
		BUG("libarchive lacks a filter");
	if (archive_read_open1(a) >= ARCHIVE_WARN) {
		int rc = archive_read_next_header(a, &entry);

		if (rc == ARCHIVE_EOF)
			x->end = EXPAND_WHOLE;
		else if (rc >= ARCHIVE_WARN)
			check_source_data(f, a, &s, x, &out);
		x->used = (size_t)MAX(archive_filter_bytes(a, -1), 0);
	}
	archive_read_free(a);
}

/* Once more, cut where a stream seems to end. */
static void
cut_at(const struct check_file *f, int filter, struct rd in,
    struct check_expanded *x)
{
	struct check_expanded again;

	filter_once(f, filter, in, &again);
	if (again.end == EXPAND_WHOLE) {
		check_expand_free(x);
		*x = again;
	} else {
		check_expand_free(&again);
	}
}

/* To libarchive a stream that is cut off early is an empty one.  What is empty
 * indeed is short: lzip's has 36 bytes. */
#define EMPTY_MAX 36

/* RFC 8878, 3.1.1: one frame with one block of no bytes. */
static bool
is_empty_zstd(struct rd r)
{
	static const uint8_t sizes[] = {0, 2, 4, 8}, ids[] = {0, 1, 2, 4};
	uint8_t d = r.len > 4 ? r.base[4] : 0;
	bool single = (d & 0x20) != 0;
	size_t at = (single ? 5u : 6u) + ids[d & 3];

	at += d >> 6 == 0 ? (size_t)single : sizes[d >> 6];
	return r.len >= at + 3 && (r.base[at] & 1) != 0 &&
	       r.base[at] >> 3 == 0 && r.base[at + 1] == 0 &&
	       r.base[at + 2] == 0 && r.len >= at + 3 + ((d & 4) != 0 ? 4 : 0);
}

void
check_source_filter(const struct check_file *f, int filter, struct rd in,
    struct check_expanded *x)
{
	filter_once(f, filter, in, x);
	if (x->end == EXPAND_WHOLE && x->bytes.len == 0 &&
	    (in.len > EMPTY_MAX ||
		(filter == ARCHIVE_FILTER_ZSTD && !is_empty_zstd(in))))
		x->end = EXPAND_CUT;
	if (x->end == EXPAND_DAMAGED && x->used != 0 && x->used < in.len)
		cut_at(f, filter, rd_mem(in.base, x->used), x);
}
