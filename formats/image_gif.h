/* SPDX-License-Identifier: MIT
 * GIF: the first picture, which must cover all of the screen, as RGB.  What is
 * transparent keeps the colour that the table has for it.
 */
#ifndef FORMATS_IMAGE_GIF_H
#define FORMATS_IMAGE_GIF_H

#include "formats/image.h"

bool image_gif_probe(struct rd);
int image_gif_read(
    struct rd, struct arena *, struct image *, struct err *) MUST_USE;

#endif
