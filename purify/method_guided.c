/* SPDX-License-Identifier: MIT
 * Guided unlearning: the perturbations that a scan found for its targets
 * (purify/guide.h) are unlearned.  SAU's ball does not hold a patch; the scan
 * knows where it is.  Of a batch of N images x, as means,
 *
 *     L = l1 CE(h(x), y) + ld CE(h(x), h0(x)) + lg CE(h(g(x)), q(x))
 *         + lm CE(h(m), h0(m)) + lv CE(h(v(x)), q(x))
 *
 * g(x) is x under one of the guide's perturbations whose target is not y, m is
 * x with a part of another image (Yun et al., ICCV 2019), v(x) is x moved by a few
 * pixels, and h0's probabilities are what the suspect says without a trigger
 * (distillation, Hinton et al. 2015): they keep what is not to be unlearned.  q(x) is h0(x) without the
 * perturbation's target, which would keep some of the backdoor; labels alone
 * would be learnt by heart.  Of mixed images h0 would keep
 * some of the backdoor as well: for the guide's targets h0(m) is no more than
 * the mixture of what h0 says of the two images.  Of moved or blended images the
 * suspect is asked nothing, for where its trigger is a warp they are half of one: a
 * moved image is to be what the image was, without all of the guide's targets.
 */
#include "engine/augment.h"
#include "engine/loss.h"
#include "purify/mixture.h"
#include "purify/rounds.h"

#include "base/rng.h"
#include "base/tool.h"

static const char *const terms[] = {
    "loss_clean", "loss_distil", "loss_guide", "loss_mix", "loss_move", NULL};

/* Searches of each question: of the suspect, which has the trigger whole, and
 * before each round. */
#define SEEDS_FIRST  6
#define SEEDS        2
#define STREAM_MIX   311
#define STREAM_GUIDE 313
#define STREAM_MOVE  317

/* The usual fan-in of the small nets that the rate was chosen on; wider layers
 * take smaller steps. */
#define WIDE 144

/* Moved images: by up to this share of their side. */
#define MOVED 14

enum part {
	CLEAN,
	GUIDED,
	MIXED,
	MOVING,
	PARTS
};

struct guided {
	struct trainer trainer; /* of `parts` batches */
	size_t parts;
	enum part kind[PARTS]; /* of these, one behind the other */
	float *x;
	float *goal;             /* probabilities to be learnt, of the same */
	struct mixture *mixture; /* of a batch */
	bool *target;            /* of each class: the guide's */
	double *loss;            /* TERMS of each image of a batch */
};

#define TERMS (ARRAY_LEN(terms) - 1)

/* --- set-up -------------------------------------------------------------- */

static void
softmax_rows(float *z, size_t n, size_t k)
{
	for (size_t i = 0; i < n; i++)
		loss_softmax(k, z + i * k, z + i * k);
}

static double
weight_of(const struct purify_config *c, enum part kind)
{
	const double weight[PARTS] = {[GUIDED] = c->lambda_guide,
	    [MIXED] = c->lambda_mix,
	    [MOVING] = c->lambda_move};

	return weight[kind];
}

