/* SPDX-License-Identifier: MIT */
#include "report/oms.h"

#include "report/dsse.h"

#include "base/text.h"

#define OMS_TYPE      "https://in-toto.io/Statement/v1"
#define OMS_PREDICATE "https://model_signing/signature/v1.0"

static json_t *
resources(const struct subject *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++) {
		json_t *one = json_object();
		char hex[DIGEST_HEX];

		digest_hex(&s->file[i].digest, hex);
		json_put(one, "name", json_text(s->file[i].path));
		json_put(one, "digest", json_text(hex));
		json_put(one, "algorithm", json_text("sha256"));
		json_add(list, one);
	}
	return list;
}

/* What specification section 5.2 calls files: each whole, no link followed,
 * nothing left out. */
static json_t *
serialization(void)
{
	json_t *j = json_object();

	json_put(j, "method", json_text("files"));
	json_put(j, "hash_type", json_text("sha256"));
	json_put(j, "allow_symlinks", json_false());
	json_put(j, "ignore_paths", json_array());
	return j;
}

int
oms_statement(
    const struct subject *s, const char *name, struct buf *out, struct err *e)
{
	json_t *j = json_object(), *subject = json_object();
	json_t *digest = json_object(), *all = json_array();
	json_t *predicate = json_object();
	char hex[DIGEST_HEX];
	int rc;

	digest_hex(&s->root, hex);
	json_put(digest, "sha256", json_text(hex));
	json_put(subject, "name", json_text(name));
	json_put(subject, "digest", digest);
	json_add(all, subject);
	json_put(predicate, "resources", resources(s));
	json_put(predicate, "serialization", serialization());
	json_put(j, "_type", json_text(OMS_TYPE));
	json_put(j, "subject", all);
	json_put(j, "predicateType", json_text(OMS_PREDICATE));
	json_put(j, "predicate", predicate);
	rc = json_canonical(j, out, e);
	json_decref(j);
	return rc;
}

/* --- a signature that came with the bundle ---------------------------------- */

static int
is(const json_t *j, const char *path, const char *want, int code, struct err *e)
{
	const char *have;
	int rc = json_get_str(j, path, &have, e);

	return rc != 0 || strcmp(have, want) == 0
		   ? rc
		   : err_set(e, code, ERR_NOWHERE, "'%s' is '%.100s', not '%s'",
			 path, have, want);
}

/* Digests as they are listed: that order is the signer's. */
static int
check_root(const json_t *s, const json_t *list, struct err *e)
{
	struct digest_ctx c;
	struct digest one, root, want;
	const char *hex;
	bool good = true;

	digest_begin(&c);
	for (size_t i = 0; i < json_array_size(list); i++) {
		good =
		    good &&
		    digest_parse(
			json_text_at(json_array_get(list, i), "digest"), &one);
		digest_update(&c, one.byte, DIGEST_LEN);
	}
	digest_end(&c, &root);
	hex = json_text_at(s, "subject.0.digest.sha256");
	if (!good || !digest_parse(hex, &want) || !digest_equal(&root, &want))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'subject.0.digest.sha256' is not the digest of its "
		    "resources");
	return 0;
}

static int
check_form(const json_t *s, struct err *e)
{
	const json_t *list;
	char path[64];
	int rc;

	if ((rc = is(s, "_type", OMS_TYPE, ERR_FORMAT, e)) != 0 ||
	    (rc = is(s, "predicateType", OMS_PREDICATE, ERR_FORMAT, e)) != 0 ||
	    (rc = json_get_array(s, "subject", &list, e)) != 0)
		return rc;
	if (json_array_size(list) != 1)
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "'subject' is not one");
	if ((rc = is(s, "predicate.serialization.method", "files",
		 ERR_UNSUPPORTED, e)) != 0 ||
	    (rc = is(s, "predicate.serialization.hash_type", "sha256",
		 ERR_UNSUPPORTED, e)) != 0 ||
	    (rc = json_get_array(s, "predicate.resources", &list, e)) != 0)
		return rc;
	for (size_t i = 0; i < json_array_size(list); i++) {
		snprintf(
		    path, sizeof(path), "predicate.resources.%zu.algorithm", i);
		if ((rc = is(s, path, "sha256", ERR_UNSUPPORTED, e)) != 0)
			return rc;
	}
	return check_root(s, list, e);
}

/* What a signer may leave out at the top of a model (specification 5.1) and
 * does not by itself make a model another one. */
static bool
may_be_left_out(const char *rel, const json_t *ignored)
{
	static const char *const git[] = {
	    ".git", ".gitignore", ".gitattributes", ".github"};
	size_t n = strcspn(rel, "/");
	const json_t *one;
	char top[16];
	size_t i;

	if (n >= sizeof(top))
		return false;
	memcpy(top, rel, n);
	top[n] = '\0';
	if (!text_is_one_of(top, git, ARRAY_LEN(git)))
		return false;
	json_array_foreach(ignored, i,
	    one) if (json_is_string(one) &&
		     strcmp(json_string_value(one), top) == 0) return true;
	return false;
}

static int
blame(struct err *e, const char *what, const char *path)
{
	return err_set(e, ERR_FORMAT, ERR_NOWHERE, "%s: %.200s", what, path);
}

/* Both lists are in byte order of their names; `root` is where the model
 * begins, with its slash. */
static int
compare(const struct subject *signed_ones, const struct subject *files,
    const char *name, size_t root, const json_t *ignored, struct err *e)
{
	size_t k = 0;

	for (size_t i = 0; i < files->n; i++) {
		const struct subject_file *f = &files->file[i];
		const char *rel = f->path + root;

		if (strcmp(f->path, name) == 0)
			continue;
		if (strncmp(f->path, name, root) != 0)
			return blame(e, "not signed", f->path);
		if (k < signed_ones->n &&
		    strcmp(signed_ones->file[k].path, rel) < 0)
			return blame(e, "missing", signed_ones->file[k].path);
		if (k == signed_ones->n ||
		    strcmp(signed_ones->file[k].path, rel) != 0) {
			if (!may_be_left_out(rel, ignored))
				return blame(e, "not signed", f->path);
			continue;
		}
		if (!digest_equal(&signed_ones->file[k].digest, &f->digest))
			return blame(e, "changed", f->path);
		k++;
	}
	return k == signed_ones->n
		   ? 0
		   : blame(e, "missing", signed_ones->file[k].path);
}

int
oms_check(const void *statement, size_t len, const struct subject *files,
    const char *name, struct err *e)
{
	const char *slash = strrchr(name, '/');
	struct subject list;
	json_t *s;
	int rc;

	rc = json_read_strict(statement, len, &s, e);
	if (rc != 0)
		return rc;
	if ((rc = check_form(s, e)) == 0 &&
	    (rc = subject_list(&list, json_at(s, "predicate.resources"), "name",
		 "digest", e)) == 0) {
		rc = compare(&list, files, name,
		    slash != NULL ? (size_t)(slash - name) + 1 : 0,
		    json_at(s, "predicate.serialization.ignore_paths"), e);
		subject_release(&list);
	}
	json_decref(s);
	return rc;
}

int
oms_verify(const void *text, size_t len, const struct keys *k,
    const struct subject *files, const char *name, struct err *e)
{
	struct dsse d;
	int rc;

	if ((rc = dsse_read(text, len, &d, e)) != 0)
		return rc;
	if ((rc = dsse_verify(&d, k, e)) == 0)
		rc = oms_check(d.payload.ptr, d.payload.len, files, name, e);
	dsse_release(&d);
	return rc;
}
