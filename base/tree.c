/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* O_PATH, O_DIRECTORY */
#include "base/tree.h"

#include "base/buf.h"
#include "base/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define STEP (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int
fail(const char *path, const char *what, struct err *e)
{
	err_sys(e, "%s", what);
	return err_in(e, path);
}

int
tree_root(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? fd : fail(path, "cannot open directory", e);
}

/* Copies one component to part; false when it is not one to be used. */
static bool
component(const char *path, size_t len, char part[LIMIT_MEMBER_PART + 1])
{
	if (len == 0 || len > LIMIT_MEMBER_PART)
		return false;
	memcpy(part, path, len);
	part[len] = '\0';
	return strcmp(part, ".") != 0 && strcmp(part, "..") != 0;
}

/*
 * Go to the folder that holds path's last component, which is left in part.
 * With make, folders on the way are created.  *dir is a new descriptor.
 */
static int
descend(
    int root, const char *path, bool make, char *part, int *dir, struct err *e)
{
	int at = fcntl(root, F_DUPFD_CLOEXEC, 0);

	if (at < 0)
		return fail(path, "cannot open", e);
	for (;;) {
		size_t n = strcspn(path, "/");
		int next;

		if (!component(path, n, part)) {
			close(at);
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "not a path within a folder: '%s'", path);
		}
		if (path[n] == '\0') {
			*dir = at;
			return 0;
		}
		if (make && mkdirat(at, part, 0755) != 0 && errno != EEXIST) {
			fail(path, "cannot create directory", e);
			close(at);
			return ERR_SYSTEM;
		}
		next = openat(at, part, STEP);
		if (next < 0) {
			int in_the_way = errno == ENOTDIR || errno == ELOOP;

			fail(path, "cannot open directory", e);
			close(at);
			return make && in_the_way ? TREE_EXISTS : ERR_SYSTEM;
		}
		close(at);
		at = next;
		path += n + 1;
	}
}

