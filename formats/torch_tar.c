/* SPDX-License-Identifier: MIT */
#include "formats/torch_tar.h"

#include "base/limits.h"
#include "formats/torch_tensor.h"

#define BLOCK       512
#define MEMBERS_MAX 64 /* four are wanted; extended headers come before each */

/* --- the tar ------------------------------------------------------------- */

/* Octal digits up to a space or NUL (POSIX ustar). */
static bool
octal(const uint8_t *p, size_t n, uint64_t *out)
{
	size_t i = 0;

	*out = 0;
	while (i < n && p[i] == ' ')
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++)
		*out = *out << 3 | (uint64_t)(p[i] - '0');
	return i == n || p[i] == ' ' || p[i] == '\0';
}

/* The member of that name; false: none, or the tar is damaged. */
static bool
member(struct rd r, const char *name, struct rd *out)
{
	size_t len = strlen(name);
	struct slice head;
	uint64_t size;

	r.off = 0;
	for (int i = 0; i < MEMBERS_MAX; i++) {
		if (rd_bytes(&r, BLOCK, &head) != 0 ||
		    memcmp(head.ptr + 257, "ustar", 5) != 0 ||
		    !octal(head.ptr + 124, 12, &size) ||
		    rd_sub(&r, size, out) != 0)
			return false;
		if (memcmp(head.ptr, name, len + 1) == 0 &&
		    (head.ptr[156] == '0' || head.ptr[156] == '\0'))
			return true;
		if (rd_skip(&r, (BLOCK - size % BLOCK) % BLOCK) != 0)
			return false;
	}
	return false;
}

bool
torch_tar_probe(struct rd r)
{
	struct rd m;

	return member(r, "sys_info", &m) && member(r, "pickle", &m) &&
	       member(r, "storages", &m) && member(r, "tensors", &m);
}

static int
open_member(struct torch *t, const char *name, struct rd *out, struct err *e)
{
	if (member(t->file, name, out))
		return 0;
	return err_set(e, ERR_FORMAT, ERR_NOWHERE,
	    "torch: the tar has no member '%s'", name);
}

/* --- keys ---------------------------------------------------------------- */

/* Numbers (addresses), or strings of them. */
static const char *
key_text(struct torch *t, const struct pickle_node *key)
{
	int64_t v;

	if (pickle_int(key, &v))
		return arena_printf(t->arena, "%" PRId64, v);
	if (pickle_is(key, PICKLE_STR) && key->text.len < 64)
		return arena_strdup(
		    t->arena, (const char *)key->text.ptr, key->text.len);
	return NULL;
}

static int
bad(struct err *e, const struct rd *r, const char *what)
{
	return err_set(e, ERR_FORMAT, rd_pos(r), "torch: %s", what);
}

static const struct torch_storage *
storage_of(struct torch *t, const struct pickle_node *key)
{
	const char *text = key_text(t, key);
	size_t at = text != NULL ? map_get(&t->by_key, text) : SIZE_MAX;

	return at != SIZE_MAX ? &t->storage[at] : NULL;
}

/* How many follow; each takes some bytes. */
static int
count(struct torch *t, struct rd *r, size_t *out, struct err *e)
{
	const struct pickle_node *n;
	int64_t v;
	int rc;

	if ((rc = pickle_read(&t->pickle, r, &n, e)) != 0)
		return rc;
	if (!pickle_int(n, &v) || v < 0 || (uint64_t)v > rd_left(r))
		return bad(e, r, "a number that is too large");
	*out = (size_t)v;
	return v <= LIMIT_TENSORS ? 0 : torch_full(e);
}

/* --- storages ------------------------------------------------------------ */

static int
add_storage(struct torch *t, const struct rd *r, const struct pickle_node *key,
    struct torch_storage s, struct err *e)
{
	const char *text = key_text(t, key);
	int rc = text != NULL ? map_put(&t->by_key, text, t->nstorage) : 0;

	if (rc < 0)
		return torch_full(e);
	if (rc == 0)
		return bad(e, r, "a storage that has no name of its own");
	t->storage[t->nstorage++] = s;
	return 0;
}

/* (key, location, type), then the number of elements and the elements. */
static int
read_storage(struct torch *t, struct rd *r, struct err *e)
{
	const struct pickle_node *n, *type;
	struct torch_storage s = {0};
	uint64_t size;
	int rc;

	if ((rc = pickle_read(&t->pickle, r, &n, e)) != 0)
		return rc;
	type = pickle_item(n, 2);
	s.dtype = pickle_is(type, PICKLE_GLOBAL)
		      ? torch_tensor_dtype(type->name->name)
		      : DTYPE_COUNT;
	if (s.dtype == DTYPE_COUNT)
		return bad(e, r, "a storage of an unknown type");
	if (rd_u64le(r, &s.elements) != 0 ||
	    ckd_mul(&size, s.elements, dtype_width(s.dtype)) ||
	    rd_bytes(r, size, &s.bytes) != 0)
		return bad(e, r, "a storage that ends after the file");
	return add_storage(t, r, pickle_item(n, 0), s, e);
}

