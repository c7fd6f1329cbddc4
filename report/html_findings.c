/* SPDX-License-Identifier: MIT
 * What was checked with which result, and what was found.
 */
#include "report/html.h"

#include "report/page.h"

/* Rows of the table: a page that a browser still opens. */
#define FINDINGS_MAX 2000

/* What a policy made of the finding, below its detail. */
static void
policy_words(const json_t *f, struct buf *b)
{
	const json_t *waived = json_at(f, "waived");

	if (json_at(f, "was") != NULL) {
		buf_puts(b, "<br>");
		page_el(b, "em",
		    "Its severity was %s; changed by the policy: %s",
		    json_text_at(f, "was"), json_text_at(f, "changed.reason"));
	}
	if (waived != NULL) {
		buf_puts(b, "<br>");
		page_el(b, "em", "Waived (%s) until %s: %s",
		    json_text_at(f, "severity"),
		    json_text_at(waived, "expires"),
		    json_text_at(waived, "reason"));
	}
}

/* The finding's ids in other lists. */
static void
taxa_words(const json_t *f, struct buf *b)
{
	const json_t *taxa = json_at(f, "taxa"), *one;
	size_t i;

	if (json_array_size(taxa) == 0)
		return;
	buf_puts(b, "<br><small>");
	json_array_foreach((json_t *)(uintptr_t)taxa, i, one) page_el(
	    b, "span", "%s%s", i != 0 ? ", " : "", json_text_at(one, ""));
	buf_puts(b, "</small>");
}

static void
put_finding(const json_t *f, struct buf *b)
{
	buf_puts(b, "<tr>");
	buf_puts(b, "<td>");
	html_tag(b, json_at(f, "waived") != NULL ? "waived"
						 : json_text_at(f, "severity"));
	buf_puts(b, "</td><td>");
	page_el(b, "code", "%s", json_text_at(f, "id"));
	buf_puts(b, "<br>");
	page_el(b, "span", "%s", json_text_at(f, "summary"));
	taxa_words(f, b);
	buf_puts(b, "</td><td>");
	page_el(b, "code", "%s", json_text_at(f, "path"));
	/* of an archive, say: what is to be looked for in it */
	if (*json_text_at(f, "member") != '\0') {
		buf_puts(b, ": ");
		page_el(b, "code", "%s", json_text_at(f, "member"));
	}
	buf_puts(b, "</td><td>");
	page_el(b, "span", "%s", json_text_at(f, "detail"));
	policy_words(f, b);
	buf_puts(b, "</td></tr>\n");
}

/* What is known of the finding's kind: explanation, fix. */
static void
kind_words(const json_t *rules, const json_t *f, struct buf *b)
{
	const json_t *rule = json_object_get(rules, json_text_at(f, "id"));
	static const char *const part[] = {"explanation", "fix"};

	for (size_t i = 0; i < ARRAY_LEN(part); i++) {
		const char *text = json_string_value(json_at(rule, part[i]));

		if (text == NULL || *text == '\0')
			continue;
		buf_puts(b, "<p>");
		page_el(b, "span", "%s%s", i == 1 ? "What to do: " : "", text);
		buf_puts(b, "</p>");
	}
	if (json_at(f, "target") != NULL)
		page_el(b, "p",
		    "Whoever knows the trigger decides what the model says. "
		    "What to do: do not deploy it; ask the supplier where its "
		    "weights come from, or purify it and audit the result as "
		    "another model. Repeat: assay-scan --replay scan.json "
		    "--class %" JSON_INTEGER_FORMAT ", with the same model, "
		    "references and data.",
		    json_integer_value(json_at(f, "target")));
}

static bool
has_kind(const json_t *rules, const json_t *f)
{
	return json_at(f, "target") != NULL ||
	       json_object_get(rules, json_text_at(f, "id")) != NULL;
}

