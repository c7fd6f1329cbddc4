/* SPDX-License-Identifier: MIT
 * Compressed streams: what they expand to is looked at as at a file, and so
 * is what stands behind them.
 */
#include "audit/check_embed.h"
#include "audit/check_source.h"
#include "audit/check_tail.h"
#include "base/text.h"

/* An extra field of 64 KiB, a name and a comment. */
#define HEADER_MAX ((size_t)80 << 10)

struct stream {
	const char *format;
	const char *suffix, *other; /* .tgz becomes .tar */
	/* NULL: a filter of libarchive */
	void (*expand)(
	    const struct check_file *, struct rd, struct check_expanded *);
	int filter;
};

static const struct stream streams[] = {
    {"gzip", ".gz", ".tgz", check_expand_gzip, 0},
    {"zlib", ".z", NULL, check_expand_zlib, 0},
    {"xz", ".xz", ".txz", check_expand_xz, 0},
    {"lzma", ".lzma", ".tlz", check_expand_lzma, 0},
    {"bzip2", ".bz2", ".tbz2", check_expand_bzip2, 0},
    {"zstd", ".zst", ".tzst", NULL, ARCHIVE_FILTER_ZSTD},
    {"lz4", ".lz4", NULL, check_expand_lz4, 0},
    {"lzip", ".lz", NULL, NULL, ARCHIVE_FILTER_LZIP},
    {"compress", ".Z", NULL, NULL, ARCHIVE_FILTER_COMPRESS},
};

/* What the content is called: "x.csv.gz" holds "x.csv". */
static void
name_within(
    const struct check_file *f, const struct stream *s, char *out, size_t size)
{
	const char *name = check_name_of(f);
	size_t n = strlen(name);

	if (n > strlen(s->suffix) && text_ends_with(name, s->suffix))
		snprintf(out, size, "%.*s", (int)(n - strlen(s->suffix)), name);
	else if (s->other != NULL && n > strlen(s->other) &&
		 text_ends_with(name, s->other))
		snprintf(
		    out, size, "%.*s.tar", (int)(n - strlen(s->other)), name);
	else
		snprintf(out, size, "expanded");
}

/* RFC 1952, 2.3: the extra field, and texts up to a zero; whatever is longer
 * than names and comments are is no header of a gzip. */
static void
header(const struct check_file *f)
{
	struct rd r = rd_mem(f->bytes.base, MIN(f->bytes.len, HEADER_MAX));

	if (RD_HAS(r, 0, "\x1f\x8b\x08") && r.len > 10 &&
	    (r.base[3] & 0x1c) != 0)
		check_embed_in(f, r, 0);
}

static void
look(const struct check_file *f, const struct stream *s)
{
	struct check_expanded x;
	char name[1024];

	check_knows(f);
	header(f);
	if (s->expand != NULL)
		s->expand(f, f->bytes, &x);
	else
		check_source_filter(f, s->filter, f->bytes, &x);
	if (x.end == EXPAND_DAMAGED || x.end == EXPAND_CUT)
		check_short(f, FINDING_ARCHIVE_TRUNCATED, x.used,
		    "the %s stream %s", s->format,
		    x.end == EXPAND_CUT ? "ends early" : "is damaged");
	name_within(f, s, name, sizeof(name));
	if (x.bytes.len != 0)
		check_within(f, name, rd_mem(x.bytes.ptr, x.bytes.len));
	check_expand_free(&x);
	/* gzip(1) ignores them, Python's gzip refuses the file */
	if (x.end == EXPAND_WHOLE && check_tail(f, x.used))
		check_short(f, FINDING_ARCHIVE_TRUNCATED, x.used,
		    "bytes behind the end of the %s stream", s->format);
}

void
check_stream(const struct check_file *f)
{
	for (size_t i = 0; i < ARRAY_LEN(streams); i++)
		if (check_is(f, streams[i].format))
			look(f, &streams[i]);
}
