/* SPDX-License-Identifier: MIT
 * What the headers of a zip say, and whether they agree.  Readers go by one
 * or the other of them, so that a difference shows each another archive.
 */
#define _XOPEN_SOURCE 700 /* S_IFMT */
#include "audit/check_zip_part.h"

#include "audit/check_names.h"
#include "base/limits.h"
#include "base/text.h"

#include <sys/stat.h>
#include <zlib.h>

#define EXTRA_UNICODE 0x7075 /* Info-ZIP: the name in UTF-8 */
#define FLAG_UTF8     0x0800
#define REFUSED       (ZIP_ENCRYPTED | ZIP_PATCHED | ZIP_STRONG | ZIP_MASKED)

static bool
same(struct slice a, struct slice b)
{
	return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* --- one header against the other ---------------------------------------- */

/* A size or checksum that follows the data stands as zero before them. */
static bool
differs(uint64_t local, uint64_t central, bool later)
{
	return local != central && !(later && local == 0);
}

static void
compare(struct check_zip *z, const struct check_zip_entry *e)
{
	const struct check_zip_head *c = &e->central, *l = &e->local;
	const char *name = c->text;
	bool later = (l->flags & ZIP_LATER) != 0;

	if (!same(c->name, l->name))
		check_tell_find(&z->tell, FINDING_ZIP_HEADERS, e->local_at,
		    "'%.200s' is called '%.200s' by its own header", name,
		    l->text);
	if (c->method != l->method)
		check_tell_find(&z->tell, FINDING_ZIP_HEADERS, e->local_at,
		    "'%.200s': compression method %u in the directory, %u in "
		    "its own header",
		    name, c->method, l->method);
	if (((c->flags ^ l->flags) & (REFUSED | ZIP_LATER)) != 0)
		check_tell_find(&z->tell, FINDING_ZIP_HEADERS, e->local_at,
		    "'%.200s': flags %#x in the directory, %#x in its own "
		    "header",
		    name, c->flags, l->flags);
	if (differs(l->packed, c->packed, later) ||
	    differs(l->size, c->size, later) || differs(l->crc, c->crc, later))
		check_tell_find(&z->tell, FINDING_ZIP_HEADERS, e->local_at,
		    "'%.200s': sizes or checksum are not those of its own "
		    "header",
		    name);
}

/* A second name that readers of Info-ZIP's field use (its version, the CRC
 * of the first name, UTF-8). */
static void
second_name(struct check_zip *z, const struct check_zip_head *h, uint64_t at)
{
	struct rd r = rd_mem(h->extra.ptr, h->extra.len), field;
	uint16_t id = 0, len = 0;
	uint32_t crc = 0;
	struct slice name;

	while (rd_u16le(&r, &id) == 0 && rd_u16le(&r, &len) == 0 &&
	       rd_sub(&r, len, &field) == 0) {
		if (id != EXTRA_UNICODE || rd_skip(&field, 1) != 0 ||
		    rd_u32le(&field, &crc) != 0 ||
		    rd_bytes(&field, rd_left(&field), &name) != 0 ||
		    crc != crc32_z(0, h->name.ptr, h->name.len))
			continue;
		/* one that only says in UTF-8 what was in another code */
		if (!same(name, h->name) &&
		    text_utf8_valid((const char *)h->name.ptr, h->name.len))
			check_tell_find(&z->tell, FINDING_ZIP_HEADERS, at,
			    "'%.200s' has a second name, '%.200s'", h->text,
			    check_zip_name(z, name));
	}
}

/* --- names --------------------------------------------------------------- */

static void
entry_of(const struct check_zip_head *h, struct check_names_entry *out)
{
	*out = (struct check_names_entry){
	    .name = h->text, .coded = (h->flags & FLAG_UTF8) == 0};
}

/* Some readers end a name at a zero byte, others do not. */
static void
judge_zero(struct check_zip *z, const struct check_zip_head *h, uint64_t at)
{
	if (memchr(h->name.ptr, '\0', h->name.len) != NULL)
		check_tell_find(&z->tell, FINDING_ARCHIVE_NAME, at,
		    "'%.200s' goes on behind a zero byte", h->text);
}

static void
judge_name(struct check_zip *z, const struct check_zip_head *h, uint64_t at)
{
	struct check_names_entry n;

	entry_of(h, &n);
	n.at = at;
	judge_zero(z, h, at);
	check_names_judge(&z->tell, &z->arena, &n);
}

/* What a link's bytes say, when they are short and not compressed. */
static const char *
target_of(struct check_zip *z, const struct check_zip_entry *e)
{
	const struct check_zip_head *h = &e->central;

	if (!S_ISLNK(e->mode))
		return NULL;
	if (e->data == ERR_NOWHERE || h->method != 0 || h->packed == 0 ||
	    h->packed > LIMIT_NAME || h->packed > z->file.len - e->data)
		return "?\\"; /* unknown: not inside */
	return check_zip_name(
	    z, (struct slice){z->file.base + e->data, (size_t)h->packed});
}

/* --- one entry ----------------------------------------------------------- */

static void
judge_place(struct check_zip *z, const struct check_zip_entry *e)
{
	const struct check_zip_head *h =
	    e->at != ERR_NOWHERE ? &e->central : &e->local;
	const char *name = h->text;
	uint64_t at = e->at != ERR_NOWHERE ? e->at : e->local_at;

	if (h->damaged || (e->data != ERR_NOWHERE && e->local.damaged))
		check_tell_short(&z->tell, FINDING_ZIP_DAMAGED, at,
		    "'%.200s': an extra field is damaged", name);
	if (e->data == ERR_NOWHERE)
		check_tell_short(&z->tell, FINDING_ZIP_DAMAGED, at,
		    "'%.200s' has no header where it is said to be", name);
	else if (h->packed > z->file.len - e->data)
		check_tell_short(&z->tell, FINDING_ZIP_DAMAGED, at,
		    "'%.200s' claims %" PRIu64 " bytes, %" PRIu64 " are left",
		    name, h->packed, z->file.len - e->data);
}

static void
judge_entry(struct check_zip *z, const struct check_zip_entry *e)
{
	judge_place(z, e);
	if (e->at == ERR_NOWHERE) {
		/* of a file that was cut off, all are */
		if (z->nend != 0)
			check_tell_find(&z->tell, FINDING_ZIP_ORPHAN,
			    e->local_at, "'%.200s'", e->local.text);
		judge_name(z, &e->local, e->local_at);
		return;
	}
	judge_zero(z, &e->central, e->at);
	second_name(z, &e->central, e->at);
	if (e->data == ERR_NOWHERE)
		return;
	compare(z, e);
	second_name(z, &e->local, e->local_at);
	if (!same(e->central.name, e->local.name))
		judge_name(z, &e->local, e->local_at);
}

/* --- all entries of one directory ---------------------------------------- */

static void
judge_names(struct check_zip *z, size_t directory)
{
	struct check_names names;

	check_names_init(&names, &z->tell, &z->arena);
	for (size_t i = 0; i < check_zip_count(z); i++) {
		const struct check_zip_entry *e = check_zip_nth(z, i);
		struct check_names_entry n;

		if (e->at == ERR_NOWHERE || e->directory != directory)
			continue;
		entry_of(&e->central, &n);
		n.at = e->at;
		n.mode = e->mode;
		n.link = target_of(z, e);
		check_names_add(&names, &n);
	}
}

static void
judge_bomb(struct check_zip *z, size_t directory)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < check_zip_count(z); i++) {
		const struct check_zip_entry *e = check_zip_nth(z, i);

		if (e->at != ERR_NOWHERE && e->directory == directory &&
		    ckd_add(&sum, sum, e->central.size))
			sum = UINT64_MAX;
	}
	if (sum > LIMIT_INSPECT_FREE && sum / LIMIT_INSPECT_RATIO > z->file.len)
		check_tell_find(&z->tell, FINDING_ZIP_BOMB, ERR_NOWHERE,
		    "%" PRIu64 " bytes of a file of %zu", sum, z->file.len);
}

