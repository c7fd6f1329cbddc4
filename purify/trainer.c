/* SPDX-License-Identifier: MIT */
#include "purify/trainer.h"

#include "engine/layer.h"

/* Share of a batch's statistics in the running ones: PyTorch's default. */
#define MOMENTUM 0.1f

static int
full_batch(struct trainer *t, struct err *e)
{
	return batch_init(&t->batch[0], t->net, t->n, t->want, t->mode, e);
}

static void
drop_batch(struct batch *b)
{
	if (b->net != NULL)
		batch_release(b);
}

int
trainer_init(struct trainer *t, struct net *net, size_t n, enum batch_mode mode,
    const struct optim_config *cfg, struct arena *a, struct err *e)
{
	int rc;

	*t = (struct trainer){
	    .net = net, .n = n, .mode = mode, .want = PLAN_WEIGHTS};
	t->grad = arena_alloc(a, net->nweight + 1, sizeof(*t->grad));
	if (t->grad == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "%zu weights do not fit in memory", net->nweight);
	if ((rc = optim_init(&t->optim, cfg, net->nweight, a, e)) != 0)
		return rc;
	return full_batch(t, e);
}

int
trainer_want_data(struct trainer *t, struct arena *a, struct err *e)
{
	size_t image = t->net->h * t->net->w * t->net->c;

	t->dx = arena_alloc(a, t->n * image, sizeof(*t->dx));
	if (t->dx == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "batches of %zu do not fit in memory", t->n);
	t->want |= PLAN_DATA;
	for (size_t i = 0; i < ARRAY_LEN(t->batch); i++)
		drop_batch(&t->batch[i]);
	return full_batch(t, e);
}

int
trainer_temper(struct trainer *t, size_t wide, struct arena *a, struct err *e)
{
	struct optim_part *part;
	int rc = layer_rates(t->net, wide, a, &part, &t->optim.nparts, e);

	if (rc == 0)
		t->optim.part = part;
	return rc;
}

void
trainer_release(struct trainer *t)
{
	for (size_t i = 0; i < ARRAY_LEN(t->batch); i++)
		drop_batch(&t->batch[i]);
	*t = (struct trainer){0};
}

static int
batch_for(struct trainer *t, size_t n, struct batch **b, struct err *e)
{
	*b = &t->batch[0];
	if (n == t->n)
		return 0;
	*b = &t->batch[1];
	if ((*b)->net != NULL && (*b)->n == n)
		return 0;
	drop_batch(*b);
	return batch_init_within(*b, &t->batch[0], n, e);
}

int
trainer_gradient(struct trainer *t, const float *x, size_t n, batch_loss *loss,
    void *ctx, double *sum, struct err *e)
{
	struct batch *b;
	int rc;

	if (n > t->n)
		BUG("batch larger than promised");
	if ((rc = batch_for(t, n, &b, e)) != 0)
		return rc;
	*sum = batch_step(b, x, loss, ctx, t->dx, t->grad);
	if (t->mode == BATCH_TRAIN && !t->still)
		batch_update_statistics(b, t->net, MOMENTUM);
	return 0;
}

void
trainer_step(struct trainer *t, double rate)
{
	optim_step(&t->optim, (float)rate, t->grad, t->net->weight);
	net_changed(t->net);
}

size_t
trainer_spans(struct trainer *t, struct method_span *span)
{
	return trainer_optim_spans(&t->optim, span);
}

size_t
trainer_optim_spans(struct optim *o, struct method_span *span)
{
	size_t floats = o->n * sizeof(float);
	const struct method_span all[TRAINER_SPANS] = {
	    {&o->power1, sizeof(o->power1)},
	    {&o->power2, sizeof(o->power2)},
	    {&o->t, sizeof(o->t)},
	    {o->m, floats},
	    {o->s, floats},
	    {o->smax, floats},
	};
	size_t n = 0;

	for (size_t i = 0; i < TRAINER_SPANS; i++)
		if (all[i].ptr != NULL)
			span[n++] = all[i];
	return n;
}
