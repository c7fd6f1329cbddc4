/* SPDX-License-Identifier: MIT
 * libarchive reads; what it says is judged here and nothing it offers for
 * writing to disk is used.  Members that are refused are read to their end
 * like the others, because skipping expands them all the same.
 */
#define _XOPEN_SOURCE 700 /* S_IFLNK */
#include "formats/bundle_part.h"
#include "formats/bundle_why.h"

#include "formats/identify.h"

#include <archive.h>
#include <archive_entry.h>

struct source {
	struct rd rd;
	uint64_t consumed; /* bytes handed out; zip comes back to some */
};

#define READ_STEP ((size_t)64 << 10)

static la_ssize_t
on_read(struct archive *a, void *ctx, const void **out)
{
	struct source *s = ctx;
	struct slice piece;

	(void)a;
	if (rd_bytes(&s->rd, MIN(READ_STEP, rd_left(&s->rd)), &piece) != 0)
		return ARCHIVE_FATAL;
	s->consumed += piece.len;
	*out = piece.ptr;
	return (la_ssize_t)piece.len;
}

static la_int64_t
on_skip(struct archive *a, void *ctx, la_int64_t n)
{
	struct source *s = ctx;
	uint64_t step = MIN((uint64_t)MAX(n, 0), rd_left(&s->rd));

	(void)a;
	if (rd_skip(&s->rd, step) != 0)
		return ARCHIVE_FATAL;
	return (la_int64_t)step;
}

static la_int64_t
on_seek(struct archive *a, void *ctx, la_int64_t off, int whence)
{
	struct source *s = ctx;
	int64_t at = whence == SEEK_SET   ? 0
		     : whence == SEEK_CUR ? (int64_t)s->rd.off
					  : (int64_t)s->rd.len;

	(void)a;
	if (ckd_add(&at, at, off) || at < 0 || (uint64_t)at > s->rd.len)
		return ARCHIVE_FATAL;
	s->rd.off = (size_t)at;
	return at;
}

/* An archive that does not open is named by its first bytes. */
static const char *
filter_of(struct rd r)
{
	static const char *const name[][2] = {{"gzip", ".gz"},
	    {"bzip2", ".bz2"}, {"xz", ".xz"}, {"zstd", ".zst"}, {"lz4", ".lz4"},
	    {"lzma", ".lzma"}};
	struct identify_bids bids;

	identify(r, &bids);
	for (size_t i = 0; i < ARRAY_LEN(name); i++)
		if (identify_find(&bids, name[i][0]) != NULL)
			return name[i][1];
	return "";
}

/* "zip" or "7z", which compress by themselves; "tar" for all else. */
static const char *
kind_of(struct archive *a)
{
	int base = archive_format(a) & ARCHIVE_FORMAT_BASE_MASK;

	return base == ARCHIVE_FORMAT_ZIP    ? "zip"
	       : base == ARCHIVE_FORMAT_7ZIP ? "7z"
					     : "tar";
}

static bool
is_tar(struct archive *a)
{
	return strcmp(kind_of(a), "tar") == 0;
}

static void
name_container(struct bundle *b, struct archive *a, const struct source *s)
{
	struct rd all = rd_mem(s->rd.base, s->rd.len);

	snprintf(b->container, sizeof(b->container), "%s%s", kind_of(a),
	    is_tar(a) ? filter_of(all) : "");
}

/*
 * Whether the archive ends behind the member's last byte, before the padding:
 * some writers in Go leave that out (umoci), and readers in Go take it so.
 */
static bool
unpadded(struct archive *a, const struct source *s, int64_t size, uint64_t read)
{
	bool plain = archive_filter_count(a) == 1;

	/* what was cut off ends anywhere; a compressed stream has an end */
	return is_tar(a) && size >= 0 && (uint64_t)size == read &&
	       rd_left(&s->rd) == 0 &&
	       (!plain || s->rd.len % 512 == (uint64_t)size % 512);
}

/* Up to the last byte and then beyond: a read that meets damage there returns
 * nothing of what it had before. */
static size_t
step(int64_t size, uint64_t read)
{
	if (size < 0 || read >= (uint64_t)size)
		return BUNDLE_CHUNK;
	return (size_t)MIN(BUNDLE_CHUNK, (uint64_t)size - read);
}

/* Hands the member to the sink, or to nobody; *whole when all of it came.
 * size: what the archive says of it, -1 for nothing. */
