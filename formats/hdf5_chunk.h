/* SPDX-License-Identifier: MIT
 * Datasets of HDF5 in chunks, each through a pipeline of filters.
 */
#ifndef FORMATS_HDF5_CHUNK_H
#define FORMATS_HDF5_CHUNK_H

#include "formats/hdf5_filter.h"

/* A dataset of chunks that a B-tree (version 1) lists. */
struct hdf5_kept {
	struct hdf5_kept *next;
	struct tensor t; /* its data are the dataset's, in memory */
	struct hdf5_filters filters;
	uint64_t dim[MODEL_MAX_RANK];  /* of a chunk */
	uint64_t grid[MODEL_MAX_RANK]; /* chunks along each dimension */
	uint64_t total;
	size_t size;         /* bytes of a chunk */
	const uint8_t **key; /* in the file: length, mask, place, address */
};

/* The first element of chunk i. */
void hdf5_chunk_place(
    const struct hdf5_kept *, uint64_t i, uint64_t at[MODEL_MAX_RANK]);

/*
 * Put the chunks of t together; `layout` is behind version and class of a
 * layout message of that version, `filters` the body of a filter message (base
 * NULL: none).  A single chunk without filters is a view.
 */
int hdf5_chunk_read(struct hdf5 *, unsigned version, struct rd layout,
    struct rd filters, struct tensor *t, struct err *) MUST_USE;
/* The same of elements of `width` bytes, which t's type does not say; chunks
 * that were never written are zeros. */
int hdf5_chunk_bytes(struct hdf5 *, unsigned version, struct rd layout,
    struct rd filters, size_t width, struct tensor *t, struct err *) MUST_USE;

#endif
