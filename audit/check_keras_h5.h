/* SPDX-License-Identifier: MIT
 * HDF5 files as Keras reads them: the configurations in attributes of the root
 * group, and links and data that are in other files.
 */
#ifndef AUDIT_CHECK_KERAS_H5_H
#define AUDIT_CHECK_KERAS_H5_H

#include "audit/check.h"

void check_keras_h5(const struct check_file *);

#endif
