/* SPDX-License-Identifier: MIT
 * A Keras configuration: what json_read() does not read is never clean when
 * it has the words of one.
 */
#include "tests/fuzz/fuzz.h"

#include "base/json.h"
#include "tests/fuzz/look.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct look l;
	struct err e = {0};
	json_t *j = NULL;
	bool valid = json_read(data, len, &j, &e) == 0;

	json_decref(j);
	look_at(&l, check_keras, "model.json", rd_mem(data, len));
	if (l.sink.analysed && len > 0 && data[0] == '{' && !valid)
		PROPERTY(!look_clean(&l));
	look_end(&l);
	return 0;
}
