/* SPDX-License-Identifier: MIT
 * Guided unlearning: the perturbations that a scan found for its targets
 * (purify/guide.h) are unlearned.  SAU's ball does not hold a patch; the scan
 * knows where it is.  Of a batch of N images x, as means,
 *
 *     L = l1 CE(h(x), y) + ld CE(h(x), h0(x)) + lg CE(h(g(x)), q(x))
 *         + lm CE(h(m), h0(m))
 *
 * g(x) is x under one of the guide's perturbations whose target is not y, m is
 * x with a part of another image (Yun et al., ICCV 2019), and h0's probabilities
 * are what the suspect says without a trigger (distillation, Hinton et al.
 * 2015): they keep what is not to be unlearned.  q(x) is h0(x) without the
 * perturbation's target, which would keep some of the backdoor; labels alone
 * would be learnt by heart.  Of mixed images h0 would keep
 * some of the backdoor as well: for the guide's targets h0(m) is no more than
 * the mixture of what h0 says of the two images.  Nothing is asked of moved or
 * blended images: for a suspect whose trigger is a warp they are half of one.
 */
#include "engine/loss.h"
#include "purify/mixture.h"
#include "purify/rounds.h"

#include "base/rng.h"
#include "base/tool.h"

static const char *const terms[] = {
    "loss_clean", "loss_distil", "loss_guide", "loss_mix", NULL};

/* Searches of each question: of the suspect, which has the trigger whole, and
 * before each round. */
#define SEEDS_FIRST  6
#define SEEDS        2
#define STREAM_MIX   311
#define STREAM_GUIDE 313

/* The usual fan-in of the small nets that the rate was chosen on; wider layers
 * take smaller steps. */
#define WIDE 144

struct guided {
	struct trainer trainer;  /* of `parts` batches */
	size_t parts;            /* 3 with mixed images, else 2 */
	float *x;                /* clean, guided, mixed */
	float *goal;             /* probabilities to be learnt, of the same */
	struct mixture *mixture; /* of a batch */
	bool *target;            /* of each class: the guide's */
	double *part; /* per image of a batch: clean, distil, guide, mix */
};

/* --- set-up -------------------------------------------------------------- */

static void
softmax_rows(float *z, size_t n, size_t k)
{
	for (size_t i = 0; i < n; i++)
		loss_softmax(k, z + i * k, z + i * k);
}

static int
open(struct purification *p, struct err *e)
{
	size_t n = MIN(p->cfg.batch, p->ntrain), k = p->h.classes;
	size_t image = p->h.h * p->h.w * p->h.c;
	struct guided *s = arena_alloc(&p->arena, 1, sizeof(*s));
	int rc;

	if (s == NULL)
		BUG("out of memory");
	if (p->guide.n == 0)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "the scan '%.200s' has no target to be guided by",
		    p->cfg.guide);
	s->parts = p->cfg.lambda_mix > 0.0 ? 3 : 2;
	s->x = arena_alloc(&p->arena, s->parts * n * image, sizeof(*s->x));
	s->goal = arena_alloc(&p->arena, s->parts * n * k, sizeof(*s->goal));
	s->part = arena_alloc(&p->arena, 4 * n, sizeof(*s->part));
	s->mixture = arena_alloc(&p->arena, n, sizeof(*s->mixture));
	s->target = arena_alloc(&p->arena, k, sizeof(*s->target));
	if (s->x == NULL || s->goal == NULL || s->part == NULL ||
	    s->mixture == NULL || s->target == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "batches of %zu do not fit in memory", n);
	rc = trainer_init(&s->trainer, &p->h, s->parts * n, p->cfg.mode,
	    &p->cfg.optim, &p->arena, e);
	if (rc != 0)
		return rc;
	p->own = s;
	return p->cfg.optim.kind == OPTIM_SGD
		   ? 0
		   : trainer_temper(&s->trainer, WIDE, &p->arena, e);
}

/* Says which questions nothing can be found for. */
static void
warn_of_idle(const struct guide *g)
{
	struct err e;

	for (size_t i = 0; i < g->n; i++)
		if (g->question[i].n == 0 && !g->question[i].closed) {
			(void)guide_idle(&g->question[i], &e);
			tool_warn(
			    "a target of the scan is left alone: %s", e.msg);
		}
}

