/* SPDX-License-Identifier: MIT */
#include "audit/check.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"

/*
 * Two bids that are more than guesses and not of one family: each reader takes
 * the file for something else, and a scanner sees only one of the two.
 */
void
check_polyglot(const struct check_file *f)
{
	const struct identify_bids *b = f->bids;

	for (size_t i = 1; i < b->n; i++) {
		size_t k = 0;

		while (k < i && !identify_related(b->bid[i], b->bid[k]))
			k++;
		if (k < i || b->bits[i] < IDENTIFY_STRONG)
			continue;
		check_find(f, FINDING_FORMAT_POLYGLOT, ERR_NOWHERE, "%s and %s",
		    b->bid[0]->name, b->bid[i]->name);
	}
}

void
check_unknown(const struct check_file *f)
{
	/* of the thousand tensors in one archive, one line is enough */
	if (f->bids->n == 0 && f->depth != 0)
		f->sink->unknown++;
	else if (f->bids->n == 0)
		check_find(f, FINDING_FILE_UNKNOWN, ERR_NOWHERE, "%s",
		    f->bytes.len == 0 ? "empty file" : "no known format");
}

const struct check check_table[CHECK_COUNT] = {
#define CHECK(id, name, text) [CHECK_##id] = {name, text, check_##id},
#include "audit/check.def"
#undef CHECK
};

/* --- what checks call ---------------------------------------------------- */

const char *
check_name_of(const struct check_file *f)
{
	return file_base(f->member != NULL ? f->member : f->path);
}

bool
check_is(const struct check_file *f, const char *format)
{
	return identify_find(f->bids, format) != NULL;
}

/* A file of a million bad members is not worth a million lines. */
static bool
keep(struct check_sink *s, enum finding_id id)
{
	return ++s->found[finding_table[id].severity] <= LIMIT_FILE_FINDINGS;
}

/* Of this severity and worse ones. */
static size_t
dropped(const struct check_sink *s, enum finding_severity from)
{
	size_t n = 0;

	for (size_t i = from; i < ARRAY_LEN(s->found); i++)
		n += s->found[i] - MIN(s->found[i], LIMIT_FILE_FINDINGS);
	return n;
}

/* That a pickle of a thousand tensors is a thousand pickles leaves nothing
 * open; findings that a person should see do. */
static void
say_dropped(struct check_sink *s, const char *path)
{
	size_t n = dropped(s, SEVERITY_NOTE);
	bool serious = dropped(s, SEVERITY_MEDIUM) != 0;

	if (n == 0)
		return;
	s->complete = s->complete && !serious;
	json_add(s->findings,
	    finding_json(serious ? FINDING_FILE_LIMIT : FINDING_FILE_MORE, path,
		ERR_NOWHERE, "%zu findings more", n));
}

static void PRINTF_LIKE(5, 0)
    find(const struct check_file *f, enum finding_id id, const char *tensor,
	uint64_t offset, const char *fmt, va_list ap)
{
	struct finding_place at = {.path = f->path,
	    .member = f->member,
	    .tensor = tensor,
	    .offset = offset};

	if (keep(f->sink, id))
		json_add(f->sink->findings, finding_json_va(id, &at, fmt, ap));
}

void
check_find(const struct check_file *f, enum finding_id id, uint64_t offset,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	find(f, id, NULL, offset, fmt, ap);
	va_end(ap);
}

void
check_find_tensor(const struct check_file *f, enum finding_id id,
    const char *tensor, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	find(f, id, tensor, ERR_NOWHERE, fmt, ap);
	va_end(ap);
}

void
check_short(const struct check_file *f, enum finding_id id, uint64_t offset,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	find(f, id, NULL, offset, fmt, ap);
	va_end(ap);
	f->sink->complete = false;
}

void
check_knows(const struct check_file *f)
{
	f->sink->analysed = true;
}

bool
check_spend(const struct check_file *f, uint64_t n)
{
	struct check_sink *s = f->sink;
	uint64_t most = LIMIT_INSPECT_BYTES;

	if (s->size < most / LIMIT_INSPECT_RATIO)
		most = MAX(LIMIT_INSPECT_FREE, s->size * LIMIT_INSPECT_RATIO);
	if (n > most || s->expanded > most - n) {
		check_short(f, FINDING_FILE_LIMIT, ERR_NOWHERE,
		    "expands to more than %" PRIu64 " bytes", most);
		return false;
	}
	s->expanded += n;
	return true;
}

/* --- running them -------------------------------------------------------- */

static void
run(struct check_file *f, struct identify_bids *bids)
{
	identify(f->bytes, bids);
	f->bids = bids;
	for (size_t i = 0; i < CHECK_COUNT; i++)
		check_table[i].run(f);
}

void
check_bytes(struct check_sink *s, const char *path, struct rd bytes,
    struct identify_bids *bids)
{
	struct check_file f = {.path = path, .bytes = bytes, .sink = s};

	s->size = bytes.len;
	run(&f, bids);
	if (s->expanded > LIMIT_INSPECT_BOMB &&
	    s->expanded / LIMIT_INSPECT_BOMB_RATIO > s->size)
		check_find(&f, FINDING_FILE_BOMB, ERR_NOWHERE,
		    "%" PRIu64 " bytes and more of %" PRIu64, s->expanded,
		    s->size);
	if (s->unknown != 0)
		check_find(&f, FINDING_FILE_UNKNOWN, ERR_NOWHERE,
		    "%zu thing%s within of no known format", s->unknown,
		    s->unknown == 1 ? "" : "s");
	say_dropped(s, path);
}

void
check_within(const struct check_file *f, const char *name, struct rd bytes)
{
	struct check_file in = {.path = f->path,
	    .bytes = bytes,
	    .depth = f->depth + 1,
	    .sink = f->sink};
	struct identify_bids bids;
	struct arena a;

	if (in.depth > LIMIT_INSPECT_DEPTH) {
		check_short(f, FINDING_FILE_LIMIT, ERR_NOWHERE,
		    "more than %d levels within one another",
		    LIMIT_INSPECT_DEPTH);
		return;
	}
	if (++f->sink->members > LIMIT_INSPECT_MEMBERS) {
		if (f->sink->members == LIMIT_INSPECT_MEMBERS + 1)
			check_short(f, FINDING_FILE_LIMIT, ERR_NOWHERE,
			    "more than %d things within the file",
			    LIMIT_INSPECT_MEMBERS);
		return;
	}
	arena_init(&a, 4096);
	in.member = arena_printf(&a, "%.1500s%s%.1500s",
	    f->member != NULL ? f->member : "", f->member != NULL ? "/" : "",
	    name);
	run(&in, &bids);
	arena_release(&a);
}
