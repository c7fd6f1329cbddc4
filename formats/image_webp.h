/* SPDX-License-Identifier: MIT
 * WebP, lossy and lossless, by libwebp; without transparency or animation.
 */
#ifndef FORMATS_IMAGE_WEBP_H
#define FORMATS_IMAGE_WEBP_H

#include "formats/image.h"

bool image_webp_probe(struct rd);
int image_webp_read(
    struct rd, struct arena *, struct image *, struct err *) MUST_USE;

#endif
