/* SPDX-License-Identifier: MIT
 * Parts of the check of HDF5 (check_keras_h5.c).
 */
#ifndef AUDIT_CHECK_KERAS_H5_PART_H
#define AUDIT_CHECK_KERAS_H5_PART_H

#include "audit/check.h"
#include "formats/hdf5_object.h"

/* What the reader could not read: the result is incomplete. */
void check_keras_h5_unread(const struct check_file *, const struct err *);

/* Pickles in the attributes and in the data of an object, by its messages. */
void check_keras_h5_object(const struct check_file *, struct hdf5 *,
    const struct hdf5_message *, const char *name);
/* In heaps, global and fractal, wherever one is in the file. */
void check_keras_h5_heaps(const struct check_file *, const struct hdf5 *);

#endif
