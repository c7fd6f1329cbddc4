/* SPDX-License-Identifier: MIT
 * What the scan measured: radii, recovered changes, and shares of shared
 * adversarial examples.
 */
#include "report/html.h"

#include "report/chart.h"
#include "report/page.h"

#include <math.h>

/* Rows of one table; what is beyond stands in the statement. */
#define ROWS_MAX 60

/* --- radii --------------------------------------------------------------- */

static int
largest_residual(const void *pa, const void *pb)
{
	const struct evidence_class *a =
	    *(const struct evidence_class *const *)pa;
	const struct evidence_class *b =
	    *(const struct evidence_class *const *)pb;
	double x = isnan(a->residual) ? -1e300 : a->residual;
	double y = isnan(b->residual) ? -1e300 : b->residual;

	if (x != y)
		return x > y ? -1 : 1;
	return (a->target > b->target) - (a->target < b->target);
}

/* All rows in class order, or, when they are too many, the most suspicious. */
static const struct evidence_class **
choose(struct arena *a, const struct evidence_geometry *g, size_t *n)
{
	const struct evidence_class **row =
	    arena_alloc(a, g->n + 1, sizeof(*row));

	if (row == NULL)
		BUG("out of memory");
	for (size_t i = 0; i < g->n; i++)
		row[i] = &g->row[i];
	if (g->n > ROWS_MAX)
		qsort(row, g->n, sizeof(*row), largest_residual);
	*n = MIN(g->n, ROWS_MAX);
	return row;
}

/* What choose() left out. */
static void
put_rest(size_t n, size_t all, struct buf *b)
{
	if (n < all)
		page_el(b, "p class=\"soft\"",
		    "The %zu classes with the largest residuals of %zu; all "
		    "are in statement.json.",
		    n, all);
}

struct scale {
	double lo, hi; /* logarithms */
};

static void
widen(struct scale *s, double r)
{
	if (isfinite(r) && r > 0.0) {
		s->lo = MIN(s->lo, log(r));
		s->hi = MAX(s->hi, log(r));
	}
}

static double
place(const struct scale *s, double r)
{
	double span = MAX(s->hi - s->lo, 1e-9);

	return 8.0 + 144.0 * (log(r) - s->lo) / span;
}

/* A log-scaled strip: the references' range as a line, the suspect a dot. */
static void
strip(const struct scale *s, const struct evidence_class *c, struct buf *b)
{
	double lo = (double)INFINITY, hi = -(double)INFINITY;

	buf_puts(b, "<td><svg class=\"strip\" viewBox=\"0 0 160 16\" "
		    "aria-hidden=\"true\"><line class=\"axis\" "
		    "stroke=\"#dedbd2\" x1=\"4\" y1=\"8\" "
		    "x2=\"156\" y2=\"8\"/>");
	for (size_t i = 0; i < c->nref; i++)
		if (isfinite(c->reference[i]) && c->reference[i] > 0.0) {
			lo = MIN(lo, c->reference[i]);
			hi = MAX(hi, c->reference[i]);
		}
	if (isfinite(lo))
		buf_printf(b,
		    "<line class=\"ref\" stroke=\"#767676\" stroke-width=\"5\" "
		    "x1=\"%.1f\" y1=\"8\" x2=\"%.1f\" "
		    "y2=\"8\"/>",
		    place(s, lo), place(s, hi) + 0.1);
	if (isfinite(c->radius) && c->radius > 0.0)
		buf_printf(b,
		    "<circle class=\"sus\" fill=\"#0072b2\" cx=\"%.1f\" "
		    "cy=\"8\" "
		    "r=\"4.5\"/>",
		    place(s, c->radius));
	else
		buf_puts(b, "<path class=\"sus\" d=\"M150 3l8 5-8 5z\"/>");
	buf_puts(b, "</svg></td>");
}

