/* SPDX-License-Identifier: MIT
 * An ONNX model: never clean when the message around it is damaged, whatever
 * of it was looked at before.
 */
#include "tests/fuzz/fuzz.h"

#include "tests/fuzz/look.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_mem(data, len);
	bool sound = look_is_message(r);
	struct look l;

	look_at(&l, check_onnx, "model.onnx", r);
	if (l.sink.analysed)
		PROPERTY(sound || !look_clean(&l));
	look_end(&l);
	return 0;
}
