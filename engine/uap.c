/* SPDX-License-Identifier: MIT */
#include "engine/uap.h"

#include "base/progress.h"
#include "base/ranks.h"
#include "base/stat.h"
#include "engine/kink.h"
#include "engine/uap_exchange.h"
#include "engine/uap_predict.h"

#include <math.h>
#include <omp.h>

/* Scales that are tried: powers of RATIO, so many up and down. */
#define RATIO  1.3
#define UP     6
#define DOWN   9
#define POINTS (UP + DOWN + 1)
#define LEVEL  0.95
/* Points behind the last share, for the radius's interval. */
#define BEYOND 1
#define STREAM 1000

const double uap_share[UAP_SHARES] = {0.75, UAP_SHARE, 0.95};

/* One thread's. */
struct worker {
	const struct net *net;
	const struct uap_config *cfg;
	const struct uap_images *fit, *test;
	struct run search;
	struct uap_predictor measure;
	struct arena arena;      /* of the worker */
	struct arena cell_arena; /* of one cell */
	uint32_t *fit_index, *test_index;
	int32_t *pred; /* of test images */
	struct geometry_job job;
	bool ready;
};

uint64_t
uap_least(const uint64_t *n, size_t classes, size_t t)
{
	uint64_t most = 0;

	for (size_t s = 0; s < classes; s++)
		if (s != t)
			most = MAX(most, n[s]);
	return MIN(most, UAP_LEAST);
}

static size_t
image_floats(const struct net *n)
{
	return n->h * n->w * n->c;
}

/* --- measuring ----------------------------------------------------------- */

/* Flips at powers of RATIO from -DOWN to UP; not all are measured. */
struct curve {
	uint64_t flipped[POINTS], n;
	size_t first, last; /* that were measured */
	double budget;      /* at scale one */
};

static double
budget_at(const struct curve *c, double point)
{
	return c->budget * pow(RATIO, point - DOWN);
}

static uint64_t
count_flips(struct worker *w, const struct trigger *t, size_t n)
{
	uint64_t flipped = 0;

	uap_predictor_classes(
	    &w->measure, w->test, w->test_index, n, t, w->pred);
	for (size_t i = 0; i < n; i++)
		flipped += w->pred[i] == (int32_t)w->job.target;
	return flipped;
}

static double
share_of(const struct curve *c, size_t i)
{
	return (double)c->flipped[i] / (double)c->n;
}

/* From scale one up to where enough flip and down to where few do. */
static void
trace(struct worker *w, const struct geometry *g, const struct trigger *raw,
    struct trigger *scaled, struct curve *c)
{
	double top = g->largest(raw);
	size_t more = BEYOND;

	c->first = c->last = DOWN;
	for (size_t i = DOWN;; i++) {
		g->scale(raw, pow(RATIO, (double)i - DOWN), scaled);
		c->flipped[i] = count_flips(w, scaled, c->n);
		c->last = i;
		if (i + 1 == POINTS || budget_at(c, (double)i) >= top)
			break;
		if (share_of(c, i) < uap_share[UAP_SHARES - 1])
			continue;
		if (stat_wilson(c->flipped[i], c->n, LEVEL).lo >= UAP_SHARE ||
		    more-- == 0)
			break;
	}
	while (c->first > 0 && share_of(c, c->first) > uap_share[0]) {
		size_t i = --c->first;

		g->scale(raw, pow(RATIO, (double)i - DOWN), scaled);
		c->flipped[i] = count_flips(w, scaled, c->n);
	}
	/* a larger scale never counts for less */
	for (size_t i = c->first + 1; i <= c->last; i++)
		c->flipped[i] = MAX(c->flipped[i], c->flipped[i - 1]);
}

enum bound {
	BOUND_LOWER,
	BOUND_NONE,
	BOUND_UPPER,
};

static double
height(const struct curve *c, size_t i, enum bound b)
{
	struct stat_interval w;

	if (b == BOUND_NONE)
		return share_of(c, i);
	w = stat_wilson(c->flipped[i], c->n, LEVEL);
	return b == BOUND_LOWER ? w.lo : w.hi;
}

/* Where the curve, or a bound of it, crosses a share, as a budget; log-linear
 * between points; false where it does not within what was measured. */
