/* SPDX-License-Identifier: MIT
 * IDX, also inside gzip: refused, or an array of exactly the stated size that
 * makes images whose every pixel can be read.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/idx.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dataset d = {0};
	struct err e = {0};
	struct array a;

	arena_init(&d.arena, (size_t)64 << 20);
	if (idx_parse(rd_mem(data, len), &d.arena, &a, &e) == 0) {
		PROPERTY(a.data.len == a.count * a.width);
		if (array_images(&a, &d, &e) == 0)
			PROPERTY(d.n * d.h * d.w * d.c == a.count &&
				 d.u8[a.count - 1] == a.data.base[a.count - 1]);
		d.n = a.count;
		if (array_labels(&a, &d, &e) == 0)
			PROPERTY(d.label != NULL || a.count == 0);
	}
	PROPERTY(e.code == 0 || e.msg[0] != '\0');
	arena_release(&d.arena);
	return 0;
}
