/* SPDX-License-Identifier: MIT
 * Training a classifier from scratch: SGD with Nesterov momentum, weight
 * decay and a one-cycle learning rate (linear warm-up over the first fifth,
 * cosine to zero), batch statistics in batch-norm.  Same seed and data, same
 * bytes, for any number of threads.
 */
#ifndef ENGINE_TRAIN_H
#define ENGINE_TRAIN_H

#include "base/err.h"
#include "engine/net.h"

struct train_config {
	size_t epochs, batch;
	float rate, momentum, decay;
	uint64_t seed;
};

/*
 * Images by number; called from several threads at once.  `draw` is a number
 * of this image's own in this epoch, for augmentation.
 */
struct train_source {
	size_t n;
	void (*get)(
	    void *ctx, size_t i, uint64_t draw, float *image, int32_t *label);
	void *ctx;
};

/* The usual small-image settings. */
struct train_config train_defaults(void);

/* Fresh weights: He normal for weights of rank 2 and more (fan in), ones and
 * zeros for batch-norm, zeros for biases; statistics reset. */
void train_reset(struct net *, uint64_t seed);

/* Trains in place.  `label` is for the progress line. */
int train_run(struct net *, const struct train_config *,
    const struct train_source *, const char *label, struct err *) MUST_USE;

#endif
