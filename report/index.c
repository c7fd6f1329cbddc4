/* SPDX-License-Identifier: MIT */
#include "report/index.h"

#include "report/checks.h"
#include "report/html.h"
#include "report/output.h"
#include "report/page.h"

#include "base/doc.h"
#include "base/text.h"

json_t *
index_new(void)
{
	json_t *j = doc_new("assay-index/1");

	json_put(j, "reports", json_array());
	return j;
}

/* The score of the scan, and the classes that it named. */
static void
add_scan(json_t *one, const json_t *predicate)
{
	const json_t *check =
	    checks_find(json_at(predicate, "checks"), "behaviour");
	const json_t *score = json_at(check, "evidence.score");

	if (check == NULL)
		return;
	json_put(
	    one, "score", score != NULL ? json_deep_copy(score) : json_null());
	json_put(one, "targets",
	    json_integer((json_int_t)json_array_size(
		json_at(check, "evidence.targets"))));
}

void
index_add(json_t *index, const char *name, const json_t *statement)
{
	const json_t *p = json_at(statement, "predicate");
	const json_t *findings = json_at(p, "findings");
	json_t *one = json_object();

	json_put(one, "report", json_text(name));
	json_put(one, "subject",
	    json_text(output_text_at(statement, "subject.0.name")));
	json_put(one, "verdict", json_text(output_text_at(p, "verdict")));
	json_put(
	    one, "auditedAt", json_text(output_text_at(p, "run.auditedAt")));
	json_put(one, "critical",
	    json_integer(
		(json_int_t)checks_count(findings, "critical", false)));
	json_put(one, "high",
	    json_integer((json_int_t)checks_count(findings, "high", false)));
	add_scan(one, p);
	json_add(json_object_get(index, "reports"), one);
}

static int
rank(const json_t *one)
{
	const char *verdict = output_text_at(one, "verdict");

	if (strcmp(verdict, "PASSED") == 0)
		return 2;
	return strcmp(verdict, "FAILED") == 0 ? 0 : 1;
}

static int
by_verdict(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int d = rank(x) - rank(y);

	return d != 0 ? d
		      : strcmp(output_text_at(x, "report"),
			    output_text_at(y, "report"));
}

void
index_sort(json_t *index)
{
	json_t *list = json_object_get(index, "reports");
	json_t *sorted = json_array(), *one;
	struct buf all = {0};
	size_t i;

	json_array_foreach(list, i, one)
	{
		one = json_incref(one);
		buf_append(&all, &one, sizeof(json_t *));
	}
	if (all.len != 0)
		qsort(all.ptr, all.len / sizeof(json_t *), sizeof(json_t *),
		    by_verdict);
	for (i = 0; i < all.len / sizeof(json_t *); i++) {
		memcpy(&one, all.ptr + i * sizeof(json_t *), sizeof(json_t *));
		json_add(sorted, one);
	}
	json_put(index, "reports", sorted);
	buf_free(&all);
}

/* Nobody has verified what a statement says. */
static const char *
inert(const char *s, char *out, size_t size)
{
	text_escape(s, strlen(s), out, size);
	return out;
}

void
index_print(const json_t *index)
{
	const json_t *list = json_at(index, "reports"), *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		char name[1024], subject[512], room[32];
		char verdict[64], score[64];

		inert(output_text_at(one, "report"), name, sizeof(name));
		inert(output_text_at(one, "subject"), subject, sizeof(subject));
		inert(output_text_at(one, "verdict"), verdict, sizeof(verdict));
		inert(page_value(one, "score", room, sizeof(room)), score,
		    sizeof(score));
		printf("%-12s  score %-8s  %3" JSON_INTEGER_FORMAT
		       " critical  %3" JSON_INTEGER_FORMAT " high  %s  (%s)\n",
		    verdict, score,
		    json_integer_value(json_at(one, "critical")),
		    json_integer_value(json_at(one, "high")), name, subject);
	}
	printf("%zu report%s; verify each with assay-verify\n",
	    json_array_size(list), text_plural(json_array_size(list)));
}

static void
row(struct buf *b, const json_t *one)
{
	static const char *const cell[] = {
	    "subject", "auditedAt", "score", "targets", "critical", "high"};
	char room[64];

	buf_puts(b, "<tr>");
	page_el(b, "th scope=\"row\"", "%s", output_text_at(one, "report"));
	buf_puts(b, "<td>");
	html_tag(b, output_text_at(one, "verdict"));
	buf_puts(b, "</td>");
	for (size_t i = 0; i < ARRAY_LEN(cell); i++)
		page_el(b, i < 2 ? "td" : "td class=\"num\"", "%s",
		    page_value(one, cell[i], room, sizeof(room)));
	buf_puts(b, "</tr>\n");
}

void
index_html(const json_t *index, struct buf *b)
{
	static const char *const column[] = {"Report", "Verdict", "Bundle",
	    "Audited", "#Scan score", "#Targets", "#Critical", "#High", NULL};
	const json_t *list = json_at(index, "reports"), *one;
	size_t i;

	page_begin(b, "Model audits", NULL);
	buf_puts(b, "<header>\n");
	page_el(b, "p class=\"kicker\"", "Assay");
	page_el(b, "h1", "%zu model audits", json_array_size(list));
	buf_puts(b, "</header>\n<main>\n");
	page_section(b, "reports", "Reports");
	page_table(b, "Failed first, then inconclusive, then passed", column);
	json_array_foreach((json_t *)(uintptr_t)list, i, one) row(b, one);
	page_table_end(b);
	page_section_end(b);
	buf_puts(b, "</main>\n<footer>");
	page_el(b, "p",
	    "This table is not signed and nothing in it was verified: "
	    "assay-verify checks each report.");
	buf_puts(b, "</footer>\n</body>\n</html>\n");
}
