/* SPDX-License-Identifier: MIT
 * safetensors by two readers: what our loader calls damaged, the check does.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/safetensors.h"
#include "tests/fuzz/look.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_mem(data, len);
	struct safetensors st;
	struct arena a;
	struct look l;
	struct err e = {0};
	int rc;

	arena_init(&a, (size_t)1 << 28);
	rc = safetensors_parse(&r, &a, &st, &e);
	look_at(&l, check_safetensors, "m.safetensors", rd_mem(data, len));
	if (rc == ERR_FORMAT || rc == ERR_TRUNCATED)
		PROPERTY(look_has(&l, "SAFETENSORS_BROKEN"));
	/* and it takes nothing amiss that the loader takes, but for what may
	 * stand in the metadata */
	if (rc == 0)
		PROPERTY(!look_has(&l, "SAFETENSORS_BROKEN"));
	safetensors_release(&st);
	arena_release(&a);
	look_end(&l);
	return 0;
}
