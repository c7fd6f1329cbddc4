/* SPDX-License-Identifier: MIT
 * Links of an archive.  Who unpacks it with tar reads the file that a link
 * leads to; here that file is copied, when the archive itself has it, after
 * the walk (a link may stand before its file).  What leads out, and a link
 * that another member's path goes through, is refused.
 */
#define _XOPEN_SOURCE 700 /* S_IFREG */
#include "formats/bundle_part.h"

#include "formats/bundle_cache.h"

#include <sys/stat.h>

/* A link whose name was admitted. */
struct link {
	const char *path, *target; /* within files/, both */
	const char *blob;          /* of a Hugging Face cache: its name */
	bool done;
};

/*
 * "a/b/c" and "../x" to "a/x"; false when that leads out, or goes up again
 * behind a name, which may be a link itself.
 */
static bool
resolve(const char *path, const char *target, char out[LIMIT_MEMBER_NAME + 1])
{
	const char *slash = strrchr(path, '/');
	size_t n = slash != NULL ? (size_t)(slash - path) : 0, k;
	bool down = false;

	if (*target == '/' || n + strlen(target) + 1 > LIMIT_MEMBER_NAME)
		return false;
	memcpy(out, path, n);
	for (; *target != '\0'; target += k + (target[k] == '/')) {
		k = strcspn(target, "/");
		if (k == 2 && memcmp(target, "..", 2) == 0) {
			if (n == 0 || down)
				return false;
			while (n > 0 && out[n - 1] != '/')
				n--;
			n -= n > 0;
		} else if (k != 0 && (k != 1 || *target != '.')) {
			down = true;
			if (n != 0)
				out[n++] = '/';
			memcpy(out + n, target, k);
			n += k;
		}
	}
	out[n] = '\0';
	return n != 0;
}

bool
bundle_link(struct bundle *b, const char *raw, const char *target, bool hard)
{
	char to[LIMIT_MEMBER_NAME + 1];
	struct member from, m;
	struct link l = {0};
	size_t n = strlen(b->prefix);

	/* in a layer a file may be in another one: only hard links stay */
	if (b->sink->map == NULL || target == NULL ||
	    (b->veto != NULL && !hard) ||
	    member_check(raw, &from) != MEMBER_ACCEPTED ||
	    !resolve(hard ? "" : from.path, target, to) ||
	    member_check(to, &m) != MEMBER_ACCEPTED)
		return false;
	if (!bundle_admit(b, raw, S_IFREG | 0644, &from))
		return true;
	l.path = arena_strdup(&b->arena, from.path, strlen(from.path));
	l.target = arena_printf(&b->arena, "%s%s", b->prefix, m.path);
	if (l.path == NULL || l.target == NULL) {
		bundle_find(b, FINDING_ARCHIVE_LIMIT, raw, "too many names");
		return true;
	}
	if (!hard)
		l.blob = bundle_cache_blob(l.path + n, l.target + n);
	buf_append(&b->links, &l, sizeof(l));
	return true;
}

static int
list_above(struct bundle *b, const char *path, struct map *folder)
{
	char at[LIMIT_MEMBER_NAME + 1], *slash;

	snprintf(at, sizeof(at), "%s", path);
	while ((slash = strrchr(at, '/')) != NULL) {
		const char *key;

		*slash = '\0';
		if (map_get(folder, at) != SIZE_MAX)
			return 0;
		key = arena_strdup(&b->arena, at, strlen(at));
		if (key == NULL || map_put(folder, key, 1) < 0)
			return ERR_LIMIT;
	}
	return 0;
}

/* The files of the archive that were kept, and the folders above them and n
 * links. */
static int
list(struct bundle *b, size_t n, struct map *file, struct map *folder)
{
	const struct bundle_file *f;
	struct link l;

	map_init(file, &b->arena);
	map_init(folder, &b->arena);
	for (size_t i = b->first; (f = bundle_nth(b, i)) != NULL; i++)
		if (map_put(file, f->path, i) < 0 ||
		    list_above(b, f->path, folder) != 0)
			return ERR_LIMIT;
	for (size_t i = 0; i < n; i++) {
		memcpy(&l, b->links.ptr + i * sizeof(l), sizeof(l));
		if (list_above(b, l.path, folder) != 0)
			return ERR_LIMIT;
	}
	return 0;
}

/* Copy what the link means, and say so, but for the links that a cache of the
 * Hugging Face hub is made of. */
static int
make(struct bundle *b, const struct link *l, uint64_t consumed, struct err *e)
{
	const struct bundle_sink *s = b->sink;
	size_t n = bundle_count(b);
	struct rd r;
	int rc;

	if ((rc = s->map(s->ctx, l->target, &r, e)) != 0)
		return rc;
	rc = bundle_copy(b, r, l->path, consumed, e);
	s->unmap(s->ctx);
	if (rc != 0 || bundle_count(b) == n)
		return rc;
	bundle_nth(b, n)->taken = true; /* an archive is taken apart once */
	if (l->blob != NULL && strlen(l->blob) == 64)
		return bundle_verify(b, bundle_nth(b, n), l->blob, e);
	if (l->blob == NULL)
		bundle_find(b, FINDING_ARCHIVE_LINK_INSIDE, l->path,
		    "a copy of %.200s in its place", l->target);
	return 0;
}

#define ROUNDS 8 /* of links to links */

static struct link *
nth(struct bundle *b, size_t i)
{
	return (struct link *)(void *)b->links.ptr + i;
}

/* Those whose file is there now; whether there was one. */
static int
make_some(struct bundle *b, size_t n, struct map *file,
    const struct map *folder, uint64_t consumed, struct err *e)
{
	int some = 0, rc;

	for (size_t i = 0; i < n && !b->stop; i++) {
		struct link *l = nth(b, i);

		if (l->done || map_get(folder, l->path) != SIZE_MAX ||
		    map_get(file, l->target) == SIZE_MAX)
			continue;
		if ((rc = make(b, l, consumed, e)) != 0)
			return rc;
		if (map_put(file, l->path, i) < 0)
			return err_set(
			    e, ERR_LIMIT, ERR_NOWHERE, "too many files");
		l->done = true;
		some = 1;
	}
	return some;
}

static void
refuse_rest(struct bundle *b, size_t n, const struct map *folder)
{
	for (size_t i = 0; i < n && !b->stop; i++) {
		const struct link *l = nth(b, i);

		if (l->done)
			continue;
		if (map_get(folder, l->path) != SIZE_MAX)
			bundle_refuse(b, FINDING_ARCHIVE_LINK, l->path,
			    "a link that other members' paths lead through");
		else
			bundle_refuse(b,
			    b->veto != NULL ? FINDING_ARCHIVE_IMAGE_LINK
					    : FINDING_ARCHIVE_LINK_INSIDE,
			    l->path,
			    "a link to what is no file of the archive");
	}
}

int
bundle_links(struct bundle *b, uint64_t consumed, struct err *e)
{
	size_t n = b->links.len / sizeof(struct link);
	struct map file, folder;
	int rc = 1;

	if (n != 0 && list(b, n, &file, &folder) != 0) {
		bundle_find(b, FINDING_ARCHIVE_LIMIT, "", "too many names");
		n = 0;
	}
	for (unsigned k = 0; n != 0 && k < ROUNDS && rc > 0; k++)
		rc = make_some(b, n, &file, &folder, consumed, e);
	if (rc >= 0)
		refuse_rest(b, n, &folder);
	b->links.len = 0;
	return MIN(rc, 0);
}
