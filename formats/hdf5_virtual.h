/* SPDX-License-Identifier: MIT
 * Where a virtual dataset has its values: files and datasets (VII.E of the
 * specification: "Global Heap Block for Virtual Datasets").
 */
#ifndef FORMATS_HDF5_VIRTUAL_H
#define FORMATS_HDF5_VIRTUAL_H

#include "formats/hdf5.h"

struct hdf5_message;

/* Whether the layout message is that of a virtual dataset. */
bool hdf5_virtual(const struct hdf5_message *layout);
/*
 * The names of its files, "." for the file itself, one after another: each() is
 * called for every one, and false ends it.  ERR_* when the list cannot be read to
 * its end.
 */
int hdf5_virtual_files(struct hdf5 *, const struct hdf5_message *layout,
    bool (*each)(void *ctx, const char *name), void *ctx,
    struct err *) MUST_USE;

#endif