static int
pump(struct bundle *b, struct archive *a, const struct source *s,
    const char *path, int64_t size, bool keep, bool *whole, struct err *e)
{
	uint64_t total = 0;
	la_ssize_t n;
	int rc;

	*whole = false;
	while ((n = archive_read_data(a, b->block, step(size, total))) > 0) {
		total += (uint64_t)n;
		if (total > b->limits.member) {
			bundle_refuse(b, FINDING_ARCHIVE_LIMIT, path,
			    "larger than one member may be");
			b->stop = true;
			return 0;
		}
		if (!bundle_spend(
			b, path, (uint64_t)n, MIN(s->consumed, s->rd.len)))
			return 0;
		if (!keep)
			continue;
		rc = b->sink->write(b->sink->ctx, b->block, (size_t)n, e);
		if (rc != 0)
			return rc;
	}
	*whole = n == 0 || (n < 0 && unpadded(a, s, size, total));
	b->ended = b->ended || (n < 0 && *whole);
	if (n < 0 && !*whole) {
		struct bundle_why why = bundle_why(a, s->rd);

		bundle_refuse(b, why.id, path, why.text);
		b->ended = b->ended || n == ARCHIVE_FATAL;
	}
	return 0;
}

static int
take_file(struct bundle *b, struct archive *a, const struct source *s,
    const char *path, int64_t size, struct err *e)
{
	struct err other = {0};
	bool whole = false;
	int rc, end;

	if ((rc = b->sink->open(b->sink->ctx, path, e)) < 0)
		return rc;
	if (rc == BUNDLE_EXISTS) {
		bundle_refuse(
		    b, FINDING_ARCHIVE_DUPLICATE, path, "the name is taken");
		return pump(b, a, s, path, size, false, &whole, e);
	}
	rc = pump(b, a, s, path, size, true, &whole, e);
	end = b->sink->close(
	    b->sink->ctx, rc == 0 && whole, rc == 0 ? e : &other);
	if (rc == 0 && end == 0 && whole)
		bundle_made(b, path);
	return rc != 0 ? rc : end;
}

/* -1 when the archive does not say it. */
static int64_t
size_of(struct archive_entry *entry)
{
	return archive_entry_size_is_set(entry) ? archive_entry_size(entry)
						: -1;
}

/* Whether the member is a link without bytes of its own, and one to take. */
static bool
take_link(struct bundle *b, struct archive_entry *entry, const char *raw)
{
	const char *hard = archive_entry_hardlink(entry);
	const char *to = hard != NULL ? hard : archive_entry_symlink(entry);

	if (to == NULL || archive_entry_is_encrypted(entry) ||
	    (hard != NULL && size_of(entry) > 0))
		return false;
	return bundle_link(b, raw, to, hard != NULL);
}

static int
take_entry(struct bundle *b, struct archive *a, struct archive_entry *entry,
    const struct source *s, struct err *e)
{
	const char *raw = archive_entry_pathname(entry);
	unsigned mode = (unsigned)archive_entry_mode(entry);
	struct member m;
	int64_t size = size_of(entry);
	bool whole;
	int rc;

	if (raw == NULL)
		raw = "\xff"; /* refused: not UTF-8 */
	if (take_link(b, entry, raw))
		return 0;
	if (archive_entry_hardlink(entry) != NULL)
		mode = S_IFLNK;
	if (!bundle_admit(b, raw, mode, &m))
		return b->stop ? 0 : pump(b, a, s, raw, size, false, &whole, e);
	if (archive_entry_is_encrypted(entry)) {
		bundle_refuse(b, FINDING_ARCHIVE_ENCRYPTED, raw, "encrypted");
		return 0;
	}
	if (S_ISREG(mode) && size >= 0 && (uint64_t)size > b->limits.member) {
		bundle_refuse(b, FINDING_ARCHIVE_LIMIT, raw,
		    "larger than one member may be");
		b->stop = true;
		return 0;
	}
	if (S_ISREG(mode))
		return take_file(b, a, s, m.path, size, e);
	rc = b->sink->folder(b->sink->ctx, m.path, e);
	if (rc == BUNDLE_EXISTS)
		bundle_refuse(
		    b, FINDING_ARCHIVE_DUPLICATE, raw, "the name is taken");
	return MIN(rc, 0);
}

/* A finding about the whole archive, which libarchive goes no further in. */
static void
stopped(struct bundle *b, struct archive *a, const struct source *s)
{
	struct bundle_why why = bundle_why(a, s->rd);

	bundle_find(b, why.id, "", "after %" PRIu64 " members: %s", b->entries,
	    why.text);
}

static int
walk(struct bundle *b, struct archive *a, const struct source *s, bool maybe,
    struct err *e)
{
	struct archive_entry *entry;
	int r, rc = 0;
	bool nested;

