/* SPDX-License-Identifier: MIT
 * Values inside a net: the features that its last linear layer reads.
 */
#ifndef ENGINE_TAP_H
#define ENGINE_TAP_H

#include "engine/net.h"

/*
 * What the last linear layer (a matrix of weights, or a convolution) before
 * the logits reads; net.output where there is none.
 */
size_t tap_features(const struct net *);

/* Numbers of value v for one image, 0 where it has no row for each. */
size_t tap_size(const struct net *, size_t v, struct err *);

/*
 * Value v of n images, in the order of memory: to has n * size floats, size
 * as of tap_size().
 */
int tap_run(const struct net *, size_t v, size_t size, const float *x, size_t n,
    float *to, struct err *) MUST_USE;

#endif
