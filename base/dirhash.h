/* SPDX-License-Identifier: MIT
 * The digest that stands for the files of a folder, names and contents: in-toto's
 * dirHash, SHA-256 over a line "<hex>  <name>\n" for each file, in byte order
 * of the names, which are relative and written with '/'.
 */
#ifndef BASE_DIRHASH_H
#define BASE_DIRHASH_H

#include "base/digest.h"

#include <jansson.h>

struct dirhash_file {
	const char *name; /* borrowed */
	struct digest digest;
	uint64_t size;
};

/* Sorts the files, and digests them. */
void dirhash_files(struct dirhash_file *, size_t n, struct digest *out);

/* [{"name","sha256","size"}, ...]; a new reference. */
json_t *dirhash_json(const struct dirhash_file *, size_t n);

/*
 * Of the regular files beneath a directory, which may be named by a link; links
 * beneath it are not followed and, like special files, left out, but for those
 * that a snapshot's files are (snapshot.h), which count as the blobs.
 * ERR_SYSTEM when there is no such directory, or a part of it cannot be read.
 * *size: of all together.  files: gets what dirhash_json() gives (a new
 * reference), unless NULL.
 */
int dirhash_dir(const char *path, struct digest *out, uint64_t *size,
    json_t **files, struct err *) MUST_USE;

#endif
