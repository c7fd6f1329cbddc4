/* SPDX-License-Identifier: MIT
 * An ONNX model, binary or as text: never clean when the message around it is
 * damaged, whatever of it was looked at before.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/pbtxt.h"
#include "tests/fuzz/look.h"

static bool
is_text(struct rd r)
{
	struct err e;
	json_t *j = NULL;
	int rc = pbtxt_read(r, &j, &e);

	json_decref(j);
	return rc == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_mem(data, len);
	bool sound = look_is_message(r) || is_text(r);
	struct look l;

	look_at(&l, check_onnx, "model.onnx", r);
	if (l.sink.analysed)
		PROPERTY(sound || !look_clean(&l));
	look_end(&l);
	return 0;
}
