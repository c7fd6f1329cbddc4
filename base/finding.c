/* SPDX-License-Identifier: MIT */
#include "base/finding.h"

#include "base/json.h"

#include <stdarg.h>

const struct finding_info finding_table[FINDING_COUNT] = {
#define FINDING(id, severity, text)                                            \
	[FINDING_##id] = {#id, SEVERITY_##severity, text},
#include "base/finding.def"
#undef FINDING
};

static const char *const severity_names[] = {
    "note", "low", "medium", "high", "critical"};

const char *
finding_severity_name(enum finding_severity s)
{
	return severity_names[s];
}

bool
finding_severity_parse(const char *name, enum finding_severity *out)
{
	for (size_t i = 0; i < ARRAY_LEN(severity_names); i++) {
		if (strcmp(name, severity_names[i]) == 0) {
			*out = (enum finding_severity)i;
			return true;
		}
	}
	return false;
}

json_t *
finding_json(
    enum finding_id id, const char *path, uint64_t offset, const char *fmt, ...)
{
	const struct finding_info *info = &finding_table[id];
	json_t *j = json_object();
	char detail[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	json_put(j, "id", json_text(info->name));
	json_put(
	    j, "severity", json_text(finding_severity_name(info->severity)));
	json_put(j, "summary", json_text(info->summary));
	json_put(j, "path", json_text(path));
	if (offset != UINT64_MAX)
		json_put(j, "offset", json_integer((json_int_t)offset));
	json_put(j, "detail", json_text(detail));
	return j;
}
