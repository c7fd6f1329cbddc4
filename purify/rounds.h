/* SPDX-License-Identifier: MIT
 * The rounds of a purification: the images are split by seed into those that
 * train and a held-out part that only measures accuracy.
 */
#ifndef PURIFY_ROUNDS_H
#define PURIFY_ROUNDS_H

#include "formats/fetch.h"
#include "purify/sau.h"

struct rounds_options {
	const char *model, *data, *classes, *preprocess;
	uint64_t count, seed;
	double held_out; /* share of the images */
};

/* One pass over the training images, and the accuracy after it. */
struct round {
	struct sau_terms terms;
	double loss, accuracy;
};

struct purification {
	struct arena arena;
	struct rounds_options opt;
	struct sau_config cfg;
	struct fetched_model model;
	struct fetched_data data;
	struct net h, h0;
	struct sau sau;
	/* images in a seeded order: the first ntrain train, the rest measure */
	uint32_t *order;
	size_t ntrain, nheld;
	float *x, *held;
	int32_t *y, *held_y;
	struct round *round;
	double before, after;
	/* weights of the file narrower than floats: what rounding them
	 * changed, and the accuracy before it */
	struct net_rounding rounding;
	double unrounded;
	double seconds;
	int64_t started;
};

/* Model, images, split and work space; p->opt and p->cfg are set. */
int rounds_open(struct purification *, struct err *) MUST_USE;
/* All rounds; p->h is the purified model afterwards, in the file's types. */
int rounds_run(struct purification *, struct err *) MUST_USE;
void rounds_release(struct purification *);

#endif
