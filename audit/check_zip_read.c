/* SPDX-License-Identifier: MIT
 * End records, directories and headers as they stand (APPNOTE 4.3.7 to
 * 4.3.16); what they say is judged elsewhere.
 */
#include "audit/check_zip_part.h"

#include "audit/check_embed.h"

#include "base/limits.h"

#define SIG_END64     0x06064b50
#define SIG_LOCATOR64 0x07064b50
#define SIG_LATER     0x08074b50
#define END_SIZE      22
#define END64_SIZE    56
#define LOCATOR_SIZE  20
#define EXTRA_ZIP64   0x0001

size_t
check_zip_count(const struct check_zip *z)
{
	return z->entries.len / sizeof(struct check_zip_entry);
}

struct check_zip_entry *
check_zip_nth(const struct check_zip *z, size_t i)
{
	return (struct check_zip_entry *)(void *)z->entries.ptr + i;
}

bool
check_zip_signed(
    const struct check_zip *z, uint64_t at, uint32_t sig, struct rd *out)
{
	uint32_t got = 0;

	*out = z->file;
	return at < z->file.len && rd_skip(out, at) == 0 &&
	       rd_u32le(out, &got) == 0 && got == sig;
}

void
check_zip_cover(struct check_zip *z, uint64_t from, uint64_t to)
{
	struct check_zip_span s = {from, MAX(from, to)};

	buf_append(&z->spans, &s, sizeof(s));
}

/* --- headers ------------------------------------------------------------- */

/* Sizes and offset that do not fit 32 bits (4.5.3), in this order. */
static void
take_zip64(struct check_zip_head *h, uint64_t *local_at)
{
	uint64_t *const want[] = {&h->size, &h->packed, local_at};
	struct rd extra = rd_mem(h->extra.ptr, h->extra.len), field;
	uint16_t id = 0, len = 0;
	bool needs = false, found = false;

	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		needs |= want[i] != NULL && *want[i] == UINT32_MAX;
	while (needs && !found && rd_u16le(&extra, &id) == 0 &&
	       rd_u16le(&extra, &len) == 0 && rd_sub(&extra, len, &field) == 0)
		found = id == EXTRA_ZIP64;
	for (size_t i = 0; found && i < ARRAY_LEN(want); i++)
		if (want[i] != NULL && *want[i] == UINT32_MAX &&
		    rd_u64le(&field, want[i]) != 0)
			h->damaged = true;
	h->damaged |= needs && !found;
}

/* From flags to sizes, which both headers have alike (behind the version). */
static int
take_common(
    struct rd *r, struct check_zip_head *h, uint16_t *nname, uint16_t *nextra)
{
	uint32_t packed = 0, size = 0;
	int rc;

	rc = rd_u16le(r, &h->flags) != 0 || rd_u16le(r, &h->method) != 0 ||
	     rd_skip(r, 4) != 0 || rd_u32le(r, &h->crc) != 0 ||
	     rd_u32le(r, &packed) != 0 || rd_u32le(r, &size) != 0 ||
	     rd_u16le(r, nname) != 0 || rd_u16le(r, nextra) != 0;
	h->packed = packed;
	h->size = size;
	return rc;
}

/* The size of the data descriptor (4.3.9) behind `end`: with or without a
 * signature, sizes of 4 or 8 bytes. */
static uint64_t
later(const struct check_zip *z, const struct check_zip_head *h, uint64_t end)
{
	uint64_t packed = 0, size = 0, n = 12;
	struct rd r;

	if (check_zip_signed(z, end, SIG_LATER, &r)) {
		n += 4;
	} else {
		r = z->file;
		if (rd_skip(&r, end) != 0)
			return 0;
	}
	if (rd_skip(&r, 4) == 0 && rd_u64le(&r, &packed) == 0 &&
	    rd_u64le(&r, &size) == 0 && packed == h->packed && size == h->size)
		n += 8;
	return MIN(n, z->file.len - end);
}

bool
check_zip_local(struct check_zip *z, struct check_zip_entry *e)
{
	const struct check_zip_head *h = &e->central;
	uint16_t nname = 0, nextra = 0;
	struct rd r;

	e->data = ERR_NOWHERE;
	if (!check_zip_signed(z, e->local_at, ZIP_LOCAL_SIG, &r) ||
	    rd_skip(&r, 2) != 0 ||
	    take_common(&r, &e->local, &nname, &nextra) != 0 ||
	    rd_bytes(&r, nname, &e->local.name) != 0 ||
	    rd_bytes(&r, nextra, &e->local.extra) != 0)
		return false;
	take_zip64(&e->local, NULL);
	/* most have one name in both headers, and keep it once */
	if (e->at != ERR_NOWHERE && e->central.name.len == nname &&
	    memcmp(e->central.name.ptr, e->local.name.ptr, nname) == 0)
		e->local.text = e->central.text;
	else
		e->local.text = check_zip_name(z, e->local.name);
	e->data = r.off;
	if (e->at == ERR_NOWHERE)
		h = &e->local;
	e->end = e->data + MIN(h->packed, rd_left(&r));
	if ((e->local.flags & ZIP_LATER) != 0 &&
	    (e->at != ERR_NOWHERE || h->packed != 0))
		e->end += later(z, h, e->end);
	return true;
}

