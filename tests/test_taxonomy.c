/* SPDX-License-Identifier: MIT
 * The taxonomy file: what ships covers every finding, and what is refused.
 */
#include "tests/test.h"

#include "base/finding.h"
#include "base/rules.h"

#define EDITIONS                                                               \
	"\"editions\":{\"E\":{\"name\":\"n\",\"version\":\"1\","               \
	"\"organization\":\"o\",\"uri\":\"https://example.org/\"}}"
#define IDS                                                                    \
	"\"ids\":{\"A\":{\"of\":\"E\",\"name\":\"a\"},"                        \
	"\"B\":{\"of\":\"E\",\"name\":\"b\"},"                                 \
	"\"C\":{\"of\":\"E\",\"name\":\"c\"}}"
#define CLASSES "\"classes\":{\"k\":[\"A\",\"B\"],\"l\":[\"B\",\"C\"]}"
#define HEAD    "\"schema\":\"assay-taxonomy/1\",\"date\":\"2026-11-28\""
#define FINDINGS                                                               \
	"\"findings\":{\"ZIP_GAP\":[\"k\",\"l\"],\"ZIP_*\":[\"C\"],"           \
	"\"ZIP_BAD_*\":[\"B\"],\"*\":[\"A\"]}"

static void
read_text(struct taxonomy *t, const char *text)
{
	struct err e = {0};

	assert_ok(taxonomy_parse(t, text, strlen(text), &e), &e);
}

static const struct bad_row {
	const char *name, *text, *says;
} bad_rows[] = {
    {"another schema",
	"{\"schema\":\"assay-taxonomy/2\",\"date\":\"x\"," EDITIONS "," IDS
	"," CLASSES "," FINDINGS "}",
	"assay-taxonomy/2"},
    {"no date",
	"{\"schema\":\"assay-taxonomy/1\"," EDITIONS "," IDS "," CLASSES
	"," FINDINGS "}",
	"'date' is missing"},
    {"an id of no edition",
	"{" HEAD "," EDITIONS
	",\"ids\":{\"A\":{\"of\":\"F\",\"name\":\"a\"}}," CLASSES "," FINDINGS
	"}",
	"ids, A: is of no edition"},
    {"a class of an unknown id",
	"{" HEAD "," EDITIONS "," IDS ",\"classes\":{\"k\":[\"X\"]}," FINDINGS
	"}",
	"classes, X: is not in the file"},
    {"a class of a class",
	"{" HEAD "," EDITIONS "," IDS
	",\"classes\":{\"k\":[\"A\"],\"l\":[\"k\"]}," FINDINGS "}",
	"classes, k: is not in the file"},
    {"a finding of an unknown class",
	"{" HEAD "," EDITIONS "," IDS "," CLASSES
	",\"findings\":{\"X\":[\"m\"]}}",
	"findings, m: is not in the file"},
    {"a finding of nothing",
	"{" HEAD "," EDITIONS "," IDS "," CLASSES ",\"findings\":{\"X\":[]}}",
	"findings, X: is no list"},
    {"a finding said twice",
	"{" HEAD "," EDITIONS "," IDS "," CLASSES
	",\"findings\":{\"X\":[\"k\"],\"X\":[\"l\"]}}",
	"duplicate object key"},
};

static void
test_bad(void **state)
{
	const struct bad_row *row = *state;
	struct taxonomy t = {0};
	struct err e = {0};

	assert_int_equal(
	    taxonomy_parse(&t, row->text, strlen(row->text), &e), ERR_FORMAT);
	if (strstr(e.msg, row->says) == NULL)
		fail_msg("'%s' does not say '%s'", e.msg, row->says);
	assert_null(t.doc);
}

static const struct of_row {
	const char *name, *finding, *want;
} of_rows[] = {
    {"classes, each id once", "ZIP_GAP", "[\"A\",\"B\",\"C\"]"},
    {"a family", "ZIP_OTHER", "[\"C\"]"},
    {"the longest family", "ZIP_BAD_ONE", "[\"B\"]"},
    {"all others", "PICKLE_X", "[\"A\"]"},
};

static void
test_of(void **state)
{
	const struct of_row *row = *state;
	struct taxonomy t = {0};
	struct buf b = {0};
	struct err e = {0};
	json_t *list;

	read_text(
	    &t, "{" HEAD "," EDITIONS "," IDS "," CLASSES "," FINDINGS "}");
	list = taxonomy_of(&t, row->finding);
	assert_ok(json_canonical(list, &b, &e), &e);
	assert_string_equal(buf_str(&b), row->want);
	buf_free(&b);
	json_decref(list);
	taxonomy_release(&t);
}

/* What ships: each finding has ids, and not only those of all others. */
static void
test_shipped(void **state)
{
	struct taxonomy t = {0};
	struct err e = {0};

	(void)state;
	assert_ok(taxonomy_read(&t, "audit/taxonomy.json", &e), &e);
	for (size_t i = 0; i < FINDING_COUNT; i++) {
		const char *name = finding_table[i].name;
		json_t *list = taxonomy_of(&t, name);

		if (strcmp(taxonomy_key(&t, name), "*") == 0)
			fail_msg("%s has no entry", name);
		assert_true(json_array_size(list) > 0);
		for (size_t k = 0; k < json_array_size(list); k++) {
			const json_t *id = taxonomy_id(
			    &t, json_string_value(json_array_get(list, k)));

			assert_non_null(id);
			assert_non_null(taxonomy_edition(
			    &t, json_string_value(json_object_get(id, "of"))));
		}
		json_decref(list);
	}
	taxonomy_release(&t);
}

/* Rules of the findings that are there, once each; without a taxonomy too. */
static void
test_rules(void **state)
{
	struct rules r = {0};
	json_t *list = json_array(), *rules;
	struct err e = {0};

	(void)state;
	json_add(
	    list, finding_json(FINDING_FILE_PICKLE, "a", ERR_NOWHERE, "x"));
	json_add(
	    list, finding_json(FINDING_FILE_PICKLE, "b", ERR_NOWHERE, "y"));
	rules = rules_json(&r, list);
	assert_int_equal(json_object_size(rules), 1);
	assert_non_null(json_at(rules, "FILE_PICKLE.fix"));
	assert_null(json_at(rules, "FILE_PICKLE.taxa"));
	json_decref(rules);
	assert_ok(taxonomy_read(&r.taxonomy, "audit/taxonomy.json", &e), &e);
	rules = rules_json(&r, list);
	assert_true(json_array_size(json_at(rules, "FILE_PICKLE.taxa")) > 3);
	json_decref(rules);
	json_decref(list);
	assert_null(rules_one(&r, "NO_SUCH"));
	rules_release(&r);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(bad_rows) + ARRAY_LEN(of_rows) + 2];
	size_t n = 0;

	memset(tests, 0, sizeof(tests));
	for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_bad, bad_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(of_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_of, of_rows[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_shipped);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_rules);
	return cmocka_run_group_tests_name("taxonomy", tests, NULL, NULL);
}
