/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/look.h"

#include "base/json.h"
#include "formats/onnx_wire.h"

void
look_at(struct look *l, void (*check)(const struct check_file *),
    const char *path, struct rd bytes)
{
	struct check_file f = {
	    .path = path, .bytes = bytes, .bids = &l->bids, .sink = &l->sink};

	l->findings = json_array();
	l->sink = (struct check_sink){
	    .findings = l->findings, .complete = true, .size = bytes.len};
	if (check == NULL) {
		check_bytes(&l->sink, path, bytes, &l->bids);
		return;
	}
	identify(bytes, &l->bids);
	check(&f);
}

static const char *
id_of(const struct look *l, size_t i)
{
	return json_string_value(
	    json_object_get(json_array_get(l->findings, i), "id"));
}

enum finding_severity
look_worst(const struct look *l)
{
	enum finding_severity worst = SEVERITY_NOTE;

	for (size_t i = 0; i < json_array_size(l->findings); i++)
		worst = MAX(
		    worst, finding_table[finding_find(id_of(l, i))].severity);
	return worst;
}

bool
look_clean(const struct look *l)
{
	return l->sink.complete && look_worst(l) < SEVERITY_MEDIUM;
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

bool
look_is_message(struct rd r)
{
	struct onnx_wire w;
	struct err e = {0};
	int rc;

	do
		rc = onnx_wire_next(&r, &w, &e);
	while (rc > 0);
	return rc == 0;
}
