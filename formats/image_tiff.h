/* SPDX-License-Identifier: MIT
 * TIFF 6.0: the first image of a file, of 8 bits a sample, grey, RGB or a
 * palette, in strips, plain or packed by LZW, Deflate or PackBits.  A sample
 * of opacity that is not multiplied in is left out.
 */
#ifndef FORMATS_IMAGE_TIFF_H
#define FORMATS_IMAGE_TIFF_H

#include "formats/image.h"

bool image_tiff_probe(struct rd);
int image_tiff_read(
    struct rd, struct arena *, struct image *, struct err *) MUST_USE;

#endif
