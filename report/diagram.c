/* SPDX-License-Identifier: MIT */
#include "report/diagram.h"

#define DIAGRAM_ARENA ((size_t)1 << 30)
/* Per mille: edges below are left out. */
#define RATE_LEAST 50

int64_t
diagram_percent(int64_t hit, int64_t n)
{
	return n > 0 ? (hit * 100 + n / 2) / n : -1;
}

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
	if (a->n != b->n) /* of more images it says more */
		return a->n > b->n ? -1 : 1;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return (a->to > b->to) - (a->to < b->to);
}

/* --- choosing ------------------------------------------------------------ */

static void
add_edge(struct diagram *d, const struct evidence_flips *f, size_t to)
{
	if ((size_t)f->source == to || f->n == 0)
		return;
	d->edge[d->nedge++] = (struct diagram_edge){
	    (size_t)f->source, to, f->flipped, f->n, f->shared, f->unshared};
}

/* All edges into targets, each target by the first geometry that named it. */
static int
targeted_edges(struct diagram *d, struct err *e)
{
	const struct evidence *v = d->evidence;
	size_t most = 0;

	for (size_t i = 0; i < v->ntarget; i++)
		most +=
		    v->target[i].row != NULL ? v->target[i].row->nsource : 1;
	d->edge = arena_alloc(&d->arena, most + 1, sizeof(*d->edge));
	if (d->edge == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many flips");
	for (size_t i = 0; i < v->ntarget; i++) {
		const struct evidence_target *t = &v->target[i];
		const struct evidence_class *c = t->row;
		bool again = d->center[t->target];

		d->ncenter += !again;
		d->center[t->target] = true;
		if (t->source >= 0)
			add_edge(d, &t->flips, t->target);
		for (size_t k = 0; !again && c != NULL && k < c->nsource; k++)
			add_edge(d, &c->by_source[k], t->target);
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
	size_t most =
	    d->targeted ? DIAGRAM_SOURCES + d->ncenter : DIAGRAM_UNTARGETED;
	size_t k = d->evidence->classes, n = 0;

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
	bool star = d->targeted && d->ncenter <= DIAGRAM_CENTER;
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
