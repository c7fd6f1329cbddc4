/* SPDX-License-Identifier: MIT
 * Findings about an archive, each id a few times only: a thousand alike must
 * not push others out of the document.
 */
#ifndef AUDIT_CHECK_TELL_H
#define AUDIT_CHECK_TELL_H

#include "audit/check.h"

struct check_tell {
	const struct check_file *f;
	uint32_t told[FINDING_COUNT];
};

void check_tell_find(struct check_tell *, enum finding_id, uint64_t offset,
    const char *fmt, ...) PRINTF_LIKE(4, 5);
/* For what makes the result incomplete. */
void check_tell_short(struct check_tell *, enum finding_id, uint64_t offset,
    const char *fmt, ...) PRINTF_LIKE(4, 5);
/* How often more each was found. */
void check_tell_rest(struct check_tell *);

#endif
