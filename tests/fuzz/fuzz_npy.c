/* SPDX-License-Identifier: MIT
 * NPY and NPZ as data sets: refused with a message, or pixels within range,
 * labels within the classes, and a shape that is that of the data.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/data.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct data_source s = {
	    .path = "fuzz", .images = rd_mem(data, len), .folder = -1};
	struct err e = {0};
	struct dataset d;

	/* what is no array is for other targets */
	if (!data_table[DATA_npy].probe(&s) && !data_table[DATA_npz].probe(&s))
		return 0;
	if (data_load(&s, NULL, &d, &e) != 0) {
		PROPERTY(e.code < 0 && e.msg[0] != '\0');
		return 0;
	}
	PROPERTY((d.u8 != NULL) != (d.f32 != NULL));
	for (size_t i = 0; i < d.n * d.h * d.w * d.c; i++)
		PROPERTY(
		    d.f32 == NULL || (d.f32[i] >= 0.0f && d.f32[i] <= 1.0f));
	for (size_t i = 0; d.label != NULL && i < d.n; i++)
		PROPERTY(d.label[i] >= 0 && (size_t)d.label[i] < d.classes);
	dataset_release(&d);
	return 0;
}
