/* SPDX-License-Identifier: MIT */
#include "engine/optim.h"

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

static float *
state(struct arena *a, size_t n)
{
	float *p = arena_alloc(a, n + 1, sizeof(*p));

	if (p == NULL)
		BUG("optimiser state does not fit");
	return p;
}

void
optim_init(
    struct optim *o, const struct optim_config *cfg, size_t n, struct arena *a)
{
	*o = (struct optim){.cfg = *cfg, .n = n};
	o->power1 = 1.0;
	o->power2 = 1.0;
	o->m = state(a, n);
	if (cfg->kind != OPTIM_SGD)
		o->s = state(a, n);
	if (cfg->kind != OPTIM_SGD && cfg->amsgrad)
		o->smax = state(a, n);
}

static void
sgd_step(struct optim *o, float lr, const float *g, float *w)
{
	const struct optim_config *c = &o->cfg;

	for (size_t i = 0; i < o->n; i++) {
		float d = g[i] + c->decay * w[i];

		/* PyTorch starts the momentum with the first gradient */
		o->m[i] = o->t == 1 ? d : c->momentum * o->m[i] + d;
		w[i] -=
		    lr * (c->nesterov ? d + c->momentum * o->m[i] : o->m[i]);
	}
}

static void
adam_step(struct optim *o, float lr, const float *g, float *w)
{
	const struct optim_config *c = &o->cfg;
	float step, root;

	o->power1 *= (double)c->beta1;
	o->power2 *= (double)c->beta2;
	step = (float)((double)lr / (1.0 - o->power1));
	root = (float)sqrt(1.0 - o->power2);
	for (size_t i = 0; i < o->n; i++) {
		float d = g[i], s;

		if (c->kind == OPTIM_ADAMW)
			w[i] -= lr * c->decay * w[i];
		else
			d += c->decay * w[i];
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

void
optim_step(struct optim *o, float lr, const float *g, float *w)
{
	o->t++;
	if (o->cfg.kind == OPTIM_SGD)
		sgd_step(o, lr, g, w);
	else
		adam_step(o, lr, g, w);
}
