/* SPDX-License-Identifier: MIT
 * What the policy requires beyond findings (assay-policy(5), "require"), as
 * the inspection recorded it, and whether this audit has it.
 */
#ifndef REPORT_REQUIRE_H
#define REPORT_REQUIRE_H

#include "report/case.h"

/*
 * Try the signatures that it requires, each in a process of its own in the
 * sandbox, since they are files of the bundle: [{"path","keyid","status",
 * "detail"}]; NULL when none is required.  A new reference.
 */
int require_signatures(
    const struct case_docs *, json_t **out, struct err *) MUST_USE;

/*
 * The check "policy": PASSED when all of it is met, FAILED when something is
 * not, INCONCLUSIVE when that cannot be told; NULL when nothing is required.
 * `checks` are all others, `signatures` is from above or NULL.  A new
 * reference.
 */
json_t *require_check(
    const struct case_docs *, const json_t *checks, const json_t *signatures);

#endif
