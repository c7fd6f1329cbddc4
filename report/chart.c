/* SPDX-License-Identifier: MIT */
#include "report/chart.h"

#include "report/escape.h"

#include <math.h>

/* The drawing, and the frame within it. */
#define WIDE   640.0
#define HIGH   250.0
#define LEFT   60.0
#define RIGHT  14.0
#define TOP    12.0
#define BOTTOM 42.0

struct axis {
	double lo, hi; /* of the values; logarithms when `log` */
	bool log;
};

static double
across(double share)
{
	return LEFT + (WIDE - LEFT - RIGHT) * share;
}

static double
down(const struct axis *a, double v)
{
	double at = a->log ? log(v) : v;
	double span = fmax(a->hi - a->lo, 1e-12);

	return HIGH - BOTTOM - (HIGH - TOP - BOTTOM) * (at - a->lo) / span;
}

static void
begin(struct buf *b, const char *title)
{
	buf_printf(b,
	    "<svg class=\"chart\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
	    "aria-label=\"",
	    WIDE, HIGH);
	escape_html(b, title);
	buf_puts(b, "; the table below has the numbers\">\n");
}

/* A line across with its value at the left. */
static void
put_tick(const struct axis *a, double v, const char *unit, struct buf *b)
{
	double y = down(a, v);
	bool percent = *unit == '%';

	buf_printf(b,
	    "<line class=\"grid\" stroke=\"#dedbd2\" x1=\"%.0f\" y1=\"%.1f\" "
	    "x2=\"%.0f\" "
	    "y2=\"%.1f\"/><text class=\"tick\" font-size=\"15\" "
	    "fill=\"#59626b\" x=\"%.0f\" y=\"%.1f\" "
	    "text-anchor=\"end\">%.4g%s</text>\n",
	    LEFT, y, WIDE - RIGHT, y, LEFT - 6.0, y + 4.0,
	    percent ? 100.0 * v : v, percent ? " %" : unit);
}

/* Powers of ten where the axis has three, else the fewest of their multiples
 * that give three lines. */
static void
put_log_ticks(const struct axis *a, struct buf *b)
{
	static const struct {
		size_t n;
		double step[9];
	} set[] = {
	    {1, {1}}, {3, {1, 2, 5}}, {9, {1, 1.5, 2, 2.5, 3, 4, 5, 6, 8}}};

	for (size_t s = 0, n = 0; s < ARRAY_LEN(set) && n < 3; s++) {
		double tick[64];

		n = 0;
		for (int d = -12; d <= 12; d++)
			for (size_t i = 0; i < set[s].n; i++) {
				double v = set[s].step[i] * pow(10.0, d);

				if (log(v) >= a->lo && log(v) <= a->hi &&
				    n < ARRAY_LEN(tick))
					tick[n++] = v;
			}
		for (size_t i = 0; (n >= 3 || s + 1 == ARRAY_LEN(set)) && i < n;
		     i++)
			put_tick(a, tick[i], "", b);
	}
}

static void
put_linear_ticks(const struct axis *a, const char *unit, struct buf *b)
{
	double span = a->hi - a->lo, step = pow(10.0, floor(log10(span)));

	if (span / step < 2.5)
		step /= 4.0;
	else if (span / step < 6.0)
		step /= 2.0;
	for (double v = ceil(a->lo / step) * step; v <= a->hi + 1e-9; v += step)
		put_tick(a, fabs(v) < step / 1e6 ? 0.0 : v, unit, b);
}

/* The smallest of 1, 2, 5, 10, ... with which n things get at most `most`
 * numbers. */
static size_t
spacing(size_t n, size_t most)
{
	static const size_t step[] = {1, 2, 5};
	size_t unit = 1;

	for (;; unit *= 10)
		for (size_t i = 0; i < ARRAY_LEN(step); i++)
			if (n <= most * step[i] * unit)
				return step[i] * unit;
}

