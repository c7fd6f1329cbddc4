/* SPDX-License-Identifier: MIT
 * What several parts of the page write alike.
 */
#include "report/html.h"

#include "report/page.h"

void
html_class(const struct evidence *v, size_t t, bool target, struct buf *b)
{
	char room[EVIDENCE_WORDS];

	page_el(b, "th scope=\"row\"", "%s%s", evidence_label(v, t, room),
	    target ? " \xe2\x97\x80 target" : "");
}

void
html_tag(struct buf *b, const char *word)
{
	static const char *const known[] = {"critical", "high", "medium", "low",
	    "note", "PASSED", "FAILED", "INCONCLUSIVE"};
	const char *class =
	    strcmp(word, "waived") == 0 || strcmp(word, "NOT TESTED") == 0
		? "note"
		: "critical";

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(word, known[i]) == 0)
			class = known[i];
	buf_printf(b, "<span class=\"tag %s\">", class);
	page_el(b, "span", "%s", word);
	buf_puts(b, "</span>");
}