/* --- directories --------------------------------------------------------- */

static bool
take_central(struct check_zip *z, struct rd *r, struct check_zip_entry *e)
{
	uint16_t nname = 0, nextra = 0, ncomment = 0, made = 0;
	uint32_t sig = 0, attr = 0, local_at = 0;
	struct slice comment;

	*e = (struct check_zip_entry){.at = r->off, .directory = z->ndirectory};
	if (rd_u32le(r, &sig) != 0 || sig != ZIP_CENTRAL_SIG ||
	    rd_u16le(r, &made) != 0 || rd_skip(r, 2) != 0 ||
	    take_common(r, &e->central, &nname, &nextra) != 0 ||
	    rd_u16le(r, &ncomment) != 0 || rd_skip(r, 4) != 0 ||
	    rd_u32le(r, &attr) != 0 || rd_u32le(r, &local_at) != 0 ||
	    rd_bytes(r, nname, &e->central.name) != 0 ||
	    rd_bytes(r, nextra, &e->central.extra) != 0 ||
	    rd_bytes(r, ncomment, &comment) != 0) {
		r->off = (size_t)e->at;
		return false;
	}
	/* both, whatever their readers make of them */
	check_embed_in(z->f, rd_mem(e->central.extra.ptr, nextra), e->at);
	check_embed_in(z->f, rd_mem(comment.ptr, ncomment), e->at);
	e->local_at = local_at;
	take_zip64(&e->central, &e->local_at);
	e->central.text = check_zip_name(z, e->central.name);
	/* miniz and zipfile look at these bits whatever system made it */
	e->mode = attr >> 16;
	return true;
}

/* One more directory; false when it was read before, or is one too many. */
static bool
fresh(struct check_zip *z, uint64_t at)
{
	for (size_t i = 0; i < z->ndirectory; i++)
		if (z->directory[i] == at)
			return false;
	if (z->ndirectory == ARRAY_LEN(z->directory)) {
		check_tell_short(&z->tell, FINDING_FILE_LIMIT, at,
		    "more than %zu zip directories", ARRAY_LEN(z->directory));
		return false;
	}
	z->directory[z->ndirectory] = at;
	return true;
}

/*
 * Entries from `at` on, as long as there are some: readers stop after `n` or
 * after `size` bytes, whichever they go by.  Local headers are `shift` bytes
 * behind where they are said to be.
 */
static void
read_directory(
    struct check_zip *z, uint64_t at, uint64_t stop, uint64_t shift, uint64_t n)
{
	struct check_zip_entry e;
	uint64_t seen = 0;
	struct rd r = z->file;

	if (!fresh(z, at) || rd_skip(&r, at) != 0)
		return;
	r.len = (size_t)MIN(stop, r.len);
	for (; rd_left(&r) != 0 && take_central(z, &r, &e); seen++) {
		if (check_zip_count(z) == LIMIT_ZIP_ENTRIES) {
			check_tell_short(&z->tell, FINDING_FILE_LIMIT, e.at,
			    "more than %d entries", LIMIT_ZIP_ENTRIES);
			break;
		}
		if (ckd_add(&e.local_at, e.local_at, shift))
			e.local_at = ERR_NOWHERE;
		if (check_zip_local(z, &e))
			check_zip_cover(z, e.local_at, e.end);
		buf_append(&z->entries, &e, sizeof(e));
	}
	z->ndirectory++;
	check_zip_cover(z, at, r.off);
	if (seen != n)
		check_tell_find(&z->tell, FINDING_ZIP_COUNT, at,
		    "the end record says %" PRIu64 " entries, the directory "
		    "has %" PRIu64,
		    n, seen);
	if (rd_left(&r) != 0)
		check_tell_short(&z->tell, FINDING_ZIP_DAMAGED, r.off,
		    "no entry of the directory, but %zu bytes before its end",
		    rd_left(&r));
}

/* --- end records --------------------------------------------------------- */

struct end {
	uint64_t n, size, off;
};

/*
 * The directory of an end record that begins at `stop`.  Readers take it from
 * the offset that is stated, or `size` bytes before the record and shift all
 * other offsets likewise (zipfile, for archives behind something else).
 */
