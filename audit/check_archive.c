/* SPDX-License-Identifier: MIT
 * Archives that libarchive reads, from memory, member by member, never to
 * disk; zips are check_zip.c's.  Only the format that the bytes are of is
 * switched on, so that they cannot pass for another.
 */
#define _XOPEN_SOURCE 700 /* S_IFMT */
#include "audit/check_names.h"
#include "audit/check_source.h"
#include "audit/check_tail.h"
#include "base/limits.h"
#include "formats/bundle_why.h"
#include "formats/zip.h"

#include <sys/stat.h>

struct kind {
	const char *format; /* of formats/identify.def */
	int (*enable)(struct archive *);
	int (*filter)(struct archive *); /* what it is wrapped in, or NULL */
	bool ends; /* bytes behind its end can be told from padding */
};

static const struct kind kinds[] = {
    {"tar", archive_read_support_format_tar, NULL, true},
    {"7z", archive_read_support_format_7zip, NULL, false},
    {"cpio", archive_read_support_format_cpio, NULL, false},
    {"ar", archive_read_support_format_ar, NULL, false},
    {"rpm", archive_read_support_format_cpio, archive_read_support_filter_rpm,
	false},
    {"rar", archive_read_support_format_rar, NULL, false},
    {"rar5", archive_read_support_format_rar5, NULL, false},
    {"iso9660", archive_read_support_format_iso9660, NULL, false},
    {"cab", archive_read_support_format_cab, NULL, false},
    {"xar", archive_read_support_format_xar, NULL, false},
    {"lha", archive_read_support_format_lha, NULL, false},
};

struct walk {
	const struct check_file *f;
	struct check_tell tell;
	struct arena arena;
	struct check_names names;
	struct check_source source;
	struct archive *a;
	size_t members;
	bool ended; /* with the bytes of the last member */
};

static const char *
reason(struct archive *a)
{
	const char *s = archive_error_string(a);

	return s != NULL ? s : "damaged";
}

static const char *
or_none(const char *utf8, const char *raw)
{
	return utf8 != NULL ? utf8 : raw;
}

static void
describe(struct archive_entry *entry, struct check_names_entry *n)
{
	*n = (struct check_names_entry){
	    .at = ERR_NOWHERE, .mode = (unsigned)archive_entry_mode(entry)};
	n->name = or_none(
	    archive_entry_pathname_utf8(entry), archive_entry_pathname(entry));
	if (n->name == NULL)
		n->name = "\xff"; /* no text at all */
	n->link = or_none(
	    archive_entry_hardlink_utf8(entry), archive_entry_hardlink(entry));
	if (n->link != NULL)
		n->mode = 0;
	else if (S_ISLNK(n->mode))
		n->link = or_none(archive_entry_symlink_utf8(entry),
		    archive_entry_symlink(entry));
}

/*
 * Whether a tar ends behind a member's last byte, before its padding: so does
 * what umoci writes, and Go's archive/tar, by which layers of images are
 * unpacked, reads it.  What was cut off may end there, too, but no byte of a
 * member is missing then.
 */
static bool
unpadded(const struct walk *w, int64_t size, size_t got)
{
	return check_is(w->f, "tar") && size >= 0 && (uint64_t)size == got &&
	       w->f->bytes.len % 512 == got % 512;
}

static void
take_data(struct walk *w, const char *name, int64_t size)
{
	struct check_expanded x;
	struct rd bytes;

	check_source_data(w->f, w->a, &w->source, &x, &bytes);
	if (x.end == EXPAND_DAMAGED && unpadded(w, size, bytes.len))
		w->ended = true;
	else if (x.end == EXPAND_DAMAGED)
		check_tell_short(&w->tell, FINDING_ARCHIVE_TRUNCATED,
		    ERR_NOWHERE, "'%.200s': %s", name, reason(w->a));
	if (bytes.len != 0)
		check_within(w->f, name, bytes);
	check_expand_free(&x);
}

