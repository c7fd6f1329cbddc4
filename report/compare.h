/* SPDX-License-Identifier: MIT
 * What changed from one report to the next: verdict, findings, the radii of
 * classes.  Both are statements as they lie in a report; whether they were
 * signed is assay-verify's to say.
 */
#ifndef REPORT_COMPARE_H
#define REPORT_COMPARE_H

#include "base/json.h"

/* A radius that moved by less than this, in log, stayed: seeds alone move it
 * by as much. */
#define COMPARE_RADIUS .1

/*
 * {"schema":"assay-diff/1","verdict":{"old","new"},"subject":{"old","new",
 * "same"},"findings":{"new":[],"fixed":[],"changed":[{"old","new"}]},
 * "radii":[{"check","class","old","new","log"}]}; a new reference.  Findings
 * are the same when id, place and target are.
 */
json_t *compare_statements(const json_t *before, const json_t *after);
/* The same for a person, on standard output. */
void compare_print(const json_t *diff);
/* True when something got worse: the verdict, or a new finding from high on. */
bool compare_worse(const json_t *diff);

#endif
