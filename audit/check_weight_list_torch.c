/* SPDX-License-Identifier: MIT
 * The storages of a file that torch.save() wrote: all of them, whether or not
 * a tensor shows them.  In a zip, the pickle's persistent identifiers say
 * their types ('storage', class, key, ...); those that it does not name are
 * rows of bytes.  Where the object can be understood, a storage that one
 * tensor shows whole gets that tensor's name and shape.
 */
#include "audit/check_weight_list.h"
#include "base/limits.h"
#include "formats/torch_pick.h"
#include "formats/torch_stream.h"
#include "formats/torch_tar.h"
#include "formats/torch_tensor.h"
#include "formats/torch_zip.h"

struct typed {
	struct map by_key; /* dtype */
	struct arena *arena;
};

static void
see(void *ctx, uint8_t op, const struct pickle_node *n)
{
	struct typed *y = ctx;
	const struct pickle_node *id, *type, *key;
	enum dtype d;
	char *name;

	(void)op;
	if (!pickle_is(n, PICKLE_PERSID))
		return;
	id = n->item[0];
	type = pickle_item(id, 1);
	key = pickle_item(id, 2);
	if (!pickle_is(type, PICKLE_GLOBAL) || !pickle_is(key, PICKLE_STR) ||
	    key->text.len > LIMIT_NAME)
		return;
	d = torch_tensor_dtype(type->name->name);
	name =
	    arena_strdup(y->arena, (const char *)key->text.ptr, key->text.len);
	/* full: the storage is a row of bytes */
	if (name != NULL)
		(void)!map_put(&y->by_key, name, d);
}

static void
add(struct check_weight_list *l, const char *name, struct slice s, size_t dtype)
{
	struct tensor t = {.name = name, .rank = 1, .data = s.ptr};

	if (s.len == 0)
		return;
	if (dtype >= DTYPE_COUNT || s.len % dtype_width((enum dtype)dtype) != 0)
		dtype = DTYPE_U8;
	t.dtype = (enum dtype)dtype;
	t.dim[0] = s.len / dtype_width(t.dtype);
	t.size = s.len;
	check_weight_list_add(l, &t);
}

static void
list_zip(struct check_weight_list *l, struct torch *t, const struct typed *y)
{
	size_t top = t->top != NULL ? strlen(t->top) : 0;

	for (size_t i = 0; t->top != NULL && i < t->zip.n && !l->full; i++) {
		const struct zip_entry *f = &t->zip.entry[i];
		struct err e = {0};
		struct slice s;

		if (strncmp(f->name, t->top, top) != 0 ||
		    strncmp(f->name + top, "/data/", 6) != 0)
			continue;
		if (zip_read(&t->zip, f, &s, &e) == 0)
			add(l, f->name + top + 1, s,
			    map_get(&y->by_key, f->name + top + 6));
	}
}

static void
list_stored(struct check_weight_list *l, const struct torch *t)
{
	for (size_t i = 0; i < t->nstorage && !l->full; i++) {
		const struct torch_storage *s = &t->storage[i];
		const char *name = arena_strdup(&l->arena,
		    (const char *)s->key.ptr, MIN(s->key.len, (size_t)64));

		add(l, name != NULL ? name : "", s->bytes, s->dtype);
	}
}

/* Names and shapes for the storages that one tensor shows whole. */
static void
name_them(struct check_weight_list *l, struct torch *t)
{
	struct torch_found f;
	struct err e = {0};
	struct map at;
	char key[32];

	if (torch_pick(t, &f, &e) != 0)
		return;
	map_init(&at, &l->arena);
	for (size_t i = 0; i < l->n; i++) {
		const char *k;

		snprintf(
		    key, sizeof(key), "%p", (const void *)l->tensor[i].data);
		k = arena_strdup(&l->arena, key, strlen(key));
		if (k == NULL || map_put(&at, k, i) < 0)
			return;
	}
	for (size_t i = 0; i < f.n; i++) {
		const struct tensor *x = &f.tensor[i];
		size_t k;

		snprintf(key, sizeof(key), "%p", (const void *)x->data);
		k = map_get(&at, key);
		if (x->stride == NULL && k != SIZE_MAX &&
		    l->tensor[k].size == x->size &&
		    l->tensor[k].dtype == x->dtype)
			l->tensor[k] = *x;
	}
}

void
check_weight_list_torch(struct check_weight_list *l, struct rd r)
{
	struct typed y = {.arena = &l->arena};
	struct torch t = {.arena = &l->arena,
	    .file = r,
	    .pickle = {.arena = &l->arena, .see = see, .ctx = &y},
	    .bytes = (uint64_t)1 << 20,
	    .folder = "data/",
	    .unsummed = true, /* check_model and check_zip say it */
	    .steps = LIMIT_TORCH_STEPS};
	struct err e = {0};
	int rc;

	map_init(&y.by_key, &l->arena);
	if (torch_zip_probe(r)) {
		rc = torch_zip_open(&t, &e);
		list_zip(l, &t, &y);
	} else {
		rc = torch_stream_probe(r) ? torch_stream_open(&t, &e)
					   : torch_tar_open(&t, &e);
		list_stored(l, &t);
	}
	if (rc == 0)
		name_them(l, &t);
}
