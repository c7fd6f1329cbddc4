/* SPDX-License-Identifier: MIT */
#include "report/members.h"

#include "base/finding.h"
#include "base/policy_require.h"

/* Members beside those that evidence.c and case.c read by themselves. */
static const struct {
	const char *schema, *path;
	json_type type;
	bool needed;
} member[] = {
    {"assay-manifest/1", "findings", JSON_ARRAY, true},
    {"assay-manifest/1", "refused", JSON_ARRAY, false},
    {"assay-inspect/1", "findings", JSON_ARRAY, true},
    {"assay-inspect/1", "policy", JSON_OBJECT, false},
    {"assay-inspect/1", "policy.entries", JSON_ARRAY, false},
    {"assay-inspect/1", "rules", JSON_OBJECT, false},
    {"assay-inspect/1", "taxonomy.editions", JSON_OBJECT, false},
    {"assay-scan/1", "blind_spots", JSON_ARRAY, false},
    {"assay-scan/1", "not_tested", JSON_ARRAY, false},
    {"assay-scan/1", "flip_matrix", JSON_OBJECT, false},
    {"assay-purify/1", "before", JSON_OBJECT, false},
    {"assay-purify/1", "after", JSON_OBJECT, false},
    {"assay-purify/1", "output", JSON_OBJECT, true},
    {"assay-eval/1", "accuracy", JSON_OBJECT, false},
    {"assay-eval/1", "asr", JSON_OBJECT, false},
};

/* What was not seen is said in words, each of which is to be in the report. */
static int
check_words(const json_t *doc, struct err *e)
{
	static const char *const list[] = {"blind_spots", "not_tested"};
	const json_t *one;
	size_t i;

	for (size_t k = 0; k < ARRAY_LEN(list); k++) {
		json_array_foreach(
		    (json_t *)(uintptr_t)json_at(doc, list[k]), i, one)
		{
			if (!json_is_string(one))
				return err_set(e, ERR_FORMAT, ERR_NOWHERE,
				    "'%s.%zu' is not a string", list[k], i);
		}
	}
	return 0;
}

static int
check_findings(const json_t *list, struct err *e)
{
	static const char *const part[] = {"id", "severity", "path"};
	const char *s;
	int rc;

	for (size_t i = 0; i < json_array_size(list); i++)
		for (size_t k = 0; k < ARRAY_LEN(part); k++)
			if ((rc = json_get_str(
				 json_array_get(list, i), part[k], &s, e)) != 0)
				return err_wrap(e, "findings.%zu", i);
	return 0;
}

/* What a policy says of the verdict, by the rules for policies. */
static int
check_policy(const json_t *doc, struct err *e)
{
	const json_t *policy = json_at(doc, "policy");
	enum finding_severity ignored;
	const char *s;
	int rc;

	if ((rc = policy_require_check(policy, e)) != 0)
		return err_wrap(e, "policy");
	if (json_at(policy, "fail-at") == NULL)
		return 0;
	if ((rc = json_get_str(policy, "fail-at", &s, e)) != 0)
		return err_wrap(e, "policy");
	return finding_severity_parse(s, &ignored)
		   ? 0
		   : err_set(e, ERR_FORMAT, ERR_NOWHERE,
			 "'policy.fail-at' is '%.40s', which is none", s);
}

int
members_check(const json_t *doc, struct err *e)
{
	const char *schema = json_text_at(doc, "schema");
	bool findings = false;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(member); i++) {
		const json_t *v = json_at(doc, member[i].path);

		if (strcmp(member[i].schema, schema) != 0)
			continue;
		findings = findings || strcmp(member[i].path, "findings") == 0;
		if (!member[i].needed && (v == NULL || json_is_null(v)))
			continue;
		if (v == NULL || json_typeof(v) != member[i].type)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "'%s' is not an %s", member[i].path,
			    member[i].type == JSON_ARRAY ? "array" : "object");
	}
	if (!findings)
		return check_words(doc, e);
	if (!json_is_boolean(json_at(doc, "complete")))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'complete' is neither true nor false");
	if ((rc = check_policy(doc, e)) != 0)
		return rc;
	return check_findings(json_at(doc, "findings"), e);
}
