/* SPDX-License-Identifier: MIT
 * A TensorFlow Lite file: never clean when its tables do not hang together.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/flatbuf.h"
#include "tests/fuzz/look.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct flatbuf fb;
	struct flatbuf_table t;
	struct look l;
	struct err e = {0};

	t = flatbuf_root(&fb, rd_mem(data, len), "TFL3", "tflite", &e);
	flatbuf_vector(&fb, &t, 1, 4, SIZE_MAX);
	flatbuf_vector(&fb, &t, 2, 4, SIZE_MAX);
	look_at(&l, check_tflite, "model.tflite", rd_mem(data, len));
	PROPERTY(fb.rc == 0 || len == 0 || !look_clean(&l));
	look_end(&l);
	return 0;
}
