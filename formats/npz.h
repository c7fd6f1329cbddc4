/* SPDX-License-Identifier: MIT
 * NPZ: a zip of NPY files.  Members named images, x, x_test, x_train or data
 * are the images, labels, y, y_test, y_train or targets the labels; case is
 * ignored, others are passed over.
 */
#ifndef FORMATS_NPZ_H
#define FORMATS_NPZ_H

#include "formats/dataset.h"

bool npz_probe(struct rd);
/* Fills d, whose arena is initialised; everything is copied into it. */
int npz_parse(struct rd r, struct dataset *, struct err *) MUST_USE;

#endif
