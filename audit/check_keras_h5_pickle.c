/* SPDX-License-Identifier: MIT
 * Pickles in HDF5: PyTables, pandas and users of h5py keep objects as such, which
 * PyTables and pandas load by themselves.  They stand in attributes, in bytes,
 * text and opaque values, and in heaps: the global ones (values of variable length)
 * and the fractal ones (attributes of which an object has many or large ones,
 * messages that objects share; III.F, III.G).
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_keras_h5_part.h"

#include "audit/check_base64.h"
#include "audit/check_decode.h"
#include "base/limits.h"
#include "formats/hdf5_attr.h"
#include "formats/hdf5_data.h"
#include "formats/identify_probe.h"

/* Bytes of a dataset in chunks that are put together for a look, and elements
 * that are looked at one by one. */
#define DATA_MOST  ((uint64_t)64 << 20)
#define ELEMENTS   100000
#define TEXT_LEAST 24 /* letters of base64 */
#define WHOLE      48 /* evidence of a pickle that is read to its end */

static void
maybe_pickle(const struct check_file *f, const char *what, struct slice name,
    struct rd r)
{
	char shown[160];

	r = rd_mem(r.base + r.off, rd_left(&r));
	if (r.len < 2 || identify_pickle(r) == 0)
		return;
	snprintf(shown, sizeof(shown), "%s %.*s", what,
	    (int)MIN(name.len, (size_t)100), (const char *)name.ptr);
	check_within(f, shown, r);
}

/* Members of a compound value stand anywhere in it, and are of any type: a pickle
 * of protocol 2 and later shows by its first bytes and its end, a text by its
 * letters. */
static void
look_within(const struct check_file *f, const char *what, struct slice name,
    struct rd r, size_t width)
{
	size_t run;

	for (size_t i = 0; i + 1 < r.len; i += MAX(run, 1)) {
		size_t left = MIN(width - i % width, r.len - i);
		struct slice text = {r.base + i, left};
		struct rd here = rd_mem(r.base + i, left);

		run = 0;
		if (r.base[i] == 0x80 && identify_pickle(here) >= WHOLE)
			maybe_pickle(f, what, name, here);
		else if ((run = check_decode_base64_run(text)) >= TEXT_LEAST)
			check_base64(f, (struct slice){text.ptr, run}, i);
	}
}

/* --- attributes ---------------------------------------------------------- */

static void
attribute(const struct check_file *f, struct slice name, struct rd r)
{
	maybe_pickle(f, "attribute", name, r);
	r = rd_mem(r.base + r.off, rd_left(&r));
	if (r.len != 0 && identify_pickle(r) == 0)
		look_within(f, "attribute", name, r, r.len);
}

/* An attribute that is shared, or kept in a heap, is looked at there
 * (check_keras_h5_heaps) as bytes; whose it is, nobody says. */
static void
attributes(const struct check_file *f, const struct hdf5 *h,
    const struct hdf5_message *m)
{
	for (; m != NULL; m = m->next) {
		struct slice name;
		struct rd data;
		struct err e = {.off = ERR_NOWHERE};

		if (m->type != HDF5_ATTRIBUTE || m->shared)
			continue;
		if (hdf5_attr_bytes(h, m, &name, &data, &e) == 0)
			attribute(f, name, data);
		else
			check_keras_h5_unread(f, &e);
	}
}

/* --- data ---------------------------------------------------------------- */

struct data {
	const struct check_file *f;
	struct hdf5 *h;
	const char *name;
	struct hdf5_datatype type;
	struct tensor t;
};

/* The first of them, and where each element may hold an object, each. */
static void
look_at(const struct data *d, struct rd r)
{
	struct slice name = {(const uint8_t *)d->name, strlen(d->name)};
	size_t width = d->type.size, n = r.len / width;

	if (d->type.kind == HDF5_COMPOUND) {
		look_within(d->f, "data",
		    (struct slice){(const uint8_t *)d->name, strlen(d->name)},
		    r, width);
		return;
	}
	if (d->type.kind != HDF5_OPAQUE && d->type.kind != HDF5_TEXT)
		n = MIN(n, 1);
	for (size_t i = 0; i < MIN(n, ELEMENTS); i++) {
		size_t at = i * width;

		/* one of a row of bytes goes on behind its element */
		maybe_pickle(d->f, "data", name,
		    rd_mem(r.base + at, n == 1 || d->type.kind == HDF5_INTEGER
					    ? r.len - at
					    : width));
		if (d->type.kind == HDF5_TEXT)
			check_base64(d->f,
			    (struct slice){r.base + at,
				check_decode_base64_run(
				    (struct slice){r.base + at, width})},
			    at);
	}
}

