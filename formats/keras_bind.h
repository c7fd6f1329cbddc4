/* SPDX-License-Identifier: MIT
 * Weights of HDF5 to the layers of a configuration.
 */
#ifndef FORMATS_KERAS_BIND_H
#define FORMATS_KERAS_BIND_H

#include "formats/hdf5.h"
#include "formats/keras_config.h"

/*
 * The legacy form (keras/src/legacy/saving/legacy_h5_format.py): `group` has
 * the attribute layer_names, and a group with weight_names for each.
 */
int keras_bind_legacy(struct hdf5 *, uint64_t group, struct keras_layer *root,
    struct arena *, struct err *) MUST_USE;
/* The form of .keras (keras/src/saving/saving_lib.py): layers/<class>/vars/0 */
int keras_bind_tree(struct hdf5 *, struct keras_layer *root, struct arena *,
    struct err *) MUST_USE;

#endif
