/* SPDX-License-Identifier: MIT
 * A typed array as NPY, NPZ and IDX hold it, and how images and labels are
 * made of one.
 */
#ifndef FORMATS_ARRAY_H
#define FORMATS_ARRAY_H

#include "base/rd.h"
#include "formats/dataset.h"

#define ARRAY_MAX_RANK 8

struct array {
	char kind;    /* 'u', 'i' or 'f'; of weights also 'b', a bool */
	size_t width; /* bytes of an element: 1, 2, 4, 8 */
	bool big;     /* big-endian */
	bool columns; /* the first axis is the densest (Fortran) */
	size_t rank;  /* 1 to ARRAY_MAX_RANK */
	uint64_t dim[ARRAY_MAX_RANK];
	size_t count; /* product of dim */
	struct rd
	    data; /* exactly count * width bytes, row by row or `columns` */
};

/*
 * Set count and take the data, which must be all that is left of r.
 * ERR_TRUNCATED, ERR_FORMAT (too much) or ERR_LIMIT.
 */
int array_take(struct array *, struct rd *r, struct err *) MUST_USE;

/*
 * Images (N,H,W), (N,H,W,C) or (N,C,H,W), the last when the second size is 1
 * or 3 and the fourth is not.  Integers must be within 0 to 255; floats are
 * taken as they are when none is above 1, divided by 255 when none is above
 * 255.  Pixels are borrowed from the array where that is possible.
 */
int array_images(const struct array *, struct dataset *, struct err *) MUST_USE;
/* Labels: whole numbers from 0, (N) or (N,1), also kept as floats, or (N,K)
 * with a single 1 in each row; sets label and classes. */
int array_labels(const struct array *, struct dataset *, struct err *) MUST_USE;

#endif
