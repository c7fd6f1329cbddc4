/* SPDX-License-Identifier: MIT */
#include "audit/manifest.h"

#define ARENA_CAP ((size_t)1 << 30)

void
manifest_init(struct manifest *m)
{
	*m = (struct manifest){0};
	arena_init(&m->arena, ARENA_CAP);
}

void
manifest_release(struct manifest *m)
{
	arena_release(&m->arena);
	buf_free(&m->list);
}

static struct manifest_file *
files(const struct manifest *m)
{
	return (struct manifest_file *)(void *)m->list.ptr;
}

size_t
manifest_count(const struct manifest *m)
{
	return m->list.len / sizeof(struct manifest_file);
}

uint64_t
manifest_bytes(const struct manifest *m)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < manifest_count(m); i++)
		sum += files(m)[i].size;
	return sum;
}

int
manifest_add(struct manifest *m, const char *path, const struct digest *d,
    uint64_t size, struct err *e)
{
	struct manifest_file f = {.digest = *d, .size = size};

	f.path = arena_strdup(&m->arena, path, strlen(path));
	if (f.path == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many files");
	buf_append(&m->list, &f, sizeof(f));
	return 0;
}

/* Byte order of UTF-8 is the order of code points, as both digests want. */
static int
by_path(const void *a, const void *b)
{
	const struct manifest_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

void
manifest_put(struct manifest *m, json_t *doc)
{
	json_t *list = json_array(), *digests = json_object();
	struct digest_ctx oms, dir;
	struct digest root, hash;
	char hex[DIGEST_HEX];

	digest_begin(&oms);
	digest_begin(&dir);
	if (manifest_count(m) != 0)
		qsort(m->list.ptr, manifest_count(m),
		    sizeof(struct manifest_file), by_path);
	for (size_t i = 0; i < manifest_count(m); i++) {
		const struct manifest_file *f = &files(m)[i];
		json_t *j = json_object();

		digest_hex(&f->digest, hex);
		json_put(j, "path", json_text(f->path));
		json_put(j, "sha256", json_text(hex));
		json_put(j, "size", json_integer((json_int_t)f->size));
		json_add(list, j);
		digest_update(&oms, f->digest.byte, DIGEST_LEN);
		digest_update(&dir, hex, 2 * DIGEST_LEN);
		digest_update(&dir, "  ", 2);
		digest_update(&dir, f->path, strlen(f->path));
		digest_update(&dir, "\n", 1);
	}
	digest_end(&oms, &root);
	digest_end(&dir, &hash);
	digest_hex(&root, hex);
	json_put(digests, "omsRoot", json_text(hex));
	digest_hex(&hash, hex);
	json_put(digests, "dirHash", json_text(hex));
	json_put(doc, "files", list);
	json_put(doc, "digests", digests);
}
