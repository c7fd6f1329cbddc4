/* SPDX-License-Identifier: MIT
 * What every method needs to train a net further: batches of one size and a
 * smaller last one, an optimiser, and the sums of what was seen.
 */
#ifndef PURIFY_TRAINER_H
#define PURIFY_TRAINER_H

#include "purify/method.h"

struct trainer {
	struct net *net;
	struct batch batch[2]; /* full ones, others */
	size_t n;              /* images in a full one */
	enum batch_mode mode;
	bool still;    /* the running statistics stay as they are */
	unsigned want; /* PLAN_WEIGHTS, and PLAN_DATA where dx is wanted */
	struct optim optim;
	float *grad; /* net.nweight floats: of the last step */
	float *dx;   /* the same with respect to the images, or NULL */
};

/* For batches of at most n images; gradient and state in the arena.
 * ERR_LIMIT where they do not fit. */
int trainer_init(struct trainer *, struct net *, size_t n, enum batch_mode,
    const struct optim_config *, struct arena *, struct err *) MUST_USE;
void trainer_release(struct trainer *);
/* From here on the gradient with respect to the images too, in dx. */
int trainer_want_data(struct trainer *, struct arena *, struct err *) MUST_USE;

/* From here on what multiplies more than `wide` inputs moves less at the same
 * rate (layer_rates()): for Adam, one rate for small nets and large ones. */
int trainer_temper(
    struct trainer *, size_t wide, struct arena *, struct err *) MUST_USE;

/* Gradient of the summed loss of n images (engine/batch.h) into t->grad; with
 * BATCH_TRAIN the running statistics move too, unless they are to be still. */
int trainer_gradient(struct trainer *, const float *x, size_t n, batch_loss *,
    void *ctx, double *loss, struct err *) MUST_USE;
/* Moves the weights by t->grad at this learning rate. */
void trainer_step(struct trainer *, double rate);
/* What of it, or of an optimiser, a checkpoint holds (at most
 * TRAINER_SPANS). */
#define TRAINER_SPANS 6
size_t trainer_spans(struct trainer *, struct method_span *);
size_t trainer_optim_spans(struct optim *, struct method_span *);

#endif
