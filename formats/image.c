/* SPDX-License-Identifier: MIT */
#include "formats/image.h"

#include "base/limits.h"
#include "formats/image_jpeg.h"
#include "formats/image_png.h"

uint8_t *
image_alloc(
    struct arena *a, struct image *out, uint64_t w, uint64_t h, struct err *e)
{
	uint8_t *p = NULL;

	if (w == 0 || h == 0 || w > LIMIT_IMAGE_SIDE || h > LIMIT_IMAGE_SIDE ||
	    (p = arena_alloc(a, w * h, out->c)) == NULL) {
		err_set(e, w == 0 || h == 0 ? ERR_FORMAT : ERR_LIMIT,
		    ERR_NOWHERE,
		    "image of %" PRIu64 "x%" PRIu64 " pixels, the largest side "
		    "is %d",
		    w, h, LIMIT_IMAGE_SIDE);
		return NULL;
	}
	out->w = w;
	out->h = h;
	out->pixel = p;
	return p;
}

int
image_read(struct rd r, struct arena *a, struct image *out, struct err *e)
{
	*out = (struct image){0};
	if (image_png_probe(r))
		return image_png_read(r, a, out, e);
	if (image_jpeg_probe(r))
		return image_jpeg_read(r, a, out, e);
	return err_set(e, ERR_UNSUPPORTED, 0, "neither PNG nor JPEG");
}
