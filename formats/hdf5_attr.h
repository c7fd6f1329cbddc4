/* SPDX-License-Identifier: MIT
 * Text in attributes of HDF5 objects.
 */
#ifndef FORMATS_HDF5_ATTR_H
#define FORMATS_HDF5_ATTR_H

#include "formats/hdf5.h"

struct hdf5_message;

/*
 * The strings of an attribute of the object at `at`, in the arena: fixed or
 * variable length, a scalar being a list of one.  *n is SIZE_MAX when the
 * object has no such attribute.  ERR_FORMAT when it is no text.
 */
int hdf5_attr_list(struct hdf5 *, uint64_t at, const char *name,
    const struct slice **out, size_t *n, struct err *) MUST_USE;

/* A single string; *out has a NULL ptr when absent. */
int hdf5_attr_text(struct hdf5 *, uint64_t at, const char *name,
    struct slice *out, struct err *) MUST_USE;

/* The name and the bytes of an attribute message, as they stand in the file. */
int hdf5_attr_bytes(const struct hdf5 *, const struct hdf5_message *,
    struct slice *name, struct rd *data, struct err *) MUST_USE;

/* Object `index` of the global heap's collection at `at`. */
int hdf5_attr_heap_object(struct hdf5 *, uint64_t at, uint32_t index,
    struct slice *out, struct err *) MUST_USE;

/*
 * The objects of global heaps, wherever one stands in the file: pieces of
 * variable length, of attributes and datasets.  Returns false behind the last;
 * `at` begins at 0.
 */
struct hdf5_heap {
	size_t at;
	struct rd left; /* of the collection */
};
bool hdf5_attr_heap_next(
    const struct hdf5 *, struct hdf5_heap *, struct slice *out);

#endif
