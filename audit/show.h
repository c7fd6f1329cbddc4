/* SPDX-License-Identifier: MIT
 * Findings on standard output for a person, and what they mean for the exit
 * status.  Shared by the tools that look at bundles.
 */
#ifndef AUDIT_SHOW_H
#define AUDIT_SHOW_H

#include "base/finding.h"

/* One line each: "high      ARCHIVE_LINK  path: summary (detail)". */
void show_findings(const json_t *findings);
/* One of them; `fix`: and on a line below it what is to be done. */
void show_finding(const json_t *, bool with_path, const char *indent, bool fix);
/* A line of text from a file, escaped. */
void show_text(const char *);

/*
 * 1 when a finding is high or critical, else 2 when not complete, else 3 when
 * there was nothing, else 0.
 */
int show_status(const json_t *findings, bool complete, bool nothing);
/* The same when findings from that severity on count, and not the waived. */
int show_status_at(const json_t *findings, enum finding_severity fail_at,
    bool complete, bool nothing);

#endif