int
tree_create(int root, const char *path, int *fd, struct err *e)
{
	char part[LIMIT_MEMBER_PART + 1];
	int dir, rc;

	if ((rc = descend(root, path, true, part, &dir, e)) != 0)
		return rc;
	*fd = openat(dir, part,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (*fd < 0)
		rc = errno == EEXIST ? TREE_EXISTS
				     : fail(path, "cannot create", e);
	close(dir);
	return rc;
}

int
tree_mkdir(int root, const char *path, struct err *e)
{
	char part[LIMIT_MEMBER_PART + 1];
	struct stat st;
	int dir, rc;

	if ((rc = descend(root, path, true, part, &dir, e)) != 0)
		return rc;
	if (mkdirat(dir, part, 0755) != 0) {
		if (errno != EEXIST)
			rc = fail(path, "cannot create directory", e);
		else if (fstatat(dir, part, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
			 !S_ISDIR(st.st_mode))
			rc = TREE_EXISTS;
	}
	close(dir);
	return rc;
}

int
tree_unlink(int root, const char *path, struct err *e)
{
	char part[LIMIT_MEMBER_PART + 1];
	int dir, rc;

	if ((rc = descend(root, path, false, part, &dir, e)) != 0)
		return rc;
	if (unlinkat(dir, part, 0) != 0)
		rc = fail(path, "cannot remove", e);
	close(dir);
	return rc;
}

int
tree_open(int root, const char *path, struct err *e)
{
	char part[LIMIT_MEMBER_PART + 1];
	int dir, fd, rc;

	if ((rc = descend(root, path, false, part, &dir, e)) != 0)
		return rc;
	fd = openat(dir, part,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		fd = fail(path, "cannot open", e);
	close(dir);
	return fd;
}

int
tree_stat(
    int root, const char *path, bool follow, struct stat *st, struct err *e)
{
	char part[LIMIT_MEMBER_PART + 1];
	int dir, rc;

	if ((rc = descend(root, path, false, part, &dir, e)) != 0)
		return rc;
	if (fstatat(dir, part, st, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0)
		rc = fail(path, "cannot stat", e);
	close(dir);
	return rc;
}

int
tree_link(int root, const char *path, char *out, size_t size, struct err *e)
{
	char part[LIMIT_MEMBER_PART + 1];
	ssize_t n;
	int dir, rc;

	if ((rc = descend(root, path, false, part, &dir, e)) != 0)
		return rc;
	n = readlinkat(dir, part, out, size - 1);
	close(dir);
	if (n < 0)
		return fail(path, "cannot read link", e);
	out[n] = '\0';
	return (size_t)n < size - 1
		   ? 0
		   : err_set(e, ERR_LIMIT, ERR_NOWHERE, "a link too long");
}

/* --- walking ------------------------------------------------------------- */

struct walk {
	struct arena *arena;
	int (*each)(void *, const struct tree_entry *, struct err *);
	void *ctx;
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, sorted; the descriptor is closed. */
static int
list(int fd, struct arena *a, struct buf *names, struct err *e)
{
	DIR *d = fdopendir(fd);
	struct dirent *entry;

	if (d == NULL) {
		close(fd);
		return err_sys(e, "cannot list directory");
	}
	errno = 0;
	while ((entry = readdir(d)) != NULL) {
		const char *s = entry->d_name;

		if (strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
			continue;
		if ((s = arena_strdup(a, s, strlen(s))) == NULL) {
			closedir(d);
			return err_set(
			    e, ERR_LIMIT, ERR_NOWHERE, "too many files");
		}
		buf_append(names, &s, sizeof(s));
		errno = 0;
	}
	closedir(d);
	if (errno != 0)
		return err_sys(e, "cannot list directory");
	if (names->len != 0)
		qsort(names->ptr, names->len / sizeof(char *), sizeof(char *),
		    by_name);
	return 0;
}

int
tree_list(
    int root, struct arena *a, const char ***names, size_t *n, struct err *e)
{
	int fd = openat(root, ".", STEP), rc;
	struct buf found = {0};

	*n = 0;
	if (fd < 0)
		return err_sys(e, "cannot open directory");
	if ((rc = list(fd, a, &found, e)) == 0) {
		*names = arena_alloc(a, found.len + 1, 1);
		if (*names == NULL)
			rc = err_set(
			    e, ERR_LIMIT, ERR_NOWHERE, "too many files");
	}
	if (rc == 0 && found.len != 0) {
		memcpy(*names, found.ptr, found.len);
		*n = found.len / sizeof(char *);
	}
	buf_free(&found);
	return rc;
}

int
tree_folder(int root, const char *name, struct err *e)
{
	int fd = openat(root, name, STEP);

	return fd >= 0 ? fd : fail(name, "cannot open directory", e);
}

static int walk_folder(
    const struct walk *, int fd, const char *path, size_t depth, struct err *);

static int
walk_entry(const struct walk *w, int fd, const char *prefix, const char *name,
    size_t depth, struct err *e)
{
	struct tree_entry entry;
	char path[4096];
	int n, rc, sub;

	n = snprintf(path, sizeof(path), "%s%s%s", prefix,
	    prefix[0] != '\0' ? "/" : "", name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "path too long");
	entry.path = path;
	if (fstatat(fd, name, &entry.st, AT_SYMLINK_NOFOLLOW) != 0)
		return fail(path, "cannot stat", e);
	if ((rc = w->each(w->ctx, &entry, e)) != 0 ||
	    !S_ISDIR(entry.st.st_mode))
		return rc;
	if ((sub = openat(fd, name, STEP)) < 0)
		return fail(path, "cannot open directory", e);
	return walk_folder(w, sub, path, depth + 1, e);
}

/* Closes fd. */
static int
walk_folder(
    const struct walk *w, int fd, const char *path, size_t depth, struct err *e)
{
	struct buf names = {0};
	int copy, rc = 0;

	if (depth > LIMIT_MEMBER_DEPTH)
		rc = err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "more than %d levels of folders", LIMIT_MEMBER_DEPTH);
	else if ((copy = openat(fd, ".", STEP)) < 0)
		rc = err_sys(e, "cannot open directory");
	else
		rc = list(copy, w->arena, &names, e);
	if (rc != 0)
		err_in(e, path);
	for (size_t i = 0; i < names.len && rc == 0; i += sizeof(char *)) {
		const char *name;

		memcpy(&name, names.ptr + i, sizeof(name));
		rc = walk_entry(w, fd, path, name, depth, e);
	}
	buf_free(&names);
	close(fd);
	return rc;
}

int
tree_walk(int root, struct arena *a,
    int (*each)(void *, const struct tree_entry *, struct err *), void *ctx,
    struct err *e)
{
	struct walk w = {a, each, ctx};
	int fd = openat(root, ".", STEP);

	if (fd < 0)
		return err_sys(e, "cannot open directory");
	return walk_folder(&w, fd, "", 0, e);
}
