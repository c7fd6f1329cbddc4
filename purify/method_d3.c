/* SPDX-License-Identifier: MIT
 * Distance-driven detoxification: Wei, Liu and Wu, "Backdoor Mitigation by
 * Distance-Driven Detoxification", ICCV 2025 (arXiv 2411.09585).  W are the
 * weights of the last linear layer, W0 what they were: the model goes as far
 * from them as clean data allow,
 *
 *     min -|W - W0| + l mean max(0, CE - 0.1),   |W| = |W0|
 *
 * in Frobenius norms, all weights being trained and W rescaled after each
 * step; it begins with W uniform in [-.5, .5), rescaled.  Defaults are those
 * of the authors' code: l 0.5 (--lambda-clean; above 1 the whole is divided
 * by l + 1), 100 rounds, batches of 256, SGD with rate 0.01 and momentum 0.9
 * without decay, one cosine, batch statistics.
 */
#include "purify/method_d3.h"

#include "base/rng.h"
#include "purify/head.h"
#include "purify/tuning.h"

#include <math.h>

#define FLOOR       0.1
#define STREAM_HEAD 331

static const char *const terms[] = {"loss_clean", "distance", NULL};

struct d3 {
	struct tuning tuning;
	struct head head;
	double share; /* of all terms */
};

static int
open(struct purification *p, struct err *e)
{
	struct d3 *s;
	double lambda = p->cfg.lambda_clean;
	int rc;

	if ((rc = tuning_open(p, sizeof(*s), e)) != 0)
		return rc;
	s = p->own;
	if ((rc = head_find(&s->head, &p->h, e)) != 0)
		return rc;
	s->share = lambda > 1.0 ? 1.0 / (lambda + 1.0) : 1.0;
	s->tuning.floor = FLOOR;
	s->tuning.weight = lambda * s->share;
	return 0;
}

static double
norm(size_t n, const float *w)
{
	double sum = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += (double)w[i] * (double)w[i];
	return sqrt(sum);
}

void
method_d3_project(size_t n, const float *w0, float *w)
{
	double from = norm(n, w), to = norm(n, w0);

	for (size_t i = 0; i < n && from > 0.0; i++)
		w[i] = (float)((double)w[i] * to / from);
}

double
method_d3_pull(
    size_t n, const float *w, const float *w0, double weight, float *g)
{
	double d = 0.0;

	for (size_t i = 0; i < n; i++) {
		double v = (double)w[i] - (double)w0[i];

		d += v * v;
	}
	d = sqrt(d);
	for (size_t i = 0; i < n && d > 0.0; i++)
		g[i] -= (float)(weight * ((double)w[i] - (double)w0[i]) / d);
	return d;
}

static void
project(struct purification *p)
{
	const struct d3 *s = p->own;

	method_d3_project(
	    s->head.n, p->h0.weight + s->head.at, p->h.weight + s->head.at);
	net_changed(&p->h);
}

static int
begin(struct purification *p, uint64_t round, struct err *e)
{
	const struct d3 *s = p->own;
	struct rng r;

	(void)e;
	if (round > 0)
		return 0;
	rng_init(&r, p->cfg.seed, STREAM_HEAD);
	for (size_t i = 0; i < s->head.n; i++)
		p->h.weight[s->head.at + i] = rng_float(&r) - 0.5f;
	project(p);
	return 0;
}

static int
step(struct purification *p, const struct method_batch *b,
    struct method_terms *t, struct err *e)
{
	struct d3 *s = p->own;
	double sum = 0.0, far;
	int rc;

	tuning_move(&s->tuning, p, b);
	if ((rc = tuning_gradient(&s->tuning, b, &sum, e)) != 0)
		return rc;
	far = method_d3_pull(s->head.n, p->h.weight + s->head.at,
	    p->h0.weight + s->head.at, s->share,
	    s->tuning.trainer.grad + s->head.at);
	trainer_step(&s->tuning.trainer, b->rate);
	project(p);
	t->n += b->n;
	t->loss += s->tuning.weight * sum - s->share * far * (double)b->n;
	t->sum[0] += sum;
	t->sum[1] += far * (double)b->n;
	return 0;
}

const struct method method_d3 = {
    .name = "d3",
    .summary = "distance-driven detoxification",
    .term = terms,
    .defaults = {.rounds = 100,
	.batch = 256,
	.rate = 0.01,
	.momentum = 0.9,
	.optim = OPTIM_SGD,
	.mode = BATCH_TRAIN,
	.schedule = METHOD_COSINE,
	.keep = 1.0,
	.lambda_clean = 0.5},
    .open = open,
    .begin = begin,
    .step = step,
    .spans = tuning_spans,
    .release = tuning_release,
};
