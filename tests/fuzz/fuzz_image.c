/* SPDX-License-Identifier: MIT
 * Images of every form: refused with a message, or every pixel of the stated
 * size is there, and the same in a second run; any can be scaled and cropped.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/fit.h"

static void
scale(const struct image *img, enum preprocess_filter f)
{
	struct fit_shape s = {.channels = 3,
	    .h = 11,
	    .w = 9,
	    .pre = {.from = "",
		.resize = RESIZE_SHORTEST,
		.filter = f,
		.height = 10,
		.width = 10,
		.crop_height = 11,
		.crop_width = 9}};
	struct image out;
	struct arena a;
	struct err e = {0};

	arena_init(&a, (size_t)16 << 20);
	if (fit_image(&s, img, &a, &out, &e) == 0)
		PROPERTY(out.w == 9 && out.h == 11 && out.c == 3);
	else
		PROPERTY(e.code == ERR_LIMIT);
	arena_release(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct image one, two;
	struct arena a, b;
	struct err e = {0};

	arena_init(&a, (size_t)4 << 20);
	arena_init(&b, (size_t)4 << 20);
	if (image_read(rd_mem(data, len), &a, &one, &e) != 0) {
		PROPERTY(e.code < 0 && e.msg[0] != '\0');
	} else {
		PROPERTY(one.c == 1 || one.c == 3);
		PROPERTY(image_read(rd_mem(data, len), &b, &two, &e) == 0);
		PROPERTY(one.w == two.w && one.h == two.h && one.c == two.c);
		PROPERTY(
		    memcmp(one.pixel, two.pixel, one.w * one.h * one.c) == 0);
		scale(&one, FILTER_NEAREST + len % 4);
	}
	arena_release(&a);
	arena_release(&b);
	return 0;
}
