/* SPDX-License-Identifier: MIT
 * Policies: what is read, what is refused and where the message points, and
 * what each does to findings.
 */
#include "tests/test.h"

#include "base/file.h"
#include "base/json.h"
#include "base/policy.h"

/* 2026-11-28T00:00:00Z */
#define NOW INT64_C(1795824000)

static const char *const good[] = {"least", "name", "waive", "waive-place",
    "leap-day", "change", "change-expires", "both", "require",
    "require-nothing"};

static const struct bad_row {
	const char *name, *says;
} bad_rows[] = {
    {"schema-missing", "'schema' is missing"},
    {"schema-other", "'schema' is not assay-policy/1"},
    {"key", "'waived' is not known"},
    {"key-waive", "'waive.0.file' is not known"},
    {"waive-severity", "'waive.0.severity' is not known"},
    {"waive-object", "'waive' is not an array"},
    {"waive-text", "'waive.0' is not an object"},
    {"reason-missing", "'waive.0.reason' is missing"},
    {"reason-blank", "'waive.0.reason' is empty"},
    {"reason-long", "'waive.0.reason' is longer than 1000 bytes"},
    {"expires-missing", "'waive.0.expires' is missing"},
    {"expires-never", "'waive.0.expires' is no date"},
    {"expires-day", "'waive.0.expires' is no date"},
    {"expires-month", "'waive.0.expires' is no date"},
    {"expires-time", "'waive.0.expires' is no date"},
    {"expires-number", "'waive.0.expires' is not a string"},
    {"id-unknown", "'waive.0.id' names no finding: FILE_PICKEL"},
    {"id-star", "'waive.0.id' names no finding: *"},
    {"id-missing", "'waive.0.id' is missing"},
    {"path-empty", "'waive.0.path' is empty"},
    {"sha256-upper", "'waive.0.sha256' is not 64"},
    {"sha256-short", "'waive.0.sha256' is not 64"},
    {"severity-missing", "'change.0.severity' is missing"},
    {"severity-unknown", "'change.0.severity' is no severity"},
    {"change-reason", "'change.0.reason' is missing"},
    {"fail-at", "'fail-at' is no severity"},
    {"list", "a policy is a JSON object"},
    {"require-list", "'require' is not an object"},
    {"require-key", "'require.check' is not known"},
    {"require-check", "'require.checks.0' is no check"},
    {"require-check-twice", "'require.checks.1' is there twice"},
    {"require-no-checks", "'require.checks' has no entries"},
    {"require-format", "'require.formats.0' is no format"},
    {"require-references", "'require.references' is 0, not within 1 to"},
    {"require-score", "'require.score' is not a number"},
    {"require-accuracy", "'require.accuracy' is 90, not within 0 to 1"},
    {"require-success", "'require.attack-success' is -0.1"},
    {"require-signature-key", "'require.signatures.0.public-key' is missing"},
    {"require-signature-pem",
	"'require.signatures.0.public-key' is not a public key"},
    {"require-signature-encrypted",
	"'require.signatures.0.public-key' is not a public key, as PEM"},
    {"require-signature-path",
	"'require.signatures.0.path' is no path within a bundle"},
    {"require-signature-more", "'require.signatures.0.keyid' is not known"},
    {"duplicate", "duplicate object key"},
    {"duplicate-waive", "duplicate object key"},
    {"trailing", "end of file expected"},
    {"zero-byte", "'name' contains a zero byte"},
    {"comment", "json: "},
    {"empty", "json: "},
};

static void
test_good(void **state)
{
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct policy p;
		char path[128];

		snprintf(path, sizeof(path), "fixtures/policy/good-%s.json",
		    good[i]);
		assert_ok(policy_read(&p, path, NOW, &e), &e);
		assert_int_equal(strlen(p.sha256), 64);
		policy_release(&p);
	}
}

static void
test_bad(void **state)
{
	const struct bad_row *row = *state;
	struct err e = {0};
	struct policy p;
	char path[128];

	snprintf(path, sizeof(path), "fixtures/policy/bad-%s.json", row->name);
	assert_int_equal(policy_read(&p, path, NOW, &e), ERR_FORMAT);
	assert_string_equal(e.path, path);
	if (strstr(e.msg, row->says) == NULL)
		fail_msg("'%s' does not say '%s'", e.msg, row->says);
	assert_null(p.doc);
}

/* --- applying ------------------------------------------------------------ */

#define DIGEST                                                                 \
	"1111111111111111111111111111111111111111111111111111111111111111"

static json_t *
json(const char *text)
{
	struct err e = {0};
	json_t *j;

	assert_ok(json_read(text, strlen(text), &j, &e), &e);
	return j;
}

/* The finding after a policy whose lists are given, as seen at `now`. */
static json_t *
after(const char *lists, int64_t now, struct policy *p)
{
	json_t *files = json("[{\"path\":\"m.pt\",\"sha256\":\"" DIGEST "\"}]");
	json_t *list = json_array(), *f;
	struct finding_place at = {"m.pt", "a/data.pkl", NULL, 7};
	struct err e = {0};
	char text[1024];

	json_add(list, finding_json_at(FINDING_FILE_PICKLE, &at, "seen"));
	json_object_set_new(
	    json_array_get(list, 0), "severity", json_string("high"));
	snprintf(
	    text, sizeof(text), "{\"schema\":\"assay-policy/1\",%s}", lists);
	assert_ok(policy_parse(p, text, strlen(text), now, &e), &e);
	policy_apply(p, list, files);
	assert_int_equal(json_array_size(list), 1);
	f = json_incref(json_array_get(list, 0));
	json_decref(list);
	json_decref(files);
	return f;
}

