/* SPDX-License-Identifier: MIT
 * Plain text: what a terminal, a mail or a log shows.
 */
#include "report/output.h"

#include "report/checks.h"

#include "base/text.h"

static void
inert(struct buf *b, const char *s)
{
	size_t len = strlen(s);
	char out[4096];

	text_escape(s, len, out, sizeof(out));
	buf_puts(b, out);
}

static void
fact(struct buf *b, const char *name, const char *s)
{
	buf_printf(b, "%-10s ", name);
	inert(b, s);
	buf_puts(b, "\n");
}

static void
checks(struct buf *b, const json_t *list)
{
	const json_t *one;
	size_t i;

	buf_puts(b, "\nChecks\n");
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		buf_printf(b, "  %-13s ", output_text_at(one, "status"));
		inert(b, output_text_at(one, "id"));
		buf_puts(b, "\n");
	}
}

static void
required(struct buf *b, const json_t *list)
{
	const json_t *one;
	size_t i;

	if (json_array_size(list) != 0)
		buf_puts(b, "\nRequired by the policy\n");
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		buf_printf(b, "  %-13s ", output_text_at(one, "status"));
		inert(b, output_text_at(one, "rule"));
		buf_puts(b, ": ");
		inert(b, output_text_at(one, "detail"));
		buf_puts(b, "\n");
	}
}

static void
findings(struct buf *b, const json_t *list)
{
	const json_t *one;
	size_t i;

	buf_printf(b, "\nFindings: %zu\n", json_array_size(list));
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		buf_printf(b, "  %-8s ",
		    json_at(one, "waived") != NULL
			? "waived"
			: finding_severity_name(checks_severity(one)));
		inert(b, output_text_at(one, "id"));
		buf_puts(b, "  ");
		inert(b, output_text_at(one, "path"));
		if (json_at(one, "member") != NULL) {
			buf_puts(b, ": ");
			inert(b, output_text_at(one, "member"));
		}
		buf_puts(b, "\n           ");
		inert(b, output_text_at(one, "summary"));
		buf_puts(b, " (");
		inert(b, output_text_at(one, "detail"));
		buf_puts(b, ")\n");
	}
}

static void
lines(struct buf *b, const char *title, const json_t *list, const char *key)
{
	const json_t *one;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	buf_printf(b, "\n%s\n", title);
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		buf_puts(b, "  ");
		inert(b, output_text_at(one, key));
		if (json_at(one, "reason") != NULL) {
			buf_puts(b, ": ");
			inert(b, output_text_at(one, "reason"));
		}
		buf_puts(b, "\n");
	}
}

void
output_text(const json_t *s, struct buf *b)
{
	const json_t *p = json_at(s, "predicate");

	fact(b, "verdict", output_text_at(p, "verdict"));
	fact(b, "subject", output_text_at(s, "subject.0.name"));
	fact(b, "contents", output_text_at(s, "subject.0.digest.sha256"));
	fact(b, "dirHash", output_text_at(s, "subject.0.digest.dirHash1"));
	fact(b, "audited", output_text_at(p, "run.auditedAt"));
	fact(b, "version", output_text_at(p, "tool.version"));
	fact(b, "policy", output_text_at(p, "policy.name"));
	if (json_at(p, "policy.given") != NULL)
		fact(b, "given", output_text_at(p, "policy.given.name"));
	checks(b, json_at(p, "checks"));
	required(b, checks_required(json_at(p, "checks")));
	findings(b, json_at(p, "findings"));
	lines(b, "Not tested", json_at(p, "scope.notTested"), "check");
	lines(b, "Blind spots", json_at(p, "scope.blindSpots"), "");
	buf_puts(b,
	    "\nThis text is not signed: audit.sigstore.json is, and names its "
	    "digest.\n");
}
