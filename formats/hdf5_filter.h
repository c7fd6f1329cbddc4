/* SPDX-License-Identifier: MIT
 * Filters of HDF5 chunks.
 */
#ifndef FORMATS_HDF5_FILTER_H
#define FORMATS_HDF5_FILTER_H

#include "formats/hdf5.h"

#define HDF5_FILTERS_MAX 8

struct hdf5_filters {
	size_t n;
	uint16_t id[HDF5_FILTERS_MAX];
	size_t width; /* of an element, for shuffle */
};

/* A filter message; ERR_UNSUPPORTED names a filter that is not known. */
int hdf5_filter_parse(struct rd, struct hdf5_filters *, struct err *) MUST_USE;
/*
 * Undo the filters that `mask` does not skip.  `work` has two blocks of `size`
 * + 4 bytes; *out is the chunk of `size` bytes in one of them, or in the file.
 */
int hdf5_filter_undo(const struct hdf5_filters *, uint32_t mask, struct rd raw,
    size_t size, uint8_t *const work[2], const uint8_t **out,
    struct err *) MUST_USE;
/*
 * And apply them: the chunk of `size` bytes is in work[0]; both blocks have
 * hdf5_filter_room() bytes.  *out is one of them.
 */
void hdf5_filter_apply(const struct hdf5_filters *, uint32_t mask, size_t size,
    uint8_t *const work[2], const uint8_t **out, size_t *len);
size_t hdf5_filter_room(size_t size);

#endif