#define WAIVE(more)                                                            \
	"\"waive\":[{\"id\":\"FILE_PICKLE\",\"reason\":\"ours\"," more "}]"
#define CHANGE(to, more)                                                       \
	"\"change\":[{\"id\":\"FILE_PICKLE\",\"reason\":\"ours\","             \
	"\"severity\":\"" to "\"" more "}]"
#define TODAY "\"expires\":\"2026-11-28\""

static const struct apply_row {
	const char *name, *lists;
	bool waived, counts;
	const char *severity, *was;
} apply_rows[] = {
    {"nothing", "\"name\":\"n\"", false, true, "high", NULL},
    {"waived, on its last day", WAIVE(TODAY), true, false, "high", NULL},
    {"waived until yesterday", WAIVE("\"expires\":\"2026-11-27\""), false, true,
	"high", NULL},
    {"waived there", WAIVE("\"path\":\"m.pt\"," TODAY), true, false, "high",
	NULL},
    {"waived elsewhere", WAIVE("\"path\":\"n.pt\"," TODAY), false, true, "high",
	NULL},
    {"not by a prefix", WAIVE("\"path\":\"m\"," TODAY), false, true, "high",
	NULL},
    {"waived in that member", WAIVE("\"member\":\"a/data.pkl\"," TODAY), true,
	false, "high", NULL},
    {"waived in another", WAIVE("\"member\":\"b/data.pkl\"," TODAY), false,
	true, "high", NULL},
    {"waived with that digest", WAIVE("\"sha256\":\"" DIGEST "\"," TODAY), true,
	false, "high", NULL},
    {"waived with another digest",
	WAIVE("\"sha256\":"
	      "\"00000000000000000000000000000000000000000000000000000000"
	      "00000000\"," TODAY),
	false, true, "high", NULL},
    {"lowered", CHANGE("low", ""), false, false, "low", "high"},
    {"raised", CHANGE("critical", ""), false, true, "critical", "high"},
    {"lowered until yesterday", CHANGE("low", ",\"expires\":\"2026-11-27\""),
	false, true, "high", NULL},
    {"raised and waived", CHANGE("critical", "") "," WAIVE(TODAY), true, false,
	"critical", "high"},
};

static void
test_apply(void **state)
{
	const struct apply_row *row = *state;
	struct policy p;
	json_t *f = after(row->lists, NOW, &p);
	const json_t *waived = json_object_get(f, "waived");
	const char *was = json_string_value(json_object_get(f, "was"));

	assert_int_equal(waived != NULL, row->waived);
	assert_int_equal(policy_counts(f, SEVERITY_HIGH), row->counts);
	assert_string_equal(
	    json_string_value(json_object_get(f, "severity")), row->severity);
	if (row->was == NULL)
		assert_null(was);
	else
		assert_string_equal(was, row->was);
	if (waived != NULL)
		assert_string_equal(
		    json_string_value(json_object_get(waived, "reason")),
		    "ours");
	/* what was found stays */
	assert_string_equal(
	    json_string_value(json_object_get(f, "detail")), "seen");
	json_decref(f);
	policy_release(&p);
}

/* The first that fits counts, and the document says what each did. */
static void
test_entries(void **state)
{
	struct policy p;
	json_t *f = after(
	    "\"change\":["
	    "{\"id\":\"FILE_PICKLE\",\"reason\":\"a\","
	    "\"severity\":\"low\",\"path\":\"other\"},"
	    "{\"id\":\"FILE_PICKLE\",\"reason\":\"b\","
	    "\"severity\":\"medium\"},"
	    "{\"id\":\"FILE_PICKLE\",\"reason\":\"c\","
	    "\"severity\":\"note\"}]," WAIVE("\"expires\":\"2020-01-01\""),
	    NOW, &p);
	json_t *doc = policy_json(&p);

	(void)state;
	assert_string_equal(
	    json_string_value(json_object_get(f, "severity")), "medium");
	assert_string_equal(
	    json_string_value(json_at(doc, "entries.0.state")), "unused");
	assert_string_equal(
	    json_string_value(json_at(doc, "entries.1.state")), "applied");
	assert_int_equal(
	    json_integer_value(json_at(doc, "entries.1.findings")), 1);
	assert_string_equal(
	    json_string_value(json_at(doc, "entries.2.state")), "unused");
	assert_string_equal(
	    json_string_value(json_at(doc, "entries.3.state")), "expired");
	assert_string_equal(
	    json_string_value(json_at(doc, "date")), "2026-11-28");
	assert_string_equal(json_string_value(json_at(doc, "fail-at")), "high");
	json_decref(doc);
	json_decref(f);
	policy_release(&p);
}

/* What cannot be graded is not waved through. */
static void
test_ungraded(void **state)
{
	json_t *f = json("{\"id\":\"X\",\"severity\":\"harmless\"}");

	(void)state;
	assert_true(policy_counts(f, SEVERITY_CRITICAL));
	json_decref(f);
}

static void
test_within(void **state)
{
	(void)state;
	assert_true(file_within("fixtures/policy/good-least.json", "fixtures"));
	assert_true(file_within("fixtures/../fixtures/policy", "fixtures/"));
	assert_true(file_within("fixtures", "fixtures"));
	assert_false(file_within("fixtures/policy", "fixtures/pol"));
	assert_false(file_within("fixtures/policy", "tests"));
	assert_true(file_within("fixtures", "/"));
}

int
main(void)
{
	struct CMUnitTest
	    tests[ARRAY_LEN(bad_rows) + ARRAY_LEN(apply_rows) + 4];
	size_t n = 0;

	memset(tests, 0, sizeof(tests));
	for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_bad, bad_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(apply_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_apply, apply_rows[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_good);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_entries);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_ungraded);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_within);
	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
