/* SPDX-License-Identifier: MIT
 * Findings of the static checks: the list is base/finding.def, the words for
 * users are in assay-findings(7).
 */
#ifndef BASE_FINDING_H
#define BASE_FINDING_H

#include "base/base.h"

#include <jansson.h>
#include <stdarg.h>

enum finding_severity {
	SEVERITY_NOTE,     /* worth knowing */
	SEVERITY_LOW,      /* unusual, harmless as far as can be seen */
	SEVERITY_MEDIUM,   /* a person should look */
	SEVERITY_HIGH,     /* would mislead or harm a user of the bundle */
	SEVERITY_CRITICAL, /* is an attack */
};

enum finding_confidence {
	CONFIDENCE_LOW, /* there are honest reasons for it too */
	CONFIDENCE_MEDIUM,
	CONFIDENCE_HIGH, /* it is as it says */
};

enum finding_id {
#define FINDING(id, severity, confidence, text, fix) FINDING_##id,
#include "base/finding.def"
#undef FINDING
	FINDING_COUNT
};

struct finding_info {
	const char *name;
	enum finding_severity severity;
	enum finding_confidence confidence;
	const char *summary;
	const char *fix;
};

extern const struct finding_info finding_table[FINDING_COUNT];

/* "note" ... "critical" */
const char *finding_severity_name(enum finding_severity);
/* False when there is no such severity. */
bool finding_severity_parse(const char *, enum finding_severity *) MUST_USE;

/* "low", "medium", "high" */
const char *finding_confidence_name(enum finding_confidence);
/* FINDING_COUNT when there is none of that name. */
enum finding_id finding_find(const char *name);

/* Where a finding is. */
struct finding_place {
	const char *path;   /* of the file */
	const char *member; /* within it, "a.zip/data.pkl"; or NULL */
	const char *tensor; /* or NULL */
	uint64_t offset;    /* in the file or member; UINT64_MAX: none */
};

/*
 * One finding as every document carries it: {"id","severity","confidence",
 * "summary","path","member"?,"tensor"?,"offset"?,"detail"}.  `detail` (cut at
 * 511 bytes) and the place may hold hostile text: it is stored as it is and
 * escaped where it is shown.  A new reference.
 */
json_t *finding_json_at(enum finding_id, const struct finding_place *,
    const char *fmt, ...) PRINTF_LIKE(3, 4);
json_t *finding_json_va(enum finding_id, const struct finding_place *,
    const char *fmt, va_list) PRINTF_LIKE(3, 0);
/* Of a file as a whole, or a byte of it. */
json_t *finding_json(enum finding_id, const char *path, uint64_t offset,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
