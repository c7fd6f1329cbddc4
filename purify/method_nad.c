/* SPDX-License-Identifier: MIT
 * Neural attention distillation: Li, Lyu, Koren, Lyu, Li and Ma, "Neural
 * Attention Distillation: Erasing Backdoor Triggers from Deep Neural
 * Networks", ICLR 2021, section 3.  A teacher, the suspect fine-tuned a
 * little, holds the student's attention where it is on clean images:
 *
 *     L = CE + sum over maps l of b_l mean (u_l - t_l)^2
 *
 * u and t being the student's and the teacher's maps (purify/attention.h),
 * each normalised.  Defaults are those of BackdoorBench, nad: b 500, 1000,
 * 1000 from low to high, the teacher fine-tuned for 10 rounds as method_ft.c
 * would, 10 rounds of the student, batches of 256, SGD with rate 0.01,
 * momentum 0.9 and decay 5e-4, batch statistics in the student.
 */
#include "base/rng.h"
#include "engine/loss.h"
#include "purify/attention.h"
#include "purify/tuning.h"

#define TEACHER_ROUNDS 10
#define STREAM_TEACHER 351

static const char *const terms[] = {"loss_clean", "loss_attention", NULL};

static const double betas[ATTENTION_MAPS] = {500.0, 1000.0, 1000.0};

struct nad {
	struct tuning tuning; /* of p->h: makes the teacher */
	struct attention student, teacher;
	struct trainer trainer; /* of the student */
	float *goal;            /* a batch's output of the teacher */
	double *part;           /* per image: clean, attention */
	float *x;               /* a batch for the teacher */
	int32_t *y;
	uint32_t *order;
};

static int
open(struct purification *p, struct err *e)
{
	struct nad *s;
	size_t n = MIN(p->cfg.batch, p->ntrain);
	size_t image = p->h.h * p->h.w * p->h.c;
	int rc;

	if ((rc = tuning_open(p, sizeof(*s), e)) != 0)
		return rc;
	s = p->own;
	if ((rc = attention_init(&s->student, &p->h, e)) != 0 ||
	    (rc = attention_init(&s->teacher, &p->h, e)) != 0 ||
	    (rc = trainer_init(&s->trainer, &s->student.net, n, p->cfg.mode,
		 &p->cfg.optim, &p->arena, e)) != 0)
		return rc;
	s->goal = arena_alloc(
	    &p->arena, n * s->student.net.classes, sizeof(*s->goal));
	s->part = arena_alloc(&p->arena, 2 * n, sizeof(*s->part));
	s->x = arena_alloc(&p->arena, n * image, sizeof(*s->x));
	s->y = arena_alloc(&p->arena, n, sizeof(*s->y));
	s->order = arena_alloc(&p->arena, p->ntrain, sizeof(*s->order));
	if (s->goal == NULL || s->part == NULL || s->x == NULL ||
	    s->y == NULL || s->order == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "batches of %zu do not fit in memory", n);
	return 0;
}

/* --- the teacher --------------------------------------------------------- */

/* One batch of fine-tuning of p->h. */
static int
teach(struct purification *p, size_t at, size_t n, uint64_t draw, struct err *e)
{
	struct nad *s = p->own;
	size_t image = p->h.h * p->h.w * p->h.c;
	const struct method_batch b = {.x = s->x,
	    .y = s->y,
	    .index = s->order + at,
	    .n = n,
	    .draw = draw,
	    .rate = p->cfg.rate};
	double loss;

	for (size_t i = 0; i < n; i++) {
		memcpy(s->x + i * image, p->x + s->order[at + i] * image,
		    image * sizeof(*s->x));
		s->y[i] = p->y[s->order[at + i]];
	}
	return tuning_step(&s->tuning, p, &b, &loss, e);
}

static int
teach_round(
    struct purification *p, uint64_t round, uint64_t *draw, struct err *e)
{
	struct nad *s = p->own;
	size_t most = s->trainer.n;
	struct rng r;
	int rc = 0;

	for (size_t i = 0; i < p->ntrain; i++)
		s->order[i] = (uint32_t)i;
	rng_init(&r, p->cfg.seed, STREAM_TEACHER + (round << 16));
	rng_shuffle(&r, s->order, p->ntrain);
	for (size_t at = 0; rc == 0 && at < p->ntrain; at += most)
		rc = teach(p, at, MIN(most, p->ntrain - at), (*draw)--, e);
	return rc;
}