static void
radius_row(const struct evidence *v, const struct evidence_class *c,
    const struct scale *s, struct buf *b)
{
	bool hit = false;
	double ref = evidence_reference(c);
	double p = isfinite(c->p_adjusted) ? c->p_adjusted : c->p;

	for (size_t i = 0; i < v->ntarget; i++)
		hit |= v->target[i].row == c;
	buf_puts(b, hit ? "<tr class=\"target\">" : "<tr>");
	html_class(v, c->target, hit, b);
	if (isfinite(c->radius))
		page_number(b, c->radius, "%.4g", c->radius);
	else
		page_el(b, "td class=\"num\"", "> budget");
	page_number(b, ref, "%.4g", ref);
	strip(s, c, b);
	page_number(b, c->residual, "%+.2f", c->residual);
	page_number(b, c->z, "%+.2f", c->z);
	page_number(b, p, "%.2g", p);
	buf_puts(b, "</tr>\n");
}

static void
radius_table(
    const struct evidence *v, const struct evidence_geometry *g, struct buf *b)
{
	static const char *const column[] = {"Class", "#Suspect",
	    "#References, median",
	    "\xe2\x97\x8f suspect, \xe2\x94\x81 references", "#Residual", "#z",
	    "#p of the class", NULL};
	struct scale s = {(double)INFINITY, -(double)INFINITY};
	const struct evidence_class **row;
	struct arena a;
	char caption[320];
	size_t n;

	arena_init(&a, SIZE_MAX);
	row = choose(&a, g, &n);
	for (size_t i = 0; i < n; i++) {
		widen(&s, row[i]->radius);
		for (size_t k = 0; k < row[i]->nref; k++)
			widen(&s, row[i]->reference[k]);
	}
	snprintf(caption, sizeof(caption),
	    "Flip radius per class, %.80s (%.120s); logarithmic strip; p is of "
	    "the class over all kinds of change",
	    g->name, g->unit);
	page_table(b, caption, column);
	for (size_t i = 0; i < n; i++)
		radius_row(v, row[i], &s, b);
	page_table_end(b);
	put_rest(n, g->n, b);
	arena_release(&a);
}

/* --- shares -------------------------------------------------------------- */

static void
bar(const struct evidence_flips *f, struct buf *b)
{
	double n = (double)MAX(f->shared + f->different + f->unshared, 1);
	double s = 100.0 * (double)f->shared / n;
	double d = 100.0 * (double)f->different / n;
	double u = 100.0 * (double)f->unshared / n;

	buf_printf(b,
	    "<td><svg class=\"bar\" viewBox=\"0 0 100 10\" "
	    "preserveAspectRatio=\"none\" aria-hidden=\"true\">"
	    "<rect class=\"z\" fill=\"#f1f1ee\" width=\"100\" height=\"10\"/>"
	    "<rect class=\"s\" fill=\"#0072b2\" width=\"%.1f\" height=\"10\"/>"
	    "<rect class=\"d\" fill=\"#a3afba\" x=\"%.1f\" width=\"%.1f\" "
	    "height=\"10\"/>"
	    "<rect class=\"u\" fill=\"#d55e00\" x=\"%.1f\" width=\"%.1f\" "
	    "height=\"10\"/>"
	    "</svg></td>",
	    s, s, d, s + d, u);
}

static void
share_table(
    const struct evidence *v, const struct evidence_geometry *g, struct buf *b)
{
	static const char *const column[] = {"Class", "#Images", "#Flipped",
	    "#Shared", "#Different", "#Unshared", "Shares", "#SAE rate", NULL};
	const struct evidence_class **row;
	struct arena a;
	char caption[160];
	size_t n;

	arena_init(&a, SIZE_MAX);
	row = choose(&a, g, &n);
	snprintf(caption, sizeof(caption),
	    "Flips of held-out images by universal change, %.80s", g->name);
	page_table(b, caption, column);
	for (size_t i = 0; i < n; i++) {
		const struct evidence_flips *f = &row[i]->flips;
		double rate = f->flipped > 0
				  ? (double)f->shared / (double)f->flipped
				  : (double)NAN;
		bool hit = false;

		for (size_t t = 0; t < v->ntarget; t++)
			hit |= v->target[t].row == row[i];
		buf_puts(b, hit ? "<tr class=\"target\">" : "<tr>");
		html_class(v, row[i]->target, hit, b);
		page_count(b, f->n);
		page_count(b, f->flipped);
		page_count(b, f->shared);
		page_count(b, f->different);
		page_count(b, f->unshared);
		bar(f, b);
		page_number(b, rate, "%.2f", rate);
		buf_puts(b, "</tr>\n");
	}
	page_table_end(b);
	put_rest(n, g->n, b);
	arena_release(&a);
}

