/* SPDX-License-Identifier: MIT */
#include "purify/sau.h"

#include "engine/loss.h"

#include <math.h>

struct sau_config
sau_defaults(void)
{
	return (struct sau_config){
	    .inner = spgd_defaults(),
	    .lambda_clean = 1.0,
	    .lambda_adv = 0.0,
	    .lambda_shared = 1.0,
	    .optim = optim_adam(true),
	    .rate = 1e-4,
	    .batch = 256,
	    .mode = BATCH_EVAL,
	};
}

static int
allocate(struct sau *s, struct err *e)
{
	size_t image = s->h->h * s->h->w * s->h->c;
	struct arena *a = &s->arena;

	s->x = arena_alloc(a, 2 * s->n * image, sizeof(*s->x));
	s->eps = arena_alloc(a, s->n * image, sizeof(*s->eps));
	s->clean = arena_alloc(a, s->n, sizeof(*s->clean));
	s->clean0 = arena_alloc(a, s->n, sizeof(*s->clean0));
	s->pred = arena_alloc(a, s->n, sizeof(*s->pred));
	s->pred0 = arena_alloc(a, s->n, sizeof(*s->pred0));
	if (s->x == NULL || s->eps == NULL || s->clean == NULL ||
	    s->clean0 == NULL || s->pred == NULL || s->pred0 == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "a batch of %zu does not fit in memory", s->n);
	return trainer_init(
	    &s->trainer, s->h, 2 * s->n, s->cfg.mode, &s->cfg.optim, a, e);
}

int
sau_init(struct sau *s, const struct sau_config *cfg, struct net *h,
    const struct net *h0, size_t n, struct err *e)
{
	int rc;

	*s = (struct sau){.cfg = *cfg, .h = h, .h0 = h0};
	s->n = MIN(cfg->batch, n);
	arena_init(&s->arena, (size_t)32 << 30);
	if ((rc = allocate(s, e)) != 0 ||
	    (rc = spgd_init(&s->spgd, &cfg->inner, h, h0, s->n, e)) != 0)
		sau_release(s);
	/* the outer loss has h at x + eps anyway, by the same statistics */
	s->spgd.brief = cfg->mode == BATCH_EVAL;
	return rc;
}

void
sau_release(struct sau *s)
{
	if (s->spgd.worker != NULL)
		spgd_release(&s->spgd);
	trainer_release(&s->trainer);
	arena_release(&s->arena);
	*s = (struct sau){0};
}

/* --- outer loss ---------------------------------------------------------- */

struct outer {
	const struct sau *s;
	const int32_t *y;
	size_t n; /* clean images; as many perturbed ones follow */
	double *clean, *adv, *shared; /* per image */
};

/* Loss of one image of P, its gradient added to dz with the given weight. */
static double
shared_loss(size_t k, const float *z, size_t t, float weight, float *dz)
{
	float top = z[0];
	double sum = 0.0, others = 0.0, p, n, slope = 0.0;

	for (size_t i = 1; i < k; i++)
		top = z[i] > top ? z[i] : top;
	for (size_t i = 0; i < k; i++) {
		double v = exp((double)(z[i] - top));

		sum += v;
		others += i == t ? 0.0 : v;
	}
	p = exp((double)(z[t] - top)) / sum;
	n = others / sum;
	/* d/dp of -(ln(..n..) + ln(..p..)), with dn = -dp */
	if (n < 0.999)
		slope += 1.0 / (1e-6 + n);
	if (p > 0.001)
		slope += 1.0 / (1.0 + 1e-6 - p);
	for (size_t i = 0; i < k; i++) {
		double q = exp((double)(z[i] - top)) / sum;

		dz[i] +=
		    weight * (float)(slope * p * ((i == t ? 1.0 : 0.0) - q));
	}
	return -log(1e-6 + fmin(n, 0.999)) - log(1.0 + 1e-6 - fmax(p, 0.001));
}

/* Perturbed image i: adversarial and shared terms. */
static void
perturbed(const struct outer *o, size_t i, const float *z, float *dz)
{
	const struct sau *s = o->s;
	size_t k = s->h->classes;
	float one = 1.0f / (float)o->n;
	size_t t = (size_t)s->pred0[i];

	if (s->spgd.brief)
		s->pred[i] = (int32_t)loss_argmax(k, z);
	o->adv[i] = loss_cross_entropy(
	    k, z, (size_t)o->y[i], (float)s->cfg.lambda_adv * one, dz);
	if (s->pred0[i] != o->y[i] && s->pred0[i] != s->clean0[i])
		o->shared[i] =
		    0.5 * shared_loss(k, z, t,
			      0.5f * (float)s->cfg.lambda_shared * one, dz);
}

static double
outer_loss(
    void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	const struct outer *o = ctx;
	const struct sau *s = o->s;
	size_t k = s->h->classes;
	float weight = (float)s->cfg.lambda_clean / (float)o->n;

	memset(dlogits, 0, n * k * sizeof(*dlogits));
	for (size_t i = 0; i < n; i++) {
		size_t at = first + i;
		const float *z = logits + i * k;
		float *dz = dlogits + i * k;

		if (at < o->n)
			o->clean[at] = loss_cross_entropy(
			    k, z, (size_t)o->y[at], weight, dz);
		else
			perturbed(o, at - o->n, z, dz);
	}
	return 0.0;
}

/* --- one batch ----------------------------------------------------------- */

static void
count(const struct sau *s, size_t n, const struct outer *o, struct sau_terms *t)
{
	t->n += n;
	for (size_t i = 0; i < n; i++) {
		bool fooled = s->pred[i] != s->clean[i];

		t->clean += o->clean[i];
		t->adv += o->adv[i];
		t->shared += o->shared[i];
		t->nfooled += fooled;
		t->nshared += fooled && s->pred0[i] != s->clean0[i] &&
			      s->pred[i] == s->pred0[i];
	}
}

int
sau_gradient(struct sau *s, const float *x, const int32_t *y, size_t n,
    struct sau_terms *t, struct err *e)
{
	struct spgd_result r = {s->eps, s->clean, s->clean0, s->pred, s->pred0};
	size_t floats = n * s->h->h * s->h->w * s->h->c;
	struct outer o = {.s = s, .y = y, .n = n};
	struct arena a;
	double *part, sum;
	int rc;

	if (n > s->n)
		BUG("batch larger than promised");
	arena_init(&a, SIZE_MAX);
	if ((part = arena_alloc(&a, 3 * n, sizeof(*part))) == NULL)
		BUG("out of memory");
	o.clean = part;
	o.adv = part + n;
	o.shared = part + 2 * n;
	spgd_attack(&s->spgd, x, y, n, s->draw++, &r);
	memcpy(s->x, x, floats * sizeof(*x));
	for (size_t i = 0; i < floats; i++)
		s->x[floats + i] = x[i] + s->eps[i];
	rc =
	    trainer_gradient(&s->trainer, s->x, 2 * n, outer_loss, &o, &sum, e);
	if (rc == 0)
		count(s, n, &o, t);
	arena_release(&a);
	return rc;
}

int
sau_step(struct sau *s, const float *x, const int32_t *y, size_t n,
    struct sau_terms *t, struct err *e)
{
	int rc = sau_gradient(s, x, y, n, t, e);

	if (rc != 0)
		return rc;
	trainer_step(&s->trainer, s->cfg.rate);
	return 0;
}
