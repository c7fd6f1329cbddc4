/* SPDX-License-Identifier: MIT
 * Findings, purification, files, appendix.
 */
#include "report/html.h"

#include "report/page.h"

static void
tag_cell(struct buf *b, const char *word)
{
	static const char *const known[] = {"critical", "high", "medium", "low",
	    "note", "PASSED", "FAILED", "INCONCLUSIVE"};
	const char *class = strcmp(word, "waived") == 0 ? "note" : "critical";

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(word, known[i]) == 0)
			class = known[i];
	buf_printf(b, "<td><span class=\"tag %s\">", class);
	page_el(b, "span", "%s", word);
	buf_puts(b, "</span></td>");
}

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
	tag_cell(b, json_at(f, "waived") != NULL ? "waived"
						 : json_text_at(f, "severity"));
	buf_puts(b, "<td>");
	page_el(b, "code", "%s", json_text_at(f, "id"));
	buf_puts(b, "<br>");
	page_el(b, "span", "%s", json_text_at(f, "summary"));
	taxa_words(f, b);
	buf_puts(b, "</td><td>");
	page_el(b, "code", "%s", json_text_at(f, "path"));
	buf_puts(b, "</td><td>");
	page_el(b, "span", "%s", json_text_at(f, "detail"));
	policy_words(f, b);
	buf_puts(b, "</td></tr>\n");
}

static void
put_findings(const struct html_in *h, struct buf *b)
{
	static const char *const check_column[] = {"Check", "Status", NULL};
	static const char *const column[] = {
	    "Severity", "Finding", "Where", "Detail", NULL};
	const json_t *list = json_at(h->predicate, "findings"), *one;
	size_t i;

	page_section(b, "findings", "Findings");
	page_table(b, "Status of each check", check_column);
	json_array_foreach(json_at(h->predicate, "checks"), i, one)
	{
		buf_puts(b, "<tr>");
		page_el(b, "th scope=\"row\"", "%s", json_text_at(one, "id"));
		tag_cell(b, json_text_at(one, "status"));
		buf_puts(b, "</tr>\n");
	}
	page_table_end(b);
	if (json_array_size(list) == 0) {
		page_el(b, "p", "There are no findings.");
		page_section_end(b);
		return;
	}
	page_table(b, "Findings, worst first; assay-findings(7) explains them",
	    column);
	json_array_foreach(list, i, one) put_finding(one, b);
	page_table_end(b);
	page_section_end(b);
}

/* --- purification -------------------------------------------------------- */

static void
before_after(struct buf *b, const char *what, const json_t *before,
    const char *from, const json_t *after, const char *to, bool percent)
{
	const json_t *v[2] = {json_at(before, from), json_at(after, to)};

	if (v[0] == NULL && v[1] == NULL)
		return;
	buf_puts(b, "<tr>");
	page_el(b, "th scope=\"row\"", "%s", what);
	for (size_t i = 0; i < 2; i++) {
		char room[64];

		if (percent && json_is_number(v[i]))
			page_el(b, "td class=\"num\"", "%.1f %%",
			    100.0 * json_number_value(v[i]));
		else
			page_el(b, "td class=\"num\"", "%s",
			    page_value(v[i], "", room, sizeof(room)));
	}
	buf_puts(b, "</tr>\n");
}

static void
put_purification(const struct html_in *h, struct buf *b)
{
	static const char *const column[] = {
	    "Measure", "#Before", "#After", NULL};
	const struct case_docs *c = h->in->docs;
	const json_t *p = case_doc(c, CASE_PURIFY);
	const json_t *eb = case_doc(c, CASE_EVAL_BEFORE);
	const json_t *ea = case_doc(c, CASE_EVAL_AFTER);
	char room[64];

	if (p == NULL)
		return;
	page_section(b, "purification", "Purification");
	buf_puts(b,
	    "<p>The model was fine-tuned on clean images so that it forgets "
	    "the change that its backdoor answers to. The result is "
	    "another model, with its own digest; test it for its "
	    "purpose before use.</p>\n<dl>\n");
	page_fact(b, false, "Method", json_text_at(p, "method"));
	page_fact(b, true, "Purified model", json_text_at(p, "output.name"));
	page_fact(b, true, "SHA-256", json_text_at(p, "output.sha256"));
	page_fact(b, false, "Held-out images",
	    page_value(p, "after.n", room, sizeof(room)));
	buf_puts(b, "</dl>\n");
	page_table(b, "Before and after purification", column);
	before_after(b, "Accuracy, while purifying", p, "before.accuracy", p,
	    "after.accuracy", true);
	before_after(b, "Accuracy, evaluated", eb, "accuracy.rate", ea,
	    "accuracy.rate", true);
	before_after(b, "Attack success rate, known trigger", eb, "asr.rate",
	    ea, "asr.rate", true);
	before_after(b, "Recovered accuracy, known trigger", eb,
	    "recovered_accuracy.rate", ea, "recovered_accuracy.rate", true);
	before_after(b, "Scan verdict", case_doc(c, CASE_SCAN), "verdict",
	    case_doc(c, CASE_RESCAN), "verdict", false);
	before_after(b, "Scan score", case_doc(c, CASE_SCAN), "score",
	    case_doc(c, CASE_RESCAN), "score", false);
	page_table_end(b);
	if (case_doc(c, CASE_RESCAN) == NULL)
		page_el(b, "p",
		    "The purified model was not scanned again: nothing is "
		    "known about it.");
	html_purify(h, b);
	page_section_end(b);
}

