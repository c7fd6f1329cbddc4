/* SPDX-License-Identifier: MIT
 * The cache of the Hugging Face hub: files of snapshots/<revision>/ are links
 * "../../blobs/<hex>".  These links, and no others, stand for the blob.
 */
#ifndef FORMATS_BUNDLE_CACHE_H
#define FORMATS_BUNDLE_CACHE_H

#include "base/buf.h"
#include "base/map.h"
#include "base/tree.h"

struct bundle_cache {
	int root;  /* of the walk */
	int blobs; /* where the walk is one snapshot: its blobs; or -1 */
	struct arena *arena;
	struct map loaded; /* folders whose blobs are in `blob` */
	struct map blob;   /* "folder inode": index of name */
	struct buf names;  /* of const char * */
};

void bundle_cache_init(
    struct bundle_cache *, int root, int blobs, struct arena *);
void bundle_cache_release(struct bundle_cache *);

/*
 * The blob that a link of the walk stands for: a descriptor, and its name; or
 * negative when it is any other link.
 */
int bundle_cache_open(
    struct bundle_cache *, const struct tree_entry *link, const char **name);

/*
 * The name of the blob that a link of an archive stands for: path
 * "<folder>snapshots/<revision>/<file>", target "<folder>blobs/<hex>"; else
 * NULL.  Points into target.
 */
const char *bundle_cache_blob(const char *path, const char *target);

#endif
