/* SPDX-License-Identifier: MIT
 * Tar headers as they stand, beside what libarchive makes of them: sizes and
 * names that stand in two places, of which readers take one or the other.  A
 * reader that takes a header's own size where another takes that of the
 * extended header goes on in the middle of a member, where another archive may
 * be (CVE-2025-62518).  POSIX pax, "ustar Interchange Format" and "pax
 * Extended Header".
 */
#include "audit/check_names.h"
#include "base/limits.h"

#define BLOCK 512
/* Sizes that do not fit the header's eleven octal digits. */
#define OCTAL_MAX ((uint64_t)1 << 33)

struct pax {
	bool has_size, has_path;
	uint64_t size;
	struct slice path;
};

struct tar {
	const struct check_file *f;
	struct check_tell tell;
	struct rd r;
	struct pax pax;         /* of the next member */
	struct slice long_name; /* GNU's, of the next member */
	bool split;             /* another reading was handed on */
	size_t members;
};

static uint64_t
octal(const uint8_t *p, size_t n)
{
	uint64_t v = 0;
	size_t i = 0;

	/* GNU: 256 to the base, marked in the first byte */
	if ((p[0] & 0x80) != 0) {
		for (v = p[0] & 0x3f, i = 1; i < n; i++)
			v = v << 8 | p[i];
		return v;
	}
	while (i < n && p[i] == ' ')
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++)
		v = v * 8 + (uint64_t)(p[i] - '0');
	return v;
}

static bool
sum_is_right(const uint8_t *h)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : h[i];
	return sum == octal(h + 148, 8);
}

static bool
zero(const uint8_t *h)
{
	return h[0] == 0 && memcmp(h, h + 1, BLOCK - 1) == 0;
}

/* --- extended headers ---------------------------------------------------- */

static bool
decimal(struct slice s, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9' || *out > UINT64_MAX / 16)
			return false;
		*out = *out * 10 + (uint64_t)(s.ptr[i] - '0');
	}
	return s.len != 0;
}

static bool
is_key(struct slice line, const char *key, struct slice *value)
{
	size_t n = strlen(key);

	if (line.len < n + 1 || memcmp(line.ptr, key, n) != 0 ||
	    line.ptr[n] != '=')
		return false;
	*value = (struct slice){line.ptr + n + 1, line.len - n - 1};
	return true;
}

static void
take_record(struct tar *t, struct slice line, uint64_t at)
{
	struct slice value;
	uint64_t n;

	if (is_key(line, "size", &value) && decimal(value, &n)) {
		if (t->pax.has_size && t->pax.size != n)
			check_tell_find(&t->tell, FINDING_TAR_HEADERS, at,
			    "two sizes in one extended header");
		t->pax.has_size = true;
		t->pax.size = n;
	} else if (is_key(line, "path", &value)) {
		if (t->pax.has_path)
			check_tell_find(&t->tell, FINDING_TAR_HEADERS, at,
			    "two names in one extended header");
		if (memchr(value.ptr, '\0', value.len) != NULL)
			check_tell_find(&t->tell, FINDING_ARCHIVE_NAME, at,
			    "a name goes on behind a zero byte");
		t->pax.has_path = true;
		t->pax.path = value;
	}
}

/*
 * A record for all members that follow.  Python's tarfile and others give them
 * all its name, size or target; libarchive goes by the members' own.
 */
static void
take_global(struct tar *t, struct slice line, uint64_t at)
{
	static const char *const keys[] = {
	    "path", "linkpath", "size", "GNU.sparse.name"};
	struct check_names_entry e = {.at = at};
	struct arena a;
	struct slice value;
	size_t i = 0;

	while (i < ARRAY_LEN(keys) && !is_key(line, keys[i], &value))
		i++;
	if (i == ARRAY_LEN(keys))
		return;
	check_tell_find(&t->tell, FINDING_TAR_HEADERS, at,
	    "'%s' in an extended header for all members", keys[i]);
	if (strcmp(keys[i], "size") == 0)
		return;
	arena_init(&a, 2 * value.len + 4096);
	e.name = arena_strdup(&a, (const char *)value.ptr, value.len);
	if (e.name != NULL)
		check_names_judge(&t->tell, &a, &e);
	arena_release(&a);
}

