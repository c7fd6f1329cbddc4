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

#endif
