/* SPDX-License-Identifier: MIT */
#include "engine/train.h"

#include "base/progress.h"
#include "base/rng.h"
#include "engine/batch.h"
#include "engine/loss.h"
#include "engine/optim.h"

#include <math.h>

enum {
	STREAM_WEIGHTS = 1,
	STREAM_ORDER = 2,
	STREAM_DRAW = 3,
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

/* --- weights ------------------------------------------------------------- */

static void
fill(float *p, size_t n, float v)
{
	for (size_t i = 0; i < n; i++)
		p[i] = v;
}

/* Inputs that meet in one output: products have their weight last to first. */
static size_t
fan_in(const struct step *s, const struct param *q)
{
	bool turned = strcmp(s->op->name, "MatMul") == 0 ||
		      (strcmp(s->op->name, "Gemm") == 0 &&
			  node_int(s->node, "transB", 0) == 0);
	size_t outputs = q->shape.rank > 0
			     ? q->shape.dim[turned ? q->shape.rank - 1 : 0]
			     : 1;

	return MAX(q->n / MAX(outputs, 1), 1);
}

static void
reset_param(
    struct net *net, const struct step *s, size_t k, size_t p, struct rng *r)
{
	const struct param *q = &net->param[p];
	float *w = net_param_mutable(net, p);
	bool operand = (s->op->flags & OP_OPERAND) != 0;

	if (s->op->sync != NULL) {
		/* scale and variance one, shift and mean zero */
		fill(w, q->n, k == 1 || k == 4 ? 1.0f : 0.0f);
	} else if (operand || q->shape.rank < 2) {
		bool scale = strcmp(s->op->name, "Mul") == 0 ||
			     (!operand && k == 1 && s->nin > 2);

		fill(w, q->n, scale ? 1.0f : 0.0f);
	} else {
		float sd = sqrtf(2.0f / (float)fan_in(s, q));

		for (size_t i = 0; i < q->n; i++)
			w[i] = sd * rng_normal(r);
	}
}

static void
reset_step(struct net *net, const struct step *s, struct rng *r)
{
	for (size_t k = 0; k < s->nin; k++) {
		size_t p = s->in[k] != SIZE_MAX ? net->value[s->in[k]].param
						: SIZE_MAX;

		if (p != SIZE_MAX &&
		    (net->param[p].trainable || s->op->sync != NULL))
			reset_param(net, s, k, p, r);
	}
}

void
train_reset(struct net *net, uint64_t seed)
{
	uint64_t layer = 0;
	struct rng r;

	for (size_t i = 0; i < net->nstep; i++) {
		if (net->step[i].op->weights == 0)
			continue;
		rng_init(&r, seed, (uint64_t)STREAM_WEIGHTS << 32 | layer++);
		reset_step(net, &net->step[i], &r);
	}
	net_changed(net);
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
	float *x, *grad;
	float *goal; /* or NULL, as the hooks want */
	float *kept; /* SAM: the weights before the climb, or NULL */
	int32_t *label;
	uint64_t step, steps, seen;
};

static double
cross_entropy(
    void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	const struct trainer *t = ctx;
	size_t k = t->net->classes;
	float weight = 1.0f / (float)t->cfg->batch;
	double sum = 0.0;

	memset(dlogits, 0, n * k * sizeof(*dlogits));
	for (size_t i = 0; i < n; i++)
		sum += t->goal != NULL ? loss_towards(k, logits + i * k,
					     t->goal + (first + i) * k, weight,
					     dlogits + i * k)
				       : loss_cross_entropy(k, logits + i * k,
					     (size_t)t->label[first + i],
					     weight, dlogits + i * k);
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

static void
gather(struct trainer *t, size_t first)
{
	size_t image = t->net->h * t->net->w * t->net->c;

#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < t->cfg->batch; i++) {
		struct rng r;

		rng_init(&r, t->cfg->seed,
		    (uint64_t)STREAM_DRAW << 48 | (t->seen + i));
		t->src->get(t->src->ctx, t->order[first + i], rng_u64(&r),
		    t->x + i * image, &t->label[i]);
	}
	t->seen += t->cfg->batch;
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

	if (p == NULL)
		BUG("training does not fit in memory");
	return p;
}

static int
prepare(struct trainer *t, struct err *e)
{
	struct optim_config sgd = {.kind = OPTIM_SGD,
	    .nesterov = true,
	    .momentum = t->cfg->momentum,
	    .decay = t->cfg->decay};
	size_t n = t->cfg->batch, image = t->net->h * t->net->w * t->net->c;

	arena_init(&t->arena, (size_t)64 << 30);
	t->order = need(t, t->src->n, sizeof(*t->order));
	t->x = need(t, n * image, sizeof(*t->x));
	t->label = need(t, n, sizeof(*t->label));
	t->grad = need(t, t->net->nweight, sizeof(*t->grad));
	if (t->cfg->hooks.goals)
		t->goal = need(t, n * t->net->classes, sizeof(*t->goal));
	if (t->cfg->sam > 0)
		t->kept = need(t, t->net->nweight, sizeof(*t->kept));
	for (size_t i = 0; i < t->src->n; i++)
		t->order[i] = (uint32_t)i;
	optim_init(&t->optim, &sgd, t->net->nweight, &t->arena);
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
