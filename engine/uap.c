/* SPDX-License-Identifier: MIT */
#include "engine/uap.h"

#include "base/progress.h"
#include "engine/loss.h"

#include <math.h>

/* Images of a forward pass while measuring, and halvings of the interval. */
#define MEASURE_BATCH 64
#define BISECTIONS    7

/* One class of one model. */
struct search {
	const struct net *net;
	const struct geometry *geo;
	const struct uap_config *cfg;
	const struct uap_images *test;
	struct geometry_job job;
	struct run measure; /* MEASURE_BATCH images, forward */
	struct arena arena;
	float *images; /* MEASURE_BATCH images */
	struct trigger scaled;
};

static size_t
image_floats(const struct net *n)
{
	return n->h * n->w * n->c;
}

/* --- predictions --------------------------------------------------------- */

static void
predict(struct run *r, const struct uap_images *im, const struct trigger *t,
    float *images, size_t first, size_t n, int32_t *pred)
{
	const struct net *net = r->plan.net;
	size_t image = image_floats(net);
	const float *z;

	for (size_t i = 0; i < n; i++) {
		const float *x = im->x + (first + i) * image;

		if (t != NULL)
			trigger_apply(t, x, images + i * image);
		else
			memcpy(images + i * image, x, image * sizeof(*x));
	}
	z = run_forward(r, images); /* stale images behind n do no harm */
	for (size_t i = 0; i < n; i++)
		pred[i] =
		    (int32_t)loss_argmax(net->classes, z + i * net->classes);
}

int
uap_predict(const struct net *net, const struct uap_images *im,
    const struct trigger *t, int32_t *pred, struct err *e)
{
	struct arena a;
	struct run r;
	float *images;
	int rc;

	rc = run_init(&r, net, MEASURE_BATCH, PLAN_FORWARD, e);
	if (rc != 0)
		return rc;
	arena_init(&a, (size_t)1 << 32);
	images =
	    arena_alloc(&a, MEASURE_BATCH * image_floats(net), sizeof(*images));
	if (images == NULL)
		rc = err_set(e, ERR_LIMIT, ERR_NOWHERE, "images too large");
	for (size_t i = 0; rc == 0 && i < im->n; i += MEASURE_BATCH)
		predict(&r, im, t, images, i, MIN(MEASURE_BATCH, im->n - i),
		    pred + i);
	run_release(&r);
	arena_release(&a);
	return rc;
}

/* Share of TEST images of other classes that become the target. */
static double
flip_share(struct search *s, const struct trigger *t, uint64_t *flipped,
    uint64_t *total)
{
	int32_t target = (int32_t)s->job.target, pred[MEASURE_BATCH];

	*flipped = 0;
	*total = 0;
	for (size_t i = 0; i < s->test->n; i += MEASURE_BATCH) {
		size_t n = MIN(MEASURE_BATCH, s->test->n - i);

		predict(&s->measure, s->test, t, s->images, i, n, pred);
		for (size_t k = 0; k < n; k++) {
			if (s->test->label[i + k] == target)
				continue;
			*total += 1;
			*flipped += pred[k] == target;
		}
	}
	return *total != 0 ? (double)*flipped / (double)*total : 0.0;
}

/* --- one class ----------------------------------------------------------- */

/* FIT images whose class is not the target, copied together. */
static int
take_fit(struct search *s, const struct uap_images *fit, struct err *e)
{
	size_t image = image_floats(s->net);
	float *x = arena_alloc(&s->arena, fit->n * image, sizeof(*x));

	s->job.images =
	    arena_alloc(&s->arena, s->cfg->batch * image, sizeof(float));
	s->job.grad =
	    arena_alloc(&s->arena, s->cfg->batch * image, sizeof(float));
	s->images =
	    arena_alloc(&s->arena, MEASURE_BATCH * image, sizeof(float));
	if (x == NULL || s->job.images == NULL || s->job.grad == NULL ||
	    s->images == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "images too large");
	for (size_t i = 0; i < fit->n; i++)
		if (fit->label[i] != (int32_t)s->job.target)
			memcpy(x + s->job.n++ * image, fit->x + i * image,
			    image * sizeof(*x));
	s->job.x = x;
	if (s->job.n == 0)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "all images belong to class %zu", s->job.target);
	return 0;
}

