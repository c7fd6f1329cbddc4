/* SPDX-License-Identifier: MIT
 * A data set from image files that come one by one: each is decoded, fitted
 * and put in its place; only one is in memory besides the result.
 */
#ifndef FORMATS_GATHER_H
#define FORMATS_GATHER_H

#include "formats/fit.h"

struct gather {
	struct dataset *d;
	const struct fit_shape *fit;
	size_t n, at; /* images to come in all; those that came */
	uint8_t *pixels;
};

/* d is empty, its arena initialised; fit may be NULL. */
void gather_begin(
    struct gather *, struct dataset *d, const struct fit_shape *fit, size_t n);
/* One file.  The first decides the shape that all must have. */
int gather_add(struct gather *, struct rd file, struct err *) MUST_USE;

#endif
