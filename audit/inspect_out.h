/* SPDX-License-Identifier: MIT
 * What becomes of what assay-inspect found: the policy's say, what is known
 * of each finding, and the forms in which it is handed out.
 */
#ifndef AUDIT_INSPECT_OUT_H
#define AUDIT_INSPECT_OUT_H

#include "base/policy.h"
#include "base/rules.h"

/* Options, and what was read for them outside the sandbox. */
struct inspect_out {
	bool json, sarif, verbose;
	const char *policy_path, *taxonomy_path;
	const char *output_path; /* or NULL */
	struct policy policy;
	struct rules rules;
};

/*
 * Read policy and taxonomy.  ERR_USAGE when one lies within what is to be
 * looked at: nothing in there has a say in how it is judged; or when the output
 * would.
 */
int inspect_out_open(struct inspect_out *, const char *const *path,
    size_t npath, bool is_case, struct err *) MUST_USE;
void inspect_out_close(struct inspect_out *);

/*
 * Apply the policy to the document's findings; add the verdicts of its files,
 * "policy", "taxonomy" and "rules".  Returns the exit status.
 */
int inspect_out_judge(struct inspect_out *, json_t *doc, bool nothing);
/* The document, or SARIF when `sarif`. */
void inspect_out_text(const struct inspect_out *, const json_t *doc, int status,
    bool sarif, struct buf *);

#endif
