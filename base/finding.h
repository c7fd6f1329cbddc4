/* SPDX-License-Identifier: MIT
 * Findings of the static checks: the list is base/finding.def, the words for
 * users are in assay-findings(7).
 */
#ifndef BASE_FINDING_H
#define BASE_FINDING_H

#include "base/base.h"

#include <jansson.h>

enum finding_severity {
	SEVERITY_NOTE,     /* worth knowing */
	SEVERITY_LOW,      /* unusual, harmless as far as can be seen */
	SEVERITY_MEDIUM,   /* a person should look */
	SEVERITY_HIGH,     /* would mislead or harm a user of the bundle */
	SEVERITY_CRITICAL, /* is an attack */
};

enum finding_id {
#define FINDING(id, severity, text) FINDING_##id,
#include "base/finding.def"
#undef FINDING
	FINDING_COUNT
};

struct finding_info {
	const char *name;
	enum finding_severity severity;
	const char *summary;
};

extern const struct finding_info finding_table[FINDING_COUNT];

/* "note" ... "critical" */
const char *finding_severity_name(enum finding_severity);
/* False when there is no such severity. */
bool finding_severity_parse(const char *, enum finding_severity *) MUST_USE;

/*
 * One finding as every document carries it:
 * {"id","severity","summary","path","offset"?,"detail"}.  `detail` may hold
 * hostile text: it is stored as it is and escaped where it is shown.  offset
 * UINT64_MAX means none.  A new reference.
 */
json_t *finding_json(enum finding_id, const char *path, uint64_t offset,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
