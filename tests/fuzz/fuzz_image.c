/* SPDX-License-Identifier: MIT
 * PNG and JPEG: refused with a message, or every pixel of the stated size is
 * there, and the same in a second run.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/image.h"

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
	}
	arena_release(&a);
	arena_release(&b);
	return 0;
}
