/* SPDX-License-Identifier: MIT
 * Compressed streams: what they expand to is looked at as at a file, and so
 * is what stands behind them.
 */
#include "audit/check_source.h"
#include "audit/check_tail.h"
#include "base/file.h"
#include "base/text.h"

/* filters that are not libarchive's */
enum {
	GZIP = -1,
	ZLIB = -2,
	BZIP2 = -3,
	XZ = -4,
	LZMA = -5,
	LZ4 = -6
};

struct stream {
	const char *format;
	int filter;                 /* of libarchive, or one of the above */
	const char *suffix, *other; /* .tgz becomes .tar */
};

static const struct stream streams[] = {
    {"gzip", GZIP, ".gz", ".tgz"},
    {"zlib", ZLIB, ".z", NULL},
    {"xz", XZ, ".xz", ".txz"},
    {"lzma", LZMA, ".lzma", ".tlz"},
    {"bzip2", BZIP2, ".bz2", ".tbz2"},
    {"zstd", ARCHIVE_FILTER_ZSTD, ".zst", ".tzst"},
    {"lz4", LZ4, ".lz4", NULL},
    {"lzip", ARCHIVE_FILTER_LZIP, ".lz", NULL},
    {"compress", ARCHIVE_FILTER_COMPRESS, ".Z", NULL},
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

/* One gzip member after the other (RFC 1952 2.2): together one file. */
static void
gzip(const struct check_file *f, struct check_expanded *x)
{
	struct rd in = f->bytes;

	*x = (struct check_expanded){.end = EXPAND_CUT};
	while (x->used + 2 <= f->bytes.len && f->bytes.base[x->used] == 0x1f &&
	       f->bytes.base[x->used + 1] == 0x8b) {
		struct check_expanded one;
		bool ok;

		in = rd_mem(f->bytes.base + x->used, f->bytes.len - x->used);
		check_expand_inflate(f, in, EXPAND_GZIP, &one);
		buf_append(&x->bytes, one.bytes.ptr, one.bytes.len);
		x->used += one.used;
		x->end = one.end;
		ok = one.end == EXPAND_WHOLE;
		check_expand_free(&one);
		if (!ok)
			return;
	}
}

static void
expand(const struct check_file *f, const struct stream *s,
    struct check_expanded *x)
{
	struct check_source from = {
	    .part = {{f->bytes.base, f->bytes.len}}, .n = 1};

	if (s->filter == GZIP)
		gzip(f, x);
	else if (s->filter == ZLIB)
		check_expand_inflate(f, f->bytes, EXPAND_ZLIB, x);
	else if (s->filter == BZIP2)
		check_expand_bzip2(f, f->bytes, x);
	else if (s->filter == XZ)
		check_expand_xz(f, f->bytes, x);
	else if (s->filter == LZMA)
		check_expand_lzma(f, NULL, f->bytes, x);
	else if (s->filter == LZ4)
		check_expand_lz4(f, f->bytes, x);
	else
		check_source_filter(f, s->filter, &from, x);
}

static void
look(const struct check_file *f, const struct stream *s)
{
	struct check_expanded x;
	char name[1024];

	check_knows(f);
	expand(f, s, &x);
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