static int
by_entry(const void *a, const void *b)
{
	const struct check_zip_entry *x = *(struct check_zip_entry *const *)a;
	const struct check_zip_entry *y = *(struct check_zip_entry *const *)b;

	if (x->directory != y->directory)
		return (x->directory > y->directory) -
		       (x->directory < y->directory);
	return (x->local_at > y->local_at) - (x->local_at < y->local_at);
}

/* Two entries that share bytes: one of them is hidden in the other, or they
 * are many times as large when expanded (D. Fifield, "A better zip bomb"). */
static void
judge_overlap(struct check_zip *z)
{
	const struct check_zip_entry **list, *e;
	size_t n = check_zip_count(z), k = 0;
	uint64_t to = 0, directory = 0;

	list = arena_alloc(&z->arena, n + 1, sizeof(*list));
	if (list == NULL) {
		check_tell_short(&z->tell, FINDING_FILE_LIMIT, ERR_NOWHERE,
		    "too many entries to see which overlap");
		return;
	}
	for (size_t i = 0; i < n; i++)
		if ((e = check_zip_nth(z, i))->at != ERR_NOWHERE &&
		    e->data != ERR_NOWHERE)
			list[k++] = e;
	if (k < 2)
		return;
	qsort(list, k, sizeof(*list), by_entry);
	for (size_t i = 0; i < k; i++) {
		if (directory != list[i]->directory)
			to = 0;
		directory = list[i]->directory;
		if (list[i]->local_at < to)
			check_tell_find(&z->tell, FINDING_ZIP_OVERLAP,
			    list[i]->local_at,
			    "'%.200s' begins within another entry",
			    list[i]->central.text);
		to = MAX(to, list[i]->end);
	}
}

void
check_zip_judge(struct check_zip *z)
{
	for (size_t i = 0; i < check_zip_count(z); i++)
		judge_entry(z, check_zip_nth(z, i));
	for (size_t k = 0; k < z->ndirectory; k++) {
		judge_names(z, k);
		judge_bomb(z, k);
	}
	judge_overlap(z);
}
