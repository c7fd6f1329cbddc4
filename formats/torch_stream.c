/* SPDX-License-Identifier: MIT */
#include "formats/torch_stream.h"

#include "base/limits.h"
#include "formats/torch_tensor.h"

#define PROTOCOL 1001

/* 0x1950a86a20f9469cfc6c as LONG1 has it (torch/serialization.py). */
static const uint8_t magic[] = {
    0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

bool
torch_stream_probe(struct rd r)
{
	/* PROTO n, LONG1 10; protocol 4 has a frame of 9 bytes between */
	for (size_t at = 2; at <= 11; at += 9)
		if (r.len > at + 2 + sizeof(magic) && r.base[0] == 0x80 &&
		    r.base[at] == 0x8a && r.base[at + 1] == sizeof(magic) &&
		    memcmp(r.base + at + 2, magic, sizeof(magic)) == 0)
			return true;
	return false;
}

/* --- the object's storages ----------------------------------------------- */

static const char *
key_text(struct torch *t, const struct pickle_node *key)
{
	if (!pickle_is(key, PICKLE_STR) || key->text.len == 0 ||
	    key->text.len > 63 ||
	    memchr(key->text.ptr, '\0', key->text.len) != NULL)
		return NULL;
	return arena_strdup(
	    t->arena, (const char *)key->text.ptr, key->text.len);
}

/* A persistent identifier; what is wrong with it is told where it is used. */
static void
see(void *ctx, uint8_t op, const struct pickle_node *n)
{
	struct torch *t = ctx;
	const struct pickle_node *id, *type;
	struct torch_storage *s;
	const char *key;
	int64_t elements;
	int rc;

	(void)op;
	if (!pickle_is(n, PICKLE_PERSID))
		return;
	id = n->item[0];
	type = pickle_item(id, 1);
	if (!pickle_is(type, PICKLE_GLOBAL) ||
	    !pickle_int(pickle_item(id, 4), &elements) || elements < 0 ||
	    (key = key_text(t, pickle_item(id, 2))) == NULL)
		return;
	rc = map_put(&t->by_key, key, t->nstorage);
	if (rc < 0 || (rc == 1 && t->nstorage == LIMIT_TENSORS))
		t->failed = ERR_LIMIT;
	if (rc != 1 || t->failed != 0)
		return;
	s = &t->storage[t->nstorage++];
	s->dtype = torch_tensor_dtype(type->name->name);
	s->elements = (uint64_t)elements;
}

static int
read_storage(
    struct torch *t, struct rd *r, const struct pickle_node *key, struct err *e)
{
	const char *text = key_text(t, key);
	size_t at = text != NULL ? map_get(&t->by_key, text) : SIZE_MAX;
	uint64_t n, here = rd_pos(r), size;
	struct torch_storage *s;

	if (at == SIZE_MAX)
		return err_set(e, ERR_FORMAT, key->at,
		    "torch: a storage that no tensor names");
	s = &t->storage[at];
	if (s->dtype == DTYPE_COUNT)
		return err_set(e, ERR_UNSUPPORTED, here,
		    "torch: storage '%s' is of an unknown type", text);
	if (rd_u64le(r, &n) != 0 || n != s->elements)
		return err_set(e, ERR_FORMAT, here,
		    "torch: storage '%s' has not the %" PRIu64
		    " elements that it is said to have",
		    text, s->elements);
	if (ckd_mul(&size, n, dtype_width(s->dtype)) ||
	    rd_bytes(r, size, &s->bytes) != 0)
		return err_set(e, ERR_TRUNCATED, here,
		    "torch: storage '%s' of %" PRIu64
		    " elements, %zu bytes are left",
		    text, n, rd_left(r));
	return 0;
}

/* --- the stream ---------------------------------------------------------- */

static int
read_head(struct torch *t, struct rd *r, struct err *e)
{
	const struct pickle_node *n, *order;
	int64_t protocol;
	int rc;

	if ((rc = pickle_read(&t->pickle, r, &n, e)) != 0)
		return rc;
	if (!pickle_is(n, PICKLE_INT) || !n->big ||
	    n->text.len != sizeof(magic) ||
	    memcmp(n->text.ptr, magic, sizeof(magic)) != 0)
		return err_set(e, ERR_FORMAT, n->at, "torch: no magic number");
	if ((rc = pickle_read(&t->pickle, r, &n, e)) != 0)
		return rc;
	if (!pickle_int(n, &protocol) || protocol != PROTOCOL)
		return err_set(e, ERR_UNSUPPORTED, n->at,
		    "torch: not version %d of the stream", PROTOCOL);
	if ((rc = pickle_read(&t->pickle, r, &n, e)) != 0)
		return rc;
	order = pickle_get(n, "little_endian");
	if (!pickle_is(order, PICKLE_BOOL) || order->i != 1)
		return err_set(e, ERR_UNSUPPORTED, n->at,
		    "torch: the file was written on a big-endian machine");
	return 0;
}

int
torch_stream_open(struct torch *t, struct err *e)
{
	const struct pickle_node *keys;
	struct rd r = t->file;
	int rc;

	t->storage = arena_alloc(t->arena,
	    MIN(r.len / 8 + 1, (size_t)LIMIT_TENSORS), sizeof(*t->storage));
	if (t->storage == NULL)
		return torch_full(e);
	map_init(&t->by_key, t->arena);
	t->bytes += TORCH_TIMES * (uint64_t)r.len;
	if ((rc = read_head(t, &r, e)) != 0)
		return rc;
	t->pickle.see = see;
	t->pickle.ctx = t;
	rc = pickle_read(&t->pickle, &r, &t->root, e);
	t->pickle.see = NULL;
	if (rc != 0)
		return rc;
	if (t->failed != 0)
		return torch_full(e);
	if ((rc = pickle_read(&t->pickle, &r, &keys, e)) != 0)
		return rc;
	if (!pickle_is(keys, PICKLE_LIST))
		return err_set(
		    e, ERR_FORMAT, keys->at, "torch: no list of storages");
	for (size_t i = 0; i < keys->n; i++)
		if ((rc = read_storage(t, &r, keys->item[i], e)) != 0)
			return rc;
	if (rd_left(&r) != 0)
		torch_note(t, "%zu bytes after the last storage", rd_left(&r));
	return 0;
}
