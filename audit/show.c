/* SPDX-License-Identifier: MIT */
#include "audit/show.h"

#include "base/json.h"
#include "base/policy.h"
#include "base/text.h"
#include "base/tool.h"

#include <unistd.h>

void
show_text(const char *s)
{
	char out[2048];

	text_escape(s, strlen(s), out, sizeof(out));
	fputs(out, stdout);
}

/* Where in the file: its member, tensor and offset, as far as they are known. */
static void
show_place(const json_t *f)
{
	const json_t *offset = json_object_get(f, "offset");

	if (json_text_at(f, "tensor")[0] != '\0') {
		fputs(", tensor ", stdout);
		show_text(json_text_at(f, "tensor"));
	}
	if (offset != NULL)
		printf(
		    ", byte %" JSON_INTEGER_FORMAT, json_integer_value(offset));
}

/* What a policy made of it. */
static void
show_policy(const json_t *f)
{
	const json_t *waived = json_object_get(f, "waived");

	if (json_object_get(f, "was") != NULL) {
		printf(" [was %s: ", json_text_at(f, "was"));
		show_text(
		    json_text_at(json_object_get(f, "changed"), "reason"));
		putchar(']');
	}
	if (waived != NULL) {
		printf(" [%s, waived until %s: ", json_text_at(f, "severity"),
		    json_text_at(waived, "expires"));
		show_text(json_text_at(waived, "reason"));
		putchar(']');
	}
}

static void
show_severity(const json_t *f)
{
	enum finding_severity sev = SEVERITY_NOTE;
	bool waived = json_object_get(f, "waived") != NULL;
	const char *on = "";

	if (!finding_severity_parse(json_text_at(f, "severity"), &sev))
		BUG("severity");
	if (tool_colour(STDOUT_FILENO) && !waived && sev >= SEVERITY_MEDIUM)
		on = sev >= SEVERITY_HIGH ? "\033[1;31m" : "\033[33m";
	printf("%s%-8s%s", on, waived ? "waived" : json_text_at(f, "severity"),
	    *on != '\0' ? "\033[0m" : "");
}

void
show_finding(const json_t *f, bool with_path, const char *indent, bool fix)
{
	enum finding_id id = finding_find(json_text_at(f, "id"));

	fputs(indent, stdout);
	show_severity(f);
	printf("  %s  ", json_text_at(f, "id"));
	if (with_path && json_text_at(f, "path")[0] != '\0') {
		show_text(json_text_at(f, "path"));
		fputs(": ", stdout);
	}
	if (json_text_at(f, "member")[0] != '\0') {
		show_text(json_text_at(f, "member"));
		fputs(": ", stdout);
	}
	printf("%s (", json_text_at(f, "summary"));
	show_text(json_text_at(f, "detail"));
	show_place(f);
	putchar(')');
	show_policy(f);
	putchar('\n');
	if (fix && id != FINDING_COUNT)
		printf("%s          fix: %s\n", indent, finding_table[id].fix);
}

void
show_findings(const json_t *findings)
{
	for (size_t i = 0; i < json_array_size(findings); i++)
		show_finding(json_array_get(findings, i), true, "", false);
}

int
show_status_at(const json_t *findings, enum finding_severity fail_at,
    bool complete, bool nothing)
{
	for (size_t i = 0; i < json_array_size(findings); i++)
		if (policy_counts(json_array_get(findings, i), fail_at))
			return TOOL_FLAGGED;
	if (!complete)
		return TOOL_INCOMPLETE;
	return nothing ? TOOL_NOTHING : TOOL_PASSED;
}

int
show_status(const json_t *findings, bool complete, bool nothing)
{
	return show_status_at(findings, SEVERITY_HIGH, complete, nothing);
}
