/* SPDX-License-Identifier: MIT
 * Whether a folder is a case, of which files/ is looked at.
 */
#ifndef AUDIT_INSPECT_CASE_H
#define AUDIT_INSPECT_CASE_H

#include "base/base.h"

/* A folder that looks like a case and holds something else, too, is none: it is
 * looked at as a whole, unless the document is to be its inspect.json.  What it
 * was taken for is said on stderr. */
bool inspect_case_is(const char *path, const char *output);

#endif
