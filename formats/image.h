/* SPDX-License-Identifier: MIT
 * One image file: PNG, JPEG, WebP, PGM, PPM, BMP, GIF or TIFF, 8 bits a channel,
 * grey or RGB; of PNG and TIFF also 16 bits, of which the upper 8 are read.  An
 * alpha channel is left out, as Pillow's convert("RGB") does.  Animations and
 * damage are errors.
 */
#ifndef FORMATS_IMAGE_H
#define FORMATS_IMAGE_H

#include "base/arena.h"
#include "base/rd.h"

struct image {
	size_t w, h, c;       /* c is 1 or 3 */
	const uint8_t *pixel; /* h*w*c bytes in the arena, channels innermost */
};

/* ERR_UNSUPPORTED for other formats. */
int image_read(
    struct rd, struct arena *, struct image *, struct err *) MUST_USE;

/* Whether the name ends as those of images do. */
bool image_named(const char *path);

/* The pixels of an image of w x h, or NULL and an error beyond a limit. */
uint8_t *image_alloc(
    struct arena *, struct image *, uint64_t w, uint64_t h, struct err *);

#endif