	while (rc == 0 && !b->stop && !b->ended) {
		r = archive_read_next_header(a, &entry);
		nested = archive_filter_count(a) > (is_tar(a) ? 2 : 1);
		if (b->container[0] == '\0' && maybe &&
		    ((r <= ARCHIVE_FAILED && archive_format(a) == 0) || nested))
			return BUNDLE_PLAIN;
		if (b->container[0] == '\0')
			name_container(b, a, s);
		if (r == ARCHIVE_EOF)
			break;
		if (nested) {
			bundle_find(b, FINDING_ARCHIVE_LIMIT, "",
			    "compressed more than once");
			break;
		}
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN) {
			stopped(b, a, s);
			break;
		}
		rc = take_entry(b, a, entry, s, e);
	}
	return rc;
}

/* Only what a bundle may be; nothing that would start a program. */
static bool
enable_filters(struct archive *a)
{
	return archive_read_support_filter_gzip(a) == ARCHIVE_OK &&
	       archive_read_support_filter_bzip2(a) == ARCHIVE_OK &&
	       archive_read_support_filter_xz(a) == ARCHIVE_OK &&
	       archive_read_support_filter_zstd(a) == ARCHIVE_OK &&
	       archive_read_support_filter_lz4(a) == ARCHIVE_OK &&
	       archive_read_support_filter_lzma(a) == ARCHIVE_OK &&
	       archive_read_set_read_callback(a, on_read) == ARCHIVE_OK &&
	       archive_read_set_skip_callback(a, on_skip) == ARCHIVE_OK &&
	       archive_read_set_seek_callback(a, on_seek) == ARCHIVE_OK;
}

static bool
enable(struct archive *a)
{
	return enable_filters(a) &&
	       archive_read_support_format_tar(a) == ARCHIVE_OK &&
	       archive_read_support_format_zip(a) == ARCHIVE_OK &&
	       archive_read_support_format_7zip(a) == ARCHIVE_OK;
}

int
bundle_archive(struct bundle *b, struct rd r, bool maybe, struct err *e)
{
	struct source s = {.rd = r};
	struct archive *a;
	unsigned volumes;
	int rc = 0, open;

	if (!maybe && bundle_why_last_volume(r, &volumes)) {
		snprintf(b->container, sizeof(b->container), "zip");
		bundle_find(b, FINDING_ARCHIVE_TRUNCATED, "",
		    "the last of %u volumes, which are to be joined first",
		    volumes);
		return 0;
	}
	a = archive_read_new();
	if (a == NULL || !enable(a) ||
	    archive_read_set_callback_data(a, &s) != ARCHIVE_OK)
		BUG("libarchive lacks a filter or format");
	b->ended = false;
	b->first = bundle_count(b);
	open = archive_read_open1(a);
	if (open != ARCHIVE_OK && open != ARCHIVE_WARN && maybe)
		rc = BUNDLE_PLAIN;
	else if (open != ARCHIVE_OK && open != ARCHIVE_WARN)
		stopped(b, a, &s);
	else
		rc = walk(b, a, &s, maybe, e);
	if (rc == 0 && !b->stop)
		rc = bundle_links(b, s.rd.len, e);
	if (b->container[0] == '\0')
		name_container(b, a, &s);
	archive_read_free(a);
	return rc;
}

bool
bundle_archived(struct rd r)
{
	struct source s = {.rd = r};
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	bool seen;

	if (a == NULL || !enable(a) ||
	    archive_read_set_callback_data(a, &s) != ARCHIVE_OK)
		BUG("libarchive lacks a filter or format");
	seen = archive_read_open1(a) >= ARCHIVE_WARN &&
	       archive_read_next_header(a, &entry) >= ARCHIVE_WARN &&
	       archive_format(a) != 0;
	archive_read_free(a);
	return seen;
}

int
bundle_archive_single(
    struct bundle *b, struct rd r, const char *name, struct err *e)
{
	struct source s = {.rd = r};
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	struct member m;
	int rc = 0;

	if (a == NULL || !enable_filters(a) ||
	    archive_read_support_format_raw(a) != ARCHIVE_OK ||
	    archive_read_set_callback_data(a, &s) != ARCHIVE_OK)
		BUG("libarchive lacks a filter or format");
	b->ended = false;
	if (archive_read_open1(a) < ARCHIVE_WARN ||
	    archive_read_next_header(a, &entry) < ARCHIVE_WARN)
		bundle_find(b, FINDING_ARCHIVE_TRUNCATED, name, "%s",
		    bundle_why(a, r).text);
	else if (archive_filter_count(a) == 2 &&
		 bundle_admit(b, name, S_IFREG | 0644, &m))
		rc = take_file(b, a, &s, m.path, -1, e);
	archive_read_free(a);
	return rc;
}
