/* SPDX-License-Identifier: MIT
 * Findings as a log in SARIF 2.1.0 (OASIS), for code hosts and viewers.
 */
#ifndef BASE_SARIF_H
#define BASE_SARIF_H

#include "base/rules.h"

struct sarif_in {
	const json_t *doc; /* "tool", "files", "findings", "rules", "complete",
			      "policy"?, as in assay-inspect(5) */
	const struct taxonomy *taxonomy; /* names for the ids; or NULL */
	int status;                      /* exit status of the tool */
};

/*
 * The log, one run.  Places are relative to BUNDLE, paths percent-encoded;
 * text from files is escaped and can neither make links nor placeholders.
 * The same findings have the same partialFingerprints wherever a file's bytes
 * have moved.  A new reference.
 */
json_t *sarif_log(const struct sarif_in *);

#endif
