/* SPDX-License-Identifier: MIT
 * Markdown as code hosts render it (CommonMark with tables): a comment on a
 * pull request.
 */
#include "report/output.h"

#include "report/checks.h"
#include "report/escape.h"

static void
row(struct buf *b, const char *name, const char *value)
{
	buf_puts(b, "| ");
	escape_markdown(b, name);
	buf_puts(b, " | ");
	escape_markdown(b, value);
	buf_puts(b, " |\n");
}

static const char *
mark(const char *status)
{
	if (strcmp(status, "PASSED") == 0)
		return "&#9989;";
	return strcmp(status, "FAILED") == 0 ? "&#10060;" : "&#9888;";
}

static void
checks(struct buf *b, const json_t *list)
{
	const json_t *one;
	size_t i;

	buf_puts(b, "\n| check | | status |\n| --- | --- | --- |\n");
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		const char *status = output_text_at(one, "status");

		buf_puts(b, "| ");
		escape_markdown(b, output_text_at(one, "id"));
		buf_printf(b, " | %s | %s |\n", mark(status), status);
	}
}

/* The first of them: a comment is read, a list of thousands is not. */
#define SHOWN 50

static void
required(struct buf *b, const json_t *list)
{
	size_t n = json_array_size(list);

	if (n == 0)
		return;
	buf_puts(b, "\n| required by the policy | | status | why |\n"
		    "| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < MIN(n, SHOWN); i++) {
		const json_t *one = json_array_get(list, i);
		const char *status = output_text_at(one, "status");

		buf_puts(b, "| ");
		escape_markdown(b, output_text_at(one, "rule"));
		buf_printf(b, " | %s | %s | ", mark(status), status);
		escape_markdown(b, output_text_at(one, "detail"));
		buf_puts(b, " |\n");
	}
	if (n > SHOWN)
		buf_printf(b, "\n%zu more are in the report.\n", n - SHOWN);
}

static void
findings(struct buf *b, const json_t *list)
{
	size_t n = json_array_size(list);

	buf_printf(b, "\n**%zu finding%s**\n", n, n == 1 ? "" : "s");
	if (n == 0)
		return;
	buf_puts(b,
	    "\n| severity | id | where | what |\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < MIN(n, SHOWN); i++) {
		const json_t *one = json_array_get(list, i);

		buf_puts(b, "| ");
		escape_markdown(b, output_text_at(one, "severity"));
		if (json_at(one, "waived") != NULL)
			buf_puts(b, ", waived");
		buf_puts(b, " | ");
		escape_markdown(b, output_text_at(one, "id"));
		buf_puts(b, " | ");
		escape_markdown(b, output_text_at(one, "path"));
		if (json_at(one, "member") != NULL) {
			buf_puts(b, ": ");
			escape_markdown(b, output_text_at(one, "member"));
		}
		buf_puts(b, " | ");
		escape_markdown(b, output_text_at(one, "summary"));
		buf_puts(b, " (");
		escape_markdown(b, output_text_at(one, "detail"));
		buf_puts(b, ") |\n");
	}
	if (n > SHOWN)
		buf_printf(b, "\n%zu more are in the report.\n", n - SHOWN);
}

void
output_markdown(const json_t *s, struct buf *b)
{
	const json_t *p = json_at(s, "predicate"), *one, *list;
	const char *verdict = output_text_at(p, "verdict");
	size_t i;

	buf_printf(b, "## %s Model audit: %s\n\n| | |\n| --- | --- |\n",
	    mark(verdict), verdict);
	row(b, "bundle", output_text_at(s, "subject.0.name"));
	row(b, "contents", output_text_at(s, "subject.0.digest.sha256"));
	row(b, "audited", output_text_at(p, "run.auditedAt"));
	row(b, "version", output_text_at(p, "tool.version"));
	row(b, "policy", output_text_at(p, "policy.name"));
	if (json_at(p, "policy.given") != NULL)
		row(b, "policy that was given",
		    output_text_at(p, "policy.given.name"));
	checks(b, json_at(p, "checks"));
	required(b, checks_required(json_at(p, "checks")));
	findings(b, json_at(p, "findings"));
	list = json_at(p, "scope.notTested");
	if (json_array_size(list) != 0)
		buf_puts(b, "\nNot tested:\n\n");
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		buf_puts(b, "- ");
		escape_markdown(b, output_text_at(one, "check"));
		buf_puts(b, ": ");
		escape_markdown(b, output_text_at(one, "reason"));
		buf_puts(b, "\n");
	}
	buf_puts(b, "\nThis page is not signed; `audit.sigstore.json` is, and "
		    "names its "
		    "digest.\n");
}
