/* SPDX-License-Identifier: MIT
 * The first page: the verdict, why, and what to do, for somebody who has not
 * read the rest and need not know the field.
 */
#include "report/html.h"

#include "report/page.h"

#include "base/text.h"

#include <math.h>

static void
plain_targets(const struct evidence *v, struct buf *b)
{
	char room[EVIDENCE_WORDS];
	size_t seen = 0;

	for (size_t t = 0; t < v->classes && seen <= 3; t++) {
		if (!evidence_is_target(v, t))
			continue;
		if (seen++ == 3) {
			buf_puts(b, " and others");
			break;
		}
		buf_puts(b, seen > 1 ? ", " : "");
		page_el(b, "strong", "%s", evidence_words(v, t, room));
	}
}

/* Did the files fail, or only what a policy asks for beyond them? */
static bool
files_failed(const struct html_in *h)
{
	const json_t *check =
	    checks_find(json_at(h->predicate, "checks"), "supply-chain");

	return strcmp(json_text_at(check, "status"), "FAILED") == 0;
}

static void
plain_words(const struct html_in *h, const char *verdict, struct buf *b)
{
	const struct evidence *v = h->in->scan;

	buf_puts(b, "<p class=\"plain\">");
	if (strcmp(verdict, "PASSED") == 0)
		buf_puts(b,
		    "Within the limits of this audit, no sign of a backdoor "
		    "and no harmful file was found. This is not a proof that "
		    "there is none: what was not tested is listed below.");
	else if (strcmp(verdict, "INCONCLUSIVE") == 0)
		buf_puts(b,
		    "This audit could not reach a conclusion. Treat the model "
		    "as not audited: the sections on scope and coverage say "
		    "what is missing.");
	else if (v != NULL && v->ntarget != 0 &&
		 strcmp(v->verdict, "evidence") == 0) {
		buf_puts(b,
		    "<strong>Do not deploy this model as it is.</strong> "
		    "It behaves as if it had a backdoor: one small "
		    "change, the same for all images, makes it see ");
		plain_targets(v, b);
		buf_puts(b, " in images of other things. Models that were "
			    "trained independently are not fooled in this "
			    "way.");
	} else if (v != NULL && strcmp(v->verdict, "evidence") == 0)
		buf_puts(b,
		    "<strong>Do not deploy this model as it is.</strong> "
		    "Its behaviour is evidence of a backdoor.");
	else if (!files_failed(h))
		buf_puts(b,
		    "<strong>Do not accept this bundle as it is.</strong> "
		    "It is not what the policy requires, or its audit is not: "
		    "see below for what is missing.");
	else
		buf_puts(b,
		    "<strong>Do not deploy this bundle as it is.</strong> It "
		    "holds files that would mislead or harm whoever uses it: "
		    "see the findings.");
	buf_puts(b, "</p>\n");
}

static void
card(struct buf *b, const char *label, const char *value)
{
	buf_puts(b, "<div class=\"card\">");
	page_el(b, "b", "%s", value);
	page_el(b, "span", "%s", label);
	buf_puts(b, "</div>\n");
}

/* The level of the p-value that evidence is below, or NaN. */
static double
scan_level(const struct html_in *h)
{
	const json_t *alpha =
	    json_at(case_doc(h->in->docs, CASE_SCAN), "options.alpha");

	return json_is_real(alpha) ? json_real_value(alpha) : (double)NAN;
}

static size_t
scan_references(const struct html_in *h)
{
	return json_array_size(
	    json_at(case_doc(h->in->docs, CASE_SCAN), "accuracy.references"));
}

/* A score says something beside the level; without references it says little
 * either way. */
static void
score_label(const struct html_in *h, char *out, size_t size)
{
	double level = -log10(scan_level(h));

	if (isfinite(level) && scan_references(h) != 0)
		snprintf(out, size, "scan score; the level is %.2f", level);
	else
		snprintf(out, size, "scan score");
}

static void
put_cards(const struct html_in *h, struct buf *b)
{
	const struct evidence *v = h->in->scan;
	const json_t *findings = json_at(h->predicate, "findings");
	size_t serious = checks_count(findings, "high", true);
	char n[40], label[60];

	buf_puts(b, "<div class=\"cards\">\n");
	snprintf(n, sizeof(n), "%zu", h->in->docs->files.n);
	card(b, "files in the bundle", n);
	snprintf(n, sizeof(n), "%zu", serious);
	card(b,
	    serious == 1 ? "finding, high or critical"
			 : "findings, high or critical",
	    n);
	if (v != NULL) {
		size_t hit = 0;

		for (size_t t = 0; t < v->classes; t++)
			hit += evidence_is_target(v, t);
		snprintf(n, sizeof(n), "%zu of %zu", hit, v->classes);
		card(b, "classes flagged as targets", n);
		snprintf(n, sizeof(n), "%.2f", v->score);
		score_label(h, label, sizeof(label));
		card(b, label, n);
		card(b, "what the scan says", v->verdict);
	}
	if (h->in->rescan != NULL)
		card(b, "scan after purification", h->in->rescan->verdict);
	buf_puts(b, "</div>\n");
}

