/* SPDX-License-Identifier: MIT
 * Weights of any file are listed within its bytes or the arena, the checks of
 * weights and graphs see all of them, also beside themselves as a reference,
 * in which nothing has changed.
 */
#include "tests/fuzz/fuzz.h"

#include "audit/check_weight_list.h"

#include <jansson.h>

static void
none_changed(const json_t *findings)
{
	const json_t *f;
	size_t i;

	json_array_foreach(findings, i, f)
	{
		const char *id = json_string_value(json_object_get(f, "id"));

		PROPERTY(strcmp(id, "REFERENCE_LOWBITS") != 0 &&
			 strcmp(id, "REFERENCE_VALUES") != 0 &&
			 strcmp(id, "REFERENCE_CHANNEL") != 0);
	}
}

/* Of two of one name, the second differs from the first. */
static bool
names_differ(const struct check_weight_list *l)
{
	struct arena a;
	struct map m;
	bool ok = true;

	arena_init(&a, (size_t)1 << 28);
	map_init(&m, &a);
	for (size_t i = 0; ok && i < l->n; i++)
		ok = map_put(&m, l->tensor[i].name, i) == 1;
	arena_release(&a);
	return ok;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct check_weight_list l;
	struct identify_bids bids;
	struct check_sink sink = {
	    .complete = true, .size = len, .reference = &l};
	struct check_file f = {.path = "f", .bids = &bids, .sink = &sink};

	f.bytes = rd_mem(data, len);
	identify(f.bytes, &bids);
	check_weight_list_init(&l, f.bytes);
	for (size_t i = 0; i < l.n; i++)
		PROPERTY(
		    l.tensor[i].stride == NULL &&
		    l.tensor[i].size % dtype_width(l.tensor[i].dtype) == 0);
	sink.findings = json_array();
	check_weight(&f);
	check_arch(&f);
	if (names_differ(&l))
		none_changed(sink.findings);
	json_decref(sink.findings);
	check_weight_list_release(&l);
	return 0;
}
