/* SPDX-License-Identifier: MIT
 * PNG by libpng: grey of any depth up to 8, RGB, palettes (expanded to RGB).
 */
#ifndef FORMATS_IMAGE_PNG_H
#define FORMATS_IMAGE_PNG_H

#include "formats/image.h"

bool image_png_probe(struct rd);
int image_png_read(
    struct rd, struct arena *, struct image *, struct err *) MUST_USE;

#endif
