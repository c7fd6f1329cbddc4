/* SPDX-License-Identifier: MIT */
#include "purify/rounds.h"

#include "base/progress.h"
#include "base/rng.h"
#include "base/tool.h"
#include "engine/measure.h"

#include <math.h>

#define STREAM_SPLIT 301
#define STREAM_ORDER 302

/* --- set-up -------------------------------------------------------------- */

static void *
need(struct purification *p, size_t n, size_t size)
{
	void *q = arena_alloc(&p->arena, n + 1, size);

	if (q == NULL)
		BUG("the images do not fit in memory");
	return q;
}

static int
split(struct purification *p, struct err *e)
{
	const struct dataset *d = &p->data.data;
	size_t image = d->h * d->w * d->c;
	struct rng r;

	p->nheld = (size_t)((double)d->n * p->opt.held_out + 0.5);
	p->ntrain = d->n - p->nheld;
	if (p->nheld == 0 || p->ntrain == 0)
		return err_set(
		    e, ERR_USAGE, ERR_NOWHERE, "%zu images are too few", d->n);
	p->order = need(p, d->n, sizeof(*p->order));
	p->x = need(p, d->n * image, sizeof(*p->x));
	p->y = need(p, d->n, sizeof(*p->y));
	p->held = p->x + p->ntrain * image;
	p->held_y = p->y + p->ntrain;
	for (size_t i = 0; i < d->n; i++)
		p->order[i] = (uint32_t)i;
	rng_init(&r, p->opt.seed, STREAM_SPLIT);
	rng_shuffle(&r, p->order, d->n);
	for (size_t i = 0; i < d->n; i++) {
		dataset_image(d, p->order[i], p->x + i * image);
		p->y[i] = d->label[p->order[i]];
	}
	return 0;
}

int
rounds_open(struct purification *p, struct err *e)
{
	const struct dataset *d = &p->data.data;
	struct fetch_want want = {
	    .spec = p->opt.data, .classes = p->opt.classes};
	int rc;

	arena_init(&p->arena, (size_t)32 << 30);
	rc = fetch_model(p->opt.model, p->opt.preprocess, &p->model, e);
	if (rc != 0)
		return rc;
	want.model = &p->model.model;
	if ((rc = fetch_data(&want, &p->data, e)) != 0)
		return rc;
	if ((rc = net_build(&p->h, &p->model.model, d->h, d->w, d->c, e)) !=
		0 ||
	    (rc = net_build(&p->h0, &p->model.model, d->h, d->w, d->c, e)) !=
		0 ||
	    (rc = measure_fits(&p->h, d, NULL, e)) != 0)
		return err_in(e, p->opt.model);
	if ((rc = split(p, e)) != 0)
		return err_in(e, p->opt.data);
	p->round = need(p, p->opt.count, sizeof(*p->round));
	return sau_init(&p->sau, &p->cfg, &p->h, &p->h0, p->ntrain, e);
}

static int
accuracy(struct purification *p, double *out, struct err *e)
{
	size_t k = p->h.classes, hit = 0;
	struct arena a;
	float *z;
	int rc;

	arena_init(&a, (size_t)4 << 30);
	if ((z = arena_alloc(&a, p->nheld * k, sizeof(*z))) == NULL)
		BUG("logits do not fit in memory");
	rc = batch_logits(&p->h, p->held, p->nheld, z, e);
	for (size_t i = 0; rc == 0 && i < p->nheld; i++) {
		size_t best = 0;

		for (size_t c = 1; c < k; c++)
			if (z[i * k + c] > z[i * k + best])
				best = c;
		hit += best == (size_t)p->held_y[i];
	}
	*out = (double)hit / (double)p->nheld;
	arena_release(&a);
	return rc;
}

/* --- rounds -------------------------------------------------------------- */

/* Put the training images into this round's order, in place. */
static void
shuffle(struct purification *p, struct rng *r)
{
	size_t image = p->h.h * p->h.w * p->h.c;
	float *spare = p->sau.x; /* overwritten by every batch anyway */

	for (size_t i = p->ntrain; i > 1; i--) {
		size_t k = rng_below(r, i), j = i - 1;
		int32_t y = p->y[j];

		memcpy(spare, p->x + j * image, image * sizeof(*spare));
		memmove(
		    p->x + j * image, p->x + k * image, image * sizeof(*spare));
		memcpy(p->x + k * image, spare, image * sizeof(*spare));
		p->y[j] = p->y[k];
		p->y[k] = y;
	}
}

static int
one_round(struct purification *p, struct round *r, struct err *e)
{
	size_t image = p->h.h * p->h.w * p->h.c;
	const struct sau_config *c = &p->cfg;
	double n;
	int rc;

	for (size_t i = 0, m; i < p->ntrain; i += m) {
		m = MIN(p->sau.n, p->ntrain - i);
		rc = sau_step(
		    &p->sau, p->x + i * image, p->y + i, m, &r->terms, e);
		if (rc != 0)
			return rc;
	}
	n = (double)r->terms.n;
	r->loss =
	    (c->lambda_clean * r->terms.clean + c->lambda_adv * r->terms.adv +
		c->lambda_shared * r->terms.shared) /
	    n;
	if (!isfinite(r->loss))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the loss is not finite; try a smaller --lr");
	return accuracy(p, &r->accuracy, e);
}

int
rounds_run(struct purification *p, struct err *e)
{
	double start = progress_clock();
	struct progress bar;
	struct rng r;
	int rc;

	if ((rc = accuracy(p, &p->before, e)) != 0)
		return rc;
	if (measure_near_chance((uint64_t)(p->before * (double)p->nheld + 0.5),
		p->nheld, p->h.classes))
		tool_warn(MEASURE_NEAR_CHANCE, p->opt.model, 100 * p->before);
	rng_init(&r, p->opt.seed, STREAM_ORDER);
	progress_begin(&bar, "purifying", p->opt.count);
	for (size_t i = 0; rc == 0 && i < p->opt.count; i++) {
		char note[96];

		shuffle(p, &r);
		rc = one_round(p, &p->round[i], e);
		snprintf(note, sizeof(note),
		    "loss %.3f shared %.2f held-out %.3f", p->round[i].loss,
		    (double)p->round[i].terms.nshared /
			(double)MAX(p->round[i].terms.n, 1),
		    p->round[i].accuracy);
		progress_step(&bar, i + 1, note);
	}
	progress_end(&bar);
	p->after = p->before;
	if (rc == 0 && p->opt.count != 0)
		p->after = p->round[p->opt.count - 1].accuracy;
	p->unrounded = p->after;
	if (rc == 0)
		rc = net_export_round(&p->h, &p->rounding, e);
	if (rc == 0 && p->rounding.changed > 0)
		rc = accuracy(p, &p->after, e);
	p->seconds = progress_clock() - start;
	return rc;
}

void
rounds_release(struct purification *p)
{
	if (p->sau.h != NULL)
		sau_release(&p->sau);
	net_release(&p->h);
	net_release(&p->h0);
	fetch_model_release(&p->model);
	fetch_data_release(&p->data);
	arena_release(&p->arena);
}
