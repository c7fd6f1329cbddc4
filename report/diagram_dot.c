/* SPDX-License-Identifier: MIT
 * Class-flip diagrams as DOT: every position is pinned, so that the picture
 * does not depend on a layout engine's mood, and hidden text is inert.
 */
#include "report/diagram.h"

#include "report/escape.h"

#include "base/stat.h"

#include <math.h>

/* Per mille: edges below are not drawn, and where the colours change. */
#define RATE_LEAST 50
#define RATE_HALF  500
#define RATE_FULL  900
/* Nodes on one circle; more stand on two, by turns. */
#define CIRCLE_MAX 20

static void
put_rate(struct buf *b, int64_t mille)
{
	buf_printf(b, "%" PRId64 ".%" PRId64 " %%", mille / 10, mille % 10);
}

/* --- places -------------------------------------------------------------- */

struct ring {
	size_t slots;
	double inner, step; /* inches; step 0: one circle */
};

/* A ring for n nodes of that distance, at least that wide. */
static struct ring
ring_of(size_t n, double apart, double least)
{
	bool two = n > CIRCLE_MAX;
	size_t slots = two ? n + n % 2 : n;
	double round = apart * (double)slots / (two ? 2.0 : 1.0);

	return (struct ring){slots, fmax(least, round / (2.0 * acos(-1.0))),
	    two ? 0.85 * apart : 0.0};
}

static double
ring_outer(const struct ring *r)
{
	return r->inner + r->step;
}

/* Clockwise from the top. */
static void
ring_place(const struct ring *r, size_t at, double *x, double *y)
{
	double a = 2.0 * acos(-1.0) * (double)at / (double)MAX(r->slots, 1);
	double far = r->inner + (at % 2 != 0 ? r->step : 0.0);

	*x = far * sin(a);
	*y = far * cos(a);
}

/* --- one diagram --------------------------------------------------------- */

static void
put_title(const struct diagram *d, struct buf *b)
{
	const struct evidence *v = d->evidence;
	size_t n = 0;

	if (!d->targeted && strcmp(v->verdict, "no-evidence") == 0) {
		buf_puts(b, "No evidence of a backdoor target\\n");
		buf_puts(b, "strongest untargeted class flips, for comparison");
		return;
	}
	if (!d->targeted) {
		buf_puts(b, "Inconclusive: no target named\\n");
		buf_puts(b, "strongest untargeted class flips, for comparison");
		return;
	}
	buf_puts(b, "Class flips to ");
	for (size_t i = 0; i < v->classes && n < DIAGRAM_CENTER; i++) {
		if (!d->center[i])
			continue;
		buf_printf(b, "%s%s%zu ", n++ != 0 ? "and " : "",
		    evidence_named(v, i) ? "" : "class ", i);
		if (evidence_named(v, i)) {
			escape_dot(b, v->name[i], 32);
			buf_puts(b, " ");
		}
	}
	if (d->ncenter > DIAGRAM_CENTER)
		buf_printf(b, "and %zu more ", d->ncenter - DIAGRAM_CENTER);
	buf_puts(b, "\\nunder the recovered perturbation, held-out images");
}

/* The strongest edge that leaves the class, or NULL. */
static const struct diagram_edge *
leaving(const struct diagram *d, size_t class)
{
	for (size_t i = 0; i < d->nedge; i++)
		if (d->edge[i].from == class)
			return &d->edge[i];
	return NULL;
}

static void
put_node(const struct diagram *d, size_t i, double x, double y, struct buf *b)
{
	const char *name = d->evidence->name[i];
	const struct diagram_edge *out = leaving(d, i);

	buf_printf(b, "  c%zu [pos=\"%.3f,%.3f!\", label=\"%zu\\n", i, x, y, i);
	if (evidence_named(d->evidence, i)) {
		escape_dot(b, name, 12);
		buf_puts(b, "\\n");
	}
	if (d->center[i])
		buf_puts(b, "TARGET");
	else if (d->targeted && out != NULL)
		put_rate(b, diagram_rate(out));
	else if (d->targeted)
		buf_puts(b, "< 5 %");
	/* no name here: Graphviz 2.43 expands escapes in tooltips twice */
	buf_printf(b, "\", tooltip=\"class %zu", i);
	if (d->center[i])
		buf_puts(b,
		    ": flagged target\", class=\"target\", shape=doublecircle, "
		    "fillcolor=\"#D55E00\", fontcolor=\"#000000\", penwidth=2");
	else
		buf_puts(b, "\", class=\"source\"");
	buf_puts(b, "];\n");
}

