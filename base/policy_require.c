/* SPDX-License-Identifier: MIT */
#include "base/policy_require.h"

#include "base/limits.h"
#include "base/pem.h"
#include "base/text.h"

static int
refuse(struct err *e, const char *where, const char *what)
{
	return err_set(e, ERR_FORMAT, ERR_NOWHERE, "'%s' %s", where, what);
}

/* doc[where] is an object of these keys only. */
static int
object(const json_t *doc, const char *where, const char *const *known, size_t n,
    struct err *e)
{
	const json_t *j;
	const char *key;
	int rc = json_get_object(doc, where, &j, e);

	if (rc != 0)
		return rc;
	if ((key = json_unknown_key(j, known, n)) != NULL)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'%s.%.60s' is not known", where, key);
	return 0;
}

/* The ids of assay-report(5); geometries are a scan's to name. */
static bool
is_check(const char *id)
{
	static const char *const known[] = {
	    "supply-chain", "behaviour", "purification"};

	return text_is_one_of(id, known, ARRAY_LEN(known)) ||
	       (strncmp(id, "flip-radius/", 12) == 0 && id[12] != '\0');
}

/* A list of words, none empty, none twice. */
static int
words(const json_t *doc, const char *where, bool (*fits)(const char *),
    const char *why, struct err *e)
{
	const json_t *list;
	const char *s, *other;
	char at[64];
	int rc;

	if (json_at(doc, where) == NULL)
		return 0;
	if ((rc = json_get_array(doc, where, &list, e)) != 0)
		return rc;
	if (json_array_size(list) == 0 ||
	    json_array_size(list) > LIMIT_POLICY_ENTRIES)
		return refuse(e, where, "has no entries, or too many");
	for (size_t i = 0; i < json_array_size(list); i++) {
		snprintf(at, sizeof(at), "%s.%zu", where, i);
		if ((rc = json_get_str(doc, at, &s, e)) != 0)
			return rc;
		if (!fits(s))
			return refuse(e, at, why);
		for (size_t k = 0; k < i; k++) {
			other = json_string_value(json_array_get(list, k));
			if (other != NULL && strcmp(other, s) == 0)
				return refuse(e, at, "is there twice");
		}
	}
	return 0;
}

static bool
is_word(const char *s)
{
	return *s != '\0' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-_.+") ==
		   strlen(s);
}

/* A number within bounds. */
static int
bound(const json_t *doc, const char *where, double lo, double hi, struct err *e)
{
	double v;
	int rc;

	if (json_at(doc, where) == NULL)
		return 0;
	if ((rc = json_get_real(doc, where, &v, e)) != 0)
		return rc;
	if (!(v >= lo && v <= hi))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'%s' is %g, not within %g to %g", where, v, lo, hi);
	return 0;
}

static bool
is_pem(const char *s)
{
	EVP_PKEY *k = pem_public(s, strlen(s));

	EVP_PKEY_free(k);
	return k != NULL;
}

static int
signature(const json_t *doc, size_t i, struct err *e)
{
	static const char *const keys[] = {"path", "public-key"};
	char at[64];
	const char *s;
	int rc;

	snprintf(at, sizeof(at), "require.signatures.%zu", i);
	if ((rc = object(doc, at, keys, ARRAY_LEN(keys), e)) != 0)
		return rc;
	snprintf(at, sizeof(at), "require.signatures.%zu.path", i);
	if (json_at(doc, at) != NULL) {
		if ((rc = json_get_str(doc, at, &s, e)) != 0)
			return rc;
		if (*s == '\0' || *s == '/')
			return refuse(e, at, "is no path within a bundle");
	}
	snprintf(at, sizeof(at), "require.signatures.%zu.public-key", i);
	if ((rc = json_get_str(doc, at, &s, e)) != 0)
		return rc;
	return is_pem(s) ? 0 : refuse(e, at, "is not a public key, as PEM");
}

static int
signatures(const json_t *doc, struct err *e)
{
	const json_t *list;
	int rc = 0;

	if (json_at(doc, "require.signatures") == NULL)
		return 0;
	if ((rc = json_get_array(doc, "require.signatures", &list, e)) != 0)
		return rc;
	if (json_array_size(list) == 0 ||
	    json_array_size(list) > LIMIT_POLICY_SIGNATURES)
		return refuse(
		    e, "require.signatures", "has no entries, or too many");
	for (size_t i = 0; i < json_array_size(list) && rc == 0; i++)
		rc = signature(doc, i, e);
	return rc;
}

int
policy_require_check(const json_t *doc, struct err *e)
{
	static const char *const keys[] = {"checks", "formats", "references",
	    "score", "accuracy", "attack-success", "signatures"};
	int64_t n;
	int rc;

	if (json_at(doc, "require") == NULL)
		return 0;
	if ((rc = object(doc, "require", keys, ARRAY_LEN(keys), e)) != 0 ||
	    (rc = words(doc, "require.checks", is_check,
		 "is no check (supply-chain, behaviour, "
		 "flip-radius/GEOMETRY, purification)",
		 e)) != 0 ||
	    (rc = words(doc, "require.formats", is_word, "is no format", e)) !=
		0 ||
	    (rc = bound(doc, "require.score", 0, 1e9, e)) != 0 ||
	    (rc = bound(doc, "require.accuracy", 0, 1, e)) != 0 ||
	    (rc = bound(doc, "require.attack-success", 0, 1, e)) != 0)
		return rc;
	if (json_at(doc, "require.references") != NULL &&
	    (rc = json_get_int(doc, "require.references", 1, 256, &n, e)) != 0)
		return rc;
	return signatures(doc, e);
}
