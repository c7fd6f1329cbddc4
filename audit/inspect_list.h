/* SPDX-License-Identifier: MIT
 * What assay-inspect is to look at: every file and folder beneath the paths
 * that it was given, in the order in which they are reported.
 */
#ifndef AUDIT_INSPECT_LIST_H
#define AUDIT_INSPECT_LIST_H

#include "base/arena.h"
#include "base/err.h"

enum inspect_kind {
	INSPECT_FILE,
	INSPECT_FOLDER,
	INSPECT_AWAY, /* links that lead out of the folder: never followed */
	INSPECT_NOT,  /* devices and the like, which are not opened */
	INSPECT_STOP, /* the walk came to no good end here: `path` says why */
};

struct inspect_entry {
	enum inspect_kind kind;
	int root;         /* what `inside` is beneath; -1: it is no tree */
	int blobs;        /* of a snapshot (base/snapshot.h), or -1 */
	bool again;       /* one more name of a file of the tree */
	const char *path; /* as it is reported; "" for the top of a tree */
	const char *inside;
	const char *why; /* INSPECT_AWAY, INSPECT_NOT, INSPECT_STOP */
};

struct inspect_list {
	struct arena arena;
	struct inspect_entry *entry;
	size_t n, room;
	int root[256];              /* open as long as the list is */
	int blobs[256];             /* that go with it, or -1 */
	const char *root_path[256]; /* as given */
	size_t nroot;
};

void inspect_list_init(struct inspect_list *);
void inspect_list_release(struct inspect_list *);

/* A file by its path. */
int inspect_list_file(
    struct inspect_list *, const char *path, struct err *) MUST_USE;
/* A folder and everything in it, `prefix` ("": none) in front of its paths;
 * blobs: the folder that goes with a snapshot, or NULL. */
int inspect_list_tree(struct inspect_list *, const char *path,
    const char *blobs, const char *prefix, struct err *) MUST_USE;

/* Append the blobs that go with those of n paths that are snapshots. */
int inspect_list_blobs(struct inspect_list *, const char *const *path, size_t n,
    const char **out, size_t *nout, struct err *) MUST_USE;

/* A descriptor of a file or folder of the list, or negative ERR. */
int inspect_list_open(const struct inspect_entry *, struct err *);
/* A file of the same tree, by a path from the entry's folder on, is there; it
 * is in the list then. */
bool inspect_list_beside(const struct inspect_entry *, const char *path);
/* Its descriptor, by a path from `up` folders above the entry's own on, or
 * negative ERR. */
int inspect_list_near(
    const struct inspect_entry *, unsigned up, const char *path, struct err *);

#endif
