/* SPDX-License-Identifier: MIT
 * What is known of each finding beyond what was seen: summary, fix,
 * explanation and the ids of the taxonomies.  Table (finding.def), manual and
 * taxonomy in one place, for documents, SARIF and --explain.
 */
#ifndef BASE_RULES_H
#define BASE_RULES_H

#include "base/taxonomy.h"

struct rules {
	struct taxonomy taxonomy; /* doc NULL: there is none */
	json_t *text; /* {id: explanation}, from assay-findings(7); or NULL */
};

/*
 * From `taxonomy`, or where that is NULL from share/assay beside this
 * program's folder.  There, what is missing is left out and said in *missing
 * (code 0: nothing is); a file that was named must be good.
 */
int rules_read(struct rules *, const char *taxonomy, struct err *missing,
    struct err *) MUST_USE;
void rules_release(struct rules *);

/*
 * {id: {"severity","confidence","summary","fix","explanation"?,"taxa"?}} of
 * the findings in a list; a new reference.
 */
json_t *rules_json(const struct rules *, const json_t *findings);
/* The same of one finding; NULL when there is none of that name. */
json_t *rules_one(const struct rules *, const char *id);

#endif
