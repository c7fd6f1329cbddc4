/* SPDX-License-Identifier: MIT
 * What is done about what was found, and which requirements of others the
 * report supports (control.def).
 */
#include "report/html.h"

#include "report/page.h"

/* Findings that are listed for treatment. */
#define TREATED_MAX 50

/* --- risk treatment ------------------------------------------------------ */

static void
put_policy_entries(const json_t *given, struct buf *b)
{
	static const char *const column[] = {
	    "Finding", "Action", "State", "Expires", "Reason", NULL};
	const json_t *list = json_at(given, "entries"), *one;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	page_table(b, "Exceptions of the policy that was given", column);
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		char room[64];

		buf_puts(b, "<tr>");
		page_el(b, "th scope=\"row\"", "%s", json_text_at(one, "id"));
		page_el(b, "td", "%s", json_text_at(one, "action"));
		page_el(b, "td", "%s", json_text_at(one, "state"));
		page_el(b, "td", "%s",
		    page_value(one, "expires", room, sizeof(room)));
		page_el(b, "td", "%s", json_text_at(one, "reason"));
		buf_puts(b, "</tr>\n");
	}
	page_table_end(b);
}

static bool
is_open(const json_t *f)
{
	return json_at(f, "waived") == NULL &&
	       checks_severity(f) >= SEVERITY_MEDIUM;
}

/* To be filled in by whoever decides, on paper or in a copy. */
static void
put_open(const json_t *findings, struct buf *b)
{
	static const char *const column[] = {
	    "Severity", "Finding", "Decision", "Owner", "Due", NULL};
	const json_t *one;
	size_t i, n = 0;

	json_array_foreach((json_t *)(uintptr_t)findings, i, one)
	{
		if (!is_open(one) || n++ >= TREATED_MAX)
			continue;
		if (n == 1)
			page_table(b,
			    "Open, medium and above: decision, owner and date "
			    "are the recipient\xe2\x80\x99s to fill in",
			    column);
		buf_puts(b, "<tr><td>");
		html_tag(b, json_text_at(one, "severity"));
		buf_puts(b, "</td><th scope=\"row\">");
		page_el(b, "code", "%s", json_text_at(one, "id"));
		page_el(b, "span", " %s", json_text_at(one, "path"));
		buf_puts(b, "</th><td class=\"blank\"></td>"
			    "<td class=\"blank\"></td>"
			    "<td class=\"blank\"></td></tr>\n");
	}
	if (n != 0)
		page_table_end(b);
	else
		page_el(b, "p",
		    "No finding of medium severity or above is "
		    "open.");
	page_rest(b, MIN(n, TREATED_MAX), n, "statement.json");
}

static void
put_treatment(const struct html_in *h, struct buf *b)
{
	const json_t *given = json_at(h->predicate, "policy.given");

	page_section(b, "treatment", "Risk treatment");
	if (given != NULL)
		put_policy_entries(given, b);
	else
		page_el(b, "p", "No policy was given: nothing is waived.");
	put_open(json_at(h->predicate, "findings"), b);
	page_section_end(b);
}

/* --- controls ------------------------------------------------------------ */

enum control_needs {
	ALWAYS,
	INSPECT,
	SCAN,
	POLICY,
	SIGNED
};

static const struct control {
	const char *framework, *clause, *about;
	enum control_needs needs;
	const char *section, *evidence;
} controls[] = {
#define CONTROL(framework, clause, about, needs, section, evidence)            \
	{framework, clause, about, needs, section, evidence},
#include "report/control.def"
#undef CONTROL
};

/* Why a report has nothing for a control, NULL: it has. */
static const char *
lacks(const struct html_in *h, enum control_needs needs)
{
	switch (needs) {
	case INSPECT:
		return case_doc(h->in->docs, CASE_INSPECT) != NULL
			   ? NULL
			   : "the files were not inspected";
	case SCAN:
		return h->in->scan != NULL ? NULL : "the model was not scanned";
	case POLICY:
		return checks_required(json_at(h->predicate, "checks")) != NULL
			   ? NULL
			   : "no policy required anything";
	case SIGNED:
		return h->key_id != NULL ? NULL : "this report is not signed";
	case ALWAYS:
	default:
		return NULL;
	}
}

static void
control_row(const struct html_in *h, const struct control *c, struct buf *b)
{
	const char *why = lacks(h, c->needs);

	buf_puts(b, "<tr>");
	page_el(b, "th scope=\"row\"", "%s", c->clause);
	page_el(b, "td", "%s", c->about);
	if (why != NULL) {
		page_el(b, "td", "nothing: %s", why);
	} else {
		buf_printf(b, "<td>supports, by <a href=\"#%s\">", c->section);
		page_el(b, "span", "%s", c->evidence);
		buf_puts(b, "</a></td>");
	}
	buf_puts(b, "</tr>\n");
}

static void
put_controls(const struct html_in *h, struct buf *b)
{
	static const char *const column[] = {
	    "Clause", "About", "This report", NULL};
	const char *last = "";

	page_section(b, "controls", "Controls");
	page_el(b, "p",
	    "Where this report may serve as evidence. It supports a "
	    "requirement, it does not meet one: that is for whoever is bound "
	    "by it, and for their auditor, to judge. The wording is "
	    "shortened; what counts is the text of each framework.");
	for (size_t i = 0; i < ARRAY_LEN(controls); i++) {
		if (strcmp(controls[i].framework, last) != 0) {
			if (*last != '\0')
				page_table_end(b);
			last = controls[i].framework;
			page_table(b, last, column);
		}
		control_row(h, &controls[i], b);
	}
	page_table_end(b);
	page_section_end(b);
}

void
html_control(const struct html_in *h, struct buf *b)
{
	put_treatment(h, b);
	put_controls(h, b);
}
