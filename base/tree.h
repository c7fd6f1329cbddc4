/* SPDX-License-Identifier: MIT
 * Creating and reading beneath one directory descriptor: each path is taken
 * component by component, never through a link, so that nothing outside the
 * directory is ever reached whatever a name says.
 */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include "base/arena.h"
#include "base/err.h"

#include <sys/stat.h>

/* Something of that name is in the way; the value is no ERR_*. */
#define TREE_EXISTS 1

/* A descriptor of the directory `path`, or negative ERR. */
int tree_root(const char *path, struct err *);

/*
 * Create a regular file (O_EXCL, mode 0644 less the umask) and the folders on
 * its way.  0 and the descriptor in *fd, TREE_EXISTS, or negative ERR.  A path
 * with an empty, "." or ".." component is ERR_FORMAT.
 */
int tree_create(int root, const char *path, int *fd, struct err *) MUST_USE;
/* A folder; fine when it is there.  TREE_EXISTS when a file is. */
int tree_mkdir(int root, const char *path, struct err *) MUST_USE;
int tree_unlink(int root, const char *path, struct err *) MUST_USE;
/* Open for reading; descriptor or negative ERR. */
int tree_open(int root, const char *path, struct err *);

/* What is at `path`; follow: of a last component that is a link, what it
 * leads to, wherever that is. */
int tree_stat(int root, const char *path, bool follow, struct stat *,
    struct err *) MUST_USE;

/* Where the link at `path` leads, as it says; ERR_LIMIT when that is too long. */
int tree_link(
    int root, const char *path, char *out, size_t size, struct err *) MUST_USE;

/*
 * The names in the root itself, sorted, in the arena.  ERR_LIMIT when that is
 * full.
 */
int tree_list(int root, struct arena *, const char ***names, size_t *n,
    struct err *) MUST_USE;
/* A folder in root; descriptor or negative ERR. */
int tree_folder(int root, const char *name, struct err *);

struct tree_entry {
	const char *path; /* relative to the root of the walk */
	struct stat st;   /* of the entry itself, links not followed */
};

/*
 * Call each() for everything beneath root, folders before what they hold, in
 * byte order of the names within a folder.  Links are reported and not
 * followed.  A non-zero result of each() ends the walk and is returned.
 * ERR_LIMIT beyond LIMIT_MEMBER_DEPTH levels or when the arena is full.
 */
int tree_walk(int root, struct arena *,
    int (*each)(void *ctx, const struct tree_entry *, struct err *), void *ctx,
    struct err *) MUST_USE;

#endif
