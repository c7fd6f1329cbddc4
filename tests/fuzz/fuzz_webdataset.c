/* SPDX-License-Identifier: MIT
 * WebDataset shards: refused with a message, or every image is as large as
 * asked for and the labels are within the classes.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/webdataset.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_mem(data, len);
	struct fit_shape s = {
	    .pre = {
		.from = "", .resize = RESIZE_EXACT, .height = 3, .width = 2}};
	struct dataset d = {0};
	struct err e = {0};

	arena_init(&d.arena, (size_t)64 << 20);
	if (webdataset_parse(&r, 1, &s, &d, &e) != 0) {
		PROPERTY(e.code < 0 && e.msg[0] != '\0');
	} else {
		PROPERTY(d.n > 0 && d.h == 3 && d.w == 2);
		for (size_t i = 0; d.label != NULL && i < d.n; i++)
			PROPERTY((size_t)d.label[i] < d.classes);
	}
	dataset_release(&d);
	return 0;
}
