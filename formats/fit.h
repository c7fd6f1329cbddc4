/* SPDX-License-Identifier: MIT
 * Fitting images to what a model takes: scaled and cropped by its
 * preprocessing, grey repeated as colour, zero borders where the user asks for
 * them.  What is not said is not done: images of another size are refused.
 */
#ifndef FORMATS_FIT_H
#define FORMATS_FIT_H

#include "formats/dataset.h"
#include "formats/image.h"
#include "formats/preprocess.h"

struct fit_shape {
	uint64_t side;         /* pad with zeros to this; 0: do not */
	uint64_t channels;     /* repeat grey as so many; 0: as they are */
	uint64_t h, w;         /* what the images must be then; 0: anything */
	struct preprocess pre; /* resize, filter, crop */
};

/* Whether it asks for a resize or a crop. */
bool fit_scales(const struct fit_shape *);

/*
 * One image; the new pixels lie in the arena.  Borders are as even as they
 * can be, the odd row or column at the bottom or right.  ERR_USAGE when images
 * would have to be cut or scaled in a way that nobody said, or channels
 * dropped or mixed.
 */
int fit_image(const struct fit_shape *, const struct image *in, struct arena *,
    struct image *out, struct err *) MUST_USE;

/*
 * The same for the images of d, in its arena.  Arrays that have the model's
 * size already were prepared by somebody: they are neither scaled nor cropped.
 */
int fit_images(
    struct dataset *, const struct fit_shape *, struct err *) MUST_USE;

#endif