/* What does not count is said beside what was decided. */
static void
put_waived(const struct html_in *h, struct buf *b)
{
	const json_t *given = json_at(h->predicate, "policy.given");
	size_t n = checks_waived(json_at(h->predicate, "findings"));

	if (given == NULL)
		return;
	buf_puts(b, "<p class=\"soft\">");
	page_el(b, "span",
	    "Findings were judged by a policy that was given (%s): from "
	    "severity %s on they fail. ",
	    *json_text_at(given, "name") != '\0' ? json_text_at(given, "name")
						 : "without a name",
	    json_text_at(given, "fail-at"));
	if (n != 0)
		page_el(b, "strong",
		    "%zu waived by it: see the findings for what and why.", n);
	buf_puts(b, "</p>\n");
}

/* --- why ----------------------------------------------------------------- */

/* What a target's row says, in shares and sizes. */
static void
target_words(const struct evidence *v, const struct evidence_target *t,
    size_t references, struct buf *b)
{
	char from[EVIDENCE_WORDS], to[EVIDENCE_WORDS];
	const struct evidence_flips *f =
	    t->row != NULL ? &t->row->flips : &t->flips;
	double ratio = t->row != NULL
			   ? evidence_reference(t->row) / t->row->radius
			   : (double)NAN;

	if (f->n <= 0)
		return;
	buf_puts(b, "<li>");
	page_el(b, "span",
	    "With the change that was recovered (%s), %" PRId64 " of %" PRId64
	    " held-out images of %s become %s; %" PRId64
	    " of them do so in %s, "
	    "too.",
	    t->geometry, f->flipped, f->n,
	    t->source >= 0 ? evidence_words(v, (size_t)t->source, from)
			   : "other classes",
	    evidence_words(v, t->target, to), f->shared,
	    references == 1 ? "the reference model" : "most reference models");
	if (isfinite(ratio) && ratio > 1.0)
		page_el(b, "span",
		    " The references need a change %.1f times as large for "
		    "the same.",
		    ratio);
	buf_puts(b, "</li>\n");
}

static void
put_scan_why(const struct html_in *h, struct buf *b)
{
	const struct evidence *v = h->in->scan;
	const json_t *scan = case_doc(h->in->docs, CASE_SCAN);
	const char *why = json_text_at(scan, "why");

	if (v == NULL) {
		buf_puts(b, "<li>The model was not executed: what it does is "
			    "not known.</li>\n");
		return;
	}
	if (*why != '\0')
		page_el(b, "li", "The scan (%s): %s.", v->verdict, why);
	else
		page_el(b, "li", "The scan says: %s.", v->verdict);
	for (size_t i = 0; i < MIN(v->ntarget, 3); i++)
		target_words(v, &v->target[i], scan_references(h), b);
}

/* How sure that is, and what it rests on. */
static void
put_sure(const struct html_in *h, struct buf *b)
{
	const json_t *scan = case_doc(h->in->docs, CASE_SCAN);
	const json_t *p = json_at(scan, "p");
	const json_t *images = json_at(scan, "images.counted");
	size_t n = scan_references(h);
	double level = scan_level(h);
	bool judged = json_is_number(p) && isfinite(level);
	char room[64];

	if (h->in->scan == NULL)
		return;
	buf_puts(b, "<li>How sure: ");
	if (n == 0)
		buf_puts(b, "one model by itself shows nothing for certain. "
			    "Measured without a reference model");
	else if (judged)
		page_el(b, "span",
		    "a clean model looks like this by chance with p = %.2g, "
		    "everything that was looked at counted; the level is "
		    "%.3g. ",
		    json_number_value(p), level);
	if (n != 0)
		page_el(b, "span", "%seasured against %zu reference model%s",
		    judged ? "M" : "m", n, text_plural(n));
	if (json_is_integer(images))
		page_el(b, "span", " on %" JSON_INTEGER_FORMAT " images",
		    json_integer_value(images));
	page_el(b, "span", ", budget %s.",
	    page_value(scan, "options.budget", room, sizeof(room)));
	buf_puts(b, "</li>\n");
}

static void
put_severities(const struct html_in *h, struct buf *b)
{
	static const char *const level[] = {
	    "critical", "high", "medium", "low", "note"};
	const json_t *findings = json_at(h->predicate, "findings");
	const char *join = "";
	size_t n = json_array_size(findings);

	if (n == 0) {
		buf_puts(b, "<li>There are no findings in the files.</li>\n");
		return;
	}
	buf_puts(b, "<li><a href=\"#findings\">Findings</a>: ");
	for (size_t i = 0; i < ARRAY_LEN(level); i++) {
		size_t k = checks_count(findings, level[i], false);

		if (k == 0)
			continue;
		buf_printf(b, "%s%zu %s", join, k, level[i]);
		join = ", ";
	}
	if (checks_waived(findings) != 0)
		buf_printf(b, "%s%zu waived", join, checks_waived(findings));
	buf_puts(b, ".</li>\n");
}