/* Numbers are none, but bytes in a row may be; those of images are not put
 * together for that. */
static bool
may_hold(const struct data *d, bool chunked)
{
	if (d->type.kind == HDF5_INTEGER)
		return d->type.size == 1 && (!chunked || d->t.rank == 1);
	return d->type.kind == HDF5_TEXT || d->type.kind == HDF5_OPAQUE ||
	       d->type.kind == HDF5_COMPOUND;
}

/* Versions 1 and 2 of HDF5 before 1.6: rank and class, an address, no size
 * (IV.A.2.i).  Of these, data in one piece is looked at. */
static int
old_layout(const struct data *d, struct rd r, struct err *e)
{
	uint64_t at, start = rd_pos(&r);
	uint8_t rank, class;
	struct rd data;
	int rc;

	if (rd_u8(&r, &rank) != 0 || rd_u8(&r, &class) != 0 ||
	    rd_skip(&r, 5) != 0)
		return hdf5_object_cut(&r, "a layout", e);
	hdf5_object_expect(d->h, &r, rank <= 33 && class <= 2);
	if (class == 1) {
		if (hdf5_object_address(d->h, &r, &at) != 0)
			return hdf5_object_cut(&r, "a layout", e);
		if (at == HDF5_NOWHERE || d->t.size == 0)
			return 0;
		if ((rc = hdf5_object_at(d->h, at, "data", &r, e)) != 0)
			return rc;
		if (rd_sub(&r, d->t.size, &data) != 0)
			return hdf5_object_cut(&r, "a dataset", e);
		if (may_hold(d, false))
			look_at(d, data);
		return 0;
	}
	return may_hold(d, class == 2)
		   ? err_set(e, ERR_UNSUPPORTED, start,
			 "hdf5: a layout of version 1 or 2, not in one piece")
		   : 0;
}

/* A type with a name of its own (IV.A.2, "shared message", version 1 to 3): the
 * message is in the object at an address; in a heap of the file it is not
 * followed. */
static int
named_type(struct hdf5 *h, const struct hdf5_message **type, struct err *e)
{
	struct rd r = (*type)->body;
	struct hdf5_message *m;
	uint8_t version, kind;
	uint64_t at;
	int rc;

	if (!(*type)->shared)
		return 0;
	if (rd_u8(&r, &version) != 0 || rd_u8(&r, &kind) != 0 ||
	    rd_skip(&r, version == 1 ? 6 : 0) != 0 ||
	    hdf5_object_address(h, &r, &at) != 0)
		return hdf5_object_cut(&r, "a shared message", e);
	if (version == 3 && kind == 1)
		return err_set(e, ERR_UNSUPPORTED, rd_pos(&r),
		    "hdf5: a datatype in a heap that objects share");
	if ((rc = hdf5_object_read(h, at, &m, e)) != 0)
		return rc;
	*type = hdf5_object_find(m, HDF5_DATATYPE);
	if (*type == NULL || (*type)->shared)
		return err_set(
		    e, ERR_FORMAT, rd_pos(&r), "hdf5: a datatype that is none");
	return 0;
}

static int
describe(struct data *d, const struct hdf5_message *m, struct err *e)
{
	const struct hdf5_message *type = hdf5_object_find(m, HDF5_DATATYPE);
	const struct hdf5_message *space = hdf5_object_find(m, HDF5_SPACE);
	struct hdf5_space s;
	int rc;

	if (space == NULL || space->shared)
		return err_set(e, ERR_UNSUPPORTED, rd_pos(&type->body),
		    "hdf5: a dataset without dimensions of its own");
	if ((rc = named_type(d->h, &type, e)) != 0 ||
	    (rc = hdf5_object_datatype(type->body, &d->type, e)) != 0 ||
	    (rc = hdf5_object_space(d->h, space->body, &s, e)) != 0)
		return rc;
	d->t = (struct tensor){.dtype = DTYPE_U8, .rank = s.rank};
	memcpy(d->t.dim, s.dim, sizeof(d->t.dim));
	if (s.n != 0 && s.n > SIZE_MAX / d->type.size)
		return err_set(e, ERR_LIMIT, rd_pos(&space->body),
		    "hdf5: a dataset is too large");
	d->t.size = (size_t)s.n * d->type.size;
	return 0;
}

