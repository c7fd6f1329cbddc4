/* SPDX-License-Identifier: MIT
 * CoreML and PaddlePaddle: what is one of them, and damaged, is never clean.
 */
#include "tests/fuzz/fuzz.h"

#include "tests/fuzz/look.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_mem(data, len);
	bool sound = look_is_message(r);
	struct look l;

	look_at(&l, check_coreml, "m", r);
	PROPERTY(!l.sink.analysed || sound || !look_clean(&l));
	look_end(&l);
	look_at(&l, check_paddle, "m", r);
	PROPERTY(!l.sink.analysed || sound || !look_clean(&l));
	look_end(&l);
	return 0;
}
