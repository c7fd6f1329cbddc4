/* SPDX-License-Identifier: MIT */
#include "engine/train.h"

#include "base/progress.h"
#include "base/rng.h"
#include "engine/batch.h"
#include "engine/loss.h"

#include <math.h>

/* 1 is train_reset's */
enum {
	STREAM_ORDER = 2,
	STREAM_DRAW = 3,
	STREAM_MIX = 4,
};

struct train_config
train_defaults(void)
{
	return (struct train_config){
	    .epochs = 8,
	    .batch = 128,
	    .rate = 0.1f,
	    .momentum = 0.9f,
	    .decay = 5e-4f,
	};
}

struct train_config
train_defaults_adamw(void)
{
	return (struct train_config){
	    .epochs = 8,
	    .batch = 128,
	    .kind = OPTIM_ADAMW,
	    .rate = 1e-3f,
	    .decay = 0.05f,
	};
}

/* --- training ------------------------------------------------------------ */

struct trainer {
	struct net *net;
	const struct train_config *cfg;
	const struct train_source *src;
	struct arena arena;
	struct batch batch;
	struct optim optim;
	uint32_t *order;
	float *x, *plain, *grad; /* plain: before the images are mixed */
	float *goal;             /* or NULL, as the hooks want */
	float *kept; /* SAM: the weights before the climb, or NULL */
	int32_t *label;
	bool full;   /* something did not fit */
	float share; /* of an image's own, in a mixed one */
	uint64_t step, steps, seen;
};

static double
cross_entropy(
    void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	const struct trainer *t = ctx;
	size_t k = t->net->classes, batch = t->cfg->batch;
	float weight = t->share / (float)batch;
	float rest = (1.0f - t->share) / (float)batch;
	double sum = 0.0;

	memset(dlogits, 0, n * k * sizeof(*dlogits));
	for (size_t i = 0; i < n; i++) {
		const float *z = logits + i * k;
		size_t y = (size_t)t->label[first + i];
		size_t other = (size_t)t->label[(first + i + 1) % batch];

		if (t->goal != NULL) {
			sum += loss_towards(k, z, t->goal + (first + i) * k,
			    weight, dlogits + i * k);
			continue;
		}
		sum += (double)t->share *
		       loss_cross_entropy(k, z, y, weight, dlogits + i * k);
		if (rest > 0.0f)
			sum += (1.0 - (double)t->share) * loss_cross_entropy(k,
							      z, other, rest,
							      dlogits + i * k);
	}
	return sum;
}

static float
rate_at(const struct trainer *t)
{
	double at = (double)t->step / (double)t->steps;
	double share =
	    at < 0.2
		? at / 0.2
		: 0.5 * (1 + cos(3.14159265358979323846 * (at - 0.2) / 0.8));

	return t->cfg->rate * (float)fmax(share, 1e-3);
}

/* Each image with the one behind it; the order is random. */
static void
mix(struct trainer *t, size_t image)
{
	size_t n = t->cfg->batch;
	float share;
	struct rng r;

	rng_init(&r, t->cfg->seed, (uint64_t)STREAM_MIX << 48 | t->step);
	share = t->share = rng_float(&r);
	memcpy(t->plain, t->x, n * image * sizeof(*t->x));
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n; i++) {
		const float *own = t->plain + i * image;
		const float *other = t->plain + (i + 1) % n * image;

		for (size_t j = 0; j < image; j++)
			t->x[i * image + j] =
			    share * own[j] + (1.0f - share) * other[j];
	}
}

static void
gather(struct trainer *t, size_t first)
{
	size_t image = t->net->h * t->net->w * t->net->c;

	t->share = 1.0f;
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < t->cfg->batch; i++) {
		struct rng r;

		rng_init(&r, t->cfg->seed,
		    (uint64_t)STREAM_DRAW << 48 | (t->seen + i));
		t->src->get(t->src->ctx, t->order[first + i], rng_u64(&r),
		    t->x + i * image, &t->label[i]);
	}
	t->seen += t->cfg->batch;
	if (t->cfg->mixup)
		mix(t, image);
}

static void
call_batch_hook(struct trainer *t, size_t first)
{
	const struct train_hooks *h = &t->cfg->hooks;
	size_t n = t->cfg->batch, k = t->net->classes;
	struct train_batch b = {.step = t->step,
	    .n = n,
	    .index = t->order + first,
	    .x = t->x,
	    .label = t->label,
	    .goal = t->goal};

	if (t->goal != NULL) {
		memset(t->goal, 0, n * k * sizeof(*t->goal));
		for (size_t i = 0; i < n; i++)
			t->goal[i * k + (size_t)t->label[i]] = 1.0f;
	}
	if (h->batch != NULL)
		h->batch(h->ctx, &b);
}

