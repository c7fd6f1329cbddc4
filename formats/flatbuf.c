/* SPDX-License-Identifier: MIT */
#include "formats/flatbuf.h"

#include <stdarg.h>

int
flatbuf_fail(struct flatbuf *f, int code, uint64_t at, const char *fmt, ...)
{
	char msg[sizeof(f->e->msg)];
	va_list ap;

	if (f->rc != 0)
		return f->rc;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return f->rc = err_set(f->e, code, at, "%s: %s", f->what, msg);
}

static uint64_t
load(const struct flatbuf *f, size_t at, size_t width)
{
	uint64_t v = 0;

	for (size_t k = width; k-- > 0;)
		v = v << 8 | f->r.base[at + k];
	return v;
}

static bool
inside(struct flatbuf *f, uint64_t at, uint64_t len)
{
	if (at > f->r.len || len > f->r.len - at)
		return false;
	f->end = MAX(f->end, (size_t)(at + len));
	return true;
}

static int64_t
sign(uint64_t v, size_t width)
{
	uint64_t top = (uint64_t)1 << (8 * width - 1);

	return width == 8 ? (int64_t)v : (int64_t)(v ^ top) - (int64_t)top;
}

static double
real(uint64_t bits)
{
	uint32_t raw = (uint32_t)bits;
	float v;

	memcpy(&v, &raw, sizeof(v));
	return (double)v;
}

/* --- tables -------------------------------------------------------------- */

/*
 * i32 at the table: how far in front of it its vtable is (behind it, when
 * negative).  vtable: u16 its own size, u16 the table's, u16 for each field.
 */
static struct flatbuf_table
table_at(struct flatbuf *f, uint64_t at)
{
	struct flatbuf_table t = {0};
	int64_t vtable;
	uint64_t bytes;

	if (f->rc != 0)
		return t;
	if (at == 0 || !inside(f, at, 4)) {
		flatbuf_fail(f, ERR_FORMAT, at, "a table outside the file");
		return t;
	}
	vtable = (int64_t)at - sign(load(f, (size_t)at, 4), 4);
	if (vtable < 0 || !inside(f, (uint64_t)vtable, 4)) {
		flatbuf_fail(f, ERR_FORMAT, at, "a vtable outside the file");
		return t;
	}
	bytes = load(f, (size_t)vtable, 2);
	t.size = (uint16_t)load(f, (size_t)vtable + 2, 2);
	if (bytes < 4 || bytes % 2 != 0 || !inside(f, (uint64_t)vtable, bytes))
		flatbuf_fail(f, ERR_FORMAT, (uint64_t)vtable,
		    "a vtable of %" PRIu64 " bytes", bytes);
	else if (t.size < 4 || !inside(f, at, t.size))
		flatbuf_fail(f, ERR_FORMAT, at, "a table of %u bytes", t.size);
	if (f->rc != 0)
		return (struct flatbuf_table){0};
	t.at = (size_t)at;
	t.vtable = (size_t)vtable;
	t.entries = (uint16_t)((bytes - 4) / 2);
	return t;
}

struct flatbuf_table
flatbuf_root(struct flatbuf *f, struct rd r, const char ident[4],
    const char *what, struct err *e)
{
	*f = (struct flatbuf){.r = r, .what = what, .e = e};
	if (r.len < 8 || memcmp(r.base + 4, ident, 4) != 0) {
		flatbuf_fail(f, ERR_FORMAT, 4, "no '%.4s' at 4", ident);
		return (struct flatbuf_table){0};
	}
	return table_at(f, load(f, 0, 4));
}

/* Where a field of `width` bytes is; 0: absent. */
static size_t
field(
    struct flatbuf *f, const struct flatbuf_table *t, unsigned i, size_t width)
{
	size_t off;

	if (f->rc != 0 || t->at == 0 || i >= t->entries)
		return 0;
	off = (size_t)load(f, t->vtable + 4 + 2 * (size_t)i, 2);
	if (off == 0)
		return 0;
	if (off < 4 || off > t->size || width > t->size - off) {
		flatbuf_fail(f, ERR_FORMAT, t->at,
		    "field %u at %zu of a table of %u bytes", i, off, t->size);
		return 0;
	}
	return t->at + off;
}

