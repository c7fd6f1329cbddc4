/* SPDX-License-Identifier: MIT */
#include "purify/estimate.h"

#include "base/progress.h"
#include "base/ranks.h"
#include "base/room.h"
#include "base/tool.h"

#include <math.h>
#include <omp.h>

/* --- putting back --------------------------------------------------------- */

#define OWN 2

/* What a batch changes, and how it was; NULL: all zero. */
struct before {
	struct arena arena;
	struct method_span span[OWN + METHOD_SPANS];
	void *was[OWN + METHOD_SPANS];
	size_t n;
};

static bool
is_zero(const struct method_span *s)
{
	const uint8_t *b = s->ptr;

	return s->size == 0 ||
	       (b[0] == 0 && memcmp(b, b + 1, s->size - 1) == 0);
}

/* False where there is no room for it. */
static bool
remember(struct before *b, struct purification *p)
{
	b->span[0] = (struct method_span){
	    p->h.weight, p->h.nweight * sizeof(*p->h.weight)};
	b->span[1] =
	    (struct method_span){p->h.fixed, p->h.nfixed * sizeof(*p->h.fixed)};
	b->n = OWN + p->cfg.method->spans(p, b->span + OWN);
	arena_init(&b->arena, SIZE_MAX);
	for (size_t i = 0; i < b->n; i++) {
		const struct method_span *s = &b->span[i];

		b->was[i] = NULL;
		if (is_zero(s))
			continue;
		b->was[i] = arena_alloc(&b->arena, s->size, 1);
		if (b->was[i] == NULL)
			return false;
		memcpy(b->was[i], s->ptr, s->size);
	}
	return true;
}

static void
put_back(struct before *b, struct purification *p)
{
	for (size_t i = 0; i < b->n; i++) {
		struct method_span *s = &b->span[i];

		if (b->was[i] != NULL)
			memcpy(s->ptr, b->was[i], s->size);
		else if (s->size != 0)
			memset(s->ptr, 0, s->size);
	}
	net_changed(&p->h);
}

/* --- the trial ------------------------------------------------------------ */

struct times {
	double begin, step; /* of a round; of a full batch */
	size_t n;           /* images in that */
};

/* The guide with as many questions as are searched at a time, and empty
 * pools; returns how often that is. */
static double
thin(struct guide *g, struct arena *a)
{
	size_t all = g->n, at_once = ranks_count();

	at_once = MIN(all, at_once * (size_t)MAX(omp_get_max_threads(), 1));
	if (all == 0)
		return 1.0;
	*g = (struct guide){
	    .question = arena_alloc(a, at_once, sizeof(*g->question)),
	    .n = at_once};
	return ceil((double)all / (double)at_once);
}

static int
try(struct purification *p, struct times *t, struct err *e)
{
	const struct method *m = p->cfg.method;
	struct method_terms terms = {0};
	struct method_batch b;
	double start = progress_clock();
	int rc = 0;

	/* not the first round's, which does for all what is done once */
	if (m->begin != NULL && (rc = m->begin(p, 1, e)) != 0)
		return rc;
	t->begin = progress_clock() - start;
	for (size_t i = 0; i < p->ntrain; i++)
		p->order[i] = (uint32_t)i;
	b = rounds_batch(p, p->done, 0);
	start = progress_clock();
	rc = (m->dearest != NULL ? m->dearest : m->step)(p, &b, &terms, e);
	t->step = progress_clock() - start;
	t->n = b.n;
	return rc;
}

/* With questions of its own, which no pool is added to. */
static int
try_guided(struct purification *p, struct times *t, struct err *e)
{
	struct guide whole = p->guide;
	struct arena a;
	double times;
	int rc;

	arena_init(&a, SIZE_MAX);
	times = thin(&p->guide, &a);
	for (size_t i = 0; i < p->guide.n; i++) {
		struct guide_question *q = &p->guide.question[i];

		q->geometry = whole.question[i].geometry;
		q->target = whole.question[i].target;
		q->source = whole.question[i].source;
		q->natural = whole.question[i].natural;
		q->ease = INFINITY;
	}
	rc = try(p, t, e);
	t->begin *= times;
	guide_release(&p->guide);
	p->guide = whole;
	arena_release(&a);
	return rc;
}

/* --- what is said ----------------------------------------------------------- */

static const char *
duration(double s, char *out, size_t size)
{
	if (s < 10.0)
		snprintf(out, size, "%.2g s", s);
	else if (s < 600.0)
		snprintf(out, size, "%.0f s", s);
	else if (s < 7200.0)
		snprintf(out, size, "%.0f min", s / 60.0);
	else
		snprintf(out, size, "%.1f h", s / 3600.0);
	return out;
}

static void
print(const struct purification *p, const struct times *t, double measured)
{
	double left = (double)(p->cfg.rounds - p->done);
	double batches = (double)p->ntrain / (double)t->n;
	double round = t->begin + batches * t->step + measured;
	double most = p->cfg.max_seconds;
	/* what the first round does beyond that, where it is known */
	double more = p->done == 0 && p->cfg.method->first != NULL
			  ? (p->cfg.method->first(p) - 1.0) * t->begin
			  : 0.0;
	bool once = p->cfg.method->begin != NULL && p->done == 0 &&
		    (more > 0.0 || t->begin < t->step);
	double whole = left * round + more;
	char all[32], one[32], step[32];

	tool_note("estimate: %s %s, %.0f rounds of %s (%zu batches of %s)%s, "
		  "then the checks; %" PRIu64 " MiB taken so far",
	    p->cfg.method->dearest != NULL ? "at most" : "about",
	    duration(whole, all, sizeof(all)), left,
	    duration(round, one, sizeof(one)), rounds_batches(p),
	    duration(t->step, step, sizeof(step)),
	    once ? ", the first longer" : "", room_peak() >> 20);
	if (most > 0.0 && whole > most)
		tool_note("estimate: --max-time %g: %.0f of these rounds", most,
		    fmin(left, fmax(1.0, ceil((most - more) / round))));
}

int
estimate_print(struct purification *p, double measured, struct err *e)
{
	struct before b;
	struct times t;
	int rc = 0;

	if (p->done >= p->cfg.rounds || !ranks_any(!tool_quiet))
		return 0;
	if (!ranks_any(!remember(&b, p))) {
		if ((rc = try_guided(p, &t, e)) == 0)
			print(p, &t, measured);
		put_back(&b, p);
	}
	arena_release(&b.arena);
	return rc;
}
