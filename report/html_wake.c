/* SPDX-License-Identifier: MIT
 * The attempts of assay-purify to wake what was unlearned: a row for each
 * trigger, and in words what a row says.
 */
#include "report/html.h"

#include "report/page.h"

#include <math.h>

/* Where the shares of a trigger are, assay-purify(5). */
static const char *const measured[] = {"original.rate", "purified.rate",
    "perturbed.rate", "perturbation_alone.rate", "retuned.poisoned.rate",
    "retuned.clean.rate", "retuned.yardstick.rate"};

static double
share(const json_t *t, const char *path)
{
	const json_t *v = json_at(t, path);

	return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static void
put_row(const json_t *t, struct buf *b)
{
	bool given = strcmp(json_text_at(t, "from"), "file") == 0;

	buf_puts(b, "<tr>");
	page_el(b, "th scope=\"row\"",
	    "%s (%s), to class %" JSON_INTEGER_FORMAT, json_text_at(t, "name"),
	    given ? "given" : "found",
	    json_integer_value(json_at(t, "target")));
	for (size_t i = 0; i < ARRAY_LEN(measured); i++)
		page_number(b, share(t, measured[i]), "%.1f %%",
		    100.0 * share(t, measured[i]));
	buf_puts(b, "</tr>\n");
}

static void
put_sentences(const json_t *t, struct buf *b)
{
	const json_t *list = json_at(t, "sentences"), *one;
	size_t i;

	buf_puts(b, "<li>");
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if (i != 0)
			buf_puts(b, " ");
		page_el(b, "span", "%s", json_text_at(one, ""));
	}
	buf_puts(b, "</li>\n");
}

/* The trigger that comes back most, beside a pattern that was never one. */
static void
put_worst(const json_t *r, const json_t *list, struct buf *b)
{
	const json_t *t, *worst = NULL;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, t)
	{
		double v = share(t, "retuned.poisoned.rate");

		if (isfinite(v) &&
		    (worst == NULL ||
			v > share(worst, "retuned.poisoned.rate")))
			worst = t;
	}
	if (worst == NULL)
		return;
	page_el(b, "p",
	    "Trained on with %" JSON_INTEGER_FORMAT
	    " images that carry it among %" JSON_INTEGER_FORMAT
	    " clean ones, the trigger that comes back most reaches its target "
	    "on %.1f %% of the images; a square of random dots in its place, "
	    "on %.1f %%. The nearer the two are, the less is left of the "
	    "backdoor.",
	    json_integer_value(json_at(r, "retuning.poisoned")),
	    json_integer_value(json_at(r, "retuning.clean")),
	    100.0 * share(worst, "retuned.poisoned.rate"),
	    100.0 * share(worst, "retuned.yardstick.rate"));
}

void
html_wake(const json_t *r, struct buf *b)
{
	static const char *const column[] = {"Trigger", "#Original",
	    "#Purified", "#Pushed", "#Push alone", "#Trained on with it",
	    "#On clean images", "#On random dots", NULL};
	const json_t *list = json_at(r, "triggers"), *t;
	size_t i;

	if (!json_is_object(r))
		return;
	page_el(b, "h3", "Residual risk: can it be woken?");
	if (json_at(r, "not_done") != NULL) {
		page_el(b, "p", "Not tried: %s.", json_text_at(r, "not_done"));
		return;
	}
	page_el(b, "p",
	    "A backdoor whose trigger fails may be asleep. These attempts "
	    "say what could wake it; they are no verdict.");
	put_worst(r, list, b);
	page_table(b,
	    "Images of other classes that end in the target. Pushed: with the "
	    "trigger and the best further change; push alone: that change "
	    "without it; then the purified model trained on with the trigger, "
	    "with clean images only, and with a square of random dots instead",
	    column);
	json_array_foreach((json_t *)(uintptr_t)list, i, t) put_row(t, b);
	page_table_end(b);
	page_fold(b, false, "The same in words");
	buf_puts(b, "<ul>\n");
	json_array_foreach((json_t *)(uintptr_t)list, i, t) put_sentences(t, b);
	buf_puts(b, "</ul>\n");
	page_fold_end(b);
}
