/* SPDX-License-Identifier: MIT
 * CoreML and PaddlePaddle: what is one of them, and damaged, is never clean.
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
	look_at(&l, check_coreml, "m", rd_mem(data, len));
	PROPERTY(!l.sink.analysed || rc == 0 || !look_clean(&l));
	look_end(&l);
	look_at(&l, check_paddle, "m", rd_mem(data, len));
	PROPERTY(!l.sink.analysed || rc == 0 || !look_clean(&l));
	look_end(&l);
	return 0;
}
