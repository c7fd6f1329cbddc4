/* SPDX-License-Identifier: MIT
 * Implicit backdoor adversarial unlearning: Zeng, Chen, Park, Mao, Jin and
 * Jia, "Adversarial Unlearning of Backdoors via Implicit Hypergradient",
 * ICLR 2022, sections 3 and 4.  One perturbation d is added to all images:
 *
 *     min over w of max over d of C(d, w),  C = mean CE(h_w(x + d), y)
 *
 * Each round d climbs anew from 0, by one step of 10 a batch on C + R,
 * R = -0.001 |d|^2, towards other classes than the model's own.  Then each
 * batch moves w along the gradient of its loss O, a hundredth of its images
 * (one at least) being x + d, through d as well: with the inner map
 * F(d, w) = d + 0.1 grad_d (C + R) on the first batch of images,
 *
 *     dO/dw = grad_w O + (dF/dw)' v,   v <- (dF/dd)' v + grad_d O   (5 times)
 *
 * Both products with v are central differences of gradients: along d + t v
 * grad_d C changes by its Hessian times v, and grad_w C by what dF/dw asks.
 *
 * Defaults are those of the authors' code: 5 rounds, batches of 100, Adam
 * (here with AMSGrad, as in BackdoorBench) with rate 1e-3, frozen statistics;
 * d is in pixels of [0, 1], nothing is clipped or moved.  Its 5000 images make
 * 250 steps of that.
 */
#include "engine/loss.h"
#include "purify/tuning.h"

#include <math.h>

#define ITERATIONS 5
#define CLIMB      10.0
#define INNER      0.1
#define SHRINK     0.001
#define PATCHED    100 /* one of so many images */
/* Root mean square of a pixel's change in a difference. */
#define NEAR 1e-3

static const char *const terms[] = {"loss_clean", "norm", NULL};

struct ibau {
	struct tuning tuning;
	size_t image;
	/* of an image: d (anew each round), v, grad_d O, and scratch */
	float *d, *v, *outer, *at, *side[2];
	float *hyper, *weights; /* gradients, as net.weight */
	float *logits;          /* of a batch */
	int32_t *own;           /* the model's classes of a batch */
};

static float *
need(struct purification *p, size_t n, bool *full)
{
	float *q = arena_alloc(&p->arena, n + 1, sizeof(*q));

	*full = *full || q == NULL;
	return q;
}

static int
open(struct purification *p, struct err *e)
{
	struct ibau *s;
	size_t n = MIN(p->cfg.batch, p->ntrain);
	bool full = false;
	int rc;

	if ((rc = tuning_open(p, sizeof(*s), e)) != 0)
		return rc;
	s = p->own;
	if ((rc = trainer_want_data(&s->tuning.trainer, &p->arena, e)) != 0)
		return rc;
	s->tuning.trainer.still = true; /* of images that are no one's */
	s->image = p->h.h * p->h.w * p->h.c;
	s->d = need(p, s->image, &full);
	s->v = need(p, s->image, &full);
	s->outer = need(p, s->image, &full);
	s->at = need(p, s->image, &full);
	s->side[0] = need(p, s->image, &full);
	s->side[1] = need(p, s->image, &full);
	s->hyper = need(p, p->h.nweight, &full);
	s->weights = need(p, p->h.nweight, &full);
	s->logits = need(p, n * p->h.classes, &full);
	s->own = arena_alloc(&p->arena, n, sizeof(*s->own));
	if (full || s->own == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "batches of %zu do not fit in memory", n);
	return 0;
}

/* --- gradients ----------------------------------------------------------- */

/*
 * Of the mean loss of the batch in tuning.x, the first m images of which get
 * d: with respect to d, and in the trainer to the weights.
 */
static int
gradient(struct ibau *s, const struct method_batch *b, size_t m, const float *d,
    float *dd, double *loss, struct err *e)
{
	const float *dx = s->tuning.trainer.dx;
	int rc;

	for (size_t i = 0; i < m; i++)
		for (size_t k = 0; k < s->image; k++)
			s->tuning.x[i * s->image + k] += d[k];
	if ((rc = tuning_gradient(&s->tuning, b, loss, e)) != 0)
		return rc;
	memset(dd, 0, s->image * sizeof(*dd));
	for (size_t i = 0; i < m; i++)
		for (size_t k = 0; k < s->image; k++)
			dd[k] += dx[i * s->image + k];
	return 0;
}

/* The first images, unmoved, with all of them at d + t v. */
static int
inner_gradient(struct purification *p, double t, float *dd, struct err *e)
{
	struct ibau *s = p->own;
	const struct method_batch b = {
	    .x = p->x, .y = p->y, .n = s->tuning.trainer.n};
	double loss;

	memcpy(s->tuning.x, p->x, b.n * s->image * sizeof(*p->x));
	for (size_t k = 0; k < s->image; k++)
		s->at[k] = (float)((double)s->d[k] + t * (double)s->v[k]);
	return gradient(s, &b, b.n, s->at, dd, &loss, e);
}

