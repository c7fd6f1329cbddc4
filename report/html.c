/* SPDX-License-Identifier: MIT */
#include "report/html.h"

#include "report/page.h"

static void
put_head(const struct html_in *h, struct buf *b)
{
	const char *name =
	    json_string_value(json_at(h->statement, "subject.0.name"));
	char foot[64];
	struct digest results;
	struct buf title = {0};
	const char *hex = json_text_at(h->predicate, "resultsDigest.sha256");

	buf_printf(&title, "Model audit: %s: %s", name,
	    json_string_value(json_at(h->predicate, "verdict")));
	/* a digest, or it would not be hexadecimal */
	snprintf(foot, sizeof(foot), "Assay, results digest %.16s",
	    digest_parse(hex, &results) ? hex : "");
	page_begin(b, buf_str(&title), foot);
	buf_free(&title);
	buf_puts(b, "<a class=\"skip\" href=\"#main\">To the verdict</a>\n"
		    "<header>\n");
	page_el(b, "p class=\"kicker\"", "Assay model audit");
	page_el(b, "h1", "%s", name);
	page_el(b, "p class=\"soft\"",
	    "Audited %s. Results digest %.16s\xe2\x80\xa6",
	    json_string_value(json_at(h->predicate, "run.auditedAt")),
	    json_string_value(json_at(h->predicate, "resultsDigest.sha256")));
}

static void
put_contents(const struct html_in *h, struct buf *b)
{
	static const struct {
		const char *id, *title;
		bool scan, purify;
	} part[] = {
	    {"verdict", "Summary", false, false},
	    {"identity", "Identity", false, false},
	    {"verify", "How to verify", false, false},
	    {"scope", "Scope and limits", false, false},
	    {"method", "Method", false, false},
	    {"coverage", "Coverage", false, false},
	    {"findings", "Findings", false, false},
	    {"flips", "Class flips", true, false},
	    {"radii", "Flip radii", true, false},
	    {"changes", "Recovered changes", true, false},
	    {"shared", "Shared examples", true, false},
	    {"purification", "Purification", false, true},
	    {"files", "Supply chain", false, false},
	    {"treatment", "Risk treatment", false, false},
	    {"controls", "Controls", false, false},
	    {"appendix", "Appendix", false, false},
	};

	buf_puts(b, "<nav aria-label=\"Contents\"><ul>");
	for (size_t i = 0; i < ARRAY_LEN(part); i++) {
		if ((part[i].scan && h->in->scan == NULL) ||
		    (part[i].purify &&
			case_doc(h->in->docs, CASE_PURIFY) == NULL))
			continue;
		buf_printf(b, "<li><a href=\"#%s\">%s</a></li>", part[i].id,
		    part[i].title);
	}
	buf_puts(b, "</ul></nav>\n</header>\n<main id=\"main\">\n");
}

void
html_report(const struct html_in *h, struct buf *b)
{
	put_head(h, b);
	put_contents(h, b);
	html_summary(h, b);
	html_top(h, b);
	html_findings(h, b);
	html_flips(h, b);
	html_scan(h, b);
	html_purify(h, b);
	html_rest(h, b);
	html_control(h, b);
	html_appendix(h, b);
	buf_puts(b, "</main>\n<footer>");
	page_el(b, "p",
	    "Made by assay-report %s. This page is not signed: the signed "
	    "statement carries its digest, and assay-verify checks both.",
	    json_string_value(json_at(h->predicate, "tool.version")));
	buf_puts(b, "</footer>\n</body>\n</html>\n");
}
