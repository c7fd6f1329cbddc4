/* SPDX-License-Identifier: MIT
 * Which classes become which: the diagram of the recovered change, the same
 * in reference and purified model, and the matrix of an attack without a
 * target.  Each picture has its numbers as a table.
 */
#include "report/html.h"

#include "report/chart.h"
#include "report/page.h"

#include <math.h>

/* Rows of one table; what is beyond stands in the statement. */
#define ROWS_MAX 60
/* Classes up to which the matrix is a table, and cells on a side of one that
 * is drawn. */
#define HEAT_TABLE 20
#define HEAT_SIDE  200
/* Cells and columns that are listed for the larger ones. */
#define HEAT_LISTED 30

/* --- diagram ------------------------------------------------------------- */

/* Flips into other classes in the references; -1 where that was not counted. */
static int64_t
different(const struct diagram_edge *g)
{
	if (g->shared < 0 || g->unshared < 0)
		return -1;
	return g->flipped - g->shared - g->unshared;
}

static void
edge_table(const struct diagram *d, struct buf *b)
{
	static const char *const column[] = {"From", "To", "#Flipped",
	    "#Of images", "#Rate", "#Shared", "#Different", "#Unshared", NULL};
	const struct evidence *v = d->evidence;

	page_table(b, "The numbers of the diagram, strongest first", column);
	for (size_t i = 0; i < MIN(d->nedge, ROWS_MAX); i++) {
		const struct diagram_edge *g = &d->edge[i];
		int64_t rate = diagram_rate(g);
		char room[EVIDENCE_WORDS];

		buf_puts(b, "<tr>");
		html_class(v, g->from, false, b);
		page_el(b, "td", "%s", evidence_label(v, g->to, room));
		page_count(b, g->flipped);
		page_count(b, g->n);
		page_el(b, "td class=\"num\"", "%" PRId64 ".%" PRId64 " %%",
		    rate / 10, rate % 10);
		page_count(b, g->shared);
		page_count(b, different(g));
		page_count(b, g->unshared);
		buf_puts(b, "</tr>\n");
	}
	page_table_end(b);
	page_rest(b, MIN(d->nedge, ROWS_MAX), d->nedge, "statement.json");
}

static void
put_caption(const struct diagram *d, struct buf *b)
{
	buf_puts(b, "<figcaption>");
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
	buf_puts(b, "</figcaption>");
}

static void
put_diagram(const struct html_in *h, struct buf *b)
{
	const struct diagram *d = h->diagram;

	if (d == NULL || h->svg == NULL)
		return;
	buf_puts(b, "<figure><div class=\"flip\" role=\"img\" tabindex=\"0\" "
		    "aria-label=\"Class-flip diagram; the table below has its "
		    "numbers\">\n");
	svg_inline(h->svg, b);
	buf_puts(b, "</div>");
	put_caption(d, b);
	buf_puts(b, "</figure>\n");
	if (d->nedge != 0)
		edge_table(d, b);
}

/* --- side by side -------------------------------------------------------- */

static void
rate_cell(struct buf *b, int64_t hit, int64_t n)
{
	if (n <= 0)
		page_el(b, "td class=\"num\"", "%s", page_dash);
	else
		page_el(b, "td class=\"num\"",
		    "%" PRId64 " of %" PRId64 ", %" PRId64 " %%", hit, n,
		    diagram_percent(hit, n));
}

static void
compare_row(
    const struct html_in *h, const struct evidence_flips *f, struct buf *b)
{
	buf_puts(b, "<tr>");
	html_class(h->in->scan, (size_t)f->source, false, b);
	rate_cell(b, f->flipped, f->n);
	rate_cell(b, f->shared, f->n);
	if (h->purified != NULL)
		rate_cell(
		    b, h->purified[f->source].hit, h->purified[f->source].n);
	buf_puts(b, "</tr>\n");
}

