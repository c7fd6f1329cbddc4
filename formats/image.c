/* SPDX-License-Identifier: MIT */
#include "formats/image.h"

#include "base/limits.h"
#include "base/text.h"
#include "formats/image_bmp.h"
#include "formats/image_gif.h"
#include "formats/image_jpeg.h"
#include "formats/image_png.h"
#include "formats/image_pnm.h"
#include "formats/image_tiff.h"
#include "formats/image_webp.h"

static const struct {
	bool (*probe)(struct rd);
	int (*read)(struct rd, struct arena *, struct image *, struct err *);
} kinds[] = {
    {image_png_probe, image_png_read},
    {image_jpeg_probe, image_jpeg_read},
    {image_webp_probe, image_webp_read},
    {image_pnm_probe, image_pnm_read},
    {image_bmp_probe, image_bmp_read},
    {image_gif_probe, image_gif_read},
    {image_tiff_probe, image_tiff_read},
};

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
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].probe(r))
			return kinds[i].read(r, a, out, e);
	return err_set(e, ERR_UNSUPPORTED, 0,
	    "no image of a known form (PNG, JPEG, WebP, PGM, PPM, BMP, GIF, "
	    "TIFF)");
}

bool
image_named(const char *path)
{
	static const char *const end[] = {".png", ".jpg", ".jpeg", ".webp",
	    ".ppm", ".pgm", ".pnm", ".bmp", ".gif", ".tif", ".tiff"};

	for (size_t i = 0; i < ARRAY_LEN(end); i++)
		if (text_ends_with(path, end[i]))
			return true;
	return false;
}
