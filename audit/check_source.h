/* SPDX-License-Identifier: MIT
 * Memory as libarchive's input, and what it reads as pieces of memory: a
 * member that lies in one piece in the input stays where it is.  Nothing that
 * libarchive offers for disks or programs is used.
 */
#ifndef AUDIT_CHECK_SOURCE_H
#define AUDIT_CHECK_SOURCE_H

#include "audit/check_expand.h"

#include <archive.h>
#include <archive_entry.h>

struct check_source {
	struct rd bytes; /* the cursor is libarchive's */
};

/* A new reader without filters and formats. */
struct archive *check_source_open(struct check_source *);

/*
 * The data of the entry that is next: of the source when they lie there in one
 * piece (x->bytes stays empty), else expanded.  Holes are zeros.
 */
void check_source_data(const struct check_file *, struct archive *,
    const struct check_source *, struct check_expanded *x, struct rd *out);

/*
 * Expand what a filter (ARCHIVE_FILTER_XZ ...) reads, one or more streams;
 * x->used is where the last of them ends.  Bytes behind that, at which
 * libarchive stops, cost nothing that was before them.
 */
void check_source_filter(
    const struct check_file *, int filter, struct rd, struct check_expanded *x);

#endif
