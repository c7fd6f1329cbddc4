/* SPDX-License-Identifier: MIT
 * JPEG by libjpeg-turbo: grey, and what it can turn into RGB.
 */
#ifndef FORMATS_IMAGE_JPEG_H
#define FORMATS_IMAGE_JPEG_H

#include "formats/image.h"

bool image_jpeg_probe(struct rd);
int image_jpeg_read(
    struct rd, struct arena *, struct image *, struct err *) MUST_USE;

/* What a stream says of its colours does not count within a TIFF. */
enum image_jpeg_colour {
	IMAGE_JPEG_AS_SAID,
	IMAGE_JPEG_GREY,
	IMAGE_JPEG_YCC,
	IMAGE_JPEG_RGB,
};

/* One of several streams that have their tables in common: `tables`, a stream
 * without an image, or nothing. */
int image_jpeg_part(struct slice tables, struct slice stream,
    enum image_jpeg_colour, struct arena *, struct image *,
    struct err *) MUST_USE;

#endif
