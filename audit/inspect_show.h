/* SPDX-License-Identifier: MIT
 * What assay-inspect found, for a person: readable for one file and for a
 * thousand.
 */
#ifndef AUDIT_INSPECT_SHOW_H
#define AUDIT_INSPECT_SHOW_H

#include "base/rules.h"

/*
 * The files with findings, the worst first, each with its findings, the worst
 * first; then the files without, and a line that counts.  Among many files
 * those without findings are only counted, notes are gathered by id, and
 * findings that repeat in a file are cut short; `verbose` says all of it, and
 * how each finding is fixed.
 */
void inspect_show(const json_t *doc, bool verbose);

/* All findings that there are: id, severity, summary. */
void inspect_show_list(void);
/* What is known of one finding; false when there is none of that name. */
bool inspect_show_rule(const struct rules *, const char *id) MUST_USE;

#endif
