/* SPDX-License-Identifier: MIT
 * Are the parts of a case's document what a report takes them for?  What
 * cannot be read must not count as absent: findings that are no list would be
 * no findings.
 */
#ifndef REPORT_MEMBERS_H
#define REPORT_MEMBERS_H

#include "base/json.h"

/* By its schema; ERR_FORMAT naming the member that is wrong. */
int members_check(const json_t *doc, struct err *) MUST_USE;

#endif
