/* SPDX-License-Identifier: MIT
 * What the parts of bundle.h have between them: findings, the judgement on one
 * member, accounts, and the list of files that were kept.
 */
#ifndef FORMATS_BUNDLE_PART_H
#define FORMATS_BUNDLE_PART_H

#include "formats/bundle.h"

/* Whether a file that was kept has this SHA-256 (f->good); else a finding.  It
 * is read once. */
int bundle_verify(struct bundle *, struct bundle_file *f, const char *hex,
    struct err *) MUST_USE;
/* Create path and fill it from memory; consumed: as for bundle_spend(). */
int bundle_copy(struct bundle *, struct rd, const char *path, uint64_t consumed,
    struct err *) MUST_USE;
/*
 * Note a link of the archive that is being read, to be replaced by a copy when
 * the walk is over; false: that cannot be, it is to be refused.
 */
bool bundle_link(
    struct bundle *, const char *raw, const char *target, bool hard);
/* The links that were noted; consumed: bytes of the archive. */
int bundle_links(struct bundle *, uint64_t consumed, struct err *) MUST_USE;
/* Images among the files that were kept, from the given one on: digests are
 * checked and layers applied (bundle_image.c). */
int bundle_image(struct bundle *, size_t from, struct err *) MUST_USE;
/* What one file was before it was compressed (model.onnx.gz), into `name`
 * beneath the prefix; nothing when it was compressed more than once. */
int bundle_archive_single(
    struct bundle *, struct rd, const char *name, struct err *) MUST_USE;
/* Whether an archive can be seen in these bytes. */
bool bundle_archived(struct rd);
/* A file has been kept. */
void bundle_made(struct bundle *, const char *path);
size_t bundle_count(const struct bundle *);
/* The i-th file that was kept, NULL beyond the last. */
struct bundle_file *bundle_nth(const struct bundle *, size_t i);
/* `path` with `suffix`, longer where that is taken by a name so far, with a
 * slash; NULL when too long. */
const char *bundle_nest_name(
    struct bundle *, const char *path, const char *suffix);
/*
 * Read an archive into `prefix`, which ends with '/'; what bundle_archive()
 * returns.
 */
int bundle_nest_open(struct bundle *, struct rd, bool maybe, const char *prefix,
    unsigned depth, struct err *) MUST_USE;

void bundle_find(struct bundle *, enum finding_id, const char *path,
    const char *fmt, ...) PRINTF_LIKE(4, 5);
/* A finding, and the member in `refused`. */
void bundle_refuse(
    struct bundle *, enum finding_id, const char *path, const char *reason);
/*
 * Count a member and judge its name, type and mode bits (st_mode).  True when
 * it is to be created at m->path.
 */
bool bundle_admit(
    struct bundle *, const char *raw, unsigned mode, struct member *);
/* Account for n bytes that came out of `consumed`; false beyond a limit. */
bool bundle_spend(
    struct bundle *, const char *path, uint64_t n, uint64_t consumed);

#endif