/* The first demands of the policy that are not met. */
static void
put_unmet(const struct html_in *h, struct buf *b)
{
	const json_t *list = checks_required(json_at(h->predicate, "checks"));
	const json_t *one;
	size_t i, n = json_array_size(list), unmet = 0;

	json_array_foreach((json_t *)(uintptr_t)list, i, one) unmet +=
	    strcmp(json_text_at(one, "status"), "PASSED") != 0;
	if (n == 0)
		return;
	buf_printf(b,
	    "<li><a href=\"#coverage\">Required by the policy</a>: %zu of %zu "
	    "met",
	    n - unmet, n);
	unmet = 0;
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if (strcmp(json_text_at(one, "status"), "PASSED") == 0 ||
		    unmet++ >= 3)
			continue;
		page_el(b, "span", "%s%s: %s", unmet == 1 ? "; not " : "; ",
		    json_text_at(one, "rule"), json_text_at(one, "detail"));
	}
	if (unmet > 3)
		buf_printf(b, " and %zu more", unmet - 3);
	buf_puts(b, ".</li>\n");
}

/* What is missing belongs on the page that most people stop at. */
static void
put_missing(const struct html_in *h, struct buf *b)
{
	const json_t *list = json_at(h->predicate, "scope.notTested"), *one;
	size_t i, n = json_array_size(list);
	const char *join = "";

	buf_puts(b, "<li><a href=\"#scope\">Not tested</a>: ");
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if (i == 3)
			break;
		page_el(b, "span", "%s%s", join, json_text_at(one, "check"));
		join = "; ";
	}
	if (n > 3)
		buf_printf(b, " and %zu more", n - 3);
	buf_puts(b, n == 0 ? "no test was left out. What none of them can see "
			     "is listed with the blind spots.</li>\n"
			   : ".</li>\n");
}

static void
put_why(const struct html_in *h, struct buf *b)
{
	page_el(b, "h3", "Why");
	buf_puts(b, "<ul>\n");
	put_scan_why(h, b);
	put_sure(h, b);
	put_severities(h, b);
	put_unmet(h, b);
	put_missing(h, b);
	buf_puts(b, "</ul>\n");
}

/* --- what to do ---------------------------------------------------------- */

static void
put_todo(const struct html_in *h, const char *verdict, struct buf *b)
{
	const json_t *purify = case_doc(h->in->docs, CASE_PURIFY);

	page_el(b, "h3", "Decision asked for");
	if (strcmp(verdict, "PASSED") == 0)
		buf_puts(b,
		    "<p>Accept these files, identified by their digests, for "
		    "the use that they were tested for. Audit again when the "
		    "model, its data or this tool change.</p>\n");
	else if (strcmp(verdict, "INCONCLUSIVE") == 0)
		buf_puts(b,
		    "<p>Do not accept yet. Get what is missing (most often: "
		    "clean images, or a reference model that is trusted) and "
		    "audit again, or treat the model as untrusted.</p>\n");
	else
		buf_puts(b,
		    "<p>Reject these files, or accept them under conditions "
		    "that somebody answers for by name (section "
		    "<a href=\"#treatment\">Risk treatment</a>). Ask the "
		    "supplier for an explanation; this "
		    "report has what it takes to repeat each measurement."
		    "</p>\n");
	if (purify == NULL)
		return;
	buf_puts(b,
	    "<p>The verdict is about the bundle as it was delivered. What "
	    "purification made of it is another model, in "
	    "<a href=\"#purification\">its own section</a>");
	if (json_array_size(json_at(purify, "reactivation.triggers")) != 0)
		buf_puts(b, ", which also says how easily the backdoor comes "
			    "back");
	buf_puts(b, ".</p>\n");
}

static void
put_verdict(const struct html_in *h, struct buf *b)
{
	const char *verdict = json_text_at(h->predicate, "verdict");
	const char *mark = strcmp(verdict, "PASSED") == 0   ? "&#10003;"
			   : strcmp(verdict, "FAILED") == 0 ? "&#10005;"
							    : "?";

	buf_printf(b,
	    "<section id=\"verdict\" class=\"verdict %s\" "
	    "aria-labelledby=\"verdict-h\">\n<p class=\"kicker\">Verdict</p>"
	    "<h2 id=\"verdict-h\" class=\"word\"><span class=\"mark\" "
	    "aria-hidden=\"true\"><span>%s</span></span>%s</h2>\n",
	    verdict, mark, verdict);
	plain_words(h, verdict, b);
	put_cards(h, b);
	put_why(h, b);
	put_todo(h, verdict, b);
	page_el(b, "p class=\"soft\"", "Policy %s. %s",
	    json_text_at(h->predicate, "policy.name"),
	    json_text_at(h->predicate, "policy.text"));
	put_waived(h, b);
	page_section_end(b);
}

void
html_summary(const struct html_in *h, struct buf *b)
{
	put_verdict(h, b);
}
