/* SPDX-License-Identifier: MIT
 * Pickles and compressed streams behind a few bytes of somebody's own header (a
 * length, a magic, a version), and deflate without any header: in a file that no reader
 * here knows, or of which only the beginning is known.  What a stream expands to
 * is looked at when it is something that is loaded or run.
 */
#include "audit/check_expand.h"
#include "base/text.h"
#include "formats/identify_probe.h"

#define FURTHEST 64 /* bytes before a stream */
#define RAW_MOST                                                               \
	16 /* the same of one without a header, of which any may be one */
#define RAW_TAIL 16 /* bytes behind it: a checksum, a size */

static unsigned
gzip(struct rd r)
{
	return RD_HAS(r, 0, "\x1f\x8b\x08") && r.len > 18 &&
		       (r.base[3] & 0xe0) == 0
		   ? 24
		   : 0;
}

static unsigned
xz(struct rd r)
{
	return RD_HAS(r, 0,
		   "\xfd"
		   "7zXZ\0")
		   ? 48
		   : 0;
}

static unsigned
bzip2(struct rd r)
{
	return RD_HAS(r, 0, "BZh") && RD_HAS(r, 4, "1AY&SY") ? 64 : 0;
}

static const struct {
	const char *name;
	unsigned (*probe)(struct rd);
	void (*expand)(
	    const struct check_file *, struct rd, struct check_expanded *);
} streams[] = {
    {"gzip", gzip, check_expand_gzip},
    {"zlib", identify_archive_zlib, check_expand_zlib},
    {"xz", xz, check_expand_xz},
    {"lzma", identify_archive_lzma, check_expand_lzma},
    {"bzip2", bzip2, check_expand_bzip2},
};

static bool
is_serious(struct rd r)
{
	struct identify_bids bids;

	identify(r, &bids);
	for (size_t i = 0; i < bids.n; i++)
		if (bids.bits[i] >= IDENTIFY_STRONG &&
		    (bids.bid[i]->kind == KIND_MODEL ||
			bids.bid[i]->kind == KIND_CODE ||
			bids.bid[i]->kind == KIND_ARCHIVE))
			return true;
	return false;
}

/* That a part of the file was read says nothing of the rest. */
static bool
look(const struct check_file *f, const char *how, size_t at, struct rd r)
{
	bool analysed = f->sink->analysed;
	char name[64];

	if (r.len < 2 || !is_serious(r))
		return false;
	snprintf(name, sizeof(name), "%s at %zu", how, at);
	check_within(f, name, r);
	f->sink->analysed = analysed;
	return true;
}

static bool
headed(const struct check_file *f, size_t at)
{
	struct rd r = rd_mem(f->bytes.base + at, f->bytes.len - at);

	/* a pickle of protocol 2 or later to its end, or an older one that
	 * begins with a name, is no chance */
	if ((r.base[0] == 0x80 && identify_pickle(r) >= 48) ||
	    (r.base[0] == 'c' && identify_pickle(r) >= 24))
		return look(f, "pickle", at, r);
	for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
		struct check_expanded x;
		bool found;

		if (streams[i].probe(r) == 0)
			continue;
		streams[i].expand(f, r, &x);
		found = look(
		    f, streams[i].name, at, rd_mem(x.bytes.ptr, x.bytes.len));
		check_expand_free(&x);
		if (found)
			return true;
	}
	return false;
}

/* By chance a few bytes expand; not all of them, to the end of the file. */
static bool
raw(const struct check_file *f, size_t at)
{
	struct rd r = rd_mem(f->bytes.base + at, f->bytes.len - at);
	struct check_expanded x;
	bool found;

	check_expand_deflate(f, r, &x);
	found = x.end == EXPAND_WHOLE && r.len - x.used <= RAW_TAIL &&
		look(f, "deflate", at, rd_mem(x.bytes.ptr, x.bytes.len));
	check_expand_free(&x);
	return found;
}

static bool
is_unknown(const struct check_file *f)
{
	return f->bids->n == 0 || check_is(f, "julia") || check_is(f, "bson") ||
	       check_is(f, "torch7");
}

void
check_buried(const struct check_file *f)
{
	bool found = false;

	if (!is_unknown(f))
		return;
	for (size_t at = 1; at + 8 < f->bytes.len && at <= FURTHEST && !found;
	     at++)
		found = headed(f, at);
	for (size_t at = 0; at + 8 < f->bytes.len && at <= RAW_MOST && !found;
	     at++)
		found = raw(f, at);
}
