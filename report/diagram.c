/* SPDX-License-Identifier: MIT */
#include "report/diagram.h"

#include "report/escape.h"

#include <math.h>

#define DIAGRAM_ARENA ((size_t)1 << 30)
/* Per mille: edges below are left out, and where the colours change. */
#define RATE_LEAST 50
#define RATE_HALF  500
#define RATE_FULL  900
/* Targets that fit into the middle. */
#define CENTER_MAX 2

int64_t
diagram_rate(const struct diagram_edge *d)
{
	return d->n > 0 ? (d->flipped * 1000 + d->n / 2) / d->n : 0;
}

static int
strongest_first(const void *pa, const void *pb)
{
	const struct diagram_edge *a = pa, *b = pb;
	int64_t x = diagram_rate(a), y = diagram_rate(b);

	if (x != y)
		return x > y ? -1 : 1;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return (a->to > b->to) - (a->to < b->to);
}

/* --- choosing ------------------------------------------------------------ */

/* All edges into targets, each target by the first geometry that named it. */
static int
targeted_edges(struct diagram *d, struct err *e)
{
	const struct evidence *v = d->evidence;
	size_t most = 0;

	for (size_t i = 0; i < v->ntarget; i++)
		most +=
		    v->target[i].row != NULL ? v->target[i].row->nsource : 0;
	d->edge = arena_alloc(&d->arena, most + 1, sizeof(*d->edge));
	if (d->edge == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many flips");
	for (size_t i = 0; i < v->ntarget; i++) {
		const struct evidence_class *c = v->target[i].row;

		if (d->center[v->target[i].target])
			continue;
		d->center[v->target[i].target] = true;
		d->ncenter++;
		for (size_t k = 0; c != NULL && k < c->nsource; k++) {
			const struct evidence_flips *f = &c->by_source[k];

			if ((size_t)f->source == c->target || f->n == 0)
				continue;
			d->edge[d->nedge++] =
			    (struct diagram_edge){(size_t)f->source, c->target,
				f->flipped, f->n, f->shared, f->unshared};
		}
	}
	return 0;
}

static int
untargeted_edges(struct diagram *d, struct err *e)
{
	const struct evidence *v = d->evidence;
	size_t k = v->classes;

	if (v->matrix == NULL)
		return 0;
	d->edge = arena_alloc(&d->arena, k * k, sizeof(*d->edge));
	if (d->edge == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many flips");
	for (size_t i = 0; i < k * k; i++) {
		size_t s = i / k, t = i % k;

		if (s != t && v->matrix[i] > 0 && v->matrix_n[s] > 0)
			d->edge[d->nedge++] = (struct diagram_edge){s, t,
			    MIN(v->matrix[i], v->matrix_n[s]), v->matrix_n[s],
			    v->matrix_shared[i], -1};
	}
	return 0;
}

/* Which classes are drawn; `on` has one flag per class. */
static void
choose_nodes(struct diagram *d, bool *on)
{
	size_t k = d->evidence->classes, most = DIAGRAM_SOURCES + d->ncenter;
	size_t n = 0;

	if (k <= DIAGRAM_FULL) {
		for (size_t i = 0; i < k; i++)
			on[i] = true;
		return;
	}
	most = MIN(most, 2 * DIAGRAM_SOURCES);
	for (size_t i = 0; i < k && n < DIAGRAM_SOURCES; i++)
		if (d->center[i]) {
			on[i] = true;
			n++;
		}
	for (size_t i = 0; i < d->nedge; i++) {
		const struct diagram_edge *g = &d->edge[i];
		size_t more = (size_t)(!on[g->from]) + (size_t)(!on[g->to]);

		if (d->targeted && !on[g->to])
			continue;
		if (n + more > most)
			continue;
		n += more;
		on[g->from] = on[g->to] = true;
	}
}

/* Median rate of the edges that start at classes not drawn. */
static void
sum_up_others(struct diagram *d, const bool *on)
{
	int64_t last = 0, prior = 0;
	size_t n = 0, i = 0;

	for (size_t k = 0; k < d->evidence->classes; k++)
		d->others += !on[k];
	for (size_t k = 0; k < d->nedge; k++)
		n += !on[d->edge[k].from];
	/* edges are sorted: the middle one, or the mean of the middle two */
	for (size_t k = 0; k < d->nedge && i <= n / 2; k++) {
		if (on[d->edge[k].from])
			continue;
		prior = last;
		last = diagram_rate(&d->edge[k]);
		i++;
	}
	if (n != 0)
		d->others_rate = n % 2 != 0 ? last : (prior + last + 1) / 2;
}

/* Drop what is weak, what has an end that is not drawn, and what is beyond
 * the number of lines that a reader can follow. */
static void
thin_out(struct diagram *d, const bool *on)
{
	bool star = d->targeted && d->ncenter <= CENTER_MAX;
	size_t most = star ? SIZE_MAX : MAX(2 * d->nnode, 12), kept = 0;

	for (size_t i = 0; i < d->nedge; i++) {
		const struct diagram_edge *g = &d->edge[i];

		if (diagram_rate(g) < RATE_LEAST || !on[g->from] ||
		    !on[g->to] || kept >= most) {
			d->omitted++;
			continue;
		}
		d->edge[kept++] = *g;
	}
	d->nedge = kept;
}

int
diagram_init(struct diagram *d, const struct evidence *v, struct err *e)
{
	bool *on;
	int rc;

	*d = (struct diagram){.evidence = v, .targeted = v->ntarget != 0};
	arena_init(&d->arena, DIAGRAM_ARENA);
	d->center = arena_alloc(&d->arena, v->classes, sizeof(*d->center));
	d->node = arena_alloc(&d->arena, v->classes, sizeof(*d->node));
	on = arena_alloc(&d->arena, v->classes, sizeof(*on));
	if (d->center == NULL || d->node == NULL || on == NULL)
		BUG("diagram arena");
	rc = d->targeted ? targeted_edges(d, e) : untargeted_edges(d, e);
	if (rc != 0) {
		diagram_release(d);
		return rc;
	}
	if (d->nedge != 0)
		qsort(d->edge, d->nedge, sizeof(*d->edge), strongest_first);
	choose_nodes(d, on);
	for (size_t i = 0; i < v->classes; i++)
		if (on[i])
			d->node[d->nnode++] = i;
	sum_up_others(d, on);
	thin_out(d, on);
	return 0;
}

void
diagram_release(struct diagram *d)
{
	arena_release(&d->arena);
	*d = (struct diagram){0};
}

/* --- writing ------------------------------------------------------------- */

static void
put_rate(struct buf *b, int64_t mille)
{
	buf_printf(b, "%" PRId64 ".%" PRId64 " %%", mille / 10, mille % 10);
}

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
	for (size_t i = 0; i < v->classes && n < CENTER_MAX; i++) {
		if (!d->center[i])
			continue;
		buf_printf(b, "%s%zu ", n++ != 0 ? "and " : "", i);
		escape_dot(b, v->name[i], 32);
		buf_puts(b, " ");
	}
	if (d->ncenter > CENTER_MAX)
		buf_printf(b, "and %zu more ", d->ncenter - CENTER_MAX);
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
	escape_dot(b, name, 12);
	buf_puts(b, "\\n");
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
put_edge(const struct diagram *d, const struct diagram_edge *g, struct buf *b)
{
	int64_t rate = diagram_rate(g);
	const char *class = rate >= RATE_FULL   ? "high"
			    : rate >= RATE_HALF ? "mid"
						: "low";
	const char *colour = rate >= RATE_FULL   ? "#D55E00"
			     : rate >= RATE_HALF ? "#0072B2"
						 : "#767676";
	double width = MAX(0.75, 6.0 * (double)rate / 1000.0);

	if (!d->targeted) {
		class = rate >= RATE_HALF ? "faint" : "faint low";
		colour = "#767676";
		width = MAX(0.75, 2.0 * (double)rate / 1000.0);
	}
	buf_printf(b,
	    "  c%zu -> c%zu [class=\"%s\", color=\"%s\", style=%s, "
	    "penwidth=%.2f, tooltip=\"%zu to %zu: %" PRId64 " of %" PRId64 ", ",
	    g->from, g->to, class, colour,
	    rate >= RATE_HALF ? "solid" : "dashed", width, g->from, g->to,
	    g->flipped, g->n);
	put_rate(b, rate);
	buf_puts(b, "\"];\n");
}

static void
put_legend(const struct diagram *d, double y, struct buf *b)
{
	static const char *const cell =
	    "<TD><FONT COLOR=\"%s\"><B>%s</B></FONT></TD>"
	    "<TD ALIGN=\"LEFT\">%s</TD>";

	buf_printf(b,
	    "  legend [pos=\"0,%.3f!\", shape=plain, style=\"\", "
	    "fixedsize=false, fontsize=9, class=\"legend\", tooltip=\"legend\","
	    " label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"6\">"
	    "<TR>",
	    y);
	if (d->targeted) {
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

/* Targets in the middle when they fit there, the rest on a circle, clockwise
 * from the top in class order.  Returns the radius. */
static double
put_nodes(const struct diagram *d, struct buf *b)
{
	bool star = d->targeted && d->ncenter <= CENTER_MAX;
	size_t ring = d->nnode - (star ? d->ncenter : 0);
	size_t all = ring + (d->others != 0), at = 0, mid = 0;
	double r = MAX(star && d->ncenter == 2 ? 2.9 : 2.4,
	    1.32 * (double)all / (2.0 * acos(-1.0)));

	for (size_t i = 0; i < d->nnode; i++) {
		size_t c = d->node[i];
		double a = 2.0 * acos(-1.0) * (double)at / (double)all;

		if (star && d->center[c]) {
			put_node(d, c,
			    d->ncenter == 2 ? (double)mid * 1.7 - 0.85 : 0.0,
			    0.0, b);
			mid++;
			continue;
		}
		put_node(d, c, r * sin(a), r * cos(a), b);
		at++;
	}
	if (d->others != 0) {
		double a = 2.0 * acos(-1.0) * (double)at / (double)all;

		buf_printf(b,
		    "  others [pos=\"%.3f,%.3f!\", label=\"%zu other\\n"
		    "classes\\n",
		    r * sin(a), r * cos(a), d->others);
		if (d->targeted) {
			buf_puts(b, "median ");
			put_rate(b, d->others_rate);
		}
		buf_puts(b, "\", tooltip=\"classes that are not drawn\", "
			    "class=\"others\", style=\"filled,dashed\", "
			    "fontsize=9];\n");
	}
	return r;
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
	put_legend(d, -(r + 0.95), b);
	buf_puts(b, "}\n");
}