/*
 * Numbers in chunks hold nothing that is looked for: only whether the library can
 * read them (its tree, filters and checksums), in memory that is given back.  What we
 * do not read, or not in bounds, the model's own reader says.
 */
static int
chunks_of_numbers(
    struct data *d, struct rd layout, struct rd filters, struct err *e)
{
	struct hdf5 h = *d->h;
	struct tensor t = d->t;
	struct arena a;
	int rc;

	arena_init(&a, LIMIT_KERAS_ARENA);
	h.arena = &a;
	rc = hdf5_data_place(&h, layout, filters, d->type.size, &t, e);
	d->h->bytes = h.bytes;
	d->h->records = h.records;
	arena_release(&a);
	return rc == ERR_FORMAT || rc == ERR_TRUNCATED ? rc : 0;
}

static int
data(struct data *d, const struct hdf5_message *m, struct err *e)
{
	const struct hdf5_message *layout = hdf5_object_find(m, HDF5_LAYOUT);
	const struct hdf5_message *filter = hdf5_object_find(m, HDF5_FILTERS);
	struct rd r, filters = {0};
	uint8_t version, class;
	int rc;

	if (hdf5_object_find(m, HDF5_DATATYPE) == NULL || layout == NULL)
		return 0;
	if (layout->shared || (filter != NULL && filter->shared))
		return err_set(e, ERR_UNSUPPORTED, rd_pos(&layout->body),
		    "hdf5: a dataset shares its description");
	if ((rc = describe(d, m, e)) != 0)
		return rc;
	r = layout->body;
	if (rd_u8(&r, &version) != 0)
		return hdf5_object_cut(&r, "a layout", e);
	if (version == 1 || version == 2)
		return old_layout(d, r, e);
	/* versions 3 and 4: 0 is compact, 1 contiguous, 2 in chunks (IV.A.2.i) */
	if (rd_u8(&r, &class) != 0)
		return hdf5_object_cut(&r, "a layout", e);
	hdf5_object_expect(
	    d->h, &r, version >= 3 && version <= 4 && class <= 3);
	if (filter != NULL)
		filters = filter->body;
	if (d->t.size != 0 && class == 2 && !may_hold(d, true))
		return chunks_of_numbers(d, layout->body, filters, e);
	/* numbers in one piece must be there */
	if (d->t.size == 0 || class == 3 || (class == 0 && !may_hold(d, false)))
		return 0;
	if (class == 2 && d->t.size > DATA_MOST)
		return err_set(e, ERR_LIMIT, rd_pos(&r),
		    "hdf5: '%.100s' has %zu bytes in chunks", d->name,
		    d->t.size);
	rc = hdf5_data_place(
	    d->h, layout->body, filters, d->type.size, &d->t, e);
	if (rc == 0 && d->t.data != NULL && may_hold(d, class == 2))
		look_at(d, rd_mem(d->t.data, d->t.size));
	return rc;
}

void
check_keras_h5_object(const struct check_file *f, struct hdf5 *h,
    const struct hdf5_message *m, const char *name)
{
	struct data d = {.f = f, .h = h, .name = name};
	struct err e = {.off = ERR_NOWHERE};

	attributes(f, h, m);
	if (data(&d, m, &e) != 0)
		check_keras_h5_unread(f, &e);
}

/* --- heaps --------------------------------------------------------------- */

/* The header of a fractal heap (III.G) behind its signature: objects may be
 * filtered, or too large for its blocks and anywhere in the file. */
