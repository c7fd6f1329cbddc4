/* SPDX-License-Identifier: MIT */
#include "engine/optim.h"

#include "engine/vector.h"

#include <math.h>

struct optim_config
optim_adam(bool amsgrad)
{
	return (struct optim_config){.kind = OPTIM_ADAM,
	    .amsgrad = amsgrad,
	    .beta1 = 0.9f,
	    .beta2 = 0.999f,
	    .epsilon = 1e-8f};
}

int
optim_init(struct optim *o, const struct optim_config *cfg, size_t n,
    struct arena *a, struct err *e)
{
	bool second = cfg->kind != OPTIM_SGD, most = second && cfg->amsgrad;

	*o = (struct optim){.cfg = *cfg, .n = n};
	o->power1 = 1.0;
	o->power2 = 1.0;
	o->m = arena_alloc(a, n + 1, sizeof(*o->m));
	o->s = second ? arena_alloc(a, n + 1, sizeof(*o->s)) : NULL;
	o->smax = most ? arena_alloc(a, n + 1, sizeof(*o->smax)) : NULL;
	if (o->m == NULL || (second && o->s == NULL) ||
	    (most && o->smax == NULL))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "%zu weights do not fit in memory", n);
	return 0;
}

/* Weights are independent of each other: pieces may go to any thread. */
#define PIECE ((size_t)1 << 14)

VECTOR static void
sgd_piece(
    struct optim *o, size_t from, size_t to, float lr, const float *g, float *w)
{
	const struct optim_config *c = &o->cfg;

	for (size_t i = from; i < to; i++) {
		float d = g[i] + c->decay * w[i];

		/* PyTorch starts the momentum with the first gradient */
		o->m[i] = o->t == 1 ? d : c->momentum * o->m[i] + d;
		w[i] -=
		    lr * (c->nesterov ? d + c->momentum * o->m[i] : o->m[i]);
	}
}

VECTOR static void
adam_piece(
    struct optim *o, size_t from, size_t to, float lr, const float *g, float *w)
{
	const struct optim_config *c = &o->cfg;
	float step = (float)((double)lr / (1.0 - o->power1));
	float root = (float)sqrt(1.0 - o->power2);
	float shrink = c->kind == OPTIM_ADAMW ? lr * c->decay : 0.0f;
	float decay = c->kind == OPTIM_ADAMW ? 0.0f : c->decay;

	for (size_t i = from; i < to; i++) {
		float d, s;

		w[i] -= shrink * w[i];
		d = g[i] + decay * w[i];
		o->m[i] += (1.0f - c->beta1) * (d - o->m[i]);
		o->s[i] = c->beta2 * o->s[i] + (1.0f - c->beta2) * d * d;
		s = o->s[i];
		if (c->amsgrad) {
			s = s > o->smax[i] ? s : o->smax[i];
			o->smax[i] = s;
		}
		w[i] -= step * o->m[i] / (sqrtf(s) / root + c->epsilon);
	}
}

static void
move(
    struct optim *o, size_t from, size_t to, float lr, const float *g, float *w)
{
	if (o->cfg.kind == OPTIM_SGD)
		sgd_piece(o, from, to, lr, g, w);
	else
		adam_piece(o, from, to, lr, g, w);
}

/* A piece, cut where the parts of other rates begin and end. */
static void
move_piece(
    struct optim *o, size_t from, size_t to, float lr, const float *g, float *w)
{
	for (size_t i = 0; i < o->nparts && from < to; i++) {
		const struct optim_part *p = &o->part[i];
		size_t end = MIN(p->to, to);

		if (p->to <= from || p->from >= to)
			continue;
		if (from < p->from)
			move(o, from, p->from, lr, g, w);
		move(o, MAX(from, p->from), end, lr * p->factor, g, w);
		from = end;
	}
	if (from < to)
		move(o, from, to, lr, g, w);
}

void
optim_step(struct optim *o, float lr, const float *g, float *w)
{
	o->t++;
	if (o->cfg.kind != OPTIM_SGD) {
		o->power1 *= (double)o->cfg.beta1;
		o->power2 *= (double)o->cfg.beta2;
	}
#pragma omp parallel for schedule(static)
	for (size_t at = 0; at < o->n; at += PIECE)
		move_piece(o, at, MIN(at + PIECE, o->n), lr, g, w);
}
