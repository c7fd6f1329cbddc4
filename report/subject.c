/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* fts */
#include "report/subject.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/snapshot.h"

#include <fts.h>
#include <sys/stat.h>

#define SUBJECT_ARENA ((size_t)1 << 30)

struct found {
	struct found *next;
	struct subject_file file;
};

struct walk {
	const char *dir;
	size_t skip;      /* of the paths: the directory's own */
	char blobs[4096]; /* of a snapshot (base/snapshot.h), or "" */
};

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct subject_file *)a)->path,
	    ((const struct subject_file *)b)->path);
}

/* Sort, then digest: OMS specification 5.2, in-toto digest_set.md dirHash. */
static void
finish(struct subject *s)
{
	struct digest_ctx root, names;

	if (s->n != 0)
		qsort(s->file, s->n, sizeof(*s->file), by_path);
	digest_begin(&root);
	digest_begin(&names);
	for (size_t i = 0; i < s->n; i++) {
		const struct subject_file *f = &s->file[i];
		char hex[DIGEST_HEX];

		digest_hex(&f->digest, hex);
		digest_update(&root, f->digest.byte, DIGEST_LEN);
		digest_update(&names, hex, strlen(hex));
		digest_update(&names, "  ", 2);
		digest_update(&names, f->path, strlen(f->path));
		digest_update(&names, "\n", 1);
	}
	digest_end(&root, &s->root);
	digest_end(&names, &s->dirhash);
}

static int
too_many(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many files");
}

/* What the file system says of a file. */
static void
digest_state(const struct stat *st, struct digest *out)
{
	const int64_t part[] = {(int64_t)st->st_dev, (int64_t)st->st_ino,
	    (int64_t)st->st_mode, (int64_t)st->st_size, st->st_mtim.tv_sec,
	    st->st_mtim.tv_nsec, st->st_ctim.tv_sec, st->st_ctim.tv_nsec};

	digest_mem(part, sizeof(part), out);
}

/* Where the bytes of a file are; false: it is odd. */
static bool
find(const struct walk *w, const FTSENT *f, const char *rel, char *at,
    size_t size)
{
	if (f->fts_info == FTS_F)
		return snprintf(at, size, "%s", f->fts_path) < (int)size;
	return (f->fts_info == FTS_SL || f->fts_info == FTS_SLNONE) &&
	       snapshot_follow(w->dir, w->blobs, rel, f->fts_path, at, size);
}

static int
take_entry(struct subject *s, const struct walk *w, const FTSENT *f,
    struct found **list, struct err *e)
{
	struct found *one = arena_alloc(&s->arena, 1, sizeof(*one));
	const char *rel = f->fts_path + w->skip;
	char at[8192];

	if (one == NULL)
		return too_many(e);
	one->file.path = arena_strdup(&s->arena, rel, strlen(rel));
	if (one->file.path == NULL)
		return too_many(e);
	one->file.odd = !find(w, f, rel, at, sizeof(at));
	one->next = *list;
	*list = one;
	s->n++;
	if (s->by_state) {
		one->file.odd = false;
		digest_state(f->fts_statp, &one->file.digest);
	}
	if (s->by_state || one->file.odd)
		return 0;
	return digest_file(
	    at, LIMIT_MODEL_FILE, &one->file.digest, &one->file.size, e);
}

static int
walk(struct subject *s, FTS *fts, const char *dir, struct found **list,
    struct err *e)
{
	size_t len = strlen(dir);
	struct walk w = {
	    .dir = dir, .skip = len + (len > 0 && dir[len - 1] == '/' ? 0 : 1)};
	FTSENT *f;
	int rc = 0;

	if (!snapshot_blobs(dir, w.blobs, sizeof(w.blobs)))
		w.blobs[0] = '\0';

	while (rc == 0 && (f = fts_read(fts)) != NULL) {
		if (f->fts_info == FTS_D || f->fts_info == FTS_DP)
			continue;
		if (f->fts_info == FTS_DNR || f->fts_info == FTS_ERR ||
		    f->fts_info == FTS_NS) {
			err_set(e, ERR_SYSTEM, ERR_NOWHERE, "cannot read: %s",
			    strerror(f->fts_errno));
			return err_in(e, f->fts_path);
		}
		if (f->fts_level == FTS_ROOTLEVEL) {
			err_set(e, ERR_FORMAT, ERR_NOWHERE, "not a directory");
			return err_in(e, dir);
		}
		rc = take_entry(s, &w, f, list, e);
	}
	return rc;
}

