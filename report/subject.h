/* SPDX-License-Identifier: MIT
 * The files that an audit is about: names and SHA-256, in byte order of the
 * names, and the two digests over them (OMS root: contents; dirHash: names
 * and contents).  Built from a directory or from a list in a document.
 */
#ifndef REPORT_SUBJECT_H
#define REPORT_SUBJECT_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"

struct subject_file {
	const char *path;
	struct digest digest;
	uint64_t size;
	bool odd; /* a link or special file: equals nothing */
};

struct subject {
	struct arena arena;
	struct subject_file *file;
	size_t n;
	struct digest root, dirhash;
	bool by_state; /* digests are of state, not of content */
};

/* All that lies beneath dir, which may be a link to a directory; links beneath
 * it are not followed, but for those that a snapshot's files are
 * (base/snapshot.h), of which the blobs are digested. */
int subject_dir(struct subject *, const char *dir, struct err *) MUST_USE;
/*
 * The same by what the file system says of each (which file, its size, its
 * times): compared with another one taken later, it shows what has changed
 * since at the price of a look.
 */
int subject_state(struct subject *, const char *dir, struct err *) MUST_USE;
/*
 * Objects with members `path` and `sha256` under the given keys.  Names are
 * relative, without "." and "..", and occur once.
 */
int subject_list(struct subject *, const json_t *array, const char *path_key,
    const char *sha256_key, struct err *) MUST_USE;
void subject_release(struct subject *);

/* True for the relative path of a file: no empty, "." or ".." part. */
bool subject_safe(const char *path);

/* The file with this digest, or NULL. */
const struct subject_file *subject_find(
    const struct subject *, const struct digest *);

/* Called for each difference: what is "missing", "extra" or "changed". */
typedef void subject_tell(void *ctx, const char *what, const char *path);
/* The number of differences of `have` from `want`. */
size_t subject_compare(const struct subject *want, const struct subject *have,
    subject_tell *, void *ctx);

#endif