/* Each kind of finding once, in the order in which they are listed. */
static void
put_details(const struct html_in *h, const json_t *list, struct buf *b)
{
	const json_t *rules =
	    json_at(case_doc(h->in->docs, CASE_INSPECT), "rules");
	const char *last = "";
	const json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		const char *id = json_text_at(one, "id");

		if (!has_kind(rules, one) || strcmp(id, last) == 0)
			continue;
		if (*last == '\0')
			page_el(b, "h3", "What they mean");
		buf_puts(b, "<div class=\"kind\">");
		page_el(b, "h4", "%s", id);
		kind_words(rules, one, b);
		buf_puts(b, "</div>\n");
		last = id;
	}
}

static void
put_findings(const struct html_in *h, struct buf *b)
{
	static const char *const column[] = {
	    "Severity", "Finding", "Where", "Detail", NULL};
	const json_t *list = json_at(h->predicate, "findings"), *one;
	size_t i;

	page_section(b, "findings", "Findings");
	if (json_array_size(list) == 0) {
		page_el(b, "p", "There are no findings.");
		page_section_end(b);
		return;
	}
	page_table(b, "Findings, worst first; assay-findings(7) explains them",
	    column);
	json_array_foreach(list, i, one) if (i < FINDINGS_MAX)
	    put_finding(one, b);
	page_table_end(b);
	page_rest(b, MIN(json_array_size(list), FINDINGS_MAX),
	    json_array_size(list), "statement.json");
	put_details(h, list, b);
	page_section_end(b);
}

/* --- coverage ------------------------------------------------------------ */

static const char *
check_words(const char *id)
{
	static const struct {
		const char *id, *words;
	} known[] = {
	    {"supply-chain", "what the files are and could do to whoever "
			     "loads them"},
	    {"behaviour", "the scan's verdict over everything it measured"},
	    {"purification", "the purified model, scanned again"},
	    {"policy", "what the policy that was given requires of the "
		       "bundle and of its audit"},
	};
	static const char radius[] = "flip-radius/";

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].id, id) == 0)
			return known[i].words;
	return strncmp(id, radius, strlen(radius)) == 0
		   ? "how small a change of this kind sends images to each "
		     "class"
		   : "";
}

static void
coverage_row(
    struct buf *b, const char *what, const char *status, const char *words)
{
	buf_puts(b, "<tr>");
	page_el(b, "th scope=\"row\"", "%s", what);
	buf_puts(b, "<td>");
	html_tag(b, status);
	buf_puts(b, "</td>");
	page_el(b, "td", "%s", words);
	buf_puts(b, "</tr>\n");
}

/* Each demand of the policy, and why it is met or not. */
static void
put_required(const json_t *list, struct buf *b)
{
	static const char *const column[] = {"Rule", "Status", "Why", NULL};
	const json_t *one;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	page_table(b, "What the policy requires", column);
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	    coverage_row(b, json_text_at(one, "rule"),
		json_text_at(one, "status"), json_text_at(one, "detail"));
	page_table_end(b);
}

static void
put_coverage(const struct html_in *h, struct buf *b)
{
	static const char *const column[] = {"Check", "Status", "About", NULL};
	const json_t *one;
	size_t i;

	page_section(b, "coverage", "Coverage");
	page_table(b, "Status of each check", column);
	json_array_foreach(json_at(h->predicate, "checks"), i,
	    one) coverage_row(b, json_text_at(one, "id"),
	    json_text_at(one, "status"), check_words(json_text_at(one, "id")));
	json_array_foreach(json_at(h->predicate, "scope.notTested"), i, one)
	    coverage_row(b, json_text_at(one, "check"), "NOT TESTED",
		json_text_at(one, "reason"));
	page_table_end(b);
	if (h->in->scan != NULL && h->in->scan->ntarget != 0)
		page_el(b, "p class=\"soft\"",
		    "A target is named once, by the kind of change that shows "
		    "it best: that one is FAILED, and others may show it, "
		    "too.");
	put_required(checks_required(json_at(h->predicate, "checks")), b);
	page_section_end(b);
}

void
html_findings(const struct html_in *h, struct buf *b)
{
	put_coverage(h, b);
	put_findings(h, b);
}
