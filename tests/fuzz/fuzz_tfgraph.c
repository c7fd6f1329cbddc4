/* SPDX-License-Identifier: MIT
 * A TensorFlow graph by the name that its loader goes by: never clean when the
 * message around it is damaged.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/onnx_wire.h"
#include "tests/fuzz/look.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_mem(data, len);
	struct onnx_wire w;
	struct look l;
	struct err e = {0};
	int rc;

	do
		rc = onnx_wire_next(&r, &w, &e);
	while (rc > 0);
	look_at(&l, check_savedmodel, "saved_model.pb", rd_mem(data, len));
	PROPERTY(l.sink.analysed);
	PROPERTY(rc == 0 || !look_clean(&l));
	look_end(&l);
	look_at(&l, check_savedmodel, "graph", rd_mem(data, len));
	look_end(&l);
	return 0;
}
