/* SPDX-License-Identifier: MIT
 * Any bytes, seen by all checks: a pickle that does not parse is never clean,
 * and two runs find the same.
 */
#include "tests/fuzz/fuzz.h"

#include "base/arena.h"
#include "formats/pickle.h"
#include "tests/fuzz/look.h"

/* As Python would, from the first byte. */
static bool
parses(const uint8_t *data, size_t len)
{
	const struct pickle_node *root;
	struct rd r = rd_mem(data, len);
	struct pickle p = {0};
	struct err e = {0};
	struct arena a;
	int rc;

	arena_init(&a, (size_t)256 << 20);
	p.arena = &a;
	rc = pickle_read(&p, &r, &root, &e);
	arena_release(&a);
	return rc == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct look first, again;
	struct rd r = rd_mem(data, len);
	bool pickle;

	look_at(&first, NULL, "fuzz", r);
	look_at(&again, NULL, "fuzz", r);
	pickle = identify_find(&first.bids, "pickle") != NULL &&
		 identify_find(&first.bids, "joblib") == NULL;
	PROPERTY(json_equal(first.findings, again.findings) == 1);
	PROPERTY(look_clean(&first) == look_clean(&again));
	PROPERTY(!look_clean(&first) || !pickle || parses(data, len));
	look_end(&first);
	look_end(&again);
	return 0;
}