/* Records "LENGTH KEY=VALUE\n", the length of all of it. */
static void
take_pax(struct tar *t, struct rd r,
    void (*take)(struct tar *, struct slice, uint64_t))
{
	while (rd_left(&r) != 0 && r.base[r.off] != 0) {
		uint64_t len = 0, at = rd_pos(&r);
		size_t digits = 0;
		struct slice s;

		while (digits < 12 && digits < rd_left(&r) &&
		       r.base[r.off + digits] >= '0' &&
		       r.base[r.off + digits] <= '9')
			len = len * 10 +
			      (uint64_t)(r.base[r.off + digits++] - '0');
		if (digits == 0 || len < digits + 2 ||
		    rd_bytes(&r, len, &s) != 0 || s.ptr[digits] != ' ' ||
		    s.ptr[s.len - 1] != '\n') {
			check_tell_find(&t->tell, FINDING_TAR_HEADERS, at,
			    "an extended header is damaged");
			return;
		}
		take(t, (struct slice){s.ptr + digits + 1, s.len - digits - 2},
		    at);
	}
}

/* --- members ------------------------------------------------------------- */

static void
next_size(struct tar *t, uint64_t own, uint64_t at)
{
	uint64_t pad = (BLOCK - own % BLOCK) % BLOCK;
	struct rd r = t->r;

	if (!t->pax.has_size || t->pax.size == own ||
	    (own == 0 && t->pax.size >= OCTAL_MAX))
		return;
	check_tell_find(&t->tell, FINDING_TAR_HEADERS, at,
	    "%" PRIu64 " bytes by the extended header, %" PRIu64
	    " by the member's own",
	    t->pax.size, own);
	/* where a reader goes on that takes the other size, once */
	if (t->split || rd_skip(&r, own) != 0 || rd_skip(&r, pad) != 0)
		return;
	t->split = true;
	check_within(
	    t->f, "by the other size", rd_mem(r.base + r.off, rd_left(&r)));
}

static void
names(struct tar *t, uint64_t at)
{
	const struct slice *p = &t->pax.path, *l = &t->long_name;

	if (t->pax.has_path && l->len != 0 &&
	    (p->len != l->len || memcmp(p->ptr, l->ptr, l->len) != 0))
		check_tell_find(&t->tell, FINDING_TAR_HEADERS, at,
		    "two names, by GNU's and by the extended header");
}

/* The member behind its header; ERR_* at the end of what can be read. */
static int
member(struct tar *t, const uint8_t *h, uint64_t at)
{
	uint64_t own = octal(h + 124, 12), size = own;
	char type = (char)h[156];
	struct rd body;
	int rc;

	if (type == 'x' || type == 'L' || type == 'K' || type == 'g') {
		if ((rc = rd_sub(&t->r, own, &body)) != 0)
			return rc;
		if (type == 'x' || type == 'g')
			take_pax(
			    t, body, type == 'x' ? take_record : take_global);
		if (type == 'L')
			t->long_name = (struct slice){body.base,
			    strnlen((const char *)body.base, body.len)};
		return rd_skip(&t->r, (BLOCK - own % BLOCK) % BLOCK);
	}
	next_size(t, own, at);
	names(t, at);
	if (t->pax.has_size)
		size = t->pax.size;
	/* links, devices and folders have no data */
	if (type >= '1' && type <= '6')
		size = 0;
	t->pax = (struct pax){0};
	t->long_name = (struct slice){0};
	t->members++;
	if ((rc = rd_skip(&t->r, size)) != 0)
		return rc;
	return rd_skip(&t->r, (BLOCK - size % BLOCK) % BLOCK);
}

/*
 * Two blocks of zeros end it (pax, "ustar Interchange Format").  GNU's and BSD's
 * tar, Python's and Go's read what has one of them or none without a word, or
 * with one (GNU: "A lone zero block"), and writers in Go leave them out: what is
 * not there was no member.  Bytes that are not zero and no whole block were.
 */
static void
ends(const struct tar *t)
{
	struct rd r = t->r;
	struct slice rest;

	if (rd_bytes(&r, MIN(rd_left(&r), BLOCK), &rest) != 0)
		return;
	for (size_t i = 0; i < rest.len; i++)
		if (rest.ptr[i] != 0) {
			check_short(t->f, FINDING_ARCHIVE_TRUNCATED,
			    rd_pos(&t->r), "%zu bytes where a header should be",
			    rest.len);
			return;
		}
}

void
check_tar(const struct check_file *f)
{
	struct tar t = {.f = f, .tell = {.f = f}, .r = f->bytes};
	struct slice h;

	if (!check_is(f, "tar"))
		return;
	t.r.off = 0;
	/* what is damaged or cut off, libarchive says */
	while (t.members < LIMIT_ZIP_ENTRIES) {
		uint64_t at = t.r.off;

		if (rd_bytes(&t.r, BLOCK, &h) != 0 || zero(h.ptr)) {
			t.r.off = (size_t)at;
			ends(&t);
			break;
		}
		if (!sum_is_right(h.ptr)) {
			check_short(f, FINDING_ARCHIVE_TRUNCATED, at,
			    "no tar header where one should be");
			break;
		}
		if (member(&t, h.ptr, at) != 0)
			break;
	}
	check_tell_rest(&t.tell);
}
