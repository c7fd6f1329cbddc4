/* SPDX-License-Identifier: MIT */
#include "purify/tuning.h"

#include "base/rng.h"
#include "engine/augment.h"
#include "engine/loss.h"

#include <math.h>

#define STREAM_MOVE 321

int
tuning_open(struct purification *p, size_t size, struct err *e)
{
	size_t n = MIN(p->cfg.batch, p->ntrain), k = p->h.classes;
	size_t image = p->h.h * p->h.w * p->h.c;
	struct tuning *t = arena_alloc(&p->arena, 1, size);

	if (t == NULL)
		BUG("out of memory");
	p->own = t;
	t->weight = 1.0;
	t->x = arena_alloc(&p->arena, n * image, sizeof(*t->x));
	t->even = arena_alloc(&p->arena, k, sizeof(*t->even));
	if (t->x == NULL || t->even == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "batches of %zu do not fit in memory", n);
	for (size_t i = 0; i < k; i++)
		t->even[i] = 1.0f / (float)k;
	return trainer_init(
	    &t->trainer, &p->h, n, p->cfg.mode, &p->cfg.optim, &p->arena, e);
}

size_t
tuning_spans(struct purification *p, struct method_span *span)
{
	struct tuning *t = p->own;

	return trainer_spans(&t->trainer, span);
}

void
tuning_release(struct purification *p)
{
	struct tuning *t = p->own;

	trainer_release(&t->trainer);
}

void
tuning_move(struct tuning *t, const struct purification *p,
    const struct method_batch *b)
{
	size_t image = p->h.h * p->h.w * p->h.c;
	const struct augment how = {.h = p->h.h,
	    .w = p->h.w,
	    .c = p->h.c,
	    .shift = MAX(p->h.h, p->h.w) / 8};
	struct rng r;

	rng_init(&r, p->cfg.seed, STREAM_MOVE + (b->draw << 16));
	memcpy(t->x, b->x, b->n * image * sizeof(*t->x));
	for (size_t i = 0; i < b->n; i++)
		augment_image(&how, rng_u64(&r), t->x + i * image);
}

struct smoothed {
	const struct tuning *t;
	const struct method_batch *b;
	size_t k;
	/* (1 - s) on the label and s / (k - 1) on each other class is `own` on
	 * the label and `rest` spread evenly over all */
	double own, rest;
};

static double
loss(void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	const struct smoothed *s = ctx;
	double one = s->t->weight / (double)s->b->n, sum = 0.0;
	size_t k = s->k;

	memset(dlogits, 0, n * k * sizeof(*dlogits));
	for (size_t i = 0; i < n; i++) {
		const float *z = logits + i * k;
		float *dz = dlogits + i * k;
		double l;

		l = s->own * loss_cross_entropy(k, z,
				 (size_t)s->b->y[first + i],
				 (float)(s->own * one), dz);
		if (s->rest > 0.0)
			l += s->rest * loss_towards(k, z, s->t->even,
					   (float)(s->rest * one), dz);
		if (l < s->t->floor)
			memset(dz, 0, k * sizeof(*dz));
		/* not fmax(), which would lose a NaN */
		sum += l < s->t->floor ? 0.0 : l - s->t->floor;
	}
	return sum;
}

int
tuning_gradient(
    struct tuning *t, const struct method_batch *b, double *sum, struct err *e)
{
	size_t k = t->trainer.net->classes;
	double rest = k > 1 ? t->smooth * (double)k / (double)(k - 1) : 0.0;
	struct smoothed s = {t, b, k, 1.0 - rest, rest};

	return trainer_gradient(&t->trainer, t->x, b->n, loss, &s, sum, e);
}

int
tuning_step(struct tuning *t, const struct purification *p,
    const struct method_batch *b, double *sum, struct err *e)
{
	int rc;

	tuning_move(t, p, b);
	if ((rc = tuning_gradient(t, b, sum, e)) != 0)
		return rc;
	trainer_step(&t->trainer, b->rate);
	return 0;
}
