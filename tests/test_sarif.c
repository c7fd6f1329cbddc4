/* SPDX-License-Identifier: MIT
 * SARIF logs: places, levels, suppressions, fingerprints, hostile text.
 * tests/cli/inspect-policy.t holds whole logs against the OASIS schema.
 */
#include "tests/test.h"

#include "base/finding.h"
#include "base/sarif.h"
#include "base/sarif_text.h"

static const struct text_row {
	const char *name, *in, *want;
} uri_rows[] =
    {
	{"uri/plain", "a/b.pt", "a/b.pt"},
	{"uri/space, brackets, percent", "a b[1]%.pt", "a%20b%5B1%5D%25.pt"},
	{"uri/no scheme", "c:x", "c%3Ax"},
	{"uri/no query, no fragment", "a?b#c", "a%3Fb%23c"},
	{"uri/utf-8", "\xc3\xa9", "%C3%A9"},
	{"uri/absolute", "/tmp/x y", "file:///tmp/x%20y"},
},
  message_rows[] = {
      {"message/plain", "file holds a pickle", "file holds a pickle"},
      {"message/no link", "[see](https://example.org)",
	  "[see] (https://example.org)"},
      {"message/no placeholder", "{0} {x}", "{{0}} {{x}}"},
      {"message/no controls", "a\033[2Jb\xe2\x80\xae", "a\\x1b[2Jb\\u{{202e}}"},
};

static void
test_uri(void **state)
{
	const struct text_row *row = *state;
	struct buf b = {0};

	sarif_text_uri(row->in, &b);
	assert_string_equal(buf_str(&b), row->want);
	buf_free(&b);
}

static void
test_message(void **state)
{
	const struct text_row *row = *state;
	json_t *j = sarif_text_message(row->in);

	assert_string_equal(
	    json_string_value(json_object_get(j, "text")), row->want);
	json_decref(j);
}

/* --- a log --------------------------------------------------------------- */

struct world {
	struct rules rules;
	json_t *doc, *log;
};

static json_t *
json(const char *text)
{
	struct err e = {0};
	json_t *j;

	assert_ok(json_read(text, strlen(text), &j, &e), &e);
	return j;
}

static void
make_log(struct world *w, bool complete, const char *policy)
{
	struct finding_place at = {"m.pt", "a/data.pkl", "fc.weight", 7};
	json_t *list = json_array(), *waived;
	struct sarif_in in = {NULL, &w->rules.taxonomy, 1};
	struct err e = {0};

	*w = (struct world){0};
	assert_ok(
	    taxonomy_read(&w->rules.taxonomy, "audit/taxonomy.json", &e), &e);
	w->doc = json("{\"tool\":{\"name\":\"assay-inspect\",\"version\":"
		      "\"0.1.0\"},\"files\":[{\"path\":\"x.bin\",\"sha256\":"
		      "\"00\",\"size\":3,\"format\":\"unknown\"},{\"path\":"
		      "\"m.pt\",\"sha256\":\"11\",\"size\":9,\"format\":"
		      "\"torch-zip\"}]}");
	json_add(list, finding_json_at(FINDING_FILE_PICKLE, &at, "seen"));
	json_add(list, finding_json(FINDING_NAME_MISMATCH, "m.pt", 5, "named"));
	at.offset = 70; /* which no fingerprint has */
	json_add(list, finding_json_at(FINDING_FILE_PICKLE, &at, "again"));
	json_add(list,
	    finding_json(FINDING_FILE_UNREADABLE, "gone", UINT64_MAX, "gone"));
	waived = json_array_get(list, 1);
	json_put(waived, "waived",
	    json("{\"reason\":\"ours\",\"expires\":\"2027-01-31\"}"));
	json_put(w->doc, "findings", list);
	json_put(w->doc, "complete", json_boolean(complete));
	json_put(w->doc, "rules", rules_json(&w->rules, list));
	if (policy != NULL)
		json_put(w->doc, "policy", json(policy));
	in.doc = w->doc;
	w->log = sarif_log(&in);
}

static void
free_log(struct world *w)
{
	json_decref(w->log);
	json_decref(w->doc);
	rules_release(&w->rules);
}

static const char *
str(const json_t *j, const char *path)
{
	const char *s = json_string_value(json_at(j, path));

	if (s == NULL)
		fail_msg("no text at %s", path);
	return s;
}