/* Unfolded: what shows a target, and the first where nothing does. */
static bool
is_shown(const struct evidence *v, size_t at)
{
	bool any = false;

	for (size_t i = 0; i < v->ntarget; i++)
		for (size_t k = 0; k < v->ngeometry; k++)
			if (strcmp(v->target[i].geometry,
				v->geometry[k].name) == 0) {
				any = true;
				if (k == at)
					return true;
			}
	return !any && at == 0;
}

static void
put_radii(const struct evidence *v, struct buf *b)
{
	page_section(b, "radii", "Flip radii");
	page_el(b, "p",
	    "How small a common change is enough to turn images into each "
	    "class. Natural weaknesses are found in every model: a suspect "
	    "whose dot is far below the bar of its references gives way where "
	    "they do not.");
	buf_puts(b, "<p class=\"keys\"><span><span class=\"key ref\">&#9644;"
		    "</span>references, their range</span> "
		    "<span><span class=\"key s\">&#9679;</span>suspect</span> "
		    "<span><span class=\"key u\">&#9670;</span>suspect, "
		    "flagged target</span></p>\n<div class=\"charts\">\n");
	for (size_t i = 0; i < v->ngeometry; i++) {
		buf_puts(b, "<figure>");
		chart_radii(v, &v->geometry[i], b);
		page_el(b, "figcaption",
		    "%s: %s, logarithmic. No dot: beyond "
		    "the largest budget.",
		    v->geometry[i].name, v->geometry[i].unit);
		buf_puts(b, "</figure>\n");
	}
	buf_puts(b, "</div>\n");
	for (size_t i = 0; i < v->ngeometry; i++) {
		page_fold(
		    b, is_shown(v, i), "Numbers: %s", v->geometry[i].name);
		radius_table(v, &v->geometry[i], b);
		page_fold_end(b);
	}
	page_section_end(b);
}

static void
put_shown(const struct html_in *h, struct buf *b)
{
	page_section(b, "changes", "Recovered changes");
	if (h->in->scan->ntarget == 0)
		page_el(b, "p",
		    "The scan named no target: none of the changes that it "
		    "found is more than any classifier has.");
	else if (h->shown == NULL || *h->shown == '\0')
		page_el(b, "p",
		    "The case does not hold the files of the recovered "
		    "changes.");
	else
		page_el(b, "p",
		    "One change for each flagged target, the same for all "
		    "images, as small as was enough. It often resembles the "
		    "trigger that was planted, or sits where that sits; it "
		    "need not be the same.");
	if (h->shown != NULL)
		buf_puts(b, h->shown);
	page_section_end(b);
}

static void
put_shared(const struct evidence *v, struct buf *b)
{
	page_section(b, "shared", "Shared adversarial examples");
	buf_puts(b, "<p class=\"keys\">Are the flips shared with most "
		    "references? "
		    "<span><span class=\"key s\">&#9632;</span>shared: a "
		    "natural weakness</span> "
		    "<span><span class=\"key d\">&#9632;</span>different"
		    "</span> "
		    "<span><span class=\"key u\">&#9632;</span>unshared: the "
		    "suspect alone is fooled</span></p>\n");
	for (size_t i = 0; i < v->ngeometry; i++) {
		page_fold(b, is_shown(v, i), "Shares: %s", v->geometry[i].name);
		share_table(v, &v->geometry[i], b);
		page_fold_end(b);
	}
	page_section_end(b);
}

void
html_scan(const struct html_in *h, struct buf *b)
{
	if (h->in->scan == NULL)
		return;
	put_radii(h->in->scan, b);
	put_shown(h, b);
	put_shared(h->in->scan, b);
}