/* Whether the diagram draws the class; a small one draws all. */
static bool
in_diagram(const struct diagram *d, size_t class)
{
	for (size_t i = 0; i < d->nnode; i++)
		if (d->node[i] == class)
			return true;
	return false;
}

static void
compare_table(const struct html_in *h, struct buf *b)
{
	static const char *const column[] = {
	    "From", "#Suspect", "#Most references", "#Purified", NULL};
	static const char *const fewer[] = {
	    "From", "#Suspect", "#Most references", NULL};
	const struct evidence_class *c = h->in->scan->target[0].row;
	size_t n = 0;

	page_table(b,
	    "Images of each class that the same change turns into the target",
	    h->purified != NULL ? column : fewer);
	for (size_t i = 0; i < c->nsource; i++) {
		const struct evidence_flips *f = &c->by_source[i];

		if (c->nsource > ROWS_MAX &&
		    !in_diagram(h->diagram, (size_t)f->source))
			continue;
		compare_row(h, f, b);
		n++;
	}
	page_table_end(b);
	if (n < c->nsource)
		page_el(b, "p class=\"soft\"",
		    "The %zu classes of the diagram above, of %zu; all are in "
		    "statement.json.",
		    n, c->nsource);
}

static void
put_compare(const struct html_in *h, struct buf *b)
{
	if (h->compare_svg == NULL)
		return;
	page_el(b, "h3", "The same change in other models");
	buf_puts(b, "<figure><div class=\"flip wide\" role=\"img\" "
		    "tabindex=\"0\" aria-label=\"The class-flip diagram of "
		    "suspect, references and purified model side by side; the "
		    "table below has the numbers\">\n");
	svg_inline(h->compare_svg, b);
	buf_puts(b,
	    "</div><figcaption>Flips to the target under the change that was "
	    "recovered from the suspect: in the suspect; shared by most "
	    "references, on the same images");
	if (h->purified != NULL)
		buf_puts(b, "; and in the purified model, on the images that "
			    "it was evaluated with");
	else
		buf_puts(b, ". What it does in a purified model was not "
			    "measured");
	buf_puts(b, ".</figcaption></figure>\n");
	compare_table(h, b);
}

/* --- matrix -------------------------------------------------------------- */

