/* SPDX-License-Identifier: MIT
 * Fitting a data set to the shape that a model takes, without inventing
 * pixels: zero borders around smaller images, grey repeated as colour.
 */
#ifndef FORMATS_FIT_H
#define FORMATS_FIT_H

#include "formats/dataset.h"

struct fit_shape {
	uint64_t side;     /* height and width; 0: as they are */
	uint64_t channels; /* 0: as they are */
};

/*
 * Replace the images of d, in its arena.  Borders are as even as they can be,
 * the odd row or column at the bottom or right.  ERR_USAGE when images would
 * have to be cut or scaled, or channels dropped or mixed.
 */
int fit_images(
    struct dataset *, const struct fit_shape *, struct err *) MUST_USE;

#endif
