/* SPDX-License-Identifier: MIT
 * HDF5 files written anew when datasets in chunks have changed: chunks are
 * filtered again and stay where they are, or, when they have grown, go to the
 * end of the file; the B-tree says so.  All other bytes are the old file's.
 */
#ifndef FORMATS_HDF5_WRITE_H
#define FORMATS_HDF5_WRITE_H

#include "formats/hdf5_chunk.h"
#include "formats/patch.h"

/* The datasets that were put together, for patch_spans(). */
int hdf5_write_spans(const struct hdf5 *, struct patch_span **, size_t *n,
    struct err *) MUST_USE;
/*
 * When one of them has changed, make the source's main file anew, of which h
 * is open.  ERR_UNSUPPORTED when a chunk has grown in a file whose superblock
 * has a checksum.
 */
int hdf5_write_changed(struct hdf5 *, struct source *,
    const struct patch_span *, size_t n, struct err *) MUST_USE;

#endif