static void
take_entry(struct walk *w, struct archive_entry *entry)
{
	struct check_names_entry n;
	const char *name;

	describe(entry, &n);
	check_names_add(&w->names, &n);
	name =
	    arena_strdup(&w->arena, n.name, strnlen(n.name, LIMIT_MEMBER_NAME));
	if (name == NULL || *name == '\0')
		name = "(no name)";
	if (archive_entry_is_encrypted(entry))
		check_tell_short(&w->tell, FINDING_ARCHIVE_ENCRYPTED,
		    ERR_NOWHERE, "'%.200s'", name);
	else if ((n.mode & S_IFMT) == 0 || S_ISREG(n.mode))
		take_data(w, name,
		    archive_entry_size_is_set(entry) ? archive_entry_size(entry)
						     : -1);
}

static void
tell_stopped(struct walk *w)
{
	struct bundle_why why = bundle_why(w->a, w->f->bytes);

	check_tell_short(&w->tell, why.id, ERR_NOWHERE, "after %zu members: %s",
	    w->members, why.text);
}

static void
walk(struct walk *w)
{
	struct archive_entry *entry;
	int rc;

	while ((rc = archive_read_next_header(w->a, &entry)) != ARCHIVE_EOF) {
		if (rc < ARCHIVE_WARN)
			tell_stopped(w);
		if (rc == ARCHIVE_FATAL || rc == ARCHIVE_RETRY)
			return;
		if (++w->members > LIMIT_ZIP_ENTRIES) {
			check_tell_short(&w->tell, FINDING_FILE_LIMIT,
			    ERR_NOWHERE, "more than %d members",
			    LIMIT_ZIP_ENTRIES);
			return;
		}
		if (rc >= ARCHIVE_WARN)
			take_entry(w, entry);
		if (w->ended)
			return;
	}
}

/* 7zFormat.txt: 12 bytes, then 20 that say where the header is, and of both a
 * checksum.  7-Zip refuses wrong ones, libarchive 3.6 does not look. */
static void
check_seven_sums(const struct check_file *f)
{
	struct rd r = f->bytes, header;
	uint32_t sum, header_sum;
	uint64_t off, len;
	struct slice start;

	r.off = 0;
	if (rd_skip(&r, 8) != 0 || rd_u32le(&r, &sum) != 0 ||
	    rd_bytes(&r, 20, &start) != 0)
		return; /* libarchive says that it is cut */
	if (zip_crc(start.ptr, start.len) != sum)
		check_short(f, FINDING_ARCHIVE_TRUNCATED, 8,
		    "the checksum of the 7z start header is wrong");
	header = rd_mem(start.ptr, start.len);
	if (rd_u64le(&header, &off) == 0 && rd_u64le(&header, &len) == 0 &&
	    rd_u32le(&header, &header_sum) == 0 && rd_skip(&r, off) == 0 &&
	    rd_sub(&r, len, &header) == 0 &&
	    zip_crc(header.base, header.len) != header_sum)
		check_short(f, FINDING_ARCHIVE_TRUNCATED, 32 + off,
		    "the checksum of the 7z header is wrong");
}

static void
look(const struct check_file *f, const struct kind *k)
{
	struct walk w = {.f = f,
	    .tell = {.f = f},
	    .source = {.bytes = rd_mem(f->bytes.base, f->bytes.len)}};
	uint64_t end = UINT64_MAX;

	check_knows(f);
	arena_init(&w.arena, LIMIT_INSPECT_NAMES);
	check_names_init(&w.names, &w.tell, &w.arena);
	w.a = check_source_open(&w.source);
	if (k->enable(w.a) < ARCHIVE_WARN ||
	    (k->filter != NULL && k->filter(w.a) < ARCHIVE_WARN))
		BUG("libarchive lacks a format");
	if (archive_read_open1(w.a) >= ARCHIVE_WARN) {
		walk(&w);
		if (archive_filter_bytes(w.a, -1) > 0)
			end = (uint64_t)archive_filter_bytes(w.a, -1);
	} else {
		check_short(f, FINDING_ARCHIVE_TRUNCATED, ERR_NOWHERE, "%s",
		    reason(w.a));
	}
	check_tell_rest(&w.tell);
	archive_read_free(w.a);
	arena_release(&w.arena);
	if (k->ends)
		check_tail(f, end);
	if (k->enable == archive_read_support_format_7zip)
		check_seven_sums(f);
}

void
check_archive(const struct check_file *f)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (check_is(f, kinds[i].format))
			look(f, &kinds[i]);
}
