/* SPDX-License-Identifier: MIT
 * What no directory accounts for.  An honest archive leaves nothing but
 * padding; what hides there is found by some readers (those that search for
 * another end record, or go from header to header) and not by others.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_zip_part.h"

#include "base/limits.h"

#define END_SIZE 22

static int
by_place(const void *a, const void *b)
{
	const struct check_zip_span *x = a, *y = b;

	if (x->from != y->from)
		return (x->from > y->from) - (x->from < y->from);
	return (x->to > y->to) - (x->to < y->to);
}

typedef void on_gap(struct check_zip *, uint64_t from, uint64_t to);

/* Call for every stretch that no span covers; spans may be added meanwhile,
 * they count the next time. */
static void
each_gap(struct check_zip *z, on_gap *call)
{
	size_t n = z->spans.len / sizeof(struct check_zip_span);
	struct buf copy = {0};
	const struct check_zip_span *s;
	uint64_t at = 0;

	buf_append(&copy, z->spans.ptr, z->spans.len);
	s = (const struct check_zip_span *)(void *)copy.ptr;
	if (n != 0)
		qsort(copy.ptr, n, sizeof(*s), by_place);
	for (size_t i = 0; i < n; i++) {
		if (s[i].from > at)
			call(z, at, MIN(s[i].from, z->file.len));
		at = MAX(at, s[i].to);
	}
	if (at < z->file.len)
		call(z, at, z->file.len);
	buf_free(&copy);
}

/* The next "PK" and two bytes at or behind `at`, or `to`. */
static uint64_t
next_sig(const struct check_zip *z, uint64_t at, uint64_t to, const char *sig)
{
	const uint8_t *base = z->file.base, *p;

	if (at >= to)
		return to;
	p = memmem(base + at, (size_t)(to - at), sig, 4);
	return p != NULL ? (uint64_t)(p - base) : to;
}

/* --- end records --------------------------------------------------------- */

static void
ends_in(struct check_zip *z, uint64_t from, uint64_t to)
{
	uint64_t at = from;

	while ((at = next_sig(z, at, to, "PK\5\6")) < to) {
		if (!check_zip_end(z, at))
			break;
		if (z->nend++ == 0)
			z->first_end = at;
		else if (z->nend == 2)
			check_tell_find(&z->tell, FINDING_ZIP_ENDS, at,
			    "a second end record; the other is at %" PRIu64,
			    z->first_end);
		at += 4;
	}
}

/* The one that most readers take: the last of the file. */
static void
last_end(struct check_zip *z)
{
	size_t len = z->file.len;
	size_t least =
	    len > END_SIZE + UINT16_MAX ? len - END_SIZE - UINT16_MAX : 0;

	for (size_t at = len < END_SIZE ? 0 : len - END_SIZE + 1; at-- > least;)
		if (z->file.base[at] == 'P' && check_zip_end(z, at)) {
			z->nend = 1;
			z->first_end = at;
			return;
		}
}

void
check_zip_ends(struct check_zip *z)
{
	last_end(z);
	each_gap(z, ends_in);
	if (z->nend == 0)
		check_tell_short(&z->tell, FINDING_ARCHIVE_TRUNCATED,
		    z->file.len, "there is no end of a directory");
}

/* --- headers and bytes --------------------------------------------------- */

static bool
all_same(const uint8_t *p, size_t n)
{
	return n < 2 || memcmp(p, p + 1, n - 1) == 0;
}

/* Zeros, or one byte over and over, are padding. */
static void
bytes_in(struct check_zip *z, uint64_t from, uint64_t to)
{
	size_t n = (size_t)(to - from);
	enum finding_id id = FINDING_ZIP_GAP;
	char name[64];

	if (n == 0 || all_same(z->file.base + from, n))
		return;
	if (from == 0 && z->behind)
		return;
	if (from == 0)
		id = FINDING_ZIP_PREFIX;
	else if (to == z->file.len)
		id = FINDING_ZIP_SUFFIX;
	check_tell_find(&z->tell, id, from, "%zu bytes", n);
	snprintf(name, sizeof(name), "bytes at %" PRIu64, from);
	check_within(z->f, name, rd_mem(z->file.base + from, n));
}

/* Headers that no directory lists: a reader that streams finds them. */
static void
ground_in(struct check_zip *z, uint64_t from, uint64_t to)
{
	uint64_t at = from, loose = from;

	while ((at = next_sig(z, at, to, "PK\3\4")) < to) {
		struct check_zip_entry e = {.at = ERR_NOWHERE, .local_at = at};
		size_t i = check_zip_count(z);

		if (i >= LIMIT_ZIP_ENTRIES || !check_zip_local(z, &e)) {
			at += 4;
			continue;
		}
		bytes_in(z, loose, at);
		/* sizes that follow: up to the next header at most */
		if ((e.local.flags & ZIP_LATER) != 0 && e.local.packed == 0) {
			e.end = next_sig(z, e.data, to, "PK\3\4");
			e.local.packed = MAX(e.end, e.data) - e.data;
		}
		e.end = MIN(e.end, to);
		buf_append(&z->entries, &e, sizeof(e));
		at = loose = MAX(e.end, MIN(e.data, to));
	}
	bytes_in(z, loose, to);
}

void
check_zip_ground(struct check_zip *z)
{
	if (z->comment != 0) {
		check_zip_cover(z, z->comment, z->file.len);
		check_within(z->f, "comment",
		    rd_mem(z->file.base + z->comment,
			z->file.len - (size_t)z->comment));
	}
	each_gap(z, ground_in);
}
