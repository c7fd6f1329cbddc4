/* SPDX-License-Identifier: MIT */
#include "audit/show.h"

#include "base/json.h"
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

static const char *
text_of(const json_t *f, const char *key)
{
	const char *s = json_string_value(json_object_get(f, key));

	return s != NULL ? s : "";
}

/* Where in the file: its member, tensor and offset, as far as they are known. */
static void
show_place(const json_t *f)
{
	const json_t *offset = json_object_get(f, "offset");

	if (text_of(f, "tensor")[0] != '\0') {
		fputs(", tensor ", stdout);
		show_text(text_of(f, "tensor"));
	}
	if (offset != NULL)
		printf(
		    ", byte %" JSON_INTEGER_FORMAT, json_integer_value(offset));
}

static void
show(const json_t *f, bool with_path, const char *indent)
{
	enum finding_severity sev = SEVERITY_NOTE;
	bool colour = tool_colour(STDOUT_FILENO);
	const char *on = "";

	if (!finding_severity_parse(text_of(f, "severity"), &sev))
		BUG("severity");
	if (colour && sev >= SEVERITY_HIGH)
		on = "\033[1;31m";
	else if (colour && sev == SEVERITY_MEDIUM)
		on = "\033[33m";
	printf("%s%s%-8s%s  %s  ", indent, on, text_of(f, "severity"),
	    *on != '\0' ? "\033[0m" : "", text_of(f, "id"));
	if (with_path && text_of(f, "path")[0] != '\0') {
		show_text(text_of(f, "path"));
		fputs(": ", stdout);
	}
	if (text_of(f, "member")[0] != '\0') {
		show_text(text_of(f, "member"));
		fputs(": ", stdout);
	}
	printf("%s (", text_of(f, "summary"));
	show_text(text_of(f, "detail"));
	show_place(f);
	fputs(")\n", stdout);
}

void
show_findings(const json_t *findings)
{
	for (size_t i = 0; i < json_array_size(findings); i++)
		show(json_array_get(findings, i), true, "");
}

size_t
show_findings_of(const json_t *findings, const char *path)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(findings); i++) {
		const json_t *f = json_array_get(findings, i);

		if (strcmp(text_of(f, "path"), path) != 0)
			continue;
		show(f, false, "    ");
		n++;
	}
	return n;
}

int
show_status(const json_t *findings, bool complete, bool nothing)
{
	enum finding_severity sev;

	for (size_t i = 0; i < json_array_size(findings); i++) {
		const json_t *f = json_array_get(findings, i);

		if (finding_severity_parse(text_of(f, "severity"), &sev) &&
		    sev >= SEVERITY_HIGH)
			return TOOL_FLAGGED;
	}
	if (!complete)
		return TOOL_INCOMPLETE;
	return nothing ? TOOL_NOTHING : TOOL_PASSED;
}
