/* SPDX-License-Identifier: MIT
 * What an audit tested, with the evidence, as the signed statement carries
 * it: counts are integers, all other numbers decimal strings.
 */
#ifndef REPORT_CHECKS_H
#define REPORT_CHECKS_H

#include "report/case.h"
#include "report/evidence.h"

#include "base/finding.h"
#include "base/taxonomy.h"

/* The finding that is made here, of what the scan says. */
#define CHECKS_TARGET "BEHAVIOUR_TARGET"

/* All that a statement and its page are made from. */
struct checks_in {
	const struct case_docs *docs;
	const struct evidence *scan;   /* NULL: not scanned */
	const struct evidence *rescan; /* NULL: not purified or not rescanned */
	/* ids for what is found here; or NULL */
	const struct taxonomy *taxonomy;
	/* those that the policy requires, tried; or NULL */
	const json_t *signatures;
	char today[11]; /* of the report, "2026-11-30", UTC */
};

/* Set the day, from the clock or SOURCE_DATE_EPOCH; it decides what has expired. */
int checks_day(struct checks_in *, struct err *) MUST_USE;
/* [{"id","status","evidence"}]; a new reference. */
json_t *checks_list(const struct checks_in *);
/* Of such a list the check of that id, borrowed; NULL: there is none. */
const json_t *checks_find(const json_t *checks, const char *id);
/* What a policy required, [{"rule","status","detail"}]; NULL: nothing. */
const json_t *checks_required(const json_t *checks);
/* Static findings and one for each target, worst first; a new reference. */
json_t *checks_findings(const struct checks_in *);
/* False when a step is absent or stopped at a limit. */
bool checks_complete(const struct checks_in *);
/* "PASSED", "FAILED" or "INCONCLUSIVE". */
const char *checks_verdict(
    const struct checks_in *, const json_t *findings, const json_t *checks);
/* Of one finding; critical when it has none that is known: what cannot be graded
 * is not waved through. */
enum finding_severity checks_severity(const json_t *finding);
/* Findings of this severity, or a higher one as well, that are not waived. */
size_t checks_count(const json_t *findings, const char *severity, bool above);
/* Those that a policy waived. */
size_t checks_waived(const json_t *findings);

/* A decimal string, or null for NaN. */
json_t *checks_decimal(double);
/* A copy in which every number but the exact integers (JSON_EXACT) has become
 * a decimal string. */
json_t *checks_exact(const json_t *);

#endif
