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

/* What rounds may have, by method; a share is drawn from 0 to 1. */
struct term {
	const char *key, *label;
	bool share;
	const double *y;
};

#define TERMS 11

/* Those that these rounds have, of a known kind; returns how many. */
static size_t
terms_of(struct arena *a, const json_t *rounds, struct term *out)
{
	static const struct term known[TERMS] = {
	    {"accuracy_heldout", "held-out accuracy", true, NULL},
	    {"fooled_rate", "fooled by the attack", true, NULL},
	    {"shared_rate", "fooled as the original is", true, NULL},
	    {"loss", "loss", false, NULL},
	    {"loss_clean", "clean", false, NULL},
	    {"loss_shared", "shared", false, NULL},
	    {"loss_guide", "guided", false, NULL},
	    {"loss_mix", "mixed", false, NULL},
	    {"loss_move", "moved", false, NULL},
	    {"loss_distil", "distilled", false, NULL},
	    {"loss_adv", "adversarial", false, NULL},
	};
	size_t n = 0;

	for (size_t i = 0; i < TERMS; i++) {
		if (json_at(json_array_get(rounds, 0), known[i].key) == NULL)
			continue;
		out[n] = known[i];
		out[n++].y = series(a, rounds, known[i].key);
	}
	return n;
}

static void
round_table(const struct term *t, size_t n, size_t rounds, struct buf *b)
{
	const char *column[TERMS + 2] = {"#Round"};
	char name[TERMS][64];

	for (size_t k = 0; k < n; k++) {
		snprintf(name[k], sizeof(name[k]), "#%s%s",
		    t[k].share || k == 0 || t[k - 1].share ? "" : "loss, ",
		    t[k].label);
		column[k + 1] = name[k];
	}
	page_table(b, "Each round of the purification", column);
	for (size_t i = 0; i < rounds; i++) {
		buf_puts(b, "<tr>");
		page_count(b, (int64_t)i + 1);
		for (size_t k = 0; k < n; k++)
			if (t[k].share)
				page_number(
				    b, t[k].y[i], "%.1f %%", 100.0 * t[k].y[i]);
			else
				page_number(b, t[k].y[i], "%.3f", t[k].y[i]);
		buf_puts(b, "</tr>\n");
	}
	page_table_end(b);
}

/* The first four of a kind: more lines cannot be told apart. */
static void
put_curves(
    const struct term *t, size_t n, bool share, size_t rounds, struct buf *b)
{
	struct chart_line line[4];
	size_t k = 0;

	for (size_t i = 0; i < n && k < ARRAY_LEN(line); i++)
		if (t[i].share == share)
			line[k++] = (struct chart_line){t[i].label, t[i].y};
	if (k == 0)
		return;
	buf_puts(b, "<figure>");
	chart_lines(line, k, rounds,
	    share ? "Shares by round" : "Loss by round", share ? "%" : "", b);
	page_el(b, "figcaption", "%s",
	    !share   ? "The loss and its terms, nats an image."
	    : k == 1 ? "What is to stay: accuracy."
		     : "What is to fall: images that are fooled. What is to "
		       "stay: accuracy.");
	buf_puts(b, "</figure>\n");
}

static void
put_rounds(const json_t *rounds, struct buf *b)
{
	size_t n = json_array_size(rounds), k;
	struct term t[TERMS];
	struct arena a;

	if (n == 0)
		return;
	arena_init(&a, SIZE_MAX);
	k = terms_of(&a, rounds, t);
	page_el(b, "h3", "The rounds");
	buf_puts(b, "<div class=\"charts\">\n");
	put_curves(t, k, true, n, b);
	put_curves(t, k, false, n, b);
	buf_puts(b, "</div>\n");
	page_fold(b, false, "Numbers: the rounds");
	round_table(t, k, n, b);
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
	else if (json_is_real(v))
		page_el(b, "td class=\"num\"", "%.2f", json_real_value(v));
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
	if (json_at(p, "kept_round") != NULL)
		page_fact(b, false, "Round that was kept",
		    page_value(p, "kept_round", room, sizeof(room)));
	if (json_at(p, "end") != NULL)
		page_fact(b, false, "Ended by", json_text_at(p, "end"));
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
	html_after(h, b);
	page_section_end(b);
}
