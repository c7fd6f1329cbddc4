/* SPDX-License-Identifier: MIT
 * Datasets of HDF5: arrays of numbers.
 */
#ifndef FORMATS_HDF5_DATA_H
#define FORMATS_HDF5_DATA_H

#include "formats/hdf5.h"

/*
 * The dataset at that address as a tensor without a name: a view of the file
 * where it is in one piece there, else in the arena.  Types that a tensor
 * cannot have, and values that are in other files, are ERR_UNSUPPORTED.
 */
int hdf5_data_read(
    struct hdf5 *, uint64_t at, struct tensor *, struct err *) MUST_USE;

/*
 * The bytes of a dataset whose layout message (version 3 or 4) and filter message
 * (base NULL: none) these are, into t, which has its dimensions and its size.
 * width 0: it has its type too, and all of its chunks must be there; else that
 * of an element, and what was never written is NULL or, in chunks, zero.
 */
int hdf5_data_place(struct hdf5 *, struct rd layout, struct rd filters,
    size_t width, struct tensor *, struct err *) MUST_USE;

#endif
