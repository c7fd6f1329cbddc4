/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* fts */
#include "base/dirhash.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/snapshot.h"

#include <fts.h>
#include <sys/stat.h>

#define NAMES_CAP ((size_t)1 << 30)

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct dirhash_file *)a)->name,
	    ((const struct dirhash_file *)b)->name);
}

void
dirhash_files(struct dirhash_file *f, size_t n, struct digest *out)
{
	struct digest_ctx all;
	char hex[DIGEST_HEX];

	if (n != 0)
		qsort(f, n, sizeof(*f), by_name);
	digest_begin(&all);
	for (size_t i = 0; i < n; i++) {
		digest_hex(&f[i].digest, hex);
		digest_update(&all, hex, strlen(hex));
		digest_update(&all, "  ", 2);
		digest_update(&all, f[i].name, strlen(f[i].name));
		digest_update(&all, "\n", 1);
	}
	digest_end(&all, out);
}

json_t *
dirhash_json(const struct dirhash_file *f, size_t n)
{
	json_t *list = json_array();
	char hex[DIGEST_HEX];

	for (size_t i = 0; i < n; i++) {
		json_t *j = json_object();

		digest_hex(&f[i].digest, hex);
		json_put(j, "name", json_text(f[i].name));
		json_put(j, "sha256", json_text(hex));
		json_put(j, "size", json_integer((json_int_t)f[i].size));
		json_add(list, j);
	}
	return list;
}

struct walk {
	const char *dir;
	size_t skip;       /* of the paths: the directory's own */
	const char *blobs; /* of a snapshot, or "" */
	struct arena arena;
	struct buf list; /* of struct dirhash_file */
};

/* Where the bytes of a file are; false: it is none, or a link that is left
 * out. */
static bool
find(const struct walk *w, const FTSENT *f, const char *rel, char *at,
    size_t size)
{
	if (f->fts_info == FTS_F)
		return snprintf(at, size, "%s", f->fts_path) < (int)size;
	return (f->fts_info == FTS_SL || f->fts_info == FTS_SLNONE) &&
	       w->blobs[0] != '\0' &&
	       snapshot_follow(w->dir, w->blobs, rel, f->fts_path, at, size);
}

static int
walk(FTS *fts, struct walk *w, struct err *e)
{
	char at[8192];
	FTSENT *f;
	int rc;

	while ((f = fts_read(fts)) != NULL) {
		struct dirhash_file one;
		const char *rel = f->fts_path + w->skip;

		if (f->fts_info == FTS_DNR || f->fts_info == FTS_ERR ||
		    f->fts_info == FTS_NS) {
			/* what is not read is not digested: no digest of it */
			err_set(e, ERR_SYSTEM, ERR_NOWHERE, "cannot read: %s",
			    strerror(f->fts_errno));
			return err_in(e, f->fts_path);
		}
		if (f->fts_info == FTS_F && f->fts_level == FTS_ROOTLEVEL) {
			err_set(e, ERR_FORMAT, ERR_NOWHERE, "not a directory");
			return err_in(e, f->fts_path);
		}
		rel += strspn(rel, "/");
		if (!find(w, f, rel, at, sizeof(at)))
			continue;
		if ((one.name = arena_strdup(&w->arena, rel, strlen(rel))) ==
		    NULL)
			return err_set(
			    e, ERR_LIMIT, ERR_NOWHERE, "too many files");
		rc = digest_file(
		    at, LIMIT_MODEL_FILE, &one.digest, &one.size, e);
		if (rc != 0)
			return rc;
		buf_append(&w->list, &one, sizeof(one));
	}
	return 0;
}

int
dirhash_dir(const char *path, struct digest *out, uint64_t *size,
    json_t **files, struct err *e)
{
	char *roots[] = {(char *)(uintptr_t)path, NULL};
	/* a link that names the folder is the folder, one within it is left out */
	FTS *fts =
	    fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	struct walk w = {.dir = path, .skip = strlen(path)};
	struct dirhash_file *f;
	char blobs[4096];
	size_t n;
	int rc;

	if (fts == NULL) {
		err_sys(e, "cannot walk");
		return err_in(e, path);
	}
	w.blobs = snapshot_blobs(path, blobs, sizeof(blobs)) ? blobs : "";
	arena_init(&w.arena, NAMES_CAP);
	rc = walk(fts, &w, e);
	fts_close(fts);
	f = (struct dirhash_file *)(void *)w.list.ptr;
	n = w.list.len / sizeof(*f);
	*size = 0;
	for (size_t i = 0; i < n; i++)
		*size += f[i].size;
	if (rc == 0) {
		dirhash_files(f, n, out);
		if (files != NULL)
			*files = dirhash_json(f, n);
	}
	buf_free(&w.list);
	arena_release(&w.arena);
	return rc;
}
