/* SPDX-License-Identifier: MIT
 * The policy that `assay audit` was given, and what is in a case already.
 */
#ifndef AUDIT_GIVEN_H
#define AUDIT_GIVEN_H

#include "base/err.h"

/* ERR_USAGE when the policy lies within the bundle, which has no say in how
 * it is judged.  No policy (NULL) is fine. */
int given_outside(
    const char *policy, const char *bundle, struct err *) MUST_USE;
/* Remove an inspection that was judged by another policy, or by none. */
int given_forget_other(
    const char *inspected, const char *policy, struct err *) MUST_USE;
/* With --resume: ERR_USAGE unless the case is of the bundle that is here now. */
int given_same_bundle(
    const char *bundle, const char *manifest, struct err *) MUST_USE;

/* With --resume: ERR_USAGE when the scan that is there is not of this model, a
 * file or a folder; a scan that is not there is of any. */
int given_same_model(
    const char *model, const char *scan, struct err *) MUST_USE;

#endif