/* --- files, appendix ----------------------------------------------------- */

static const json_t *
inspected(const struct case_docs *c, const char *path)
{
	const json_t *list = json_at(case_doc(c, CASE_INSPECT), "files"), *one;
	size_t i;

	json_array_foreach(list, i,
	    one) if (strcmp(json_text_at(one, "path"), path) == 0) return one;
	return NULL;
}

static void
put_files(const struct html_in *h, struct buf *b)
{
	static const char *const column[] = {
	    "File", "Format", "#Bytes", "SHA-256", NULL};
	static const char *const refused[] = {"Not unpacked", "Reason", NULL};
	const struct case_docs *c = h->in->docs;
	const json_t *list = json_at(case_doc(c, CASE_MANIFEST), "refused");
	const json_t *one;
	size_t i;

	page_section(b, "files", "Supply chain: the files");
	page_table(b, "Every file of the bundle", column);
	for (i = 0; i < c->files.n; i++) {
		const struct subject_file *f = &c->files.file[i];
		char hex[DIGEST_HEX];

		digest_hex(&f->digest, hex);
		buf_puts(b, "<tr><th scope=\"row\">");
		page_el(b, "code", "%s", f->path);
		buf_puts(b, "</th>");
		page_el(b, "td", "%s",
		    json_text_at(inspected(c, f->path), "format"));
		page_el(b, "td class=\"num\"", "%" PRIu64, f->size);
		buf_puts(b, "<td>");
		page_el(b, "code", "%s", hex);
		buf_puts(b, "</td></tr>\n");
	}
	page_table_end(b);
	if (json_array_size(list) != 0)
		page_table(b, "Members that were refused", refused);
	json_array_foreach(list, i, one)
	{
		buf_puts(b, "<tr>");
		page_el(b, "th scope=\"row\"", "%s", json_text_at(one, "path"));
		page_el(b, "td", "%s", json_text_at(one, "reason"));
		buf_puts(b, "</tr>\n");
	}
	if (json_array_size(list) != 0)
		page_table_end(b);
	page_section_end(b);
}

static void
input_row(struct buf *b, const char *doc, const char *role, const char *name,
    const char *hex)
{
	buf_puts(b, "<tr>");
	page_el(b, "th scope=\"row\"", "%s", doc);
	page_el(b, "td", "%s", role);
	page_el(b, "td", "%s", name);
	buf_puts(b, "<td>");
	page_el(b, "code", "%s", hex);
	buf_puts(b, "</td></tr>\n");
}

static void
put_environment(const struct html_in *h, struct buf *b)
{
	const json_t *env = json_at(h->predicate, "run.environment");
	const char *key;
	json_t *v;
	char room[64];

	page_el(b, "h3", "Environment");
	buf_puts(b, "<dl>\n");
	page_fact(
	    b, false, "System", json_text_at(h->predicate, "run.host.system"));
	page_fact(b, false, "Release",
	    json_text_at(h->predicate, "run.host.release"));
	json_object_foreach((json_t *)(uintptr_t)env, key, v)
	    page_fact(b, false, key, page_value(v, "", room, sizeof(room)));
	json_object_foreach(
	    json_object_get(json_object_get(h->predicate, "run"), "sandbox"),
	    key, v)
	{
		char name[80];

		snprintf(name, sizeof(name), "Sandbox, %.60s", key);
		page_fact(
		    b, false, name, page_value(v, "", room, sizeof(room)));
	}
	buf_puts(b, "</dl>\n");
}

static void
put_appendix(const struct html_in *h, struct buf *b)
{
	static const char *const column[] = {
	    "Document", "Role", "Name", "SHA-256", NULL};
	const json_t *docs = json_at(h->predicate, "documents"), *d, *in;
	size_t i, k;

	page_section(b, "appendix", "Appendix");
	put_environment(h, b);
	page_el(b, "h3", "Inputs");
	page_table(
	    b, "Documents of the case and what they were made from", column);
	json_array_foreach(docs, i, d)
	{
		input_row(b, json_text_at(d, "name"), "document itself",
		    json_text_at(d, "tool.name"),
		    json_text_at(d, "digest.sha256"));
		json_array_foreach(json_at(d, "inputs"), k, in) input_row(b,
		    json_text_at(d, "name"), json_text_at(in, "role"),
		    json_text_at(in, "name"), json_text_at(in, "sha256"));
	}
	page_table_end(b);
	buf_puts(b, "<dl>\n");
	page_fact(b, true, "Policy digest",
	    json_text_at(h->predicate, "policy.digest.sha256"));
	if (json_at(h->predicate, "policy.given") != NULL)
		page_fact(b, true, "Digest of the policy given",
		    json_text_at(h->predicate, "policy.given.sha256"));
	page_fact(b, true, "Rule set digest",
	    json_text_at(h->predicate, "ruleset.digest.sha256"));
	buf_puts(b, "</dl>\n");
	page_section_end(b);
}

void
html_rest(const struct html_in *h, struct buf *b)
{
	put_findings(h, b);
	put_purification(h, b);
	put_files(h, b);
	put_appendix(h, b);
}