static bool
crossing(const struct curve *c, double share, enum bound b, double *budget)
{
	for (size_t i = c->first; i <= c->last; i++) {
		double hi = height(c, i, b), lo;

		if (hi < share)
			continue;
		*budget = budget_at(c, (double)i);
		if (i == c->first)
			return false;
		lo = height(c, i - 1, b);
		*budget =
		    budget_at(c, (double)i - (hi - share) / (hi - lo + 1e-12));
		return true;
	}
	*budget = budget_at(c, (double)c->last);
	return false;
}

static void
read_curve(const struct curve *c, struct uap_found *f)
{
	for (size_t k = 0; k < UAP_SHARES; k++)
		crossing(c, uap_share[k], BOUND_NONE, &f->radius[k]);
	f->reached = share_of(c, c->last) >= UAP_SHARE;
	if (!crossing(c, UAP_SHARE, BOUND_UPPER, &f->lo))
		f->lo = 0.0;
	if (!crossing(c, UAP_SHARE, BOUND_LOWER, &f->hi))
		f->hi = INFINITY;
}

/* --- one cell ------------------------------------------------------------ */

static bool
belongs(const struct uap_cell *c, int32_t label)
{
	return c->source == UAP_ALL ? label != c->target : label == c->source;
}

static size_t
eligible(const struct uap_images *im, const struct uap_cell *c, size_t most,
    uint32_t *index)
{
	size_t n = 0;

	for (size_t i = 0; i < im->n && n < most; i++)
		if (belongs(c, im->label[i]) && (im->use == NULL || im->use[i]))
			index[n++] = (uint32_t)i;
	return n;
}

/* A budget by scale, as the scaled trigger's own. */
static void
own_budget(const struct geometry *g, const struct trigger *raw, double budget,
    struct trigger *scaled, double *radius)
{
	if (g->budget == NULL || !(*radius > 0.0) || !isfinite(*radius))
		return;
	g->scale(raw, *radius / budget, scaled);
	*radius = g->budget(scaled);
}

static void
measure_cell(struct worker *w, const struct uap_cell *c,
    const struct trigger *raw, double budget, size_t n, struct uap_found *f)
{
	struct curve curve = {.n = n, .budget = budget};
	const struct geometry *g = c->geometry;
	double scale;

	trigger_like(raw, &f->trigger);
	trace(w, g, raw, &f->trigger, &curve);
	read_curve(&curve, f);
	scale = f->radius[UAP_RADIUS] / budget;
	for (size_t k = 0; k < UAP_SHARES; k++)
		own_budget(g, raw, budget, &f->trigger, &f->radius[k]);
	own_budget(g, raw, budget, &f->trigger, &f->lo);
	own_budget(g, raw, budget, &f->trigger, &f->hi);
	g->scale(raw, scale, &f->trigger);
	f->n = n;
	f->flipped = count_flips(w, &f->trigger, n);
}

static size_t
steps_of(const struct uap_config *cfg, const struct uap_cell *c)
{
	size_t own = 0;

	if (c->geometry == &geometry_patch)
		own = cfg->patch_steps;
	else if (c->geometry == &geometry_warp)
		own = cfg->warp_steps;
	if (own == 0)
		own = cfg->steps;
	return c->longer ? 2 * own : own;
}

static int
search_cell(struct worker *w, const struct uap_cell *c, struct uap_found *f,
    struct err *e)
{
	const struct net *net = w->net;
	struct trigger raw;
	double budget;
	size_t ntest;

	w->job.n = eligible(w->fit, c, w->fit->n, w->fit_index);
	ntest = eligible(w->test, c, w->cfg->count, w->test_index);
	if (w->job.n == 0 || ntest == 0)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "no images to push from class %d to class %d", c->source,
		    c->target);
	arena_init(&w->cell_arena, (size_t)8 << 30);
	w->job.arena = &w->cell_arena;
	w->job.target = (size_t)c->target;
	w->job.frame = c->frame;
	w->job.steps = steps_of(w->cfg, c);
	w->job.lost = 0;
	rng_init(&w->job.rng, c->seed,
	    ((uint64_t)STREAM << 48) + ((uint64_t)(c->source + 1) << 24) +
		(uint64_t)c->target);
	trigger_init(&raw, c->geometry->name, net->h, net->w, net->c,
	    net->classes, c->target);
	for (size_t k = 0; c->source != UAP_ALL && k < net->classes; k++)
		if ((int32_t)k != c->source)
			raw.map[k] = -1;
	budget = c->geometry->search(&w->job, &raw);
	measure_cell(w, c, &raw, budget, ntest, f);
	f->blind = 2 * w->job.lost > w->job.steps;
	trigger_release(&raw);
	arena_release(&w->cell_arena);
	return 0;
}

