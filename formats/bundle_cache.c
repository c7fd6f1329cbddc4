/* SPDX-License-Identifier: MIT
 * Links are not read (the sandbox does not let us): one is taken for that blob
 * which it leads to, by inode, when it is also as long as the path to that
 * blob.
 */
#include "formats/bundle_cache.h"

#include "base/limits.h"
#include "base/snapshot.h"

#include <unistd.h>

void
bundle_cache_init(struct bundle_cache *c, int root, int blobs, struct arena *a)
{
	*c = (struct bundle_cache){.root = root, .blobs = blobs, .arena = a};
	map_init(&c->loaded, a);
	map_init(&c->blob, a);
}

void
bundle_cache_release(struct bundle_cache *c)
{
	buf_free(&c->names);
}

/* How many levels up from a snapshot's file its blobs are. */
static size_t
levels(const char *file)
{
	size_t n = 2;

	for (; (file = strchr(file, '/')) != NULL; file++)
		n++;
	return n;
}

static int
keep(struct bundle_cache *c, int fd, const char *folder, const char *name)
{
	const char *key;
	struct stat st;
	struct err ignored;

	if (!snapshot_is_blob(name) ||
	    tree_stat(fd, name, false, &st, &ignored) != 0 ||
	    !S_ISREG(st.st_mode))
		return 0;
	key = arena_printf(c->arena, "%s %ju %ju", folder, (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	if (map_put(&c->blob, key, c->names.len / sizeof(name)) < 0)
		return ERR_LIMIT;
	buf_append(&c->names, &name, sizeof(name));
	return 0;
}

/* Note the inodes of the blobs in fd. */
static int
load(struct bundle_cache *c, int fd, const char *folder)
{
	const char **name;
	struct err ignored;
	size_t n;
	int rc;

	rc = map_put(&c->loaded, folder, 1);
	if (rc <= 0 || (rc = tree_list(fd, c->arena, &name, &n, &ignored)) != 0)
		return rc;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = keep(c, fd, folder, name[i]);
	return rc;
}

static int
find(struct bundle_cache *c, int fd, const char *folder,
    const struct tree_entry *link, size_t up, const char **name)
{
	struct err ignored;
	struct stat st;
	const char *key;
	size_t at;

	if (load(c, fd, folder) < 0 ||
	    tree_stat(c->root, link->path, true, &st, &ignored) != 0 ||
	    !S_ISREG(st.st_mode))
		return -1;
	key = arena_printf(c->arena, "%s %ju %ju", folder, (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	if ((at = map_get(&c->blob, key)) == SIZE_MAX)
		return -1;
	memcpy(name, c->names.ptr + at * sizeof(*name), sizeof(*name));
	if ((uint64_t)link->st.st_size !=
	    3 * up + strlen("blobs/") + strlen(*name))
		return -1;
	return tree_open(fd, *name, &ignored);
}

int
bundle_cache_open(
    struct bundle_cache *c, const struct tree_entry *link, const char **name)
{
	struct err ignored;
	const char *folder, *file;
	char *path;
	size_t n;
	int fd, found;

	if ((file = snapshot_in_cache(link->path, &n)) != NULL) {
		folder = arena_strdup(c->arena, link->path, n);
		path = arena_printf(c->arena, "%.*sblobs", (int)n, link->path);
		if (folder == NULL ||
		    (fd = tree_open(c->root, path, &ignored)) < 0)
			return -1;
		found = find(c, fd, folder, link, levels(file), name);
		close(fd);
		return found;
	}
	if (c->blobs < 0)
		return -1;
	return find(c, c->blobs, "", link, levels(link->path), name);
}

const char *
bundle_cache_blob(const char *path, const char *target)
{
	static const char word[] = "blobs/";
	size_t n;

	if (snapshot_in_cache(path, &n) == NULL ||
	    strncmp(path, target, n) != 0 ||
	    strncmp(target + n, word, sizeof(word) - 1) != 0 ||
	    !snapshot_is_blob(target + n + sizeof(word) - 1))
		return NULL;
	return target + n + sizeof(word) - 1;
}