/* Colour, dash and width all say the rate. */
static void
put_stroke(struct buf *b, int64_t rate, bool targeted)
{
	const char *class = rate >= RATE_FULL   ? "high"
			    : rate >= RATE_HALF ? "mid"
						: "low";
	const char *colour = rate >= RATE_FULL   ? "#D55E00"
			     : rate >= RATE_HALF ? "#0072B2"
						 : "#767676";
	double width = fmax(0.75, 6.0 * (double)rate / 1000.0);

	if (!targeted) {
		class = rate >= RATE_HALF ? "faint" : "faint low";
		colour = "#767676";
		width = fmax(0.75, 2.0 * (double)rate / 1000.0);
	}
	buf_printf(b, "class=\"%s\", color=\"%s\", style=%s, penwidth=%.2f",
	    class, colour, rate >= RATE_HALF ? "solid" : "dashed", width);
}

static void
put_edge(const struct diagram *d, const struct diagram_edge *g, struct buf *b)
{
	int64_t rate = diagram_rate(g);

	buf_printf(b, "  c%zu -> c%zu [", g->from, g->to);
	put_stroke(b, rate, d->targeted);
	buf_printf(b, ", tooltip=\"%zu to %zu: %" PRId64 " of %" PRId64 ", ",
	    g->from, g->to, g->flipped, g->n);
	put_rate(b, rate);
	buf_puts(b, "\"];\n");
}

static void
put_legend(bool targeted, double x, double y, unsigned size, struct buf *b)
{
	static const char *const cell =
	    "<TD><FONT COLOR=\"%s\"><B>%s</B></FONT></TD>"
	    "<TD ALIGN=\"LEFT\">%s</TD>";

	buf_printf(b,
	    "  legend [pos=\"%.3f,%.3f!\", shape=plain, style=\"\", "
	    "fixedsize=false, fontsize=%u, class=\"legend\", "
	    "tooltip=\"legend\","
	    " label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"6\">"
	    "<TR>",
	    x, y, size);
	if (targeted) {
		buf_printf(
		    b, cell, "#D55E00", "&#9473;&#9473;", "&#8805; 90 % flip");
		buf_printf(b, cell, "#0072B2", "&#9473;&#9473;", "50 - 90 %");
		buf_printf(b, cell, "#767676", "&#9476;&#9476;", "5 - 50 %");
		buf_puts(b, "<TD>double ring: target</TD>");
	} else {
		buf_printf(
		    b, cell, "#767676", "&#9473;&#9473;", "&#8805; 50 % flip");
		buf_printf(b, cell, "#767676", "&#9476;&#9476;", "5 - 50 %");
	}
	buf_puts(b, "</TR></TABLE>>];\n");
}

static void
put_others(const struct diagram *d, double x, double y, struct buf *b)
{
	buf_printf(b,
	    "  others [pos=\"%.3f,%.3f!\", label=\"%zu other\\nclasses\\n", x,
	    y, d->others);
	if (d->targeted) {
		buf_puts(b, "median ");
		put_rate(b, d->others_rate);
	}
	buf_puts(b,
	    "\", tooltip=\"classes that are not drawn\", "
	    "class=\"others\", style=\"filled,dashed\", fontsize=9];\n");
}

/* Targets in the middle when they fit there, the rest on a ring in class
 * order.  Returns the radius. */
static double
put_nodes(const struct diagram *d, struct buf *b)
{
	bool star = d->targeted && d->ncenter <= DIAGRAM_CENTER;
	size_t n = d->nnode - (star ? d->ncenter : 0) + (d->others != 0);
	double least = star && d->ncenter == 2 ? 2.9 : 2.4, x, y;
	struct ring r = ring_of(n, 1.32, least);
	size_t at = 0, mid = 0;

	for (size_t i = 0; i < d->nnode; i++) {
		size_t c = d->node[i];

		if (star && d->center[c]) {
			x = d->ncenter == 2 ? (double)mid * 1.7 - 0.85 : 0.0;
			put_node(d, c, x, 0.0, b);
			mid++;
			continue;
		}
		ring_place(&r, at++, &x, &y);
		put_node(d, c, x, y, b);
	}
	if (d->others != 0) {
		ring_place(&r, at, &x, &y);
		put_others(d, x, y, b);
	}
	return ring_outer(&r);
}

