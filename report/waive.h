/* SPDX-License-Identifier: MIT
 * The policy that assay-inspect was given (assay-policy(5)), as its document
 * records it, on what else a report has findings of.
 */
#ifndef REPORT_WAIVE_H
#define REPORT_WAIVE_H

#include "base/finding.h"

/* From which severity on a finding fails the bundle, by the policy as a
 * document records it: high without one (NULL). */
enum finding_severity waive_fail_at(const json_t *policy);
/* What had not expired when it was applied, on findings of other files. */
void waive_apply(const json_t *inspect, json_t *findings, const json_t *files);

/*
 * What has expired since the inspection, by the day of the report, does nothing:
 * such findings count as they did, such entries are "expired".  Either list may
 * be NULL.
 */
void waive_expire(json_t *findings, json_t *entries, const char *today);

#endif
