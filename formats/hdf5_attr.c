/* SPDX-License-Identifier: MIT
 * Attribute messages (IV.A.2.m) and the global heap (III.E).
 */
#define _GNU_SOURCE /* memmem */
#include "formats/hdf5_attr.h"

#include "base/limits.h"
#include "formats/hdf5_object.h"

struct attribute {
	struct slice name;
	struct hdf5_datatype type;
	struct hdf5_space space;
	struct rd data;
};

/* Version 1 pads every part to a multiple of 8. */
static int
part(struct rd *r, unsigned version, uint16_t size, struct rd *out)
{
	int rc;

	if ((rc = rd_sub(r, size, out)) != 0)
		return rc;
	return rd_skip(r, version == 1 ? (8u - size % 8u) % 8 : 0);
}

static int
parse(const struct hdf5 *h, struct rd r, struct attribute *a, struct err *e)
{
	uint16_t name, type, space;
	uint8_t version, flags;
	struct rd body[3];
	int rc;

	if (rd_u8(&r, &version) != 0 || rd_u8(&r, &flags) != 0 ||
	    rd_u16le(&r, &name) != 0 || rd_u16le(&r, &type) != 0 ||
	    rd_u16le(&r, &space) != 0 ||
	    rd_skip(&r, version == 3 ? 1 : 0) != 0 ||
	    part(&r, version, name, &body[0]) != 0 ||
	    part(&r, version, type, &body[1]) != 0 ||
	    part(&r, version, space, &body[2]) != 0)
		return hdf5_object_cut(&r, "an attribute", e);
	if (version == 0 || version > 3)
		return err_set(e, ERR_UNSUPPORTED, rd_pos(&r),
		    "hdf5: attribute version %u", version);
	a->name = (struct slice){body[0].base, name};
	a->data = r;
	if (version > 1 && flags != 0) { /* a committed datatype */
		a->type = (struct hdf5_datatype){.kind = HDF5_OTHER};
		a->space = (struct hdf5_space){.n = 0};
		return 0;
	}
	if ((rc = hdf5_object_datatype(body[1], &a->type, e)) != 0)
		return rc;
	return hdf5_object_space(h, body[2], &a->space, e);
}

static bool
is_named(struct slice s, const char *name)
{
	size_t n = strlen(name);

	return s.len > n && memcmp(s.ptr, name, n + 1) == 0;
}

/* Whether "attribute info" says that there are more of them in a heap. */
static bool
has_heap(const struct hdf5 *h, struct rd r)
{
	uint8_t version, flags;
	uint64_t at;

	return rd_u8(&r, &version) != 0 || rd_u8(&r, &flags) != 0 ||
	       rd_skip(&r, (flags & 1) != 0 ? 2 : 0) != 0 ||
	       hdf5_object_address(h, &r, &at) != 0 || at != HDF5_NOWHERE;
}

/* 1: found, 0: absent. */
static int
find(struct hdf5 *h, uint64_t at, const char *name, struct attribute *a,
    struct err *e)
{
	struct hdf5_message *m;
	bool heap = false;
	int rc;

	if ((rc = hdf5_object_read(h, at, &m, e)) != 0)
		return rc;
	for (; m != NULL; m = m->next) {
		if (m->type == HDF5_ATTRIBUTES)
			heap = heap || has_heap(h, m->body);
		if (m->type != HDF5_ATTRIBUTE || m->shared)
			continue;
		if ((rc = parse(h, m->body, a, e)) != 0)
			return rc;
		if (is_named(a->name, name))
			return 1;
	}
	return heap ? err_set(e, ERR_UNSUPPORTED, h->file.start + at,
			  "hdf5: '%.60s' may be in a fractal heap", name)
		    : 0;
}

/* --- strings ------------------------------------------------------------- */

int
hdf5_attr_heap_object(struct hdf5 *h, uint64_t at, uint32_t index,
    struct slice *out, struct err *e)
{
	uint64_t size;
	struct rd r, c;
	int rc;

	if ((rc = hdf5_object_signed(h, at, "GCOL", &r, e)) != 0)
		return rc;
	if (rd_skip(&r, 4) != 0 ||
	    hdf5_object_number(&r, h->size, &size) != 0 || size < 8 + h->size ||
	    rd_sub(&r, size - 8 - h->size, &c) != 0)
		return hdf5_object_cut(&r, "a global heap", e);
	for (;;) {
		uint16_t i;

		if ((rc = hdf5_object_spend(h, 1, e)) != 0)
			return rc;
		if (rd_u16le(&c, &i) != 0 || rd_skip(&c, 6) != 0 ||
		    hdf5_object_number(&c, h->size, &size) != 0)
			return hdf5_object_cut(&c, "a global heap", e);
		if (i == 0)
			break; /* what is left is free */
		if (rd_bytes(&c, size, out) != 0)
			return hdf5_object_cut(&c, "a global heap", e);
		if (i == index)
			return 0;
		if (rd_skip(&c, (8 - size % 8) % 8) != 0)
			break;
	}
	return err_set(e, ERR_FORMAT, rd_pos(&c),
	    "hdf5: object %" PRIu32 " is not in the global heap", index);
}