int64_t
flatbuf_i8(struct flatbuf *f, const struct flatbuf_table *t, unsigned i,
    int64_t absent)
{
	size_t at = field(f, t, i, 1);

	return at != 0 ? sign(load(f, at, 1), 1) : absent;
}

int64_t
flatbuf_i32(struct flatbuf *f, const struct flatbuf_table *t, unsigned i,
    int64_t absent)
{
	size_t at = field(f, t, i, 4);

	return at != 0 ? sign(load(f, at, 4), 4) : absent;
}

uint64_t
flatbuf_u32(struct flatbuf *f, const struct flatbuf_table *t, unsigned i,
    uint64_t absent)
{
	size_t at = field(f, t, i, 4);

	return at != 0 ? load(f, at, 4) : absent;
}

uint64_t
flatbuf_u64(struct flatbuf *f, const struct flatbuf_table *t, unsigned i,
    uint64_t absent)
{
	size_t at = field(f, t, i, 8);

	return at != 0 ? load(f, at, 8) : absent;
}

double
flatbuf_f32(
    struct flatbuf *f, const struct flatbuf_table *t, unsigned i, double absent)
{
	size_t at = field(f, t, i, 4);

	return at != 0 ? real(load(f, at, 4)) : absent;
}

struct flatbuf_table
flatbuf_table(struct flatbuf *f, const struct flatbuf_table *t, unsigned i)
{
	size_t at = field(f, t, i, 4);

	if (at == 0)
		return (struct flatbuf_table){0};
	return table_at(f, at + load(f, at, 4));
}

/* --- vectors ------------------------------------------------------------- */

struct flatbuf_vector
flatbuf_vector(struct flatbuf *f, const struct flatbuf_table *t, unsigned i,
    size_t width, size_t max)
{
	struct flatbuf_vector none = {.width = width};
	size_t at = field(f, t, i, 4);
	uint64_t to, n;

	if (at == 0)
		return none;
	to = at + load(f, at, 4);
	if (!inside(f, to, 4)) {
		flatbuf_fail(f, ERR_FORMAT, at, "a vector outside the file");
		return none;
	}
	n = load(f, (size_t)to, 4);
	if (!inside(f, to + 4, n * width))
		flatbuf_fail(f, ERR_TRUNCATED, to,
		    "a vector of %" PRIu64 " elements of %zu bytes, %zu bytes "
		    "are left",
		    n, width, f->r.len - (size_t)to - 4);
	else if (n > max)
		flatbuf_fail(f, ERR_LIMIT, to,
		    "a vector of %" PRIu64 " elements, the limit is %zu", n,
		    max);
	if (f->rc != 0)
		return none;
	return (struct flatbuf_vector){(size_t)to + 4, (size_t)n, width};
}

struct slice
flatbuf_text(
    struct flatbuf *f, const struct flatbuf_table *t, unsigned i, size_t max)
{
	struct flatbuf_vector v = flatbuf_vector(f, t, i, 1, max);

	if (v.at == 0)
		return (struct slice){0};
	if (!inside(f, v.at + v.n, 1) || f->r.base[v.at + v.n] != 0) {
		flatbuf_fail(f, ERR_FORMAT, v.at, "a string without an end");
		return (struct slice){0};
	}
	return flatbuf_bytes(f, &v);
}

struct flatbuf_table
flatbuf_item(struct flatbuf *f, const struct flatbuf_vector *v, size_t i)
{
	size_t at = v->at + 4 * i;

	if (f->rc != 0 || i >= v->n)
		return (struct flatbuf_table){0};
	return table_at(f, at + load(f, at, 4));
}

int64_t
flatbuf_int_at(
    const struct flatbuf *f, const struct flatbuf_vector *v, size_t i)
{
	return sign(load(f, v->at + v->width * i, v->width), v->width);
}

double
flatbuf_f32_at(
    const struct flatbuf *f, const struct flatbuf_vector *v, size_t i)
{
	return real(load(f, v->at + 4 * i, 4));
}

struct slice
flatbuf_bytes(const struct flatbuf *f, const struct flatbuf_vector *v)
{
	if (v->at == 0)
		return (struct slice){0};
	return (struct slice){f->r.base + v->at, v->n * v->width};
}