/* Numbers below the frame, so many that they do not touch. */
static void
put_numbers(
    size_t n, size_t first, bool between, const char *what, struct buf *b)
{
	size_t each = spacing(n, 14);
	double slots = between ? (double)n : fmax((double)n - 1.0, 1.0);

	for (size_t i = 0; i < n; i += each)
		buf_printf(b,
		    "<text class=\"tick\" font-size=\"15\" fill=\"#59626b\" "
		    "x=\"%.1f\" y=\"%.0f\" "
		    "text-anchor=\"middle\">%zu</text>",
		    across(((double)i + (between ? 0.5 : 0.0)) / slots),
		    HIGH - BOTTOM + 17.0, first + i);
	buf_printf(b,
	    "<text class=\"tick\" font-size=\"15\" fill=\"#59626b\" x=\"%.1f\" "
	    "y=\"%.0f\" "
	    "text-anchor=\"middle\">%s</text>\n",
	    across(0.5), HIGH - 4.0, what);
}

/* --- radii --------------------------------------------------------------- */

static bool
drawn(double r)
{
	return isfinite(r) && r > 0.0;
}

static void
widen(struct axis *a, double r)
{
	if (!drawn(r))
		return;
	a->lo = fmin(a->lo, log(r));
	a->hi = fmax(a->hi, log(r));
}

/* The references' range; a line also where there is one only. */
static void
put_references(const struct axis *a, const struct evidence_class *c, double x,
    double half, struct buf *b)
{
	double lo = (double)INFINITY, hi = 0.0;

	for (size_t i = 0; i < c->nref; i++)
		if (drawn(c->reference[i])) {
			lo = fmin(lo, c->reference[i]);
			hi = fmax(hi, c->reference[i]);
		}
	if (!isfinite(lo))
		return;
	buf_printf(b,
	    "<rect class=\"ref\" fill=\"#767676\" x=\"%.1f\" y=\"%.1f\" "
	    "width=\"%.1f\" "
	    "height=\"%.1f\" rx=\"1.5\"/>",
	    x - half, down(a, hi) - 1.75, 2.0 * half,
	    down(a, lo) - down(a, hi) + 3.5);
}

static void
put_suspect(const struct axis *a, const struct evidence_class *c, bool hit,
    double x, double size, struct buf *b)
{
	double y = down(a, c->radius);

	if (hit) /* a diamond: told from the dots by its form, too */
		buf_printf(b,
		    "<path class=\"hit\" fill=\"#d55e00\" d=\"M%.1f %.1fl%.1f "
		    "%.1f%.1f "
		    "%.1f%.1f%.1fz\"/>\n",
		    x, y - 1.7 * size, 1.7 * size, 1.7 * size, -1.7 * size,
		    1.7 * size, -1.7 * size, -1.7 * size);
	else
		buf_printf(b,
		    "<circle class=\"sus\" fill=\"#0072b2\" cx=\"%.1f\" "
		    "cy=\"%.1f\" "
		    "r=\"%.1f\"/>\n",
		    x, y, size);
}

void
chart_radii(
    const struct evidence *v, const struct evidence_geometry *g, struct buf *b)
{
	struct axis a = {(double)INFINITY, -(double)INFINITY, true};
	double slot = (WIDE - LEFT - RIGHT) / (double)MAX(g->n, 1);
	double size = fmin(4.5, fmax(1.4, 0.32 * slot));
	char title[128];

	for (size_t i = 0; i < g->n; i++) {
		widen(&a, g->row[i].radius);
		for (size_t k = 0; k < g->row[i].nref; k++)
			widen(&a, g->row[i].reference[k]);
	}
	if (!(a.lo <= a.hi))
		return;
	a.lo -= 0.08;
	a.hi += 0.08;
	snprintf(title, sizeof(title), "Flip radii by class, %.40s", g->name);
	begin(b, title);
	put_log_ticks(&a, b);
	for (size_t i = 0; i < g->n; i++) {
		const struct evidence_class *c = &g->row[i];
		double x = across(((double)i + 0.5) / (double)g->n);

		put_references(&a, c, x, fmin(7.0, 0.38 * slot), b);
		if (drawn(c->radius))
			put_suspect(&a, c, evidence_is_target(v, c->target), x,
			    size, b);
	}
	put_numbers(g->n, 0, true, "class", b);
	buf_puts(b, "</svg>\n");
}

/* --- lines --------------------------------------------------------------- */

/* The k-th line's looks, told apart without colours, too; as attributes for
 * printers that do not know the style sheet's custom properties. */
