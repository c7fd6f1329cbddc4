/* SPDX-License-Identifier: MIT
 * Training on clean images, the part that most methods share.  Each image is
 * moved by up to an eighth of its side, as BackdoorBench's random crop moves
 * it (4 of 32 pixels); it is not mirrored, which not every class survives.
 */
#ifndef PURIFY_TUNING_H
#define PURIFY_TUNING_H

#include "purify/rounds.h"
#include "purify/trainer.h"

struct tuning {
	struct trainer trainer;
	/* of an image's label, this share goes to the other classes alike */
	double smooth;
	double floor;  /* of an image's loss: below it there is no gradient */
	double weight; /* of the gradient, not of the loss */
	float *x;      /* the batch, moved */
	float *even;   /* 1 / classes of each class */
};

/* p->own, `size` bytes that begin with a struct tuning: a trainer with the
 * options of p->cfg; smooth and floor 0, weight 1. */
int tuning_open(struct purification *, size_t size, struct err *) MUST_USE;
/* Of what tuning_open() made, as struct method has them. */
size_t tuning_spans(struct purification *, struct method_span *);
void tuning_release(struct purification *);

/* The batch into t->x. */
void tuning_move(
    struct tuning *, const struct purification *, const struct method_batch *);
/*
 * Gradient of the mean over t->x of max(0, CE - floor), into
 * t->trainer.grad, and the sum of that.
 */
int tuning_gradient(struct tuning *, const struct method_batch *, double *sum,
    struct err *) MUST_USE;
/* Both, and a step of the optimiser: fine-tuning. */
int tuning_step(struct tuning *, const struct purification *,
    const struct method_batch *, double *sum, struct err *) MUST_USE;

#endif
