/* SPDX-License-Identifier: MIT
 * The files of the bundle.
 */
#include "report/html.h"

#include "report/page.h"

#include <strings.h>

/* Rows of a table: a page that a browser still opens. */
#define FILES_MAX 2000

/* Most often it is at the place that the file has among all. */
static const json_t *
inspected(const struct case_docs *c, const char *path, size_t at)
{
	const json_t *list = json_at(case_doc(c, CASE_INSPECT), "files"), *one;
	size_t i;

	one = json_array_get(list, at);
	if (strcmp(json_text_at(one, "path"), path) == 0)
		return one;
	json_array_foreach(list, i,
	    one) if (strcmp(json_text_at(one, "path"), path) == 0) return one;
	return NULL;
}

/* The first file whose name ends so, in any folder and case; or NULL. */
static const char *
named(const struct case_docs *c, const char *const *end)
{
	for (size_t i = 0; i < c->files.n; i++) {
		const char *path = c->files.file[i].path;
		size_t n = strlen(path);

		for (size_t k = 0; end[k] != NULL; k++) {
			size_t m = strlen(end[k]);

			if (n >= m && strcasecmp(path + n - m, end[k]) == 0)
				return path;
		}
	}
	return NULL;
}

/* What became of a file that looks like a signature. */
static void
put_signature(const json_t *tried, const char *path, struct buf *b)
{
	const json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)tried, i, one)
	{
		if (strcmp(json_text_at(one, "path"), path) != 0)
			continue;
		page_el(b, "span",
		    " (required by the policy, %s, key %.16s: %s)",
		    json_text_at(one, "status"), json_text_at(one, "keyid"),
		    json_text_at(one, "detail"));
		return;
	}
	page_el(b, "span", " (not verified by this audit)");
}

/* What a supplier usually says of a model: by the names of files alone. */
static void
put_supplier(const struct html_in *h, struct buf *b)
{
	static const struct {
		const char *what, *end[6], *note;
	} fact[] = {
	    {"Supplier\xe2\x80\x99s signature",
		{".sig", ".sigstore", ".sigstore.json", ".asc", ".minisig",
		    NULL},
		NULL},
	    {"Model card", {"README.md", "MODEL_CARD.md", "modelcard.md", NULL},
		"what it declares was not compared with anything"},
	    {"Licence",
		{"LICENSE", "LICENCE", "LICENSE.txt", "LICENSE.md", "COPYING",
		    NULL},
		"not read"},
	};

	buf_puts(b, "<dl>\n");
	for (size_t i = 0; i < ARRAY_LEN(fact); i++) {
		const char *path = named(h->in->docs, fact[i].end);

		page_el(b, "dt", "%s", fact[i].what);
		buf_puts(b, "<dd>");
		if (path == NULL)
			page_el(b, "span", "no file with a usual name");
		else
			page_el(b, "code", "%s", path);
		if (path != NULL && fact[i].note == NULL)
			put_signature(h->in->signatures, path, b);
		else if (path != NULL)
			page_el(b, "span", " (%s)", fact[i].note);
		buf_puts(b, "</dd>\n");
	}
	buf_puts(b, "</dl>\n");
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
	put_supplier(h, b);
	page_table(b, "Every file of the bundle", column);
	for (i = 0; i < MIN(c->files.n, FILES_MAX); i++) {
		const struct subject_file *f = &c->files.file[i];
		char hex[DIGEST_HEX];

		digest_hex(&f->digest, hex);
		buf_puts(b, "<tr><th scope=\"row\">");
		page_el(b, "code", "%s", f->path);
		buf_puts(b, "</th>");
		page_el(b, "td", "%s",
		    json_text_at(inspected(c, f->path, i), "format"));
		page_el(b, "td class=\"num\"", "%" PRIu64, f->size);
		buf_puts(b, "<td>");
		page_el(b, "code", "%s", hex);
		buf_puts(b, "</td></tr>\n");
	}
	page_table_end(b);
	page_rest(b, MIN(c->files.n, FILES_MAX), c->files.n, "statement.json");
	if (json_array_size(list) != 0)
		page_table(b, "Members that were refused", refused);
	json_array_foreach(list, i, one)
	{
		if (i == FILES_MAX)
			break;
		buf_puts(b, "<tr>");
		page_el(b, "th scope=\"row\"", "%s", json_text_at(one, "path"));
		page_el(b, "td", "%s", json_text_at(one, "reason"));
		buf_puts(b, "</tr>\n");
	}
	if (json_array_size(list) != 0)
		page_table_end(b);
	page_rest(b, i, json_array_size(list), "manifest.json");
	page_section_end(b);
}

void
html_rest(const struct html_in *h, struct buf *b)
{
	put_files(h, b);
}
