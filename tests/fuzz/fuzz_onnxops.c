/* SPDX-License-Identifier: MIT
 * An ONNX model: never clean when the message around it is damaged, whatever
 * of it was looked at before.
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
	look_at(&l, check_onnx, "model.onnx", rd_mem(data, len));
	if (l.sink.analysed)
		PROPERTY(rc == 0 || !look_clean(&l));
	look_end(&l);
	return 0;
}