static void
test_results(void **state)
{
	struct world w;
	const json_t *run, *r;

	(void)state;
	make_log(&w, true, NULL);
	assert_string_equal(str(w.log, "version"), "2.1.0");
	run = json_at(w.log, "runs.0");
	r = json_at(run, "results.0");
	assert_string_equal(str(r, "ruleId"), "FILE_PICKLE");
	assert_string_equal(
	    str(r, "locations.0.physicalLocation.artifactLocation.uri"),
	    "m.pt");
	assert_int_equal(
	    json_integer_value(json_at(
		r, "locations.0.physicalLocation.artifactLocation.index")),
	    1);
	/* byte 7 is of the member, not of the file */
	assert_null(json_at(r, "locations.0.physicalLocation.region"));
	assert_string_equal(
	    str(r, "locations.0.logicalLocations.0.fullyQualifiedName"),
	    "a/data.pkl");
	assert_string_equal(
	    str(r, "locations.0.logicalLocations.1.fullyQualifiedName"),
	    "fc.weight");
	assert_null(json_object_get(r, "suppressions"));
	r = json_at(run, "results.1");
	assert_int_equal(json_integer_value(json_at(r,
			     "locations.0.physicalLocation.region.byteOffset")),
	    5);
	assert_string_equal(str(r, "level"), "warning");
	assert_string_equal(str(r, "suppressions.0.justification"), "ours");
	assert_string_equal(str(r, "suppressions.0.status"), "accepted");
	/* what could not be read is no artifact */
	r = json_at(run, "results.3");
	assert_null(
	    json_at(r, "locations.0.physicalLocation.artifactLocation.index"));
	free_log(&w);
}

/* The one of a list whose member is that text. */
static const json_t *
find(const json_t *list, const char *key, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(str(json_array_get(list, i), key), text) == 0)
			return json_array_get(list, i);
	fail_msg("no %s '%s'", key, text);
	return NULL;
}

/* Every rule and taxon that is pointed to is there. */
static void
test_references(void **state)
{
	const json_t *run, *rules, *one, *rel, *list;
	struct world w;
	size_t i, k;

	(void)state;
	make_log(&w, true, NULL);
	run = json_at(w.log, "runs.0");
	rules = json_at(run, "tool.driver.rules");
	assert_int_equal(json_array_size(rules), 3);
	json_array_foreach(json_at(run, "results"), i, one)
	{
		size_t at = (size_t)json_integer_value(
		    json_object_get(one, "ruleIndex"));

		assert_string_equal(
		    str(one, "ruleId"), str(json_array_get(rules, at), "id"));
	}
	json_array_foreach((json_t *)(uintptr_t)rules, i, one)
	{
		json_array_foreach(json_at(one, "relationships"), k, rel)
		{
			const char *of = str(rel, "target.toolComponent.name");

			find(json_at(run, "tool.driver.supportedTaxonomies"),
			    "name", of);
			list = find(json_at(run, "taxonomies"), "name", of);
			find(
			    json_at(list, "taxa"), "id", str(rel, "target.id"));
		}
		assert_true(k > 0);
	}
	free_log(&w);
}

static void
test_fingerprints(void **state)
{
	struct world w, again;
	const char *first, *third;

	(void)state;
	make_log(&w, true, NULL);
	first =
	    str(w.log, "runs.0.results.0.partialFingerprints.assayFinding/v1");
	third =
	    str(w.log, "runs.0.results.2.partialFingerprints.assayFinding/v1");
	/* alike but for their number */
	assert_memory_equal(first, third, 64);
	assert_string_equal(first + 64, ":1");
	assert_string_equal(third + 64, ":2");
	make_log(&again, true, NULL);
	assert_true(json_equal(w.log, again.log));
	free_log(&w);
	free_log(&again);
}

static void
test_invocation(void **state)
{
	struct world w;
	const json_t *v;

	(void)state;
	make_log(&w, true, NULL);
	v = json_at(w.log, "runs.0.invocations.0");
	assert_true(json_is_true(json_object_get(v, "executionSuccessful")));
	assert_int_equal(
	    json_array_size(json_object_get(v, "toolExecutionNotifications")),
	    0);
	free_log(&w);
	make_log(&w, false,
	    "{\"entries\":[{\"id\":\"FILE_PICKLE\",\"state\":\"expired\","
	    "\"expires\":\"2020-01-01\"},{\"id\":\"FILE_PICKLE\",\"state\":"
	    "\"applied\"}]}");
	v = json_at(w.log, "runs.0.invocations.0");
	assert_true(json_is_false(json_object_get(v, "executionSuccessful")));
	assert_int_equal(
	    json_array_size(json_object_get(v, "toolExecutionNotifications")),
	    2);
	assert_string_equal(
	    str(v, "toolExecutionNotifications.0.descriptor.id"), "INCOMPLETE");
	assert_string_equal(
	    str(v, "toolExecutionNotifications.1.descriptor.id"),
	    "POLICY_EXPIRED");
	free_log(&w);
}

int
main(void)
{
	struct CMUnitTest
	    tests[ARRAY_LEN(uri_rows) + ARRAY_LEN(message_rows) + 4];
	size_t n = 0;

	memset(tests, 0, sizeof(tests));
	for (size_t i = 0; i < ARRAY_LEN(uri_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_uri, uri_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(message_rows); i++)
		tests[n++] =
		    (struct CMUnitTest)ROW(test_message, message_rows[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_results);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_references);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_fingerprints);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_invocation);
	return cmocka_run_group_tests_name("sarif", tests, NULL, NULL);
}
