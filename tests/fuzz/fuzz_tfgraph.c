/* SPDX-License-Identifier: MIT
 * A TensorFlow graph by the name that its loader goes by: never clean when the
 * message around it is damaged.
 */
#include "tests/fuzz/fuzz.h"

#include "tests/fuzz/look.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_mem(data, len);
	bool sound = look_is_message(r);
	struct look l;

	look_at(&l, check_savedmodel, "saved_model.pb", r);
	PROPERTY(l.sink.analysed);
	PROPERTY(sound || !look_clean(&l));
	look_end(&l);
	look_at(&l, check_savedmodel, "graph", r);
	look_end(&l);
	return 0;
}