static int
heap_header(const struct hdf5 *h, struct rd r, uint64_t *block)
{
	uint64_t huge = 0;
	uint16_t filter = 0;

	/* version, length of ids; flags, most of a managed object */
	if (rd_skip(&r, 3) != 0 || rd_u16le(&r, &filter) != 0 ||
	    rd_skip(&r, 5 + 7 * (uint64_t)h->size + 2 * (uint64_t)h->off) !=
		0 ||
	    hdf5_object_number(&r, h->size, &huge) != 0 ||
	    /* tiny objects, the table's width, its first block */
	    rd_skip(&r, 3 * (uint64_t)h->size + 2) != 0 ||
	    hdf5_object_number(&r, h->size, block) != 0)
		return ERR_TRUNCATED;
	return filter != 0 || huge != 0 ? ERR_UNSUPPORTED : 0;
}

/* The largest block of all heaps; what cannot be looked at is said. */
static uint64_t
heaps(const struct check_file *f, const struct hdf5 *h)
{
	static const char sign[] = "FRHP";
	const uint8_t *p = h->file.base, *end = p + h->file.len;
	uint64_t block, most = 0;

	while (p < end && (p = memmem(p, (size_t)(end - p), sign, 4)) != NULL) {
		struct rd r = h->file;
		struct err e = {.off = (uint64_t)(p - h->file.base)};

		p += 4;
		r.off = (size_t)(p - h->file.base);
		/* a version of 0 and an id of a few bytes: no chance text */
		if (end - p < 3 || p[0] != 0 || p[1] > 64 || p[2] != 0)
			continue;
		if (heap_header(h, r, &block) != 0) {
			e.code = err_set(&e, ERR_UNSUPPORTED, e.off,
			    "hdf5: a fractal heap of large or filtered "
			    "objects");
			check_keras_h5_unread(f, &e);
			continue;
		}
		most = MAX(most, block);
	}
	return most;
}

/* As an attribute message begins: version, flags, lengths, and a name that ends
 * where they say and not before. */
static bool
is_attribute(const uint8_t *p, size_t left)
{
	size_t head = left > 9 && p[0] == 3 ? 9 : 8, n;

	if (left < 16 || p[0] < 1 || p[0] > 3 || p[1] > 3)
		return false;
	n = (size_t)(p[2] | p[3] << 8);
	if (n < 2 || n > LIMIT_NAME || left < head + n || p[head + n - 1] != 0)
		return false;
	for (size_t i = 0; i + 1 < n; i++)
		if (p[head + i] < ' ')
			return false;
	return true;
}

/* Objects stand one behind the other in a block; where each begins is said in a
 * tree, which is not followed: an attribute shows by itself. */
static void
block(const struct check_file *f, const struct hdf5 *h, struct rd r)
{
	for (size_t i = 0; i < r.len; i++) {
		struct hdf5_message m = {.type = HDF5_ATTRIBUTE};
		struct slice name;
		struct rd data;
		struct err ignored;

		if (!is_attribute(r.base + i, r.len - i))
			continue;
		m.body = rd_mem(r.base + i, r.len - i);
		if (hdf5_attr_bytes(h, &m, &name, &data, &ignored) == 0)
			maybe_pickle(f, "attribute", name, data);
	}
}

static void
blocks(const struct check_file *f, const struct hdf5 *h, uint64_t most)
{
	static const char sign[] = "FHDB";
	const uint8_t *p = h->file.base, *end = p + h->file.len, *next;

	p = most != 0 ? memmem(p, h->file.len, sign, 4) : NULL;
	for (; p != NULL; p = next) {
		next = memmem(p + 4, (size_t)(end - p) - 4, sign, 4);
		block(f, h,
		    rd_mem(p + 4,
			(size_t)MIN(most,
			    (uint64_t)((next != NULL ? next : end) - p - 4))));
	}
}

void
check_keras_h5_heaps(const struct check_file *f, const struct hdf5 *h)
{
	static const struct slice none = {(const uint8_t *)"", 0};
	struct hdf5_heap it = {0};
	struct slice s;

	while (hdf5_attr_heap_next(h, &it, &s)) {
		maybe_pickle(f, "heap", none, rd_mem(s.ptr, s.len));
		s.len = check_decode_base64_run(s);
		check_base64(
		    f, s, (uint64_t)(s.ptr - (const uint8_t *)f->bytes.base));
	}
	blocks(f, h, heaps(f, h));
}
