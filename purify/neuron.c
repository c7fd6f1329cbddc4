/* SPDX-License-Identifier: MIT */
#include "purify/neuron.h"

static bool
is_norm(const struct step *s)
{
	return s->op == &op_batch_norm || s->op == &op_layer_norm ||
	       s->op == &op_group_norm || s->op == &op_instance_norm;
}

static bool
is_listed(const struct neurons *u, size_t at)
{
	for (size_t i = 0; i < u->nlayer; i++)
		if (u->layer[i].at == at)
			return true;
	return false;
}

/* A layer whose weights several steps share is one. */
static void
add(struct neurons *u, const struct net *net, const struct step *s, bool norms)
{
	const struct param *w = net_trainable(net, s, 1);
	const struct param *b = net_trainable(net, s, 2);
	struct neuron_layer *l = &u->layer[u->nlayer];

	if (w == NULL || w->n == 0 || is_listed(u, w->at))
		return;
	*l = (struct neuron_layer){.first = u->n,
	    .n = norms ? w->n : w->shape.dim[0],
	    .at = w->at,
	    .bias = SIZE_MAX};
	l->per = w->n / l->n;
	if (b != NULL && b->n == l->n)
		l->bias = b->at;
	u->n += l->n;
	u->nlayer++;
}

static void
add_all(struct neurons *u, const struct net *net, bool norms)
{
	for (size_t i = 0; i < net->nstep; i++) {
		const struct step *s = &net->step[i];

		if (norms ? is_norm(s) : s->op == &op_conv)
			add(u, net, s, norms);
	}
}

int
neuron_list(
    struct neurons *u, const struct net *net, struct arena *a, struct err *e)
{
	*u = (struct neurons){0};
	u->layer = arena_alloc(a, net->nstep + 1, sizeof(*u->layer));
	if (u->layer == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
	add_all(u, net, true);
	if (u->n == 0)
		add_all(u, net, false);
	if (u->n == 0)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "the model has neither normalisations nor convolutions");
	return 0;
}

void
neuron_scale(const struct neurons *u, const float *w0, const float *scale,
    const float *shift, float *w)
{
	for (size_t i = 0; i < u->nlayer; i++) {
		const struct neuron_layer *l = &u->layer[i];

		for (size_t k = 0; k < l->n * l->per; k++)
			w[l->at + k] =
			    w0[l->at + k] * scale[l->first + k / l->per];
		for (size_t k = 0; l->bias != SIZE_MAX && k < l->n; k++)
			w[l->bias + k] =
			    w0[l->bias + k] *
			    (shift != NULL ? shift[l->first + k] : 1.0f);
	}
}

void
neuron_gradient(const struct neurons *u, const float *w0, const float *g,
    double times, float *dscale, float *dshift)
{
	for (size_t i = 0; i < u->nlayer; i++) {
		const struct neuron_layer *l = &u->layer[i];

		for (size_t k = 0; k < l->n; k++) {
			double sum = 0.0;

			for (size_t j = k * l->per; j < (k + 1) * l->per; j++)
				sum += (double)w0[l->at + j] *
				       (double)g[l->at + j];
			dscale[l->first + k] += (float)(times * sum);
			if (dshift != NULL && l->bias != SIZE_MAX)
				dshift[l->first + k] +=
				    (float)(times * (double)w0[l->bias + k] *
					    (double)g[l->bias + k]);
		}
	}
}