static void
warn_of_closed(const struct guide *g)
{
	bool map = false;

	for (size_t i = 0; i < g->n; i++) {
		const struct guide_question *q = &g->question[i];

		if (q->best && q->closed && !q->mapped)
			tool_warn("class %d is left alone: what the scan "
				  "found (%s) is not found again",
			    q->target, q->geometry->name);
		map = map || (q->closed && q->mapped);
	}
	if (map)
		tool_warn("the map of all classes is left alone: it is not "
			  "found again");
}

/* On request alone, what the scan found is to be found again before it is
 * unlearned: to unlearn what fools clean models too costs accuracy, but a
 * backdoor that is not found again stays. */
static int
confirm(struct purification *p, const struct uap_images *images, struct err *e)
{
	size_t left;
	int rc = guide_confirm(
	    &p->guide, &p->h, images, p->cfg.seed + 500009, &left, e);

	if (rc != 0)
		return rc;
	warn_of_closed(&p->guide);
	if (left == 0) {
		tool_warn("nothing is left to unlearn: the model stays as "
			  "it is");
		p->end = ROUNDS_NOTHING;
	}
	return 0;
}

static int
begin(struct purification *p, uint64_t round, struct err *e)
{
	struct uap_images images = {.x = p->x, .label = p->y, .n = p->ntrain};
	struct guided *s = p->own;
	int rc;

	if (round == 0 && p->cfg.confirm &&
	    ((rc = confirm(p, &images, e)) != 0 || p->end == ROUNDS_NOTHING))
		return rc;
	rc = guide_search(&p->guide, &p->h, &images,
	    round == 0 ? SEEDS_FIRST : SEEDS, round == 0,
	    p->cfg.seed + (round + 1) * 1000003, e);
	if (rc != 0)
		return rc;
	if (round == 0)
		warn_of_idle(&p->guide);
	/* anew: a trial before the rounds has asked other questions */
	memset(s->target, 0, p->h.classes * sizeof(*s->target));
	for (size_t i = 0; i < p->guide.n; i++)
		if (p->guide.question[i].n > 0)
			s->target[p->guide.question[i].target] = true;
	return 0;
}

static double
first(const struct purification *p)
{
	return guide_first_times(&p->guide, SEEDS_FIRST, SEEDS);
}

/* --- one batch ----------------------------------------------------------- */

/* What h0 says of the image, but for the class that it is pushed to: of that
 * its answer may hold some of the backdoor. */
static void
without(int32_t target, int32_t label, size_t k, const float *from, float *to)
{
	float sum = 0.0f;

	memcpy(to, from, k * sizeof(*to));
	if (target != label)
		to[target] = 0.0f;
	for (size_t c = 0; c < k; c++)
		sum += to[c];
	if (!(sum > 0.0f))
		to[label] = sum = 1.0f;
	for (size_t c = 0; c < k; c++)
		to[c] /= sum;
}

/* Under a perturbation; the image itself where none is about its class.  After
 * the goals of the clean images. */
static void
put_guided(struct purification *p, const struct method_batch *b)
{
	struct guided *s = p->own;
	size_t image = p->h.h * p->h.w * p->h.c, k = p->h.classes;
	float *to = s->x + b->n * image, *goal = s->goal + b->n * k;
	struct rng r;

	rng_init(&r, p->cfg.seed, STREAM_GUIDE + (b->draw << 16));
	for (size_t i = 0; i < b->n; i++) {
		const struct trigger *t =
		    guide_trigger(&p->guide, b->y[i], rng_u64(&r) >> 1);
		const float *x = s->x + i * image;

		if (t != NULL)
			trigger_apply(t, x, to + i * image);
		else
			memcpy(to + i * image, x, image * sizeof(*to));
		without(t != NULL ? trigger_target(t, b->y[i]) : b->y[i],
		    b->y[i], k, s->goal + i * k, goal + i * k);
	}
}

struct sums {
	const struct purification *p;
	const struct guided *s;
	const struct method_batch *b;
};

/* Image i of the clean ones. */
static void
clean_loss(const struct sums *u, size_t i, const float *z, float *dz)
{
	const struct purify_config *c = &u->p->cfg;
	float one = 1.0f / (float)u->b->n;
	size_t k = u->p->h.classes;

	u->s->part[4 * i] = loss_cross_entropy(
	    k, z, (size_t)u->b->y[i], (float)c->lambda_clean * one, dz);
	u->s->part[4 * i + 1] = loss_towards(
	    k, z, u->s->goal + i * k, (float)c->lambda_distil * one, dz);
}

