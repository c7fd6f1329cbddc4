/* SPDX-License-Identifier: MIT
 * The files of a case with their digests, and the two digests that stand for
 * all of them (assay-manifest(5)): omsRoot, the root of the OpenSSF Model
 * Signing specification, and dirHash, which a shell can compute.
 */
#ifndef AUDIT_MANIFEST_H
#define AUDIT_MANIFEST_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"

struct manifest_file {
	const char *path;
	struct digest digest;
	uint64_t size;
};

struct manifest {
	struct arena arena;
	struct buf list; /* of struct manifest_file */
};

void manifest_init(struct manifest *);
void manifest_release(struct manifest *);

/* The path is copied; ERR_LIMIT when there are too many. */
int manifest_add(struct manifest *, const char *path, const struct digest *,
    uint64_t size, struct err *) MUST_USE;
size_t manifest_count(const struct manifest *);
uint64_t manifest_bytes(const struct manifest *);

/* Sort by path and put "files" and "digests" into the document. */
void manifest_put(struct manifest *, json_t *doc);

#endif
