/* SPDX-License-Identifier: MIT
 * What the scan measured: the class-flip diagram with its table, the matrix,
 * radii, and shares of shared adversarial examples.
 */
#include "report/html.h"

#include "report/escape.h"
#include "report/page.h"
#include "report/svg.h"

#include <math.h>
#include <stdarg.h>

/* Rows of one table; what is beyond stands in the statement. */
#define ROWS_MAX 60
/* Classes up to which the matrix is a table, and up to which it is drawn. */
#define HEAT_TABLE 20
#define HEAT_DRAWN 200

static const char dash[] = "\xe2\x80\x94";

static void PRINTF_LIKE(3, 4)
    number(struct buf *b, double v, const char *fmt, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	page_el(b, "td class=\"num\"", "%s", isfinite(v) ? text : dash);
}

static void
count(struct buf *b, int64_t n)
{
	if (n < 0)
		page_el(b, "td class=\"num\"", "%s", dash);
	else
		page_el(b, "td class=\"num\"", "%" PRId64, n);
}

static void
class_cell(const struct evidence *v, size_t t, bool target, struct buf *b)
{
	page_el(b, "th scope=\"row\"", "%zu %s%s", t, v->name[t],
	    target ? " \xe2\x97\x80 target" : "");
}

/* --- diagram ------------------------------------------------------------- */

static void
edge_table(const struct diagram *d, struct buf *b)
{
	static const char *const column[] = {"From", "To", "#Flipped",
	    "#Of images", "#Rate", "#Shared", "#Unshared", NULL};
	const struct evidence *v = d->evidence;

	page_table(b, "The numbers of the diagram, strongest first", column);
	for (size_t i = 0; i < MIN(d->nedge, ROWS_MAX); i++) {
		const struct diagram_edge *g = &d->edge[i];
		int64_t rate = diagram_rate(g);

		buf_puts(b, "<tr>");
		class_cell(v, g->from, false, b);
		page_el(b, "td", "%zu %s", g->to, v->name[g->to]);
		count(b, g->flipped);
		count(b, g->n);
		page_el(b, "td class=\"num\"", "%" PRId64 ".%" PRId64 " %%",
		    rate / 10, rate % 10);
		count(b, g->shared);
		count(b, g->unshared);
		buf_puts(b, "</tr>\n");
	}
	page_table_end(b);
}

static void
put_diagram(const struct html_in *h, struct buf *b)
{
	const struct diagram *d = h->diagram;

	if (d == NULL || h->svg == NULL)
		return;
	buf_puts(b, "<figure><div class=\"flip\" role=\"img\" "
		    "aria-label=\"Class-flip diagram; the table below has its "
		    "numbers\">\n");
	buf_puts(b, svg_element(h->svg));
	buf_puts(b, "</div><figcaption>");
	if (d->targeted)
		buf_puts(b,
		    "An arrow says which share of the held-out images of a "
		    "class become another class under the change that the "
		    "scan recovered. In the middle: the flagged target. ");
	else
		buf_puts(b,
		    "The scan named no target. Drawn are the strongest flips "
		    "of a per-image attack without a target, as any "
		    "classifier has them. ");
	if (d->omitted != 0)
		buf_printf(b, "%zu weaker flips are not drawn. ", d->omitted);
	if (d->others != 0)
		buf_printf(b, "%zu classes are drawn as one node. ", d->others);
	buf_puts(b, "</figcaption></figure>\n");
	if (d->nedge != 0)
		edge_table(d, b);
}

/* --- matrix -------------------------------------------------------------- */

/* 0..10 by the share of images. */
static int
shade(int64_t k, int64_t n)
{
	if (n <= 0 || k <= 0)
		return 0;
	return (int)MIN(1 + k * 10 / (n + 1), 10);
}

static void
heat_table(const struct evidence *v, struct buf *b)
{
	size_t k = v->classes;

	buf_puts(b, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" "
		    "aria-label=\"Class-flip matrix\"><table class=\"heat\">"
		    "<caption>Untargeted flips, per cent of the images of the "
		    "row\xe2\x80\x99s class that the attack turns into the "
		    "column\xe2\x80\x99s "
		    "class. A backdoor shows as a dark column.</caption>"
		    "<thead><tr><td></td>");
	for (size_t t = 0; t < k; t++)
		page_el(b,
		    evidence_is_target(v, t) ? "th scope=\"col\" class=\"t\""
					     : "th scope=\"col\"",
		    "%s%zu", evidence_is_target(v, t) ? "\xe2\x96\xbc " : "",
		    t);
	buf_puts(b, "</tr></thead><tbody>\n");
	for (size_t s = 0; s < k; s++) {
		buf_puts(b, "<tr>");
		class_cell(v, s, false, b);
		for (size_t t = 0; t < k; t++) {
			int64_t c = v->matrix[s * k + t], n = v->matrix_n[s];

			if (s == t) {
				buf_puts(b, "<td class=\"self\">\xc2\xb7</td>");
				continue;
			}
			buf_printf(b,
			    "<td class=\"h%d\" title=\"%" PRId64 " of %" PRId64
			    ", shared %" PRId64 "\">%" PRId64 "</td>",
			    shade(c, n), c, n, v->matrix_shared[s * k + t],
			    n > 0 ? (c * 100 + n / 2) / n : 0);
		}
		buf_puts(b, "</tr>\n");
	}
	buf_puts(b, "</tbody></table></div>\n");
}

