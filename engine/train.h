/* SPDX-License-Identifier: MIT
 * Training a classifier from scratch: SGD with Nesterov momentum and weight
 * decay, or AdamW, and a one-cycle learning rate (linear warm-up over the
 * first fifth, cosine to zero), batch statistics in batch-norm.  Same seed
 * and data, same bytes, for any number of threads.
 */
#ifndef ENGINE_TRAIN_H
#define ENGINE_TRAIN_H

#include "base/err.h"
#include "engine/net.h"
#include "engine/optim.h"

struct train_config {
	size_t epochs, batch;
	enum optim_kind kind; /* OPTIM_SGD, OPTIM_ADAMW */
	float rate, momentum, decay;
	/* mix each image with another of its batch (Zhang et al., ICLR 2018):
	 * share s of it and 1 - s of the other, of labels alike, s uniform */
	bool mixup;
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

/* The usual small-image settings; with AdamW, for nets with layer norm. */
struct train_config train_defaults(void);
struct train_config train_defaults_adamw(void);

/*
 * Fresh weights: He normal for weights of rank 2 and more (fan in), ones and
 * zeros for the scales and shifts of norms, zeros for biases; statistics
 * reset.  Positions and class tokens are normal with deviation 0.02, what
 * multiplies a layer's output is 1, or 0.1 in a net with layer norm (a layer
 * scale: Touvron et al., ICCV 2021), slopes of PRelu are 0.25.
 */
void train_reset(struct net *, uint64_t seed);

/* Trains in place.  `label` is for the progress line. */
int train_run(struct net *, const struct train_config *,
    const struct train_source *, const char *label, struct err *) MUST_USE;

#endif