static double
norm(const float *v, size_t n)
{
	double sum = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += (double)v[i] * (double)v[i];
	return sqrt(sum);
}

/* On both sides of d along v; *t: how far.  The trainer's gradient is that of
 * the far side, s->weights of the near one.  0 where v is none. */
static int
both_sides(struct purification *p, double *t, struct err *e)
{
	struct ibau *s = p->own;
	double size = norm(s->v, s->image);
	int rc;

	*t = size > 0.0 ? NEAR * sqrt((double)s->image) / size : 0.0;
	if (!(*t > 0.0) || !isfinite(*t)) {
		*t = 0.0;
		return 0;
	}
	if ((rc = inner_gradient(p, -*t, s->side[0], e)) != 0)
		return rc;
	memcpy(s->weights, s->tuning.trainer.grad,
	    p->h.nweight * sizeof(*s->weights));
	return inner_gradient(p, *t, s->side[1], e);
}

/* v by fixed-point iteration, from grad_d O. */
static int
solve(struct purification *p, struct err *e)
{
	struct ibau *s = p->own;
	double t;
	int rc;

	/* the first iteration, from v = 0 */
	memcpy(s->v, s->outer, s->image * sizeof(*s->v));
	for (size_t i = 1; i < ITERATIONS; i++) {
		if ((rc = both_sides(p, &t, e)) != 0)
			return rc;
		for (size_t k = 0; t > 0.0 && k < s->image; k++) {
			double h =
			    ((double)s->side[1][k] - (double)s->side[0][k]) /
			    (2.0 * t);
			double v = (double)s->v[k];

			v += INNER * (h - 2.0 * SHRINK * v);
			s->v[k] = (float)(v + (double)s->outer[k]);
		}
	}
	return 0;
}

/* --- a round ------------------------------------------------------------- */

/* One step up of d, away from the model's own classes. */
static int
climb(struct purification *p, size_t at, size_t n, struct err *e)
{
	struct ibau *s = p->own;
	const float *x = p->x + at * s->image;
	const struct method_batch b = {.x = x, .y = s->own, .n = n};
	size_t k = p->h.classes;
	double loss;
	int rc;

	if ((rc = batch_logits(&p->h, x, n, s->logits, e)) != 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		s->own[i] = (int32_t)loss_argmax(k, s->logits + i * k);
	memcpy(s->tuning.x, x, n * s->image * sizeof(*x));
	if ((rc = gradient(s, &b, n, s->d, s->at, &loss, e)) != 0)
		return rc;
	for (size_t i = 0; i < s->image; i++)
		s->d[i] += (float)(CLIMB * ((double)s->at[i] -
					       2.0 * SHRINK * (double)s->d[i]));
	return 0;
}

static int
begin(struct purification *p, uint64_t round, struct err *e)
{
	struct ibau *s = p->own;
	size_t most = s->tuning.trainer.n;
	int rc = 0;

	(void)round;
	memset(s->d, 0, s->image * sizeof(*s->d));
	for (size_t at = 0; rc == 0 && at < p->ntrain; at += most)
		rc = climb(p, at, MIN(most, p->ntrain - at), e);
	return rc;
}

static int
step(struct purification *p, const struct method_batch *b,
    struct method_terms *t, struct err *e)
{
	struct ibau *s = p->own;
	float *g = s->tuning.trainer.grad;
	size_t patched = MAX(b->n / PATCHED, 1);
	double sum = 0.0, far;
	int rc;

	memcpy(s->tuning.x, b->x, b->n * s->image * sizeof(*b->x));
	rc = gradient(s, b, patched, s->d, s->outer, &sum, e);
	if (rc != 0)
		return rc;
	memcpy(s->hyper, g, p->h.nweight * sizeof(*g));
	if ((rc = solve(p, e)) != 0 || (rc = both_sides(p, &far, e)) != 0)
		return rc;
	for (size_t i = 0; far > 0.0 && i < p->h.nweight; i++)
		s->hyper[i] +=
		    (float)(INNER * ((double)g[i] - (double)s->weights[i]) /
			    (2.0 * far));
	memcpy(g, s->hyper, p->h.nweight * sizeof(*g));
	trainer_step(&s->tuning.trainer, b->rate);
	t->n += b->n;
	t->loss += sum;
	t->sum[0] += sum;
	t->sum[1] += (double)b->n * norm(s->d, s->image);
	return 0;
}

const struct method method_ibau = {
    .name = "i-bau",
    .summary = "adversarial unlearning by an implicit hypergradient",
    .term = terms,
    .defaults = {.rounds = 5,
	.batch = 100,
	.rate = 1e-3,
	.momentum = 0.9,
	.optim = OPTIM_ADAM,
	.mode = BATCH_EVAL,
	.schedule = METHOD_CONSTANT,
	.keep = 1.0},
    .open = open,
    .begin = begin,
    .step = step,
    .spans = tuning_spans,
    .release = tuning_release,
};