static void
heat_drawing(const struct evidence *v, struct buf *b)
{
	size_t k = v->classes;

	buf_printf(b,
	    "<figure><svg viewBox=\"0 0 %zu %zu\" role=\"img\" "
	    "aria-label=\"Class-flip matrix, sources down, predictions "
	    "across\">\n<rect class=\"h0\" width=\"%zu\" height=\"%zu\"/>\n",
	    4 * k, 4 * k, 4 * k, 4 * k);
	for (size_t i = 0; i < k * k; i++) {
		int h = shade(v->matrix[i], v->matrix_n[i / k]);

		if (h > 1 && i / k != i % k)
			buf_printf(b,
			    "<rect class=\"h%d\" x=\"%zu\" y=\"%zu\" "
			    "width=\"4\" height=\"4\"/>\n",
			    h, 4 * (i % k), 4 * (i / k));
	}
	buf_puts(b, "</svg><figcaption>Untargeted flips: source classes down, "
		    "what they become across. A backdoor shows as a dark "
		    "column.</figcaption></figure>\n");
}

static void
put_flips(const struct html_in *h, struct buf *b)
{
	const struct evidence *v = h->in->scan;

	page_section(b, "flips", "Class flips");
	put_diagram(h, b);
	page_el(b, "h3", "Source by predicted class");
	if (v->matrix == NULL)
		page_el(b, "p", "The scan did not measure untargeted flips.");
	else if (v->classes <= HEAT_TABLE)
		heat_table(v, b);
	else if (v->classes <= HEAT_DRAWN)
		heat_drawing(v, b);
	else
		page_el(b, "p",
		    "%zu classes are too many to draw; the matrix is in "
		    "statement.json.",
		    v->classes);
	page_section_end(b);
}

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

	buf_puts(b,
	    "<td><svg class=\"strip\" viewBox=\"0 0 160 16\" "
	    "aria-hidden=\"true\"><line class=\"axis\" x1=\"4\" y1=\"8\" "
	    "x2=\"156\" y2=\"8\"/>");
	for (size_t i = 0; i < c->nref; i++)
		if (isfinite(c->reference[i]) && c->reference[i] > 0.0) {
			lo = MIN(lo, c->reference[i]);
			hi = MAX(hi, c->reference[i]);
		}
	if (isfinite(lo))
		buf_printf(b,
		    "<line class=\"ref\" x1=\"%.1f\" y1=\"8\" x2=\"%.1f\" "
		    "y2=\"8\"/>",
		    place(s, lo), place(s, hi) + 0.1);
	if (isfinite(c->radius) && c->radius > 0.0)
		buf_printf(b,
		    "<circle class=\"sus\" cx=\"%.1f\" cy=\"8\" "
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
	class_cell(v, c->target, hit, b);
	if (isfinite(c->radius))
		number(b, c->radius, "%.4g", c->radius);
	else
		page_el(b, "td class=\"num\"", "> budget");
	number(b, ref, "%.4g", ref);
	strip(s, c, b);
	number(b, c->residual, "%+.2f", c->residual);
	number(b, c->z, "%+.2f", c->z);
	number(b, p, "%.2g", p);
	buf_puts(b, "</tr>\n");
}

static void
radius_table(
    const struct evidence *v, const struct evidence_geometry *g, struct buf *b)
{
	static const char *const column[] = {"Class", "#Suspect",
	    "#References, median",
	    "\xe2\x97\x8f suspect, \xe2\x94\x81 references", "#Residual", "#z",
	    "#p, corrected", NULL};
	struct scale s = {(double)INFINITY, -(double)INFINITY};
	const struct evidence_class **row;
	struct arena a;
	char caption[256];
	size_t n;

	arena_init(&a, SIZE_MAX);
	row = choose(&a, g, &n);
	for (size_t i = 0; i < n; i++) {
		widen(&s, row[i]->radius);
		for (size_t k = 0; k < row[i]->nref; k++)
			widen(&s, row[i]->reference[k]);
	}
	snprintf(caption, sizeof(caption),
	    "Flip radius per class, %.80s (%.120s); logarithmic strip", g->name,
	    g->unit);
	page_table(b, caption, column);
	for (size_t i = 0; i < n; i++)
		radius_row(v, row[i], &s, b);
	page_table_end(b);
	if (n < g->n)
		page_el(b, "p class=\"soft\"",
		    "The %zu classes with the largest residuals of %zu; all "
		    "are in statement.json.",
		    n, g->n);
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
	    "<rect class=\"z\" width=\"100\" height=\"10\"/>"
	    "<rect class=\"s\" width=\"%.1f\" height=\"10\"/>"
	    "<rect class=\"d\" x=\"%.1f\" width=\"%.1f\" height=\"10\"/>"
	    "<rect class=\"u\" x=\"%.1f\" width=\"%.1f\" height=\"10\"/>"
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
		class_cell(v, row[i]->target, hit, b);
		count(b, f->n);
		count(b, f->flipped);
		count(b, f->shared);
		count(b, f->different);
		count(b, f->unshared);
		bar(f, b);
		number(b, rate, "%.2f", rate);
		buf_puts(b, "</tr>\n");
	}
	page_table_end(b);
	arena_release(&a);
}

void
html_scan(const struct html_in *h, struct buf *b)
{
	const struct evidence *v = h->in->scan;

	if (v == NULL)
		return;
	put_flips(h, b);
	page_section(b, "radii", "Flip radii");
	page_el(b, "p",
	    "How small a common change is enough. A suspect far to the left "
	    "of its references gives way where they do not.");
	for (size_t i = 0; i < v->ngeometry; i++)
		radius_table(v, &v->geometry[i], b);
	page_section_end(b);
	page_section(b, "shared", "Shared adversarial examples");
	buf_puts(b, "<p>Are the flips shared with the reference?"
		    "<span class=\"key s\"></span>shared"
		    "<span class=\"key d\"></span>different"
		    "<span class=\"key u\"></span>unshared</p>\n");
	for (size_t i = 0; i < v->ngeometry; i++)
		share_table(v, &v->geometry[i], b);
	page_section_end(b);
}
