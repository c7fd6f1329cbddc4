/* SPDX-License-Identifier: MIT
 * A net that shows its attention: the rows of its output are the logits and,
 * behind them, for some of its feature maps A (C, H, W) the sum over C of A^2
 * at each of H x W places (Zagoruyko and Komodakis, ICLR 2017).  It is the
 * model's own graph with operators added that square, sum and concatenate, so
 * a loss on the maps has its gradient like any other.
 *
 * The maps are the last one of each of the last ATTENTION_MAPS sizes that the
 * graph goes through: a stage of a residual net each.
 */
#ifndef PURIFY_ATTENTION_H
#define PURIFY_ATTENTION_H

#include "engine/net.h"

#define ATTENTION_MAPS 3

struct attention_map {
	const char *name; /* of the feature map */
	size_t at, n;     /* columns of the output */
};

struct attention {
	struct arena arena;
	struct model model;
	/* weights and constants lie as in the net that it is of, from and to
	 * which net_copy_weights() copies them */
	struct net net;
	struct attention_map map[ATTENTION_MAPS];
	size_t nmap, classes;
};

/* ERR_UNSUPPORTED when there are no feature maps. */
int attention_init(
    struct attention *, const struct net *, struct err *) MUST_USE;
void attention_release(struct attention *);

/*
 * A map's difference from another, both normalised: with u = a / (|a| + 1e-6),
 * mean (u - goal)^2.  goal: n numbers, as attention_normalise() makes them.
 * da += weight times the gradient.
 */
double attention_loss(
    size_t n, const float *a, const float *goal, double weight, float *da);
void attention_normalise(size_t n, const float *a, float *u);

#endif
