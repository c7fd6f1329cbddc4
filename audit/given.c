/* SPDX-License-Identifier: MIT */
#include "audit/given.h"

#include "base/doc.h"
#include "base/file.h"
#include "base/limits.h"

#include <unistd.h>

int
given_outside(const char *policy, const char *bundle, struct err *e)
{
	if (policy == NULL || !file_within(policy, bundle))
		return 0;
	err_set(e, ERR_USAGE, ERR_NOWHERE,
	    "lies within the bundle, which has no say in how it is judged");
	return err_in(e, policy);
}

int
given_forget_other(const char *inspected, const char *policy, struct err *e)
{
	json_t *now = doc_new("assay-inspect/1"), *doc = NULL;
	int rc = doc_read(inspected, "assay-inspect/1", &doc, e);

	if (rc == 0 && policy != NULL)
		rc = doc_input_path(now, "policy", policy, e);
	if (rc == 0 && (json_at(doc, "policy") != NULL || policy != NULL) &&
	    !json_equal(json_at(doc, "policy.sha256"),
		json_at(now, "inputs.0.sha256")) &&
	    unlink(inspected) != 0) {
		err_sys(e, "cannot remove");
		rc = err_in(e, inspected);
	}
	json_decref(doc);
	json_decref(now);
	return rc;
}

int
given_same_bundle(const char *bundle, const char *manifest, struct err *e)
{
	json_t *now = doc_new("assay-manifest/1"), *doc;
	int rc;

	if ((rc = doc_read(manifest, "assay-manifest/1", &doc, e)) == 0) {
		rc = doc_input_path(now, "bundle", bundle, e);
		if (rc == 0 && !json_equal(json_at(doc, "inputs.0.sha256"),
				   json_at(now, "inputs.0.sha256"))) {
			err_set(e, ERR_USAGE, ERR_NOWHERE,
			    "the case is of another bundle, or this one has "
			    "changed");
			rc = err_in(e, bundle);
		}
		json_decref(doc);
	}
	json_decref(now);
	return rc;
}

/* Whether a file has that digest; one that is not there has none. */
static int
has_digest(const char *path, const json_t *sha256, bool *same, struct err *e)
{
	char hex[DIGEST_HEX];
	struct digest d;
	uint64_t size;
	int rc;

	if (!(*same = file_exists(path) && !file_is_dir(path)))
		return 0;
	if ((rc = digest_file(path, LIMIT_MODEL_FILE, &d, &size, e)) != 0)
		return rc;
	digest_hex(&d, hex);
	*same = json_is_string(sha256) &&
		strcmp(hex, json_string_value(sha256)) == 0;
	return 0;
}

/* The files that a scan read of a model, all of them; of a model that is a file
 * this is among them. */
static int
has_files(const char *model, const json_t *list, bool *same, struct err *e)
{
	bool named = file_is_dir(model);
	char dir[4096], path[4096];
	const json_t *one;
	size_t i;
	int rc = file_folder(dir, sizeof(dir), model, e);

	*same = true;
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		const char *name = json_text_at(one, "name");

		named = named || strcmp(name, file_base(model)) == 0;
		if (rc == 0 && *same &&
		    (rc = file_join(path, sizeof(path), dir, name, e)) == 0)
			rc = has_digest(
			    path, json_object_get(one, "sha256"), same, e);
	}
	*same = *same && named;
	return rc;
}

static const json_t *
model_of(const json_t *scan)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_at(scan, "inputs"), i, one)
	{
		if (strcmp(json_text_at(one, "role"), "model") == 0)
			return one;
	}
	return NULL;
}

int
given_same_model(const char *model, const char *scan, struct err *e)
{
	const json_t *was, *files;
	bool same = false;
	json_t *doc;
	int rc;

	if (!file_exists(scan))
		return 0;
	if ((rc = doc_read(scan, "assay-scan/1", &doc, e)) != 0)
		return rc;
	was = model_of(doc);
	files = json_object_get(was, "files");
	rc = json_array_size(files) != 0
		 ? has_files(model, files, &same, e)
		 : has_digest(model, json_object_get(was, "sha256"), &same, e);
	json_decref(doc);
	if (rc != 0 || same)
		return rc;
	err_set(e, ERR_USAGE, ERR_NOWHERE,
	    "is of another model than %.200s: that one wants a case of its own",
	    model);
	return err_in(e, scan);
}
