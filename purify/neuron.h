/* SPDX-License-Identifier: MIT
 * The neurons of a net as pruning sees them: the channels of its
 * normalisations, each with a scale and a shift, or, in a net without any,
 * those of its convolutions, each with a filter and a bias.
 */
#ifndef PURIFY_NEURON_H
#define PURIFY_NEURON_H

#include "engine/net.h"

/* Places are in net.weight. */
struct neuron_layer {
	size_t first, n; /* neurons, by number */
	size_t at, per;  /* weights, `per` of a neuron */
	size_t bias;     /* n of them; SIZE_MAX: none */
};

struct neurons {
	struct neuron_layer *layer;
	size_t nlayer, n;
};

/* ERR_UNSUPPORTED when there is none. */
int neuron_list(struct neurons *, const struct net *, struct arena *,
    struct err *) MUST_USE;
/*
 * w: every neuron's weights of w0 times scale, its bias times shift (NULL: 1);
 * n factors each.  Other weights stay as they are in w.
 */
void neuron_scale(const struct neurons *, const float *w0, const float *scale,
    const float *shift, float *w);
/*
 * With g the gradient where neuron_scale() led: dscale += times its gradient
 * with respect to the factors; the same of dshift, which may be NULL.
 */
void neuron_gradient(const struct neurons *, const float *w0, const float *g,
    double times, float *dscale, float *dshift);

#endif
