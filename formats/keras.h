/* SPDX-License-Identifier: MIT
 * Keras models: .h5 files (the legacy form, with the configuration in an
 * attribute), .keras archives, and the files of the latter in a folder.
 * Written from keras/src/saving/saving_lib.py and
 * keras/src/legacy/saving/legacy_h5_format.py.
 */
#ifndef FORMATS_KERAS_H
#define FORMATS_KERAS_H

#include "formats/source.h"

#define KERAS_CONFIG  "config.json"
#define KERAS_WEIGHTS "model.weights.h5"

/* The configuration beside the weights that are the main file; or not. */
bool keras_is_folder(const struct source *);

#endif
