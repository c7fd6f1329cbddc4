/* SPDX-License-Identifier: MIT
 * A policy is refused, or it does no more than it may: the number of findings
 * and what was found stay, what it changed says so, and nothing that it does
 * not name is touched.
 */
#include "tests/fuzz/fuzz.h"

#include "base/json.h"
#include "base/policy.h"

/* 2026-11-28 */
#define NOW INT64_C(1795824000)

static bool
named(const struct policy *p, const char *id, bool waive)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->entry[i].waive == waive && !p->entry[i].expired &&
		    strcmp(finding_table[p->entry[i].id].name, id) == 0)
			return true;
	return false;
}

static void
check_one(const struct policy *p, const json_t *before, const json_t *after)
{
	static const char *const kept[] = {
	    "id", "confidence", "summary", "path", "offset", "detail"};
	const char *id = json_string_value(json_object_get(after, "id"));
	const json_t *was = json_object_get(after, "was");
	const json_t *waived = json_object_get(after, "waived");

	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		PROPERTY(json_equal(json_object_get(before, kept[i]),
			     json_object_get(after, kept[i])) ||
			 json_object_get(before, kept[i]) == NULL);
	PROPERTY(was == NULL || named(p, id, false));
	PROPERTY(waived == NULL || named(p, id, true));
	PROPERTY(waived == NULL || json_object_get(waived, "reason") != NULL);
	PROPERTY(waived == NULL || json_object_get(waived, "expires") != NULL);
	PROPERTY(
	    json_equal(was != NULL ? was : json_object_get(after, "severity"),
		json_object_get(before, "severity")));
}

/* One of each finding, in a file of its own. */
static json_t *
findings(json_t *files)
{
	json_t *list = json_array();

	for (size_t id = 0; id < FINDING_COUNT; id++) {
		json_t *file = json_object();

		json_add(list,
		    finding_json((enum finding_id)id, "model.pt", id, "seen"));
		json_put(file, "path", json_text("model.pt"));
		json_put(file, "sha256", json_text("00"));
		json_add(files, file);
	}
	return list;
}

static void
check(struct policy *p)
{
	json_t *files = json_array(), *before = findings(files);
	json_t *after = json_deep_copy(before), *doc;
	struct buf b = {0};

	policy_apply(p, after, files);
	PROPERTY(json_array_size(before) == json_array_size(after));
	for (size_t i = 0; i < json_array_size(before); i++)
		check_one(
		    p, json_array_get(before, i), json_array_get(after, i));
	for (size_t i = 0; i < p->n; i++)
		PROPERTY(!p->entry[i].expired || p->entry[i].used == 0);
	doc = policy_json(p);
	json_pretty(doc, &b);
	PROPERTY(b.len != 0);
	buf_free(&b);
	json_decref(doc);
	json_decref(before);
	json_decref(after);
	json_decref(files);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct policy p;
	struct err e = {0};

	if (policy_parse(&p, data, len, NOW, &e) != 0) {
		PROPERTY(e.code != 0 && e.msg[0] != '\0');
		PROPERTY(p.doc == NULL);
		return 0;
	}
	check(&p);
	policy_release(&p);
	return 0;
}