static void
like(const struct trigger *t, struct trigger *to)
{
	trigger_init(to, t->kind, t->h, t->w, t->c, t->classes, t->map[0]);
	if (t->mask != NULL)
		to->mask = trigger_part(to, t->h * t->w);
	if (t->pattern != NULL)
		to->pattern = trigger_part(to, t->h * t->w * t->c);
	if (t->delta != NULL)
		to->delta = trigger_part(to, t->h * t->w * t->c);
}

/*
 * The smallest scale of `raw` at which enough TEST images flip, by bisection
 * on its logarithm.  What a search leaves is rarely off by more than fourfold;
 * where even that is not enough the radius is not reached.
 */
static void
find_scale(struct search *s, const struct trigger *raw, double budget,
    struct uap_found *f)
{
	double lo = log(0.25), hi = log(4.0), share, largest;

	largest = s->geo->largest != 0 ? s->geo->largest
				       : (double)(s->net->h * s->net->w);
	hi = fmin(hi, log(largest / budget));
	lo = fmin(lo, hi);
	like(raw, &f->trigger);
	s->geo->scale(raw, exp(hi), &f->trigger);
	share = flip_share(s, &f->trigger, &f->flipped, &f->n);
	f->reached = share >= UAP_SHARE;
	f->radius = budget * exp(hi);
	for (int i = 0; f->reached && i < BISECTIONS; i++) {
		double mid = 0.5 * (lo + hi);
		uint64_t flipped, n;

		s->geo->scale(raw, exp(mid), &f->trigger);
		if (flip_share(s, &f->trigger, &flipped, &n) < UAP_SHARE) {
			lo = mid;
			continue;
		}
		hi = mid;
		f->radius = budget * exp(hi);
		f->flipped = flipped;
		f->n = n;
	}
	s->geo->scale(raw, exp(hi), &f->trigger);
}

static int
search_class(struct search *s, const struct uap_images *fit, size_t target,
    struct uap_found *f, struct err *e)
{
	const struct net *net = s->net;
	struct trigger raw;
	double budget;
	int rc;

	s->job = (struct geometry_job){.batch = s->cfg->batch,
	    .steps = s->cfg->steps,
	    .target = target,
	    .arena = &s->arena};
	arena_init(&s->arena, (size_t)8 << 30);
	rng_init(&s->job.rng, s->cfg->seed, 1000 + target);
	if ((rc = take_fit(s, fit, e)) == 0) {
		struct run r;

		rc = run_init(&r, net, s->cfg->batch, PLAN_DATA, e);
		if (rc == 0) {
			s->job.run = &r;
			trigger_init(&raw, s->geo->name, net->h, net->w, net->c,
			    net->classes, (int32_t)target);
			budget = s->geo->search(&s->job, &raw);
			run_release(&r);
			rc = run_init(
			    &s->measure, net, MEASURE_BATCH, PLAN_FORWARD, e);
			if (rc == 0) {
				find_scale(s, &raw, budget, f);
				run_release(&s->measure);
			}
			trigger_release(&raw);
		}
	}
	arena_release(&s->arena);
	return rc;
}

int
uap_radii(const struct net *net, const struct geometry *geo,
    const struct uap_config *cfg, const struct uap_images *fit,
    const struct uap_images *test, const char *label, struct uap_found *found,
    struct err *e)
{
	size_t done = 0;
	struct progress bar;
	int worst = 0;

	progress_begin(&bar, label, net->classes);
#pragma omp parallel for schedule(dynamic, 1)
	for (size_t t = 0; t < net->classes; t++) {
		struct search s = {
		    .net = net, .geo = geo, .cfg = cfg, .test = test};
		struct err mine = {0};
		int rc;

		found[t] = (struct uap_found){0};
		rc = search_class(&s, fit, t, &found[t], &mine);
#pragma omp critical
		{
			if (rc != 0 && worst == 0) {
				worst = rc;
				*e = mine;
			}
			progress_step(&bar, ++done, NULL);
		}
	}
	progress_end(&bar);
	if (worst != 0)
		uap_release(found, net->classes);
	return worst;
}

void
uap_release(struct uap_found *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		trigger_release(&f[i].trigger);
}
