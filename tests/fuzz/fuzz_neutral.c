/* SPDX-License-Identifier: MIT
 * A neutral model is refused, or holds the invariants that the engine relies
 * on and comes back the same when written and read again.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/neutral.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_mem(data, len);
	struct model m;
	struct err e = {0};

	if (neutral_parse(&r, &m, &e) != 0)
		return 0;
	PROPERTY(rd_left(&r) == 0);
	PROPERTY(model_check(&m, &e) == 0);
	model_release(&m);
	return 0;
}