static void
put_look(struct buf *b, size_t k)
{
	static const char *const look[] = {
	    "stroke=\"#0072b2\"",
	    "stroke=\"#d55e00\" stroke-dasharray=\"7 4\"",
	    "stroke=\"#767676\" stroke-dasharray=\"2 3\"",
	    "stroke=\"#1c2126\" stroke-dasharray=\"9 3 2 3\"",
	};

	if (k >= ARRAY_LEN(look))
		BUG("too many lines");
	buf_printf(b,
	    "class=\"line l%zu\" fill=\"none\" stroke-width=\"2.4\" %s", k,
	    look[k]);
}

static void
put_line(const struct axis *a, const struct chart_line *l, size_t k, size_t n,
    struct buf *b)
{
	const char *join = "M";

	buf_puts(b, "<path ");
	put_look(b, k);
	buf_puts(b, " d=\"");
	for (size_t i = 0; i < n; i++) {
		double x = across((double)i / fmax((double)n - 1.0, 1.0));

		if (!isfinite(l->y[i]))
			continue;
		buf_printf(b, "%s%.1f %.1f", join, x, down(a, l->y[i]));
		join = "L";
	}
	/* one round alone is a point, not a line */
	if (n == 1 && isfinite(l->y[0]))
		buf_puts(b, "h4");
	buf_puts(b, "\"/>\n");
}

static void
put_keys(const struct chart_line *l, size_t nline, struct buf *b)
{
	buf_puts(b, "<p class=\"keys\">");
	for (size_t k = 0; k < nline; k++) {
		buf_puts(b, "<span><svg class=\"mark\" viewBox=\"0 0 34 8\" "
			    "width=\"34\" height=\"8\" "
			    "aria-hidden=\"true\"><path ");
		put_look(b, k);
		buf_puts(b, " d=\"M1 4h32\"/></svg>");
		escape_html(b, l[k].label);
		buf_puts(b, "</span> ");
	}
	buf_puts(b, "</p>\n");
}

void
chart_lines(const struct chart_line *l, size_t nline, size_t n,
    const char *title, const char *unit, struct buf *b)
{
	struct axis a = {0.0, *unit == '%' ? 1.0 : 1e-9, false};

	for (size_t k = 0; k < nline; k++)
		for (size_t i = 0; i < n; i++)
			if (isfinite(l[k].y[i])) {
				a.lo = fmin(a.lo, l[k].y[i]);
				a.hi = fmax(a.hi, l[k].y[i]);
			}
	put_keys(l, nline, b);
	begin(b, title);
	put_linear_ticks(&a, unit, b);
	for (size_t k = 0; k < nline; k++)
		put_line(&a, &l[k], k, n, b);
	put_numbers(n, 1, false, "round", b);
	buf_puts(b, "</svg>\n");
}

/* --- shares -------------------------------------------------------------- */

void
chart_shares(const struct evidence *v, const double *share, const char *title,
    struct buf *b)
{
	struct axis a = {0.0, 0.05, false};
	double slot = (WIDE - LEFT - RIGHT) / (double)v->classes;

	for (size_t i = 0; i < v->classes; i++)
		if (isfinite(share[i]))
			a.hi = fmax(a.hi, share[i]);
	begin(b, title);
	put_linear_ticks(&a, "%", b);
	for (size_t i = 0; i < v->classes; i++)
		if (isfinite(share[i]) && share[i] > 0.0)
			buf_printf(b,
			    "<rect class=\"%s\" fill=\"%s\" x=\"%.2f\" "
			    "y=\"%.1f\" "
			    "width=\"%.2f\" height=\"%.1f\"/>\n",
			    evidence_is_target(v, i) ? "hit" : "sus",
			    evidence_is_target(v, i) ? "#d55e00" : "#0072b2",
			    across((double)i / (double)v->classes) + 0.1 * slot,
			    down(&a, share[i]),
			    fmax(0.8 * slot,
				evidence_is_target(v, i) ? 1.5 : 0.5),
			    down(&a, 0.0) - down(&a, share[i]));
	put_numbers(v->classes, 0, true, "class", b);
	buf_puts(b, "</svg>\n");
}