/* (key, key of another, offset, elements): a part of that other. */
static int
read_part(struct torch *t, const struct rd *r, const struct pickle_node *n,
    struct err *e)
{
	const struct torch_storage *of = storage_of(t, pickle_item(n, 1));
	int64_t offset, elements;
	struct torch_storage s;
	uint64_t width;

	if (of == NULL || !pickle_int(pickle_item(n, 2), &offset) ||
	    !pickle_int(pickle_item(n, 3), &elements) || offset < 0 ||
	    elements < 0)
		return bad(e, r, "a part of no storage");
	s = *of;
	width = dtype_width(s.dtype);
	if ((uint64_t)offset > s.bytes.len / width ||
	    (uint64_t)elements > s.bytes.len / width - (uint64_t)offset)
		return bad(e, r, "a part of a storage that leaves it");
	s.bytes.ptr += (uint64_t)offset * width;
	s.bytes.len = (size_t)((uint64_t)elements * width);
	return add_storage(t, r, pickle_item(n, 0), s, e);
}

static int
read_storages(struct torch *t, struct err *e)
{
	const struct pickle_node *parts;
	struct rd r, rest;
	size_t n, room;
	int rc;

	if ((rc = open_member(t, "storages", &r, e)) != 0 ||
	    (rc = count(t, &r, &n, e)) != 0)
		return rc;
	rest = r;
	room = n + MIN(rd_left(&rest), (size_t)LIMIT_TENSORS);
	t->storage = arena_alloc(t->arena, room + 1, sizeof(*t->storage));
	if (t->storage == NULL)
		return torch_full(e);
	for (size_t i = 0; i < n; i++)
		if ((rc = read_storage(t, &r, e)) != 0)
			return rc;
	if ((rc = pickle_read(&t->pickle, &r, &parts, e)) != 0)
		return rc;
	if (!pickle_is(parts, PICKLE_LIST) || parts->n > room - n)
		return bad(e, &r, "no list of parts of storages");
	for (size_t i = 0; i < parts->n; i++)
		if ((rc = read_part(t, &r, parts->item[i], e)) != 0)
			return rc;
	return 0;
}

/* --- tensors ------------------------------------------------------------- */

/* (key, storage, type), then rank, sizes, strides and offset as numbers. */
static int
read_tensor(struct torch *t, struct rd *r, struct tensor *out, struct err *e)
{
	uint64_t stride[MODEL_MAX_RANK], offset;
	const struct torch_storage *s;
	const struct pickle_node *n;
	uint32_t rank, unused;
	bool cut = false;
	int rc;

	if ((rc = pickle_read(&t->pickle, r, &n, e)) != 0)
		return rc;
	if ((s = storage_of(t, pickle_item(n, 1))) == NULL)
		return bad(e, r, "a tensor without a storage");
	out->name = key_text(t, pickle_item(n, 0));
	if (rd_u32le(r, &rank) != 0 || rd_u32le(r, &unused) != 0 ||
	    rank > MODEL_MAX_RANK || out->name == NULL)
		return bad(e, r, "a tensor without a name or of a high rank");
	out->rank = rank;
	for (size_t i = 0; i < rank; i++)
		cut = cut || rd_u64le(r, &out->dim[i]) != 0;
	for (size_t i = 0; i < rank; i++)
		cut = cut || rd_u64le(r, &stride[i]) != 0;
	if (cut || rd_u64le(r, &offset) != 0)
		return bad(e, r, "a tensor that ends after the file");
	return torch_tensor_view(t, s, offset, stride, out, e);
}

static int
read_tensors(struct torch *t, struct err *e)
{
	struct rd r;
	size_t n;
	int rc;

	if ((rc = open_member(t, "tensors", &r, e)) != 0 ||
	    (rc = count(t, &r, &n, e)) != 0)
		return rc;
	t->tensor = arena_alloc(t->arena, n + 1, sizeof(*t->tensor));
	if (t->tensor == NULL)
		return torch_full(e);
	for (; t->ntensor < n; t->ntensor++) {
		struct tensor *out = &t->tensor[t->ntensor];

		if ((rc = read_tensor(t, &r, out, e)) != 0)
			return rc;
		rc = map_put(&t->tensor_by_key, out->name, t->ntensor);
		if (rc < 0)
			return torch_full(e);
		if (rc == 0)
			return bad(e, &r, "two tensors of one name");
	}
	return 0;
}

int
torch_tar_open(struct torch *t, struct err *e)
{
	const struct pickle_node *n, *order;
	struct rd r;
	int rc;

	map_init(&t->by_key, t->arena);
	map_init(&t->tensor_by_key, t->arena);
	t->bytes += 2 * TORCH_TIMES * (uint64_t)t->file.len;
	if ((rc = open_member(t, "sys_info", &r, e)) != 0 ||
	    (rc = pickle_read(&t->pickle, &r, &n, e)) != 0)
		return rc;
	order = pickle_get(n, "little_endian");
	if (!pickle_is(order, PICKLE_BOOL) || order->i != 1)
		return err_set(e, ERR_UNSUPPORTED, n->at,
		    "torch: the file was written on a big-endian machine");
	if ((rc = read_storages(t, e)) != 0 || (rc = read_tensors(t, e)) != 0 ||
	    (rc = open_member(t, "pickle", &r, e)) != 0)
		return rc;
	return pickle_read(&t->pickle, &r, &t->root, e);
}