static double
loss(void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	const struct sums *u = ctx;
	const struct purify_config *c = &u->p->cfg;
	size_t k = u->p->h.classes, all = u->b->n;
	float one = 1.0f / (float)all;

	memset(dlogits, 0, n * k * sizeof(*dlogits));
	for (size_t i = 0; i < n; i++) {
		size_t at = first + i, part = at / all;
		const float *z = logits + i * k;
		float *dz = dlogits + i * k;

		if (part == 0)
			clean_loss(u, at, z, dz);
		else
			u->s->part[4 * (at % all) + 1 + part] =
			    loss_towards(k, z, u->s->goal + at * k,
				(float)(part == 1 ? c->lambda_guide
						  : c->lambda_mix) *
				    one,
				dz);
	}
	return 0.0;
}

static void
count(const struct sums *u, struct method_terms *t)
{
	const struct purify_config *c = &u->p->cfg;

	t->n += u->b->n;
	for (size_t i = 0; i < u->b->n; i++) {
		const double *v = u->s->part + 4 * i;

		for (size_t k = 0; k < 4; k++)
			t->sum[k] += v[k];
		t->loss += c->lambda_clean * v[0] + c->lambda_distil * v[1] +
			   c->lambda_guide * v[2] + c->lambda_mix * v[3];
	}
}

/* What the suspect says of n images as they are. */
static int
ask(struct purification *p, const float *x, size_t n, float *goal,
    struct err *e)
{
	int rc = batch_logits(&p->h0, x, n, goal, e);

	if (rc == 0)
		softmax_rows(goal, n, p->h.classes);
	return rc;
}

/* Mixed images behind the others, and what is to be learnt of them. */
static int
put_mixed(struct purification *p, const struct method_batch *b, float *to,
    struct err *e)
{
	struct guided *s = p->own;
	size_t k = p->h.classes;
	float *goal = s->goal + 2 * b->n * k;
	struct rng r;
	int rc;

	rng_init(&r, p->cfg.seed, STREAM_MIX + (b->draw << 16));
	mixture_make(&r, s->x, b->n, p->h.h, p->h.w, p->h.c, to, s->mixture);
	if ((rc = ask(p, to, b->n, goal, e)) == 0)
		mixture_hold(s->mixture, b->n, k, s->target, s->goal, goal);
	return rc;
}

static int
step(struct purification *p, const struct method_batch *b,
    struct method_terms *t, struct err *e)
{
	struct guided *s = p->own;
	size_t part = b->n * p->h.h * p->h.w * p->h.c;
	struct sums u = {p, s, b};
	double sum;
	int rc;

	memset(s->part, 0, 4 * b->n * sizeof(*s->part));
	memcpy(s->x, b->x, part * sizeof(*s->x));
	if ((rc = ask(p, s->x, b->n, s->goal, e)) != 0)
		return rc;
	put_guided(p, b);
	if (s->parts == 3 && (rc = put_mixed(p, b, s->x + 2 * part, e)) != 0)
		return rc;
	rc = trainer_gradient(
	    &s->trainer, s->x, s->parts * b->n, loss, &u, &sum, e);
	if (rc != 0)
		return rc;
	trainer_step(&s->trainer, b->rate);
	count(&u, t);
	return 0;
}

static size_t
spans(struct purification *p, struct method_span *span)
{
	struct guided *s = p->own;

	return trainer_spans(&s->trainer, span);
}

static void
release(struct purification *p)
{
	struct guided *s = p->own;

	trainer_release(&s->trainer);
}

const struct method method_guided = {
    .name = "guided",
    .summary = "unlearning of what a scan found",
    .term = terms,
    .defaults = {.rounds = 60,
	.batch = 64,
	.warm = 2,
	.rate = 2e-3,
	.momentum = 0.9,
	.optim = OPTIM_ADAM,
	.mode = BATCH_EVAL,
	.schedule = METHOD_COSINE,
	.keep = 0.01,
	.lambda_clean = 0.3},
    .open = open,
    .begin = begin,
    .first = first,
    .step = step,
    .spans = spans,
    .release = release,
};
