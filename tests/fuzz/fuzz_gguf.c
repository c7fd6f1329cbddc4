/* SPDX-License-Identifier: MIT
 * GGUF: a file that is clean is not when it is cut in what comes before its
 * keys.
 */
#include "tests/fuzz/fuzz.h"

#include "base/rng.h"
#include "tests/fuzz/look.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct look l;
	struct rng rng;
	bool clean;

	look_at(&l, check_gguf, "m.gguf", rd_mem(data, len));
	clean = look_clean(&l);
	look_end(&l);
	if (!clean || len < 9)
		return 0;
	rng_init(&rng, len, data[8]);
	look_at(&l, check_gguf, "m.gguf",
	    rd_mem(data, 1 + rng_below(&rng, MIN(len - 1, 14))));
	PROPERTY(!look_clean(&l));
	look_end(&l);
	return 0;
}