void
diagram_dot(const struct diagram *d, struct buf *b)
{
	double r;

	buf_puts(b,
	    "// class-flip diagram; positions are pinned: neato -n\n"
	    "digraph class_flips {\n"
	    "  graph [layout=neato, splines=line, "
	    "outputorder=edgesfirst, bgcolor=white, pad=0.15, "
	    "fontname=\"DejaVu Sans\", fontsize=12, labelloc=t, label=\"");
	put_title(d, b);
	buf_puts(b,
	    "\"];\n"
	    "  node [shape=circle, fixedsize=true, width=1.08, style=filled, "
	    "fillcolor=\"#F2F2F2\", color=\"#4D4D4D\", "
	    "fontname=\"DejaVu Sans\", fontsize=9.5];\n"
	    "  edge [arrowsize=0.7];\n");
	r = put_nodes(d, b);
	for (size_t i = 0; i < d->nedge; i++)
		put_edge(d, &d->edge[i], b);
	put_legend(d->targeted, 0.0, -(r + 0.95), 9, b);
	buf_puts(b, "}\n");
}

/* --- side by side -------------------------------------------------------- */

/* What one of the models does under the change. */
struct panel {
	const char *id, *title;
	const struct evidence_success *by_class; /* [classes] */
};

struct compare {
	const struct diagram *d;
	const struct evidence_class *row;
	size_t *node; /* sources that are drawn, ascending */
	size_t n, others;
	bool *on; /* [classes] */
	struct ring ring;
	struct arena arena;
};

static int64_t
per_mille(const struct evidence_success *s)
{
	return s->n > 0 ? (s->hit * 1000 + s->n / 2) / s->n : -1;
}

static void
put_percent(struct buf *b, int64_t percent)
{
	if (percent < 0)
		buf_puts(b, "-");
	else
		buf_printf(b, "%" PRId64 " %%", percent);
}

/* The median of the classes that are not drawn, per cent. */
static int64_t
others_rate(struct compare *c, const struct panel *p)
{
	size_t k = c->d->evidence->classes, n = 0;
	double *rate = arena_alloc(&c->arena, k, sizeof(*rate));

	for (size_t i = 0; rate != NULL && i < k; i++)
		if (i != c->row->target && !c->on[i] && p->by_class[i].n > 0)
			rate[n++] = (double)p->by_class[i].hit /
				    (double)p->by_class[i].n;
	return n != 0 ? (int64_t)lround(100.0 * stat_median(rate, n)) : -1;
}

static void
put_panel_node(const struct compare *c, const struct panel *p, size_t at,
    double left, struct buf *b)
{
	size_t class = c->node[at];
	const struct evidence_success *s = &p->by_class[class];
	int64_t rate = per_mille(s);
	double x, y;

	ring_place(&c->ring, at, &x, &y);
	buf_printf(b, "  %s%zu [pos=\"%.3f,%.3f!\", label=\"%zu\\n", p->id,
	    class, left + x, y, class);
	put_percent(b, diagram_percent(s->hit, s->n));
	buf_printf(b,
	    "\", tooltip=\"class %zu: %" PRId64 " of %" PRId64
	    "\", class=\"source\"];\n",
	    class, s->hit, s->n);
	if (rate < RATE_LEAST)
		return;
	buf_printf(b, "  %s%zu -> %st [", p->id, class, p->id);
	put_stroke(b, rate, true);
	buf_printf(b, ", tooltip=\"class %zu\"];\n", class);
}

static void
put_panel(struct compare *c, const struct panel *p, double left, struct buf *b)
{
	struct evidence_success all = {0, 0};
	double x, y;

	for (size_t i = 0; i < c->d->evidence->classes; i++) {
		if (i == c->row->target)
			continue;
		all.hit += p->by_class[i].hit;
		all.n += p->by_class[i].n;
	}
	buf_printf(b,
	    "  %stitle [pos=\"%.3f,%.3f!\", shape=plain, style=\"\", "
	    "fixedsize=false, fontsize=17, class=\"name\", tooltip=\"%s\", "
	    "label=\"%s: ",
	    p->id, left, ring_outer(&c->ring) + 0.85, p->title, p->title);
	put_percent(b, diagram_percent(all.hit, all.n));
	buf_printf(b, "\\n%" PRId64 " of %" PRId64 " images flip\"];\n",
	    all.hit, all.n);
	buf_printf(b,
	    "  %st [pos=\"%.3f,0!\", label=\"%zu\", tooltip=\"class %zu: "
	    "target\", class=\"target\", shape=doublecircle, "
	    "fillcolor=\"#D55E00\", fontcolor=\"#000000\", penwidth=2];\n",
	    p->id, left, c->row->target, c->row->target);
	for (size_t i = 0; i < c->n; i++)
		put_panel_node(c, p, i, left, b);
	if (c->others == 0)
		return;
	ring_place(&c->ring, c->n, &x, &y);
	buf_printf(b, "  %sothers [pos=\"%.3f,%.3f!\", label=\"+ %zu\\n", p->id,
	    left + x, y, c->others);
	put_percent(b, others_rate(c, p));
	buf_puts(b, "\", tooltip=\"classes that are not drawn: the median\", "
		    "class=\"others\", style=\"filled,dashed\"];\n");
}

