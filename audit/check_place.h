/* SPDX-License-Identifier: MIT
 * Places: files that a system, a shell or a tool opens by themselves because of
 * where they lie.
 */
#ifndef AUDIT_CHECK_PLACE_H
#define AUDIT_CHECK_PLACE_H

#include "audit/check.h"

/* The path of the file, or of the member within it, is `end` or ends with it,
 * whole components. */
bool check_place_is(const struct check_file *, const char *end);

#endif
