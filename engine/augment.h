/* SPDX-License-Identifier: MIT
 * Random changes of training images that keep their class.
 */
#ifndef ENGINE_AUGMENT_H
#define ENGINE_AUGMENT_H

#include "base/base.h"

struct augment {
	size_t h, w, c;
	/* moved by up to so many pixels each way; what comes in at a border
	 * repeats the pixels there */
	size_t shift;
	bool flip; /* left and right exchanged, every other time */
	/* a square of this side, its centre anywhere, becomes one grey
	 * (DeVries and Taylor 2017); 0: none */
	size_t cutout;
};

/* In place; x: h x w x c.  The same `draw` makes the same change. */
void augment_image(const struct augment *, uint64_t draw, float *x);

#endif