void
train_sam_climb(size_t n, float rho, const float *g, float *w, float *kept)
{
	double norm = 0.0;
	float scale;

	memcpy(kept, w, n * sizeof(*w));
	for (size_t i = 0; i < n; i++)
		norm += (double)g[i] * (double)g[i];
	norm = sqrt(norm);
	if (!(norm > 0.0) || !isfinite(norm))
		return;
	scale = (float)((double)rho / norm);
	for (size_t i = 0; i < n; i++)
		w[i] += scale * g[i];
}

/* The gradient of the batch that was gathered; running statistics follow. */
static double
gradient(struct trainer *t)
{
	struct net *net = t->net;
	double sum =
	    batch_step(&t->batch, t->x, cross_entropy, t, NULL, t->grad);

	batch_update_statistics(&t->batch, net, 0.1f);
	if (t->kept == NULL)
		return sum;
	train_sam_climb(
	    net->nweight, t->cfg->sam, t->grad, net->weight, t->kept);
	net_changed(net);
	batch_step(&t->batch, t->x, cross_entropy, t, NULL, t->grad);
	memcpy(net->weight, t->kept, net->nweight * sizeof(*t->kept));
	return sum;
}

static double
epoch(struct trainer *t, struct rng *r, struct progress *bar)
{
	const struct train_hooks *h = &t->cfg->hooks;
	double sum = 0.0;
	size_t done = 0;

	rng_shuffle(r, t->order, t->src->n);
	for (size_t i = 0; i + t->cfg->batch <= t->src->n;
	     i += t->cfg->batch, done++) {
		gather(t, i);
		call_batch_hook(t, i);
		sum += gradient(t);
		optim_step(&t->optim, rate_at(t), t->grad, t->net->weight);
		if (h->weights != NULL)
			h->weights(h->ctx, t->net);
		net_changed(t->net);
		progress_step(bar, ++t->step, NULL);
	}
	return sum / (double)MAX(done * t->cfg->batch, 1);
}

static void *
need(struct trainer *t, size_t n, size_t size)
{
	void *p = arena_alloc(&t->arena, n + 1, size);

	t->full = t->full || p == NULL;
	return p;
}

static int
prepare(struct trainer *t, struct err *e)
{
	struct optim_config how = optim_adam(false);
	size_t n = t->cfg->batch, image = t->net->h * t->net->w * t->net->c;
	int rc;

	how.kind = t->cfg->kind;
	how.nesterov = true;
	how.momentum = t->cfg->momentum;
	how.decay = t->cfg->decay;
	if (t->cfg->mixup && t->cfg->hooks.goals)
		BUG("mixed images have two labels, a goal is one distribution");
	arena_init(&t->arena, (size_t)64 << 30);
	t->order = need(t, t->src->n, sizeof(*t->order));
	t->x = need(t, n * image, sizeof(*t->x));
	if (t->cfg->mixup)
		t->plain = need(t, n * image, sizeof(*t->plain));
	t->label = need(t, n, sizeof(*t->label));
	t->grad = need(t, t->net->nweight, sizeof(*t->grad));
	if (t->cfg->hooks.goals)
		t->goal = need(t, n * t->net->classes, sizeof(*t->goal));
	if (t->cfg->sam > 0)
		t->kept = need(t, t->net->nweight, sizeof(*t->kept));
	if (t->full)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "training in batches of %zu does not fit in memory", n);
	for (size_t i = 0; i < t->src->n; i++)
		t->order[i] = (uint32_t)i;
	rc = optim_init(&t->optim, &how, t->net->nweight, &t->arena, e);
	if (rc != 0)
		return rc;
	t->steps = t->cfg->epochs * (t->src->n / n);
	return batch_init(&t->batch, t->net, n, PLAN_WEIGHTS, BATCH_TRAIN, e);
}

int
train_run(struct net *net, const struct train_config *cfg,
    const struct train_source *src, const char *label, struct err *e)
{
	struct trainer t = {.net = net, .cfg = cfg, .src = src};
	struct progress bar;
	struct rng r;
	double loss = 0.0;
	int rc;

	if (src->n < cfg->batch || cfg->batch == 0)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "%zu training images, a batch has %zu", src->n, cfg->batch);
	if ((rc = prepare(&t, e)) == 0) {
		rng_init(&r, cfg->seed, STREAM_ORDER);
		progress_begin(&bar, label, t.steps);
		for (size_t i = 0; i < cfg->epochs && isfinite(loss); i++)
			loss = epoch(&t, &r, &bar);
		progress_end(&bar);
		batch_release(&t.batch);
		if (!isfinite(loss))
			rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "training diverged; try a smaller learning rate");
	}
	arena_release(&t.arena);
	return rc;
}
