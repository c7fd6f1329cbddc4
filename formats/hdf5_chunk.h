/* SPDX-License-Identifier: MIT
 * Datasets of HDF5 in chunks, each through a pipeline of filters.
 */
#ifndef FORMATS_HDF5_CHUNK_H
#define FORMATS_HDF5_CHUNK_H

#include "formats/hdf5.h"

/*
 * Put the chunks of t together; `layout` is behind version and class of a
 * layout message of that version, `filters` the body of a filter message (base
 * NULL: none).  A single chunk without filters is a view.
 */
int hdf5_chunk_read(struct hdf5 *, unsigned version, struct rd layout,
    struct rd filters, struct tensor *t, struct err *) MUST_USE;

#endif