static int
begin(struct purification *p, uint64_t round, struct err *e)
{
	struct nad *s = p->own;
	/* numbers that the student's batches do not have */
	uint64_t draw = UINT64_MAX >> 16;
	int rc;

	if (round > 0) {
		/* its weights may be a checkpoint's */
		net_changed(&s->teacher.net);
		return 0;
	}
	for (uint64_t i = 0; i < TEACHER_ROUNDS; i++)
		if ((rc = teach_round(p, i, &draw, e)) != 0)
			return rc;
	net_copy_weights(&s->teacher.net, &p->h);
	net_copy_weights(&p->h, &p->h0);
	return 0;
}

/* --- the student --------------------------------------------------------- */

struct distil {
	const struct nad *s;
	const struct method_batch *b;
};

static double
loss(void *ctx, size_t first, size_t n, const float *out, float *dout)
{
	const struct distil *d = ctx;
	const struct attention *a = &d->s->student;
	size_t width = a->net.classes, off = ATTENTION_MAPS - a->nmap;
	double one = 1.0 / (double)d->b->n;

	memset(dout, 0, n * width * sizeof(*dout));
	for (size_t i = 0; i < n; i++) {
		const float *z = out + i * width;
		const float *goal = d->s->goal + (first + i) * width;
		double *part = d->s->part + 2 * (first + i);
		float *dz = dout + i * width;

		part[0] = loss_cross_entropy(
		    a->classes, z, (size_t)d->b->y[first + i], (float)one, dz);
		part[1] = 0.0;
		for (size_t k = 0; k < a->nmap; k++) {
			size_t at = a->map[k].at;

			part[1] +=
			    betas[off + k] * attention_loss(a->map[k].n, z + at,
						 goal + at,
						 betas[off + k] * one, dz + at);
		}
	}
	return 0.0;
}

static int
look(struct purification *p, const float *x, size_t n, struct err *e)
{
	struct nad *s = p->own;
	const struct attention *a = &s->teacher;
	size_t width = a->net.classes;
	int rc = batch_logits(&a->net, x, n, s->goal, e);

	for (size_t i = 0; rc == 0 && i < n; i++)
		for (size_t k = 0; k < a->nmap; k++) {
			float *u = s->goal + i * width + a->map[k].at;

			attention_normalise(a->map[k].n, u, u);
		}
	return rc;
}

static int
step(struct purification *p, const struct method_batch *b,
    struct method_terms *t, struct err *e)
{
	struct nad *s = p->own;
	struct distil d = {s, b};
	double sum;
	int rc;

	tuning_move(&s->tuning, p, b);
	if ((rc = look(p, s->tuning.x, b->n, e)) != 0)
		return rc;
	net_copy_weights(&s->student.net, &p->h);
	rc =
	    trainer_gradient(&s->trainer, s->tuning.x, b->n, loss, &d, &sum, e);
	if (rc != 0)
		return rc;
	trainer_step(&s->trainer, b->rate);
	net_copy_weights(&p->h, &s->student.net);
	t->n += b->n;
	for (size_t i = 0; i < b->n; i++) {
		t->sum[0] += s->part[2 * i];
		t->sum[1] += s->part[2 * i + 1];
		t->loss += s->part[2 * i] + s->part[2 * i + 1];
	}
	return 0;
}

static size_t
spans(struct purification *p, struct method_span *span)
{
	struct nad *s = p->own;
	const struct net *n = &s->teacher.net;

	span[0] =
	    (struct method_span){n->weight, n->nweight * sizeof(*n->weight)};
	span[1] = (struct method_span){n->fixed, n->nfixed * sizeof(*n->fixed)};
	return 2 + trainer_spans(&s->trainer, span + 2);
}

static void
release(struct purification *p)
{
	struct nad *s = p->own;

	trainer_release(&s->trainer);
	attention_release(&s->student);
	attention_release(&s->teacher);
	tuning_release(p);
}

const struct method method_nad = {
    .name = "nad",
    .summary = "neural attention distillation",
    .term = terms,
    .defaults = {.rounds = 10,
	.batch = 256,
	.rate = 0.01,
	.decay = 5e-4,
	.momentum = 0.9,
	.optim = OPTIM_SGD,
	.mode = BATCH_TRAIN,
	.schedule = METHOD_CONSTANT,
	.keep = 1.0},
    .open = open,
    .begin = begin,
    .step = step,
    .spans = spans,
    .release = release,
};
