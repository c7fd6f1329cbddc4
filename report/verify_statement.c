/* SPDX-License-Identifier: MIT */
#include "report/verify_statement.h"

#include "report/outcome.h"
#include "report/statement.h"

static int
expect(const json_t *j, const char *path, const char *want, struct err *e)
{
	const char *have;
	int rc = json_get_str(j, path, &have, e);

	if (rc == 0 && strcmp(have, want) != 0)
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "not a model audit: %s is '%.100s'", path, have);
	return rc;
}

/* Statement v1 has these fields and no others (in-toto, spec/v1/statement.md;
 * sigstore-go refuses more); a digest that we cannot check is no digest. */
static int
check_fields(const json_t *j, struct err *e)
{
	static const char *const top[] = {
	    "_type", "subject", "predicateType", "predicate"};
	static const char *const subject[] = {"name", "digest"};
	static const char *const digest[] = {"sha256", "dirHash1"};
	static const struct {
		const char *path;
		const char *const *known;
		size_t n;
	} part[] = {
	    {"", top, ARRAY_LEN(top)},
	    {"subject.0", subject, ARRAY_LEN(subject)},
	    {"subject.0.digest", digest, ARRAY_LEN(digest)},
	};
	const json_t *one;
	const char *key;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(part); i++) {
		if ((rc = json_get_object(j, part[i].path, &one, e)) != 0)
			return rc;
		key = json_unknown_key(one, part[i].known, part[i].n);
		if (key != NULL)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "the statement has the unknown field '%s%s%.64s'",
			    part[i].path, i != 0 ? "." : "", key);
	}
	return 0;
}

static int
one_of(const json_t *j, const char *path, const char *const *word, size_t n,
    struct err *e)
{
	const char *s;
	int rc = json_get_str(j, path, &s, e);

	for (size_t i = 0; i < n && rc == 0; i++)
		if (strcmp(s, word[i]) == 0)
			return 0;
	return rc != 0 ? rc
		       : err_set(e, ERR_FORMAT, ERR_NOWHERE,
			     "'%s' is '%.40s', which is none", path, s);
}

/* PASSED stands on checks that all passed; what became of a purified model is
 * not about the bundle. */
static int
check_verdict(const json_t *p, struct err *e)
{
	static const char *const word[] = {"PASSED", "FAILED", "INCONCLUSIVE"};
	const json_t *checks;
	const char *verdict, *id, *status;
	char path[48];
	int rc;

	if ((rc = one_of(p, "verdict", word, ARRAY_LEN(word), e)) != 0 ||
	    (rc = json_get_str(p, "verdict", &verdict, e)) != 0 ||
	    (rc = json_get_array(p, "checks", &checks, e)) != 0)
		return rc;
	for (size_t i = 0; i < json_array_size(checks); i++) {
		snprintf(path, sizeof(path), "checks.%zu.status", i);
		if ((rc = one_of(p, path, word, ARRAY_LEN(word), e)) != 0 ||
		    (rc = json_get_str(p, path, &status, e)) != 0)
			return rc;
		id = json_text_at(json_array_get(checks, i), "id");
		if (strcmp(verdict, word[0]) == 0 &&
		    strcmp(status, word[0]) != 0 &&
		    strcmp(id, "purification") != 0)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "'verdict' is PASSED and the check '%.60s' is %s",
			    id, status);
	}
	return 0;
}

static int
check_manifest(const json_t *p, struct subject *files, struct err *e)
{
	const json_t *list;
	const char *how;
	char path[64];
	int rc = json_get_array(p, "manifest.resources", &list, e);

	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
		snprintf(
		    path, sizeof(path), "manifest.resources.%zu.algorithm", i);
		if ((rc = json_get_str(p, path, &how, e)) == 0 &&
		    strcmp(how, "sha256") != 0)
			rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "'%s' is '%.40s', sha256 is required", path, how);
	}
	if (rc == 0 &&
	    (rc = subject_list(files, list, "name", "digest", e)) != 0)
		err_wrap(e, "manifest.resources");
	return rc;
}

static int
check_results(const json_t *p, struct err *e)
{
	struct digest results;
	int rc = statement_results(p, &results, e);

	/* whoever signed a number that has no canonical form signed no report */
	if (rc == ERR_UNSUPPORTED)
		rc = e->code = ERR_FORMAT;
	return rc != 0 ? rc
		       : outcome_digest(p, "resultsDigest.sha256", &results, e);
}

int
verify_statement(const json_t *j, struct subject *files, struct err *e)
{
	const json_t *list, *p;
	int rc;

	if ((rc = expect(j, "_type", STATEMENT_TYPE, e)) != 0 ||
	    (rc = expect(j, "predicateType", STATEMENT_PREDICATE, e)) != 0 ||
	    (rc = json_get_array(j, "subject", &list, e)) != 0)
		return rc;
	if (json_array_size(list) != 1)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'subject' has %zu entries, not exactly one subject",
		    json_array_size(list));
	if ((rc = check_fields(j, e)) != 0 ||
	    (rc = json_get_object(j, "predicate", &p, e)) != 0 ||
	    (rc = json_get_array(p, "derived", &list, e)) != 0 ||
	    (rc = check_verdict(p, e)) != 0 ||
	    (rc = check_results(p, e)) != 0 ||
	    (rc = check_manifest(p, files, e)) != 0)
		return rc;
	if ((rc = outcome_digest(
		 j, "subject.0.digest.sha256", &files->root, e)) == 0)
		rc = outcome_digest(
		    j, "subject.0.digest.dirHash1", &files->dirhash, e);
	if (rc != 0)
		subject_release(files);
	return rc;
}
