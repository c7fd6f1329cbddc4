/* SPDX-License-Identifier: MIT
 * Databases of SQLite (studies of Optuna, runs of MLflow, registries): texts and
 * blobs of the rows, which programs hand to pickle.loads().  The file format is
 * that of sqlite.org/fileformat2: leaves of tables (page type 13) hold rows, each
 * a header of serial types and the values, long ones in a chain of pages.  Pages
 * are read wherever they are, so that rows of tables that were dropped are too.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"

#include "audit/check_base64.h"
#include "base/arena.h"
#include "formats/identify_probe.h"

#include <strings.h>

#define FIRST_PAGE 100 /* bytes of the file's header, on the first page */
#define LEAF       13
#define LEAF_HEAD  8
#define LONGEST    ((uint64_t)256 << 20)

struct database {
	const struct check_file *f;
	struct rd all;
	size_t page;   /* bytes of one */
	size_t usable; /* of these */
	size_t room;   /* of the page's, that rows have not had */
	size_t odd;    /* rows that contradict the format */
};

/* 1 to 9 bytes, the highest bits first; 0: cut off. */
static size_t
varint(const uint8_t *p, size_t len, uint64_t *out)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len && i < 9; i++) {
		if (i == 8) {
			*out = v << 8 | p[i];
			return 9;
		}
		v = v << 7 | (p[i] & 0x7f);
		if ((p[i] & 0x80) == 0) {
			*out = v;
			return i + 1;
		}
	}
	return 0;
}

/* Bytes of a value of that serial type. */
static uint64_t
width(uint64_t type)
{
	static const uint8_t fixed[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};

	return type < ARRAY_LEN(fixed) ? fixed[type] : (type - 12) / 2;
}

/* A text may be an encoded pickle, a blob any file. */
/* A trigger or view of the schema that loads a library or writes files when somebody
 * changes or reads a row (lang_corefunc.html, the shell's own functions). */
static void
trigger(const struct database *d, const uint8_t *p, size_t len, uint64_t off)
{
	static const char *const calls[] = {"load_extension(", "writefile(",
	    "readfile(", "edit(", "fts3_tokenizer("};

	if (len < 12 || strncasecmp((const char *)p, "CREATE ", 7) != 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (memmem(p, len, calls[i], strlen(calls[i])) != NULL)
			check_find(d->f, FINDING_COMMAND_DANGEROUS, off,
			    "the schema calls '%s'", calls[i]);
}

static void
value(struct database *d, uint64_t type, const uint8_t *p, size_t len)
{
	uint64_t off = (uint64_t)(p - d->all.base);
	struct identify_bids bids;
	char name[64];

	/* one that was put together stands nowhere in the file */
	if (p < d->all.base || p >= d->all.base + d->all.len)
		off = 0;
	if (type % 2 == 1) {
		trigger(d, p, len, off);
		check_base64(d->f, (struct slice){p, len}, off);
		return;
	}
	identify(rd_mem(p, len), &bids);
	if (len < 4 || bids.n == 0 || bids.bits[0] < IDENTIFY_STRONG)
		return;
	snprintf(name, sizeof(name), "blob at %" PRIu64, off);
	check_within(d->f, name, rd_mem(p, len));
}

static bool
record(struct database *d, const uint8_t *p, size_t len)
{
	uint64_t head = 0, type = 0;
	size_t at = varint(p, len, &head), from = head;

	if (at == 0 || head > len)
		return false;
	while (at < head) {
		size_t n = varint(p + at, (size_t)head - at, &type);

		if (n == 0 || width(type) > len - from)
			return false;
		if (type >= 12)
			value(d, type, p + from, (size_t)width(type));
		from += (size_t)width(type);
		at += n;
	}
	return true;
}

/* The rest of a row from the pages that follow each other by their numbers. */
static bool
follow(const struct database *d, uint32_t number, uint8_t *out, size_t left)
{
	while (left != 0) {
		size_t at = (size_t)(number - 1) * d->page;
		size_t n = MIN(left, d->usable - 4);

		if (number == 0 || at > d->all.len || d->all.len - at < d->page)
			return false;
		memcpy(out, d->all.base + at + 4, n);
		number = rd_big(d->all.base + at, 4);
		out += n;
		left -= n;
	}
	return true;
}

/* How much of a payload stands on the leaf (fileformat2, 1.6). */
static size_t
local(const struct database *d, uint64_t payload)
{
	uint64_t most = d->usable - 35,
		 least = (d->usable - 12) * 32 / 255 - 23;
	uint64_t k = least + (payload - least) % (d->usable - 4);

	if (payload <= most)
		return (size_t)payload;
	return (size_t)(k <= most ? k : least);
}

static bool
row(struct database *d, const uint8_t *p, size_t len)
{
	uint64_t payload = 0, id = 0;
	size_t n = varint(p, len, &payload), m = 0, here;
	struct arena a;
	uint8_t *whole;
	bool good = false;

	if (n != 0)
		m = varint(p + n, len - n, &id);
	if (m == 0 || payload > LONGEST)
		return false;
	p += n + m;
	len -= n + m;
	here = local(d, payload);
	/* rows do not share bytes: a page of one and the same row, thousands of
	 * times, would be read as often */
	if (here > d->room)
		return false;
	d->room -= here;
	if (here == payload)
		return here <= len && record(d, p, here);
	if (here + 4 > len || !check_spend(d->f, payload))
		return false;
	arena_init(&a, (size_t)payload + 64);
	if ((whole = arena_alloc(&a, (size_t)payload, 1)) != NULL) {
		memcpy(whole, p, here);
		good = follow(d, rd_big(p + here, 4), whole + here,
			   (size_t)payload - here) &&
		       record(d, whole, (size_t)payload);
	}
	arena_release(&a);
	return good;
}

static void
leaf(struct database *d, const uint8_t *page, size_t head)
{
	size_t n = rd_big(page + head + 3, 2);

	d->room = d->usable;
	for (size_t i = 0; i < n; i++) {
		size_t at = head + LEAF_HEAD + 2 * i, cell;

		if (at + 2 > d->usable) {
			d->odd++;
			return;
		}
		cell = rd_big(page + at, 2);
		if (cell >= d->usable || !row(d, page + cell, d->usable - cell))
			d->odd++;
	}
}

void
check_sqlite(const struct check_file *f)
{
	struct database d = {.f = f, .all = f->bytes};
	size_t size;

	if (!check_is(f, "sqlite"))
		return;
	check_knows(f);
	if (f->bytes.len < FIRST_PAGE) {
		check_short(f, FINDING_CONFIG_INVALID, ERR_NOWHERE,
		    "a database that is cut off");
		return;
	}
	size = rd_big(f->bytes.base + 16, 2);
	d.page = size == 1 ? 65536 : size;
	d.usable = d.page - f->bytes.base[20];
	if (d.page < 512 || (d.page & (d.page - 1)) != 0 || d.usable < 480) {
		check_short(f, FINDING_CONFIG_INVALID, 16,
		    "a database whose pages have no size");
		return;
	}
	for (size_t at = 0; f->bytes.len - at >= d.page; at += d.page) {
		size_t head = at == 0 ? FIRST_PAGE : 0;

		if (f->bytes.base[at + head] == LEAF)
			leaf(&d, f->bytes.base + at, head);
	}
	if (d.odd != 0 || f->bytes.len % d.page != 0)
		check_short(f, FINDING_CONFIG_INVALID, ERR_NOWHERE,
		    "a database that is cut off, or has %zu rows that "
		    "contradict its format",
		    d.odd);
}
