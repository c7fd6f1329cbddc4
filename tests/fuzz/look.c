/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/look.h"

#include "base/json.h"

void
look_at(struct look *l, void (*check)(const struct check_file *),
    const char *path, struct rd bytes)
{
	struct identify_bids bids;
	struct check_file f = {
	    .path = path, .bytes = bytes, .bids = &bids, .sink = &l->sink};

	l->findings = json_array();
	l->sink = (struct check_sink){
	    .findings = l->findings, .complete = true, .size = bytes.len};
	identify(bytes, &bids);
	check(&f);
}

static const char *
id_of(const struct look *l, size_t i)
{
	return json_string_value(
	    json_object_get(json_array_get(l->findings, i), "id"));
}

bool
look_clean(const struct look *l)
{
	for (size_t i = 0; i < json_array_size(l->findings); i++)
		if (finding_table[finding_find(id_of(l, i))].severity >=
		    SEVERITY_MEDIUM)
			return false;
	return l->sink.complete;
}

bool
look_has(const struct look *l, const char *id)
{
	for (size_t i = 0; i < json_array_size(l->findings); i++)
		if (strcmp(id_of(l, i), id) == 0)
			return true;
	return false;
}

void
look_end(struct look *l)
{
	json_decref(l->findings);
}
