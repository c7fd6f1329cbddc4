/* SPDX-License-Identifier: MIT
 * Windows bitmaps, not compressed: 24 and 32 bits (the fourth byte is padding),
 * and palettes of 1, 4 and 8 bits.
 */
#ifndef FORMATS_IMAGE_BMP_H
#define FORMATS_IMAGE_BMP_H

#include "formats/image.h"

bool image_bmp_probe(struct rd);
int image_bmp_read(
    struct rd, struct arena *, struct image *, struct err *) MUST_USE;

#endif
