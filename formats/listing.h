/* SPDX-License-Identifier: MIT
 * Image files of a folder and the class of each, before they are read.
 */
#ifndef FORMATS_LISTING_H
#define FORMATS_LISTING_H

#include "base/buf.h"
#include "base/map.h"
#include "formats/fit.h"

struct listing {
	struct arena arena;
	struct buf images;  /* of const char *: paths beneath the root */
	struct buf labels;  /* of int32_t: indices of classes */
	struct buf classes; /* of const char *, in the order of their coming */
	struct map known;
};

void listing_init(struct listing *);
void listing_release(struct listing *);

/* The names are copied; the same class again is the same class. */
int listing_class(struct listing *, const char *name, size_t len, int32_t *out,
    struct err *) MUST_USE;
int listing_image(
    struct listing *, const char *path, int32_t label, struct err *) MUST_USE;

/*
 * Read all images, in their order, into d, which is empty with its arena
 * initialised.  Classes are numbered in byte order of their names, or by
 * these when all are numbers (classes_number).
 */
int listing_read(struct listing *, int root, const struct fit_shape *,
    struct dataset *d, struct err *) MUST_USE;

#endif
