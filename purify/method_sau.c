/* SPDX-License-Identifier: MIT
 * Shared Adversarial Unlearning as published: purify/sau.h.
 */
#include "purify/rounds.h"

static const char *const terms[] = {"loss_clean", "loss_adv", "loss_shared",
    "shared_rate", "fooled_rate", NULL};

int
method_sau_init(struct sau *s, struct purification *p, struct err *e)
{
	const struct purify_config *c = &p->cfg;
	struct sau_config cfg = {
	    .inner = c->inner,
	    .lambda_clean = c->lambda_clean,
	    .lambda_adv = c->lambda_adv,
	    .lambda_shared = c->lambda_shared,
	    .optim = c->optim,
	    .rate = c->rate,
	    .batch = c->batch,
	    .mode = c->mode,
	};

	return sau_init(s, &cfg, &p->h, &p->h0, p->ntrain, e);
}

static int
open(struct purification *p, struct err *e)
{
	struct sau *s = arena_alloc(&p->arena, 1, sizeof(*s));
	int rc;

	if (s == NULL)
		BUG("out of memory");
	if ((rc = method_sau_init(s, p, e)) == 0)
		p->own = s;
	return rc;
}

static int
step(struct purification *p, const struct method_batch *b,
    struct method_terms *t, struct err *e)
{
	struct sau *s = p->own;
	struct sau_terms seen = {0};
	int rc;

	s->cfg.rate = b->rate;
	if ((rc = sau_step(s, b->x, b->y, b->n, &seen, e)) != 0)
		return rc;
	t->n += b->n;
	t->loss += s->cfg.lambda_clean * seen.clean +
		   s->cfg.lambda_adv * seen.adv +
		   s->cfg.lambda_shared * seen.shared;
	t->sum[0] += seen.clean;
	t->sum[1] += seen.adv;
	t->sum[2] += seen.shared;
	t->sum[3] += (double)seen.nshared;
	t->sum[4] += (double)seen.nfooled;
	return 0;
}

/* Without a perturbation no image is ever shared, so that none leaves. */
static int
dearest(struct purification *p, const struct method_batch *b,
    struct method_terms *t, struct err *e)
{
	struct sau *s = p->own;
	struct spgd_config *inner = &s->spgd.cfg, kept = *inner;
	int rc;

	inner->alpha = 0.0;
	inner->step = 0.0;
	rc = step(p, b, t, e);
	*inner = kept;
	return rc;
}

static size_t
spans(struct purification *p, struct method_span *span)
{
	struct sau *s = p->own;

	*span = (struct method_span){&s->draw, sizeof(s->draw)};
	return 1 + trainer_spans(&s->trainer, span + 1);
}

static void
release(struct purification *p)
{
	sau_release(p->own);
}

const struct method method_sau = {
    .name = "sau",
    .summary = "shared adversarial unlearning, as published",
    .term = terms,
    .defaults = {.rounds = 100,
	.batch = 256,
	.rate = 1e-4,
	.momentum = 0.9,
	.optim = OPTIM_ADAM,
	.mode = BATCH_EVAL,
	.schedule = METHOD_CONSTANT,
	.keep = 1.0,
	.lambda_clean = 1.0,
	.lambda_shared = 1.0},
    .open = open,
    .step = step,
    .dearest = dearest,
    .spans = spans,
    .release = release,
};
