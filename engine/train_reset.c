/* SPDX-License-Identifier: MIT
 * Fresh weights.  A file does not say what a tensor is for: the layer that
 * uses it does, directly or behind operators that only move numbers.
 */
#include "base/rng.h"
#include "engine/layer.h"
#include "engine/train.h"

#include <math.h>

#define STREAM_WEIGHTS 1
/* Embeddings, and branches that a layer scale opens slowly. */
#define EMBEDDING_SD 0.02f
#define LAYER_SCALE  0.1f
#define PRELU_SLOPE  0.25f

struct reset {
	struct net *net;
	size_t
	    *source; /* per value: the parameter that it holds, or SIZE_MAX */
	bool layer_norm;
};

static void
fill(float *p, size_t n, float v)
{
	for (size_t i = 0; i < n; i++)
		p[i] = v;
}

static bool
is_op(const struct step *s, const char *name)
{
	return strcmp(s->op->name, name) == 0;
}

/* Axes along which a tensor differs. */
static size_t
axes_of(const struct shape *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->rank; i++)
		n += s->dim[i] > 1;
	return n;
}

/* *sd: of the normal distribution to draw from, 0 for the constant returned. */
static float
start_value(const struct reset *r, const struct step *s, size_t k,
    const struct shape *w, float *sd)
{
	bool norm = is_op(s, "LayerNormalization") ||
		    is_op(s, "GroupNormalization") ||
		    is_op(s, "InstanceNormalization");

	*sd = 0.0f;
	if (s->op->sync != NULL)
		/* scale and variance one, shift and mean zero */
		return k == 1 || k == 4 ? 1.0f : 0.0f;
	if (norm)
		return k == 1 ? 1.0f : 0.0f;
	if (is_op(s, "PRelu"))
		return PRELU_SLOPE;
	if (is_op(s, "Mul") || is_op(s, "Div"))
		return r->layer_norm ? LAYER_SCALE : 1.0f;
	if (is_op(s, "Pow"))
		return 1.0f;
	/* a class token; positions, where a bias has one axis */
	if (is_op(s, "Concat") ||
	    ((is_op(s, "Add") || is_op(s, "Sub")) && axes_of(w) > 1))
		*sd = EMBEDDING_SD;
	else if (layer_multiplies(s, k))
		*sd = w->rank < 2 ? EMBEDDING_SD
				  : sqrtf(2.0f / (float)layer_fan_in(s, k, w));
	return 0.0f;
}

static void
reset_param(
    const struct reset *r, const struct step *s, size_t k, struct rng *random)
{
	const struct net *net = r->net;
	size_t p = r->source[s->in[k]];
	const struct param *q = &net->param[p];
	float *w = net_param_mutable(r->net, p);
	float sd, v;

	v = start_value(r, s, k,
	    net->shape != NULL ? &net->shape[s->in[k]] : &q->shape, &sd);
	fill(w, q->n, v);
	for (size_t i = 0; sd > 0.0f && i < q->n; i++)
		w[i] = sd * rng_normal(random);
}

static void
reset_step(const struct reset *r, const struct step *s, struct rng *random)
{
	for (size_t k = 0; k < s->nin; k++) {
		size_t p =
		    s->in[k] != SIZE_MAX ? r->source[s->in[k]] : SIZE_MAX;

		if (p != SIZE_MAX &&
		    (r->net->param[p].trainable || s->op->sync != NULL))
			reset_param(r, s, k, random);
	}
}

void
train_reset(struct net *net, uint64_t seed)
{
	struct reset r = {.net = net};
	struct arena a;
	struct rng random;
	uint64_t layer = 0;

	arena_init(&a, (size_t)1 << 30);
	r.source = arena_alloc(&a, net->nvalue + 1, sizeof(*r.source));
	if (r.source == NULL)
		BUG("a net of too many values");
	layer_sources(net, r.source);
	for (size_t i = 0; i < net->nstep; i++)
		r.layer_norm =
		    r.layer_norm || is_op(&net->step[i], "LayerNormalization");
	for (size_t i = 0; i < net->nstep; i++) {
		if (net->step[i].op->weights == 0)
			continue;
		rng_init(
		    &random, seed, (uint64_t)STREAM_WEIGHTS << 32 | layer++);
		reset_step(&r, &net->step[i], &random);
	}
	arena_release(&a);
	net_changed(net);
}
