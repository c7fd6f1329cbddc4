/* SPDX-License-Identifier: MIT
 * What was checked after the purification: the scan's targets and harm.
 */
#include "report/html.h"

#include "report/page.h"

/* Classes of which each has a row. */
#define CLASSES 20

/* A class by its number, and its name where it has one. */
static const char *
class_words(const json_t *j, char *room, size_t size)
{
	const char *name = json_text_at(j, "name");
	int n = snprintf(room, size, "%" JSON_INTEGER_FORMAT,
	    json_integer_value(json_at(j, "class")));

	if (*name != '\0' && strcmp(name, room) != 0)
		snprintf(room + n, size - (size_t)n, " (%s)", name);
	return room;
}

static void
number(struct buf *b, const json_t *v, bool percent)
{
	if (!json_is_number(v))
		page_el(b, "td class=\"num\"", "-");
	else if (percent)
		page_el(b, "td class=\"num\"", "%.1f %%",
		    100.0 * json_number_value(v));
	else
		page_el(b, "td class=\"num\"", "%.3f", json_number_value(v));
}

/* --- targets -------------------------------------------------------------- */

static void
target_row(struct buf *b, const json_t *t)
{
	const json_t *from = json_at(t, "source");
	char room[300];

	buf_puts(b, "<tr>");
	page_el(
	    b, "th scope=\"row\"", "%s", class_words(t, room, sizeof(room)));
	if (json_is_integer(from))
		page_el(
		    b, "td", "%" JSON_INTEGER_FORMAT, json_integer_value(from));
	else
		page_el(b, "td", "all others");
	page_el(b, "td", "%s", json_text_at(t, "geometry"));
	number(b, json_at(t, "z.before"), false);
	number(b, json_at(t, "z.now"), false);
	number(b, json_at(t, "radius.before"), false);
	number(b, json_at(t, "radius.now"), false);
	page_el(b, "td", "%s",
	    json_is_true(json_at(t, "left")) ? "still a target" : "gone");
	buf_puts(b, "</tr>\n");
}

static void
put_targets(const json_t *rescan, struct buf *b)
{
	static const char *const column[] = {"Class", "From", "Geometry",
	    "#z before", "#z after", "#Radius before", "#Radius after",
	    "Afterwards", NULL};
	const json_t *list = json_at(rescan, "before.targets"), *t;
	json_int_t fresh;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	page_el(b, "h3", "The scan's targets");
	page_table(b, "Targets of the scan, in the purified model", column);
	json_array_foreach((json_t *)(uintptr_t)list, i, t) target_row(b, t);
	page_table_end(b);
	fresh = json_integer_value(json_at(rescan, "before.new"));
	if (fresh == 0)
		page_el(b, "p",
		    "No class is a target of the second scan that was none of "
		    "the first.");
	else
		page_el(b, "p",
		    "Targets of the second scan that were none of the first: "
		    "%" JSON_INTEGER_FORMAT ".",
		    fresh);
}

/* --- harm ----------------------------------------------------------------- */

static void
harm_row(struct buf *b, const char *what, const json_t *part, const char *path,
    bool percent)
{
	const json_t *v = json_at(part, path);

	buf_puts(b, "<tr>");
	page_el(b, "th scope=\"row\"", "%s", what);
	number(b, json_at(v, "before"), percent);
	number(b, json_at(v, "after"), percent);
	buf_puts(b, "</tr>\n");
}

static void
class_row(struct buf *b, const json_t *c)
{
	double n = json_number_value(json_at(c, "n"));
	static const char *const side[] = {"before", "after"};
	char room[300];

	buf_puts(b, "<tr>");
	page_el(b, "th scope=\"row\"", "Accuracy, class %s, n = %.0f",
	    class_words(c, room, sizeof(room)), n);
	for (size_t i = 0; i < ARRAY_LEN(side); i++)
		if (n > 0)
			page_el(b, "td class=\"num\"", "%.1f %%",
			    100.0 * json_number_value(json_at(c, side[i])) / n);
		else
			page_el(b, "td class=\"num\"", "-");
	buf_puts(b, "</tr>\n");
}

static void
put_harm(const json_t *part, const char *caption, struct buf *b)
{
	static const char *const column[] = {
	    "Measure", "#Before", "#After", NULL};
	const json_t *list = json_at(part, "per_class"), *c;
	size_t i;

	if (!json_is_object(part))
		return;
	page_el(b, "p",
	    "%s: the purified model gives %.1f %% of %" JSON_INTEGER_FORMAT
	    " clean images the same class as the original; its answers "
	    "diverge from the original's by %.3f nats on average.",
	    caption, 100.0 * json_number_value(json_at(part, "agreement")),
	    json_integer_value(json_at(part, "n")),
	    json_number_value(json_at(part, "divergence")));
	page_table(b, caption, column);
	harm_row(b, "Accuracy", part, "accuracy", true);
	harm_row(
	    b, "Expected calibration error", part, "calibration_error", false);
	harm_row(b, "Brier score", part, "brier", false);
	if (json_array_size(list) <= CLASSES)
		json_array_foreach((json_t *)(uintptr_t)list, i, c)
		    class_row(b, c);
	page_table_end(b);
}

void
html_after(const struct html_in *h, struct buf *b)
{
	const struct case_docs *c = h->in->docs;
	const json_t *p = case_doc(c, CASE_PURIFY);

	put_targets(case_doc(c, CASE_RESCAN), b);
	if (json_at(p, "harm") != NULL)
		page_el(b, "h3", "Harm on clean images");
	put_harm(json_at(p, "harm.held_out"), "Held-out images", b);
	put_harm(json_at(p, "harm.eval_data"), "Images apart", b);
	html_wake(json_at(p, "reactivation"), b);
}
