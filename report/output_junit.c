/* SPDX-License-Identifier: MIT
 * JUnit XML (the form that Jenkins and its kin read): a case for each check
 * and for each finding that fails the bundle; what was not tested is skipped.
 */
#include "report/output.h"

#include "report/checks.h"
#include "report/escape.h"
#include "report/waive.h"

struct tally {
	size_t tests, failures, errors, skipped;
};

static void
attribute(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, " %s=\"", name);
	escape_html(b, value);
	buf_puts(b, "\"");
}

static void
open_case(struct buf *b, const char *class, const char *name)
{
	buf_puts(b, "  <testcase");
	attribute(b, "classname", class);
	attribute(b, "name", name);
	buf_puts(b, ">");
}

/* What of a policy is not met, a line each, or nothing. */
static void
unmet(const json_t *list, struct buf *b)
{
	const json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if (strcmp(output_text_at(one, "status"), "PASSED") == 0)
			continue;
		escape_html(b, output_text_at(one, "rule"));
		buf_puts(b, ": ");
		escape_html(b, output_text_at(one, "detail"));
		buf_puts(b, "\n");
	}
}

static void
result(struct buf *b, const char *kind, const char *message, const char *body)
{
	buf_printf(b, "<%s", kind);
	attribute(b, "message", message);
	buf_printf(b, ">%s</%s>", body, kind);
}

static void
check_case(struct buf *b, const json_t *one, struct tally *t)
{
	const char *status = output_text_at(one, "status");
	struct buf why = {0};

	unmet(json_at(one, "evidence.required"), &why);
	t->tests++;
	open_case(b, "assay.check", output_text_at(one, "id"));
	if (strcmp(status, "FAILED") == 0) {
		t->failures++;
		result(b, "failure", "the check failed", buf_str(&why));
	} else if (strcmp(status, "PASSED") != 0) {
		t->errors++;
		result(b, "error", status, buf_str(&why));
	}
	buf_puts(b, "</testcase>\n");
	buf_free(&why);
}

static void
finding_case(struct buf *b, const json_t *one, struct tally *t)
{
	struct buf name = {0};

	buf_printf(&name, "%s %s", output_text_at(one, "id"),
	    output_text_at(one, "path"));
	t->tests++;
	t->failures++;
	open_case(b, "assay.finding", buf_str(&name));
	buf_puts(b, "<failure");
	attribute(b, "type", output_text_at(one, "severity"));
	attribute(b, "message", output_text_at(one, "summary"));
	buf_puts(b, ">");
	escape_html(b, output_text_at(one, "detail"));
	buf_puts(b, "</failure></testcase>\n");
	buf_free(&name);
}

static void
cases(struct buf *b, const json_t *p, struct tally *t)
{
	const json_t *list = json_at(p, "checks"), *one;
	enum finding_severity fail_at =
	    waive_fail_at(json_at(p, "policy.given"));
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	    check_case(b, one, t);
	list = json_at(p, "findings");
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if (checks_severity(one) >= fail_at &&
		    json_at(one, "waived") == NULL)
			finding_case(b, one, t);
	}
	list = json_at(p, "scope.notTested");
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		t->tests++;
		t->skipped++;
		open_case(b, "assay.scope", output_text_at(one, "check"));
		result(b, "skipped", output_text_at(one, "reason"), "");
		buf_puts(b, "</testcase>\n");
	}
}

void
output_junit(const json_t *s, struct buf *b)
{
	struct tally t = {0};
	struct buf all = {0};

	cases(&all, json_at(s, "predicate"), &t);
	buf_puts(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
		    "<testsuite");
	attribute(b, "name", output_text_at(s, "subject.0.name"));
	attribute(b, "timestamp", output_text_at(s, "predicate.run.auditedAt"));
	buf_printf(b,
	    " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\">\n",
	    t.tests, t.failures, t.errors, t.skipped);
	buf_append(b, all.ptr, all.len);
	buf_puts(b, "</testsuite>\n</testsuites>\n");
	buf_free(&all);
}
