/* SPDX-License-Identifier: MIT */
#include "report/picture.h"

#include "base/arena.h"
#include "base/digest.h"

#include <png.h>

#define PICTURE_ARENA ((size_t)256 << 20)

static int
no_room(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "a picture is too large");
}

/* libpng's simplified API: no callback of ours, no longjmp. */
static int
put_png(struct buf *b, struct arena *a, png_image *p, const void *pixels,
    struct err *e)
{
	png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(*p);
	uint8_t *file = arena_alloc(a, size, 1);

	if (file == NULL)
		return no_room(e);
	if (!png_image_write_to_memory(p, file, &size, 0, pixels, 0, NULL))
		return err_set(e, ERR_SYSTEM, ERR_NOWHERE,
		    "png cannot write a picture: %.64s", p->message);
	buf_puts(b, "data:image/png;base64,");
	digest_base64(file, size, b);
	return 0;
}

/* The mean of the box of source pixels that pixel (y, x) stands for. */
static uint8_t
mean(const float *from, size_t w, size_t c, size_t k, const size_t y[2],
    const size_t x[2])
{
	size_t first = c == 3 ? k : 0, last = c == 3 ? k + 1 : c, n = 0;
	double sum = 0.0;

	for (size_t i = y[0]; i < y[1]; i++)
		for (size_t j = x[0]; j < x[1]; j++)
			for (size_t m = first; m < last; m++, n++)
				sum += (double)from[(i * w + j) * c + m];
	sum = n != 0 ? 255.0 * sum / (double)n + 0.5 : 0.0;
	return (uint8_t)(sum >= 255.0 ? 255.0 : sum > 0.0 ? sum : 0.0);
}

int
picture_image(struct buf *b, const float *x, size_t h, size_t w, size_t c,
    const char *class, const char *alt, struct err *e)
{
	size_t longest = MAX(h, w), k = c == 3 ? 3 : 1;
	size_t scale = (longest + PICTURE_SIDE - 1) / PICTURE_SIDE;
	size_t oh = MAX(h / scale, 1), ow = MAX(w / scale, 1);
	png_image p = {.version = PNG_IMAGE_VERSION,
	    .width = (png_uint_32)ow,
	    .height = (png_uint_32)oh,
	    .format = c == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY};
	struct arena a;
	uint8_t *to;
	int rc;

	arena_init(&a, PICTURE_ARENA);
	to = arena_alloc(&a, oh * ow, k);
	for (size_t i = 0; to != NULL && i < oh * ow * k; i++) {
		size_t r = i / k / ow, s = i / k % ow;
		size_t y[2] = {r * scale, MIN((r + 1) * scale, h)};
		size_t z[2] = {s * scale, MIN((s + 1) * scale, w)};

		to[i] = mean(x, w, c, i % k, y, z);
	}
	buf_printf(b,
	    "<img class=\"%s\" alt=\"%s\" width=\"%u\" height=\"%u\" "
	    "src=\"",
	    class, alt, p.width, p.height);
	rc = to == NULL ? no_room(e) : put_png(b, &a, &p, to, e);
	buf_puts(b, "\">");
	arena_release(&a);
	return rc;
}