/* The suspect's and the references' counts, by class. */
static int
counts_of(const struct evidence_class *row, struct evidence_success *suspect,
    struct evidence_success *shared)
{
	int64_t known = 0;

	for (size_t i = 0; i < row->nsource; i++) {
		const struct evidence_flips *f = &row->by_source[i];

		suspect[f->source] =
		    (struct evidence_success){f->flipped, f->n};
		shared[f->source] = (struct evidence_success){f->shared, f->n};
		known += f->n;
	}
	return known != 0 && row->nref != 0 ? 0 : -1;
}

static void
choose_sources(struct compare *c)
{
	size_t k = c->d->evidence->classes, n = 0;

	for (size_t i = 0; i < c->d->nedge && n < DIAGRAM_COMPARED; i++) {
		const struct diagram_edge *g = &c->d->edge[i];

		if (g->to != c->row->target || c->on[g->from])
			continue;
		c->on[g->from] = true;
		n++;
	}
	/* room that is left: classes that do not flip, in order */
	for (size_t i = 0; i < k && n < DIAGRAM_COMPARED; i++)
		if (i != c->row->target && !c->on[i]) {
			c->on[i] = true;
			n++;
		}
	for (size_t i = 0; i < k; i++)
		if (c->on[i])
			c->node[c->n++] = i;
	c->others = k - 1 - c->n;
	c->ring = ring_of(c->n + (c->others != 0), 0.98, 1.75);
}

static void
put_panels(struct compare *c, const struct panel *p, size_t n, struct buf *b)
{
	double wide = 2.0 * ring_outer(&c->ring) + 1.5;

	buf_puts(b,
	    "// the same change in several models; positions are pinned\n"
	    "digraph class_flips_compared {\n"
	    "  graph [layout=neato, splines=line, "
	    "outputorder=edgesfirst, bgcolor=white, pad=0.1, "
	    "fontname=\"DejaVu Sans\"];\n"
	    "  node [shape=circle, fixedsize=true, width=0.84, style=filled, "
	    "fillcolor=\"#F2F2F2\", color=\"#4D4D4D\", "
	    "fontname=\"DejaVu Sans\", fontsize=15];\n"
	    "  edge [arrowsize=0.7];\n");
	for (size_t i = 0; i < n; i++)
		put_panel(c, &p[i], (double)i * wide, b);
	put_legend(true, 0.5 * (double)(n - 1) * wide,
	    -(ring_outer(&c->ring) + 0.75), 14, b);
	buf_puts(b, "}\n");
}

bool
diagram_compare(const struct diagram *d,
    const struct evidence_success *purified, struct buf *b)
{
	const struct evidence *v = d->evidence;
	struct compare c = {
	    .d = d, .row = v->ntarget != 0 ? v->target[0].row : NULL};
	struct evidence_success *own, *shared;
	struct panel panel[3] = {{"s", "Suspect", NULL},
	    {"r", "References", NULL}, {"p", "Purified", purified}};
	bool made = false;

	if (c.row == NULL)
		return false;
	arena_init(&c.arena, (size_t)64 << 20);
	own = arena_alloc(&c.arena, v->classes, sizeof(*own));
	shared = arena_alloc(&c.arena, v->classes, sizeof(*shared));
	c.node = arena_alloc(&c.arena, v->classes, sizeof(*c.node));
	c.on = arena_alloc(&c.arena, v->classes, sizeof(*c.on));
	if (own == NULL || shared == NULL || c.node == NULL || c.on == NULL)
		BUG("diagram arena");
	panel[0].by_class = own;
	panel[1].by_class = shared;
	if ((made = counts_of(c.row, own, shared) == 0)) {
		choose_sources(&c);
		put_panels(&c, panel, purified != NULL ? 3 : 2, b);
	}
	arena_release(&c.arena);
	return made;
}