/* Fixed text ends at its first zero. */
static struct slice
trim(struct slice s)
{
	const uint8_t *end = s.len != 0 ? memchr(s.ptr, '\0', s.len) : NULL;

	if (end != NULL)
		s.len = (size_t)(end - s.ptr);
	return s;
}

static int
string(struct hdf5 *h, struct attribute *a, struct slice *out, struct err *e)
{
	uint32_t len, index;
	uint64_t at;
	int rc;

	if (a->type.kind == HDF5_TEXT) {
		if (rd_bytes(&a->data, a->type.size, out) != 0)
			return hdf5_object_cut(&a->data, "an attribute", e);
		*out = trim(*out);
		return 0;
	}
	if (rd_u32le(&a->data, &len) != 0 ||
	    hdf5_object_address(h, &a->data, &at) != 0 ||
	    rd_u32le(&a->data, &index) != 0)
		return hdf5_object_cut(&a->data, "an attribute", e);
	*out = (struct slice){a->data.base, 0};
	if (len == 0)
		return 0;
	if ((rc = hdf5_attr_heap_object(h, at, index, out, e)) != 0)
		return rc;
	if (out->len < len)
		return err_set(e, ERR_FORMAT, rd_pos(&a->data),
		    "hdf5: a string of %" PRIu32 " bytes in an object of %zu",
		    len, out->len);
	out->len = len;
	return 0;
}

int
hdf5_attr_list(struct hdf5 *h, uint64_t at, const char *name,
    const struct slice **out, size_t *n, struct err *e)
{
	struct attribute a;
	struct slice *list;
	int rc;

	*out = NULL;
	*n = SIZE_MAX;
	if ((rc = find(h, at, name, &a, e)) <= 0)
		return rc;
	*n = (size_t)a.space.n;
	if (*n == 0) /* of any type: an empty list is one of floats */
		return 0;
	if (a.type.kind != HDF5_TEXT && a.type.kind != HDF5_TEXTS)
		return err_set(e, ERR_FORMAT, rd_pos(&a.data),
		    "hdf5: attribute '%.60s' is no text", name);
	if (*n > rd_left(&a.data)) /* every string takes a byte there */
		return hdf5_object_cut(&a.data, "an attribute", e);
	if ((list = hdf5_object_room(h, *n, sizeof(*list), e)) == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < *n; i++)
		if ((rc = string(h, &a, &list[i], e)) != 0)
			return rc;
	*out = list;
	return 0;
}

int
hdf5_attr_text(struct hdf5 *h, uint64_t at, const char *name, struct slice *out,
    struct err *e)
{
	const struct slice *list;
	size_t n;
	int rc;

	*out = (struct slice){0};
	if ((rc = hdf5_attr_list(h, at, name, &list, &n, e)) != 0)
		return rc;
	if (n == SIZE_MAX)
		return 0;
	if (n != 1)
		return err_set(e, ERR_FORMAT, h->file.start + at,
		    "hdf5: attribute '%.60s' has %zu strings", name, n);
	*out = list[0];
	return 0;
}

/* --- bytes --------------------------------------------------------------- */

int
hdf5_attr_bytes(const struct hdf5 *h, const struct hdf5_message *m,
    struct slice *name, struct rd *data, struct err *e)
{
	struct attribute a;
	int rc = parse(h, m->body, &a, e);

	if (rc != 0)
		return rc;
	*name = a.name;
	while (name->len != 0 && name->ptr[name->len - 1] == '\0')
		name->len--;
	*data = a.data;
	return 0;
}

/* The next collection of at least a header: false at the end of the file. */
static bool
next_collection(const struct hdf5 *h, struct hdf5_heap *it)
{
	while (it->at < h->file.len) {
		struct rd r = h->file;
		uint64_t size;
		const uint8_t *p =
		    memmem(r.base + it->at, r.len - it->at, "GCOL\1\0\0\0", 8);

		if (p == NULL)
			break;
		r.off = (size_t)(p - r.base) + 8;
		it->at = r.off;
		if (hdf5_object_number(&r, h->size, &size) != 0 ||
		    size < 8 + h->size ||
		    rd_sub(&r, size - 8 - h->size, &it->left) != 0)
			continue;
		it->at = r.off;
		return true;
	}
	return false;
}

bool
hdf5_attr_heap_next(
    const struct hdf5 *h, struct hdf5_heap *it, struct slice *out)
{
	do {
		uint16_t i;
		uint64_t size;

		if (rd_u16le(&it->left, &i) != 0 || i == 0 ||
		    rd_skip(&it->left, 6) != 0 ||
		    hdf5_object_number(&it->left, h->size, &size) != 0 ||
		    rd_bytes(&it->left, size, out) != 0)
			continue;
		if (rd_skip(&it->left, (8 - size % 8) % 8) != 0)
			it->left = (struct rd){0};
		return true;
	} while (next_collection(h, it));
	return false;
}
