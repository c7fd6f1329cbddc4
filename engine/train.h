/* SPDX-License-Identifier: MIT
 * Training a classifier: SGD with Nesterov momentum and weight
 * decay, or AdamW, and a one-cycle learning rate (linear warm-up over the
 * first fifth, cosine to zero), batch statistics in batch-norm.  Same seed
 * and data, same bytes, for any number of threads.
 */
#ifndef ENGINE_TRAIN_H
#define ENGINE_TRAIN_H

#include "base/err.h"
#include "engine/net.h"
#include "engine/optim.h"

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
	enum optim_kind kind; /* OPTIM_SGD, OPTIM_ADAMW */
	float rate, momentum, decay;
	/* mix each image with another of its batch (Zhang et al., ICLR 2018):
	 * share s of it and 1 - s of the other, of labels alike, s uniform */
	bool mixup;
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
