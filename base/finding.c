/* SPDX-License-Identifier: MIT */
#include "base/finding.h"

#include "base/json.h"

const struct finding_info finding_table[FINDING_COUNT] = {
#define FINDING(id, severity, confidence, text, fix)                           \
	[FINDING_##id] = {                                                     \
	    #id, SEVERITY_##severity, CONFIDENCE_##confidence, text, fix},
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

const char *
finding_confidence_name(enum finding_confidence c)
{
	static const char *const name[] = {"low", "medium", "high"};

	return name[c];
}

enum finding_id
finding_find(const char *name)
{
	enum finding_id i = 0;

	while (i < FINDING_COUNT && strcmp(finding_table[i].name, name) != 0)
		i++;
	return i;
}

json_t *
finding_json_va(enum finding_id id, const struct finding_place *at,
    const char *fmt, va_list ap)
{
	const struct finding_info *info = &finding_table[id];
	json_t *j = json_object();
	char detail[512];

	vsnprintf(detail, sizeof(detail), fmt, ap);
	json_put(j, "id", json_text(info->name));
	json_put(
	    j, "severity", json_text(finding_severity_name(info->severity)));
	json_put(j, "confidence",
	    json_text(finding_confidence_name(info->confidence)));
	json_put(j, "summary", json_text(info->summary));
	json_put(j, "path", json_text(at->path));
	if (at->member != NULL)
		json_put(j, "member", json_text(at->member));
	if (at->tensor != NULL)
		json_put(j, "tensor", json_text(at->tensor));
	if (at->offset != UINT64_MAX)
		json_put(j, "offset", json_integer((json_int_t)at->offset));
	json_put(j, "detail", json_text(detail));
	return j;
}

json_t *
finding_json_at(
    enum finding_id id, const struct finding_place *at, const char *fmt, ...)
{
	json_t *j;
	va_list ap;

	va_start(ap, fmt);
	j = finding_json_va(id, at, fmt, ap);
	va_end(ap);
	return j;
}

json_t *
finding_json(
    enum finding_id id, const char *path, uint64_t offset, const char *fmt, ...)
{
	struct finding_place at = {.path = path, .offset = offset};
	json_t *j;
	va_list ap;

	va_start(ap, fmt);
	j = finding_json_va(id, &at, fmt, ap);
	va_end(ap);
	return j;
}
