/* SPDX-License-Identifier: MIT
 * What purification did: the rounds as curves, the model before and after.
 */
#include "report/html.h"

#include "report/chart.h"
#include "report/page.h"

#include <math.h>

/* --- curves -------------------------------------------------------------- */

/* One member of all rounds; NaN where it is absent. */
static const double *
series(struct arena *a, const json_t *rounds, const char *key)
{
	size_t n = json_array_size(rounds);
	double *y = arena_alloc(a, n, sizeof(*y));

	if (y == NULL)
		BUG("out of memory");
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_at(json_array_get(rounds, i), key);

		y[i] = json_is_number(v) ? json_number_value(v) : (double)NAN;
	}
	return y;
}

static void
round_table(const json_t *rounds, struct buf *b)
{
	static const char *const column[] = {"#Round", "#Held-out accuracy",
	    "#Fooled", "#Shared", "#Loss", "#clean", "#adversarial", "#shared",
	    NULL};
	static const struct {
		const char *key;
		bool share;
	} part[] = {{"accuracy_heldout", true}, {"fooled_rate", true},
	    {"shared_rate", true}, {"loss", false}, {"loss_clean", false},
	    {"loss_adv", false}, {"loss_shared", false}};
	const json_t *one;
	size_t i;

	page_table(b, "Each round of the purification", column);
	json_array_foreach((json_t *)(uintptr_t)rounds, i, one)
	{
		buf_puts(b, "<tr>");
		page_count(b, (int64_t)i + 1);
		for (size_t k = 0; k < ARRAY_LEN(part); k++) {
			const json_t *v = json_at(one, part[k].key);
			double x = json_is_number(v) ? json_number_value(v)
						     : (double)NAN;

			if (part[k].share)
				page_number(b, x, "%.1f %%", 100.0 * x);
			else
				page_number(b, x, "%.3f", x);
		}
		buf_puts(b, "</tr>\n");
	}
	page_table_end(b);
}

static void
put_rounds(const json_t *rounds, struct buf *b)
{
	size_t n = json_array_size(rounds);
	struct arena a;

	if (n == 0)
		return;
	arena_init(&a, SIZE_MAX);
	struct chart_line rate[] = {
	    {"held-out accuracy", series(&a, rounds, "accuracy_heldout")},
	    {"fooled by the attack", series(&a, rounds, "fooled_rate")},
	    {"fooled as the original is", series(&a, rounds, "shared_rate")}};
	struct chart_line loss[] = {{"loss", series(&a, rounds, "loss")},
	    {"clean", series(&a, rounds, "loss_clean")},
	    {"shared", series(&a, rounds, "loss_shared")}};

	page_el(b, "h3", "The rounds");
	buf_puts(b, "<div class=\"charts\">\n<figure>");
	chart_lines(rate, ARRAY_LEN(rate), n, "Shares by round", "%", b);
	page_el(b, "figcaption",
	    "What is to fall: adversarial examples that fool original and "
	    "purified model into one class. What is to stay: accuracy.");
	buf_puts(b, "</figure>\n<figure>");
	chart_lines(loss, ARRAY_LEN(loss), n, "Loss by round", "", b);
	page_el(b, "figcaption", "The loss and its terms, nats an image.");
	buf_puts(b, "</figure>\n</div>\n");
	page_fold(b, false, "Numbers: the rounds");
	round_table(rounds, b);
	page_fold_end(b);
	arena_release(&a);
}

/* --- before and after ---------------------------------------------------- */

/* A count of assay-eval(5) with its interval, a share, or a word. */
static void
measure_cell(struct buf *b, const json_t *v, bool percent)
{
	const json_t *rate = json_at(v, "rate");
	const json_t *lo = json_at(v, "interval.0"), *hi;
	char room[64];

	hi = json_at(v, "interval.1");
	if (json_is_number(rate) && json_is_number(lo) && json_is_number(hi))
		page_el(b, "td class=\"num\"", "%.1f %% (%.1f to %.1f)",
		    100.0 * json_number_value(rate),
		    100.0 * json_number_value(lo),
		    100.0 * json_number_value(hi));
	else if (percent && json_is_number(v))
		page_el(b, "td class=\"num\"", "%.1f %%",
		    100.0 * json_number_value(v));
	else
		page_el(b, "td class=\"num\"", "%s",
		    page_value(v, "", room, sizeof(room)));
}

static void
before_after(struct buf *b, const char *what, const json_t *before,
    const json_t *after, bool percent)
{
	if ((before == NULL || json_is_null(before)) &&
	    (after == NULL || json_is_null(after)))
		return;
	buf_puts(b, "<tr>");
	page_el(b, "th scope=\"row\"", "%s", what);
	measure_cell(b, before, percent);
	measure_cell(b, after, percent);
	buf_puts(b, "</tr>\n");
}

static void
put_measures(const struct case_docs *c, struct buf *b)
{
	static const char *const column[] = {
	    "Measure", "#Before", "#After", NULL};
	static const struct {
		const char *what;
		enum case_doc before;
		const char *from;
		enum case_doc after;
		const char *to;
	} row[] = {
	    {"Accuracy, while purifying", CASE_PURIFY, "before.accuracy",
		CASE_PURIFY, "after.accuracy"},
	    {"Accuracy, evaluated", CASE_EVAL_BEFORE, "accuracy",
		CASE_EVAL_AFTER, "accuracy"},
	    {"Flips under the recovered change", CASE_EVAL_RECOVERED,
		"baseline.asr", CASE_EVAL_RECOVERED, "asr"},
	    {"Attack success rate, known trigger", CASE_EVAL_BEFORE, "asr",
		CASE_EVAL_AFTER, "asr"},
	    {"Recovered accuracy, known trigger", CASE_EVAL_BEFORE,
		"recovered_accuracy", CASE_EVAL_AFTER, "recovered_accuracy"},
	    {"Scan verdict", CASE_SCAN, "verdict", CASE_RESCAN, "verdict"},
	    {"Scan score", CASE_SCAN, "score", CASE_RESCAN, "score"},
	};

	page_table(b,
	    "Before and after purification; in brackets 95 % intervals",
	    column);
	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		before_after(b, row[i].what,
		    json_at(case_doc(c, row[i].before), row[i].from),
		    json_at(case_doc(c, row[i].after), row[i].to),
		    row[i].before != CASE_SCAN);
	page_table_end(b);
}

void
html_purify(const struct html_in *h, struct buf *b)
{
	const struct case_docs *c = h->in->docs;
	const json_t *p = case_doc(c, CASE_PURIFY);
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
	put_measures(c, b);
	if (case_doc(c, CASE_RESCAN) == NULL)
		page_el(b, "p",
		    "The purified model was not scanned again: nothing is "
		    "known about it.");
	put_rounds(json_at(p, "rounds"), b);
	page_section_end(b);
}
