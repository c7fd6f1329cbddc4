/* SPDX-License-Identifier: MIT
 * Neutral data and triggers: refused, or every pixel and label is in range.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/dataset.h"
#include "formats/trigger.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_mem(data, len);
	struct dataset d;
	struct trigger t;
	struct err e = {0};

	if (dataset_parse(&r, &d, &e) == 0) {
		PROPERTY(d.n > 0 && (d.u8 != NULL) != (d.f32 != NULL));
		for (size_t i = 0; d.label != NULL && i < d.n; i++)
			PROPERTY((size_t)d.label[i] < d.classes);
		dataset_release(&d);
	}
	r = rd_mem(data, len);
	if (trigger_parse(&r, &t, &e) == 0) {
		PROPERTY(t.map != NULL && t.h > 0 && t.w > 0 && t.c > 0);
		trigger_release(&t);
	}
	return 0;
}
