/* SPDX-License-Identifier: MIT
 * JPEG by libjpeg-turbo: grey, and what it can turn into RGB.
 */
#ifndef FORMATS_IMAGE_JPEG_H
#define FORMATS_IMAGE_JPEG_H

#include "formats/image.h"

bool image_jpeg_probe(struct rd);
int image_jpeg_read(
    struct rd, struct arena *, struct image *, struct err *) MUST_USE;

#endif
