/* SPDX-License-Identifier: MIT
 * What a policy requires of an audit before it may pass: the member "require",
 * assay-policy(5).  Here only its form is checked; assay-report says what is
 * met.
 */
#ifndef BASE_POLICY_REQUIRE_H
#define BASE_POLICY_REQUIRE_H

#include "base/json.h"

/* doc.require, which may be absent; ERR_FORMAT naming the place. */
int policy_require_check(const json_t *doc, struct err *) MUST_USE;

#endif