static bool
read_end(struct check_zip *z, const struct end *end, uint64_t stop)
{
	uint64_t at = stop - end->size;
	bool any = false;
	struct rd r;

	if (end->size == 0 && end->n == 0)
		return end->off <= stop; /* an empty archive */
	if (end->size <= stop && check_zip_signed(z, at, ZIP_CENTRAL_SIG, &r)) {
		if (end->off > at || (end->off < at && !z->behind))
			check_tell_find(&z->tell,
			    end->off > at ? FINDING_ZIP_COUNT
					  : FINDING_ZIP_PREFIX,
			    at, "the directory is said to be at %" PRIu64,
			    end->off);
		/* modulo 2^64: a directory earlier than stated, too */
		read_directory(z, at, stop, at - end->off, end->n);
		any = true;
	}
	if (end->off < stop && end->off != at &&
	    check_zip_signed(z, end->off, ZIP_CENTRAL_SIG, &r)) {
		if (!any)
			check_tell_find(&z->tell, FINDING_ZIP_COUNT, stop,
			    "the directory is said to have %" PRIu64
			    " bytes, %" PRIu64 " are there",
			    end->size, stop - end->off);
		read_directory(z, end->off, stop, 0, end->n);
		any = true;
	}
	return any;
}

/* The 64-bit record of the end record at `at` (4.3.14, 4.3.15); where it is in
 * *start, or false. */
static bool
take_end64(struct check_zip *z, uint64_t at, struct end *out, uint64_t *start)
{
	uint64_t stated = 0, from[2];
	struct rd r;

	if (at < LOCATOR_SIZE ||
	    !check_zip_signed(z, at - LOCATOR_SIZE, SIG_LOCATOR64, &r) ||
	    rd_skip(&r, 4) != 0 || rd_u64le(&r, &stated) != 0)
		return false;
	from[0] = stated;
	from[1] = at - LOCATOR_SIZE >= END64_SIZE
		      ? at - LOCATOR_SIZE - END64_SIZE
		      : stated;
	for (size_t i = 0; i < ARRAY_LEN(from); i++) {
		if (!check_zip_signed(z, from[i], SIG_END64, &r) ||
		    rd_skip(&r, 28) != 0 || rd_u64le(&r, &out->n) != 0 ||
		    rd_u64le(&r, &out->size) != 0 ||
		    rd_u64le(&r, &out->off) != 0)
			continue;
		*start = from[i];
		if (stated != from[i])
			check_tell_find(&z->tell, FINDING_ZIP_PREFIX, at,
			    "the zip64 end record is not where it is said to "
			    "be");
		check_zip_cover(z, from[i], at);
		return true;
	}
	check_tell_find(&z->tell, FINDING_ZIP_DAMAGED, at,
	    "there is no zip64 end record where one is said to be");
	return false;
}

static bool
disagree(const struct end *a, const struct end *wide)
{
	return (a->n != UINT16_MAX && a->n != wide->n) ||
	       (a->size != UINT32_MAX && a->size != wide->size) ||
	       (a->off != UINT32_MAX && a->off != wide->off);
}

bool
check_zip_end(struct check_zip *z, uint64_t at)
{
	uint16_t disk[2] = {0}, n[2] = {0}, comment = 0;
	uint32_t size = 0, off = 0;
	struct end end, wide;
	uint64_t start = at;
	bool any;
	struct rd r;

	if (!check_zip_signed(z, at, ZIP_END_SIG, &r) ||
	    rd_u16le(&r, &disk[0]) != 0 || rd_u16le(&r, &disk[1]) != 0 ||
	    rd_u16le(&r, &n[0]) != 0 || rd_u16le(&r, &n[1]) != 0 ||
	    rd_u32le(&r, &size) != 0 || rd_u32le(&r, &off) != 0 ||
	    rd_u16le(&r, &comment) != 0)
		return false;
	end = (struct end){n[1], size, off};
	if (n[0] != n[1] || disk[0] != disk[1])
		check_tell_find(&z->tell, FINDING_ZIP_COUNT, at,
		    "the end record speaks of several disks");
	if (take_end64(z, at, &wide, &start)) {
		any = read_end(z, &wide, start);
		if (disagree(&end, &wide)) {
			check_tell_find(&z->tell, FINDING_ZIP_ENDS, at,
			    "the end record and the zip64 end record "
			    "disagree");
			any |= read_end(z, &end, at);
		}
	} else {
		any = read_end(z, &end, at);
	}
	if (!any)
		check_tell_short(&z->tell, FINDING_ZIP_DAMAGED, at,
		    "the end record leads to no directory");
	check_zip_cover(z, at, at + END_SIZE);
	if (comment != 0 && rd_left(&r) == comment)
		z->comment = r.off;
	if (any && rd_left(&r) < comment)
		check_tell_short(&z->tell, FINDING_ZIP_DAMAGED, at,
		    "the comment ends behind the file");
	return true;
}
