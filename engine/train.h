/* SPDX-License-Identifier: MIT
 * Training a classifier: SGD with Nesterov momentum, weight
 * decay and a one-cycle learning rate (linear warm-up over the first fifth,
 * cosine to zero), batch statistics in batch-norm.  Same seed and data, same
 * bytes, for any number of threads.
 */
#ifndef ENGINE_TRAIN_H
#define ENGINE_TRAIN_H

#include "base/err.h"
#include "engine/net.h"

/* The images of one step, as a hook may change them. */
struct train_batch {
	uint64_t step;         /* from 0 */
	size_t n;              /* images */
	const uint32_t *index; /* their numbers in the source */
	float *x;              /* n images */
	const int32_t *label;
	/* n x classes: the distributions that are trained towards, all on the
	 * label so far; NULL unless the hooks have `goals` */
	float *goal;
};

/* What a caller does between the parts of a step; NULL: nothing. */
struct train_hooks {
	void *ctx;
	void (*batch)(void *ctx, const struct train_batch *);
	/* after each step's change of the weights */
	void (*weights)(void *ctx, struct net *);
	bool goals;
};

struct train_config {
	size_t epochs, batch;
	float rate, momentum, decay;
	/*
	 * SAM (Foret et al. 2021): the gradient is taken at w + sam g / |g|,
	 * g being the gradient at w, whose batch statistics count; 0: at w.
	 */
	float sam;
	uint64_t seed;
	struct train_hooks hooks;
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

/*
 * w += rho g / |g|, w as it was into `kept`; nothing where g is zero or no
 * number.  n floats each.
 */
void train_sam_climb(
    size_t n, float rho, const float *g, float *w, float *kept);

/* Trains in place.  `label` is for the progress line. */
int train_run(struct net *, const struct train_config *,
    const struct train_source *, const char *label, struct err *) MUST_USE;

#endif
