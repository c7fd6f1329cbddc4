/* SPDX-License-Identifier: MIT
 * The signed part of a report: an in-toto Statement v1 with a predicate of
 * our own (assay-report(5)).  What differs between two runs of the same
 * audit stands apart from what resultsDigest covers.
 */
#ifndef REPORT_STATEMENT_H
#define REPORT_STATEMENT_H

#include "report/checks.h"

#define STATEMENT_TYPE      "https://in-toto.io/Statement/v1"
#define STATEMENT_PREDICATE "https://assay.example/attestation/model-audit/v0.1"

/* A new statement without derived files; a new reference. */
json_t *statement_new(const struct checks_in *);
/* Add {"name","mediaType","digest"} to derived. */
void statement_derive(json_t *statement, const char *name,
    const char *media_type, const struct digest *);

/* SHA-256 over the canonical results of a predicate. */
int statement_results(
    const json_t *predicate, struct digest *, struct err *) MUST_USE;

#endif
