/* SPDX-License-Identifier: MIT */
#include "audit/check_tail.h"

bool
check_tail_is_padding(const uint8_t *p, size_t len)
{
	size_t i = 0;

	while (i < len && (p[i] == 0 || strchr(" \t\r\n", p[i]) != NULL))
		i++;
	return i == len;
}

/* What would be loaded or run, beyond doubt. */
static const struct identify_format *
serious(const struct identify_bids *b)
{
	for (size_t i = 0; i < b->n; i++) {
		enum identify_kind k = b->bid[i]->kind;

		if (b->bits[i] >= IDENTIFY_STRONG &&
		    (k == KIND_ARCHIVE || k == KIND_CODE || k == KIND_MODEL))
			return b->bid[i];
	}
	return NULL;
}

/* A shell reads on behind what it does not understand: blank lines before an
 * interpreter line hide it from nobody. */
static struct rd
script(struct rd r)
{
	size_t i = 0;

	while (i < r.len && (r.base[i] == '\n' || r.base[i] == '\r' ||
				r.base[i] == ' ' || r.base[i] == '\t'))
		i++;
	return rd_has(r, i, "#!/", 3) ? rd_mem(r.base + i, r.len - i) : r;
}

static bool
look(const struct check_file *f, uint64_t from, bool any)
{
	const struct identify_format *what;
	struct identify_bids bids;
	char name[64];
	struct rd rest;

	/* blocks are filled with zeros */
	while (from < f->bytes.len && f->bytes.base[from] == 0)
		from++;
	if (from >= f->bytes.len || check_tail_is_padding(f->bytes.base + from,
					f->bytes.len - (size_t)from))
		return false;
	rest = rd_mem(f->bytes.base + from, f->bytes.len - (size_t)from);
	rest = script(rest);
	identify(rest, &bids);
	what = serious(&bids);
	if (!any && (what == NULL || identify_find(&bids, "zip") != NULL))
		return false;
	check_find(f,
	    what != NULL ? FINDING_FILE_APPENDED : FINDING_FILE_TRAILING, from,
	    "%zu bytes, %s", rest.len,
	    what != NULL        ? what->summary
	    : bids.best != NULL ? bids.best->summary
				: "of no known format");
	snprintf(name, sizeof(name), "bytes at %" PRIu64, from);
	check_within(f, name, rest);
	return true;
}

bool
check_tail(const struct check_file *f, uint64_t from)
{
	return look(f, from, true);
}

bool
check_tail_serious(const struct check_file *f, uint64_t from)
{
	return look(f, from, false);
}
