/* SPDX-License-Identifier: MIT */
#include "audit/given.h"

#include "base/doc.h"
#include "base/file.h"

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