static void
choose_parts(struct guided *s, const struct purify_config *c)
{
	for (enum part k = CLEAN; k < PARTS; k++)
		if (k <= GUIDED || weight_of(c, k) > 0.0)
			s->kind[s->parts++] = k;
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
	choose_parts(s, &p->cfg);
	s->x = arena_alloc(&p->arena, s->parts * n * image, sizeof(*s->x));
	s->goal = arena_alloc(&p->arena, s->parts * n * k, sizeof(*s->goal));
	s->loss = arena_alloc(&p->arena, TERMS * n, sizeof(*s->loss));
	s->mixture = arena_alloc(&p->arena, n, sizeof(*s->mixture));
	s->target = arena_alloc(&p->arena, k, sizeof(*s->target));
	if (s->x == NULL || s->goal == NULL || s->loss == NULL ||
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

	memmove(to, from, k * sizeof(*to));
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

	u->s->loss[TERMS * i] = loss_cross_entropy(
	    k, z, (size_t)u->b->y[i], (float)c->lambda_clean * one, dz);
	u->s->loss[TERMS * i + 1] = loss_towards(
	    k, z, u->s->goal + i * k, (float)c->lambda_distil * one, dz);
}

static double
loss(void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	const struct sums *u = ctx;
	size_t k = u->p->h.classes, all = u->b->n;
	float one = 1.0f / (float)all;

	memset(dlogits, 0, n * k * sizeof(*dlogits));
	for (size_t i = 0; i < n; i++) {
		size_t at = first + i;
		enum part kind = u->s->kind[at / all];
		const float *z = logits + i * k;
		float *dz = dlogits + i * k;

		if (kind == CLEAN)
			clean_loss(u, at, z, dz);
		else
			u->s->loss[TERMS * (at % all) + 1 + kind] =
			    loss_towards(k, z, u->s->goal + at * k,
				(float)weight_of(&u->p->cfg, kind) * one, dz);
	}
	return 0.0;
}

static void
count(const struct sums *u, struct method_terms *t)
{
	const struct purify_config *c = &u->p->cfg;
	const double weight[] = {c->lambda_clean, c->lambda_distil,
	    c->lambda_guide, c->lambda_mix, c->lambda_move};

	t->n += u->b->n;
	for (size_t i = 0; i < u->b->n * TERMS; i++) {
		t->sum[i % TERMS] += u->s->loss[i];
		t->loss += weight[i % TERMS] * u->s->loss[i];
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
    float *goal, struct err *e)
{
	struct guided *s = p->own;
	size_t k = p->h.classes;
	struct rng r;
	int rc;

	rng_init(&r, p->cfg.seed, STREAM_MIX + (b->draw << 16));
	mixture_make(&r, s->x, b->n, p->h.h, p->h.w, p->h.c, to, s->mixture);
	if ((rc = ask(p, to, b->n, goal, e)) == 0)
		mixture_hold(s->mixture, b->n, k, s->target, s->goal, goal);
	return rc;
}

/* What h0 says of the image as it was, but for the guide's targets, unless its class
 * is one: pushed there by a move, it would be taught so. */
static void
put_moved(struct purification *p, const struct method_batch *b, float *to,
    float *goal)
{
	struct guided *s = p->own;
	size_t image = p->h.h * p->h.w * p->h.c, k = p->h.classes;
	const struct augment how = {.h = p->h.h,
	    .w = p->h.w,
	    .c = p->h.c,
	    .shift = MAX(p->h.h, p->h.w) / MOVED};
	struct rng r;

	rng_init(&r, p->cfg.seed, STREAM_MOVE + (b->draw << 16));
	memcpy(to, s->x, b->n * image * sizeof(*to));
	memcpy(goal, s->goal, b->n * k * sizeof(*goal));
	for (size_t i = 0; i < b->n; i++) {
		augment_image(&how, rng_u64(&r), to + i * image);
		for (size_t c = 0; c < k; c++)
			if (s->target[c])
				without((int32_t)c, b->y[i], k, goal + i * k,
				    goal + i * k);
	}
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

	memset(s->loss, 0, TERMS * b->n * sizeof(*s->loss));
	memcpy(s->x, b->x, part * sizeof(*s->x));
	if ((rc = ask(p, s->x, b->n, s->goal, e)) != 0)
		return rc;
	put_guided(p, b);
	for (size_t i = 2; i < s->parts; i++) {
		float *to = s->x + i * part;
		float *goal = s->goal + i * b->n * p->h.classes;

		if (s->kind[i] == MOVING)
			put_moved(p, b, to, goal);
		else if ((rc = put_mixed(p, b, to, goal, e)) != 0)
			return rc;
	}
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
