/* SPDX-License-Identifier: MIT
 * A snapshot of the Hugging Face hub's cache, X/snapshots/<revision>: its files
 * are links "../../blobs/<hex>" to X/blobs, beside it.  These links, and no
 * others that lead out of a folder, stand for a file of it.
 */
#ifndef BASE_SNAPSHOT_H
#define BASE_SNAPSHOT_H

#include "base/base.h"

/* The folder of blobs that goes with the folder `path`; false when that is no
 * snapshot, has none, or the name does not fit. */
bool snapshot_blobs(const char *path, char *out, size_t size);

/* The blob's name, which points into `to`, when the link at `inside` the
 * snapshot that says `to` stands for one; else NULL. */
const char *snapshot_blob(const char *inside, const char *to);

/*
 * `rel` is "<folder>snapshots/<revision>/<file>", in a whole cache: <file>, and
 * the length of <folder>; else NULL.
 */
const char *snapshot_in_cache(const char *rel, size_t *folder);

/*
 * Where the bytes of the link `path` are, which is at `rel` beneath root: `at`, in
 * `blobs` (of snapshot_blobs(root), or "") or, when a whole cache is beneath
 * root, in that one's.  False: it stands for no blob, or is no link.
 */
bool snapshot_follow(const char *root, const char *blobs, const char *rel,
    const char *path, char *at, size_t size);

/* The name of a blob: SHA-1 of git or SHA-256 of LFS. */
bool snapshot_is_blob(const char *name);

#endif