/* --- all cells ----------------------------------------------------------- */

/* By images from all over; every worker finds the same. */
static int
look_at_bounds(struct worker *w, struct err *e)
{
	size_t image = image_floats(w->net), batch = w->cfg->batch;
	int32_t *label = arena_alloc(&w->arena, batch, sizeof(*label));

	if (label == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "images too large");
	for (size_t i = 0; i < batch && w->fit->n != 0; i++) {
		size_t from = i * w->fit->n / batch;

		memcpy(w->job.plain + i * image, w->fit->x + from * image,
		    image * sizeof(float));
		label[i] = w->fit->label[from];
	}
	w->job.inside = w->fit->n != 0 && kink_bounded(&w->search, w->job.plain,
					      label, w->job.grad);
	return 0;
}

static int
worker_init(struct worker *w, struct err *e)
{
	size_t image = image_floats(w->net), batch = w->cfg->batch;
	int rc;

	arena_init(&w->arena, (size_t)8 << 30);
	if ((rc = run_init(&w->search, w->net, batch, PLAN_DATA, e)) != 0)
		return rc;
	rc = uap_predictor_init(
	    &w->measure, w->net, MIN(w->cfg->count, w->test->n), e);
	if (rc != 0) {
		run_release(&w->search);
		return rc;
	}
	w->ready = true;
	w->job = (struct geometry_job){
	    .run = &w->search, .batch = batch, .x = w->fit->x};
	w->job.plain = arena_alloc(&w->arena, batch * image, sizeof(float));
	w->job.images = arena_alloc(&w->arena, batch * image, sizeof(float));
	w->job.grad = arena_alloc(&w->arena, batch * image, sizeof(float));
	w->fit_index =
	    arena_alloc(&w->arena, w->fit->n + 1, sizeof(*w->fit_index));
	w->test_index =
	    arena_alloc(&w->arena, w->test->n + 1, sizeof(*w->test_index));
	w->pred = arena_alloc(&w->arena, w->test->n + 1, sizeof(*w->pred));
	if (w->job.plain == NULL || w->job.images == NULL ||
	    w->job.grad == NULL || w->fit_index == NULL ||
	    w->test_index == NULL || w->pred == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "images too large");
	w->job.index = w->fit_index;
	return look_at_bounds(w, e);
}

static void
worker_release(struct worker *w)
{
	if (w->ready) {
		run_release(&w->search);
		uap_predictor_release(&w->measure);
	}
	arena_release(&w->arena);
}

int
uap_search(const struct net *net, const struct uap_config *cfg,
    const struct uap_images *fit, const struct uap_images *test,
    const struct uap_cell *cell, size_t ncell, const char *label,
    struct uap_found *found, struct err *e)
{
	struct ranks_share own = ranks_share(ncell);
	size_t done = 0;
	struct progress bar;
	int worst = 0;

	memset(found, 0, ncell * sizeof(*found));
	if (label != NULL)
		progress_begin(&bar, label, own.to - own.from);
#pragma omp parallel
	{
		struct worker w = {
		    .net = net, .cfg = cfg, .fit = fit, .test = test};
		struct err mine = {0};
		int rc = worker_init(&w, &mine);

#pragma omp for schedule(dynamic, 1)
		for (size_t i = own.from; i < own.to; i++) {
			if (rc == 0)
				rc =
				    search_cell(&w, &cell[i], &found[i], &mine);
#pragma omp critical
			if (label != NULL)
				progress_step(&bar, ++done, NULL);
		}
#pragma omp critical
		if (rc != 0 && worst == 0) {
			worst = rc;
			*e = mine;
		}
		worker_release(&w);
	}
	if (label != NULL)
		progress_end(&bar);
	if ((worst = ranks_agree(worst, e)) != 0)
		uap_release(found, ncell);
	else
		uap_exchange(net, cell, ncell, found);
	return worst;
}

void
uap_release(struct uap_found *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		trigger_release(&f[i].trigger);
}
