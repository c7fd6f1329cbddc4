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

static size_t
look(const uint8_t *data, size_t len, bool *clean, bool *pickle)
{
	struct check_sink s = {.findings = json_array(), .complete = true};
	struct identify_bids bids;
	size_t found = 0;

	check_bytes(&s, "fuzz", rd_mem(data, len), &bids);
	*clean = is_clean(&s);
	*pickle = identify_find(&bids, "pickle") != NULL &&
		  identify_find(&bids, "joblib") == NULL;
	for (size_t i = 0; i < ARRAY_LEN(s.found); i++)
		found += s.found[i];
	json_decref(s.findings);
	return found;
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