/* The style sheet's shades on white. */
static const char *const shades[] = {"#f1f1ee", "#f1f1ee", "#d5e6f1", "#bcd8ea",
    "#9fc8e1", "#7fb5d6", "#4f98c6", "#2a80b5", "#0f6ba3", "#07568a",
    "#04406a"};

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

	buf_puts(b,
	    "<div class=\"scroll\" tabindex=\"0\" role=\"group\" "
	    "aria-label=\"Class-flip matrix\"><table class=\"heat\">"
	    "<caption><span>Untargeted flips, per cent of the images of the "
	    "row\xe2\x80\x99s class that the attack turns into the "
	    "column\xe2\x80\x99s "
	    "class. A backdoor can show as a dark column; so does a "
	    "class that is easy to reach in every model."
	    "</span></caption>"
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
		html_class(v, s, false, b);
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

/* The shades of a matrix in which a cell may stand for block x block classes,
 * by the strongest of them: so a target's column is seen at any size. */
struct heat {
	size_t block, side; /* side cells down and across */
	uint8_t *shade;
};

static void
heat_pool(const struct evidence *v, struct arena *a, struct heat *h)
{
	size_t k = v->classes;

	h->block = (k + HEAT_SIDE - 1) / HEAT_SIDE;
	h->side = (k + h->block - 1) / h->block;
	h->shade = arena_alloc(a, h->side * h->side, 1);
	if (h->shade == NULL)
		BUG("out of memory");
	for (size_t i = 0; i < k * k; i++) {
		size_t s = i / k, t = i % k;
		size_t at = s / h->block * h->side + t / h->block;
		int of = s == t ? 0 : shade(v->matrix[i], v->matrix_n[s]);

		h->shade[at] = (uint8_t)MAX(h->shade[at], of);
	}
}

/* One path for each shade, runs of cells within a row joined. */
static void
heat_cells(const struct heat *h, struct buf *b)
{
	for (size_t c = 2; c <= 10; c++) {
		/* the colour also for printers without custom properties */
		buf_printf(b,
		    "<path class=\"h%zu\" fill=\"%s\" "
		    "transform=\"scale(%zu)\" d=\"",
		    c, shades[c], h->block);
		for (size_t i = 0, run; i < h->side * h->side; i += run) {
			run = 1;
			if (h->shade[i] != c)
				continue;
			while (
			    (i + run) % h->side != 0 && h->shade[i + run] == c)
				run++;
			buf_printf(b, "M%zu %zuh%zuv1h-%zuz", i % h->side,
			    i / h->side, run, run);
		}
		buf_puts(b, "\"/>\n");
	}
}

/* Numbers beside and above, and marks at the targets' columns. */
static void
heat_frame(const struct evidence *v, struct buf *b)
{
	double size = 0.02 * (double)v->classes;
	size_t each = (v->classes + 19) / 20;

	for (size_t i = 0; i < v->classes; i += each) {
		double at = (double)i + 0.5;

		buf_printf(b,
		    "<text class=\"tick\" font-size=\"%.2f\" x=\"%.2f\" "
		    "y=\"%.2f\" text-anchor=\"end\">%zu</text>"
		    "<text class=\"tick\" font-size=\"%.2f\" x=\"%.2f\" "
		    "y=\"%.2f\" text-anchor=\"middle\">%zu</text>\n",
		    size, -0.5 * size, at + 0.35 * size, i, size, at,
		    -1.7 * size, i);
	}
	for (size_t t = 0; t < v->classes; t++)
		if (evidence_is_target(v, t))
			buf_printf(b,
			    "<path class=\"hit\" d=\"M%.2f %.2fh%.2fl%.2f "
			    "%.2fz\"><title>target: class %zu</title></path>\n",
			    (double)t + 0.5 - 0.7 * size, -1.4 * size,
			    1.4 * size, -0.7 * size, 1.2 * size, t);
}

static void
heat_drawing(const struct evidence *v, struct buf *b)
{
	double k = (double)v->classes, m = 0.08 * k;
	struct arena a;
	struct heat h;

	arena_init(&a, SIZE_MAX);
	heat_pool(v, &a, &h);
	buf_printf(b,
	    "<figure><svg class=\"heatmap\" viewBox=\"%.2f %.2f %.2f %.2f\" "
	    "role=\"img\" aria-label=\"Class-flip matrix, sources down, "
	    "predictions across; the tables below have the strongest cells and "
	    "columns\">\n<rect class=\"h0\" fill=\"#f1f1ee\" width=\"%zu\" "
	    "height=\"%zu\"/>\n",
	    -m, -m, k + 1.2 * m, k + 1.2 * m, h.side * h.block,
	    h.side * h.block);
	heat_cells(&h, b);
	heat_frame(v, b);
	buf_puts(b, "</svg><figcaption>Untargeted flips: source classes down, "
		    "what they become across. A backdoor shows as a dark "
		    "column.");
	if (h.block > 1)
		buf_printf(b,
		    " A cell stands for %zu by %zu classes, by the strongest "
		    "flip among them.",
		    h.block, h.block);
	buf_puts(b, "</figcaption></figure>\n");
	arena_release(&a);
}

/* --- what a large matrix says, as tables --------------------------------- */

struct cell {
	size_t from, to;
	double share;
};

/* Keep the list sorted, the largest first. */
static void
keep(struct cell *list, size_t *n, struct cell c)
{
	size_t at = *n;

	while (at > 0 && list[at - 1].share < c.share)
		at--;
	if (at == HEAT_LISTED)
		return;
	*n = MIN(*n + 1, HEAT_LISTED);
	memmove(list + at + 1, list + at, (*n - at - 1) * sizeof(*list));
	list[at] = c;
}

static void
strongest_cells(const struct evidence *v, struct buf *b)
{
	static const char *const column[] = {
	    "From", "To", "#Flipped", "#Of images", "#Shared", NULL};
	struct cell list[HEAT_LISTED];
	size_t n = 0, k = v->classes;

	for (size_t i = 0; i < k * k; i++)
		if (i / k != i % k && v->matrix[i] > 0 &&
		    v->matrix_n[i / k] > 0)
			keep(list, &n,
			    (struct cell){i / k, i % k,
				(double)v->matrix[i] /
				    (double)v->matrix_n[i / k]});
	page_table(b, "The strongest untargeted flips", column);
	for (size_t i = 0; i < n; i++) {
		size_t at = list[i].from * k + list[i].to;
		char room[EVIDENCE_WORDS];

		buf_puts(b, "<tr>");
		html_class(v, list[i].from, false, b);
		page_el(b, "td", "%s", evidence_label(v, list[i].to, room));
		page_count(b, v->matrix[at]);
		page_count(b, v->matrix_n[list[i].from]);
		page_count(b, v->matrix_shared[at]);
		buf_puts(b, "</tr>\n");
	}
	page_table_end(b);
}

/* Which share of the images of other classes ends in each class. */
static void
inbound(const struct evidence *v, double *share)
{
	size_t k = v->classes;
	double all = 0.0;

	for (size_t s = 0; s < k; s++)
		all += (double)v->matrix_n[s];
	for (size_t t = 0; t < k; t++) {
		double in = 0.0, n = all - (double)v->matrix_n[t];

		for (size_t s = 0; s < k; s++)
			if (s != t)
				in += (double)v->matrix[s * k + t];
		share[t] = n > 0.0 ? in / n : (double)NAN;
	}
}

static void
put_inbound(const struct evidence *v, struct buf *b)
{
	static const char *const column[] = {
	    "Class", "#Share of the images of other classes", NULL};
	static const char title[] =
	    "Untargeted flips by the class that they end in";
	struct cell list[HEAT_LISTED];
	struct arena a;
	double *share;
	size_t n = 0;

	arena_init(&a, SIZE_MAX);
	if ((share = arena_alloc(&a, v->classes, sizeof(*share))) == NULL)
		BUG("out of memory");
	inbound(v, share);
	buf_puts(b, "<figure>");
	chart_shares(v, share, title, b);
	page_el(b, "figcaption", "%s. A target draws many.", title);
	buf_puts(b, "</figure>\n");
	for (size_t t = 0; t < v->classes; t++)
		if (isfinite(share[t]) && share[t] > 0.0)
			keep(list, &n, (struct cell){t, t, share[t]});
	page_table(b, "Classes in which most flips end", column);
	for (size_t i = 0; i < n; i++) {
		bool hit = evidence_is_target(v, list[i].to);

		buf_puts(b, hit ? "<tr class=\"target\">" : "<tr>");
		html_class(v, list[i].to, hit, b);
		page_el(
		    b, "td class=\"num\"", "%.1f %%", 100.0 * list[i].share);
		buf_puts(b, "</tr>\n");
	}
	page_table_end(b);
	arena_release(&a);
}

void
html_flips(const struct html_in *h, struct buf *b)
{
	const struct evidence *v = h->in->scan;

	if (v == NULL)
		return;
	page_section(b, "flips", "Class flips");
	put_diagram(h, b);
	put_compare(h, b);
	page_el(b, "h3", "Source by predicted class");
	if (v->matrix == NULL) {
		page_el(b, "p", "The scan did not measure untargeted flips.");
	} else if (v->classes <= HEAT_TABLE) {
		heat_table(v, b);
	} else {
		heat_drawing(v, b);
		strongest_cells(v, b);
		put_inbound(v, b);
	}
	page_section_end(b);
}