static int
collect(struct subject *s, const char *dir, bool by_state, struct err *e)
{
	char *roots[] = {(char *)(uintptr_t)dir, NULL};
	struct found *list = NULL;
	FTS *fts;
	int rc;

	*s = (struct subject){.by_state = by_state};
	arena_init(&s->arena, SUBJECT_ARENA);
	/* the directory itself may be named by a link */
	fts = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	if (fts == NULL) {
		err_sys(e, "cannot walk");
		return err_in(e, dir);
	}
	rc = walk(s, fts, dir, &list, e);
	fts_close(fts);
	if (rc == 0) {
		s->file = arena_alloc(&s->arena, s->n + 1, sizeof(*s->file));
		if (s->file == NULL)
			rc = too_many(e);
	}
	if (rc != 0) {
		subject_release(s);
		return rc;
	}
	for (size_t i = 0; list != NULL; list = list->next)
		s->file[i++] = list->file;
	finish(s);
	return 0;
}

int
subject_dir(struct subject *s, const char *dir, struct err *e)
{
	return collect(s, dir, false, e);
}

int
subject_state(struct subject *s, const char *dir, struct err *e)
{
	return collect(s, dir, true, e);
}

/* Relative, '/'-separated, no empty, "." or ".." part: it is joined to the
 * name of a directory of ours. */
bool
subject_safe(const char *p)
{
	while (true) {
		size_t n = strcspn(p, "/");

		if (n == 0 || (n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		if (p[n] == '\0')
			return true;
		p += n + 1;
	}
}

static int
take_item(struct subject *s, const json_t *item, const char *path_key,
    const char *sha256_key, struct err *e)
{
	struct subject_file *f = &s->file[s->n];
	const char *path, *hex;
	int rc;

	if ((rc = json_get_str(item, path_key, &path, e)) != 0 ||
	    (rc = json_get_str(item, sha256_key, &hex, e)) != 0)
		return rc;
	if (!subject_safe(path))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'%.80s' is not the relative path of a file", path);
	if (!digest_parse(hex, &f->digest))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'%.80s' has a sha256 that is none", path);
	/* documents keep sizes as integers, statements as text */
	if (json_is_integer(json_at(item, "size")))
		f->size = (uint64_t)json_integer_value(json_at(item, "size"));
	f->path = arena_strdup(&s->arena, path, strlen(path));
	if (f->path == NULL)
		return too_many(e);
	s->n++;
	return 0;
}

int
subject_list(struct subject *s, const json_t *array, const char *path_key,
    const char *sha256_key, struct err *e)
{
	size_t n = json_array_size(array);
	int rc = 0;

	*s = (struct subject){0};
	arena_init(&s->arena, SUBJECT_ARENA);
	s->file = arena_alloc(&s->arena, n + 1, sizeof(*s->file));
	if (s->file == NULL)
		rc = too_many(e);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = take_item(
		    s, json_array_get(array, i), path_key, sha256_key, e);
	if (rc == 0)
		finish(s);
	for (size_t i = 1; i < s->n && rc == 0; i++)
		if (strcmp(s->file[i - 1].path, s->file[i].path) == 0)
			rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "'%.80s' is listed twice", s->file[i].path);
	if (rc != 0)
		subject_release(s);
	return rc;
}

void
subject_release(struct subject *s)
{
	arena_release(&s->arena);
	*s = (struct subject){0};
}

const struct subject_file *
subject_find(const struct subject *s, const struct digest *d)
{
	for (size_t i = 0; i < s->n; i++)
		if (digest_equal(&s->file[i].digest, d) && !s->file[i].odd)
			return &s->file[i];
	return NULL;
}

size_t
subject_compare(const struct subject *want, const struct subject *have,
    subject_tell *tell, void *ctx)
{
	size_t i = 0, j = 0, bad = 0;

	while (i < want->n || j < have->n) {
		const struct subject_file *w = &want->file[i];
		const struct subject_file *h = &have->file[j];
		int order = i == want->n   ? 1
			    : j == have->n ? -1
					   : strcmp(w->path, h->path);
		const char *what = NULL;

		if (order < 0)
			what = "missing";
		else if (order > 0)
			what = "extra";
		else if (h->odd || !digest_equal(&w->digest, &h->digest))
			what = "changed";
		if (what != NULL) {
			tell(ctx, what, order > 0 ? h->path : w->path);
			bad++;
		}
		i += order <= 0;
		j += order >= 0;
	}
	return bad;
}
