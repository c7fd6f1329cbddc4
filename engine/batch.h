/* SPDX-License-Identifier: MIT
 * A net over many images, in parallel over chunks (OpenMP).  Chunk boundaries
 * depend on the number of images and on the net alone, gradients are added in
 * a fixed order (within a lane by chunk, then lane by lane), so the bytes that
 * come out are the same for any number of threads.  Lanes are shared out among
 * ranks (base/ranks.h) too; afterwards every rank has everything, so all of
 * this but batch_release() is collective where there are several.
 */
#ifndef ENGINE_BATCH_H
#define ENGINE_BATCH_H

#include "base/ranks.h"
#include "engine/run.h"

/* Weight-gradient accumulators; parallelism of a training step.  Without
 * gradients of weights every chunk is a lane. */
#define BATCH_LANES 8

enum batch_mode {
	BATCH_EVAL,  /* batch-norm uses running statistics */
	BATCH_TRAIN, /* batch-norm uses the statistics of the whole batch */
};

struct batch {
	struct arena arena;
	const struct net *net;
	const struct batch *host; /* whose memory this one uses, or NULL */
	size_t n, chunk, nchunk, nlane;
	/* lanes of this rank, and their chunks */
	struct ranks_share lane, own;
	size_t nthread; /* that have a run of their own in evaluation */
	unsigned want;
	enum batch_mode mode;
	/* per own chunk in training, else per thread and tail */
	struct run *run;
	float *lane_grad; /* own lanes * nweight */
	float *logits;    /* n images, of all ranks; NULL where there is one */
	double *sum;      /* statistics, per chunk */
	size_t sum_size;
	float *stat;     /* batch statistics of all steps, both directions */
	size_t *stat_at; /* per step */
	size_t stat_size;
	/* the last chunk of a net that takes net.batch images and no other
	 * number, filled up: images and their gradients, or NULL */
	float *tail_x, *tail_dx;
};

/*
 * Loss of images [first, first + n) of the batch: reads their logits
 * (n x classes), writes the gradient with respect to them (may be NULL when
 * none is wanted) and returns the loss, a part of the sum over the batch.
 * Called from several threads at once, for different images; what it keeps of
 * each image depends on that and its logits alone, since several ranks call it
 * for the same images, those of other ranks after their own.
 */
typedef double batch_loss(
    void *ctx, size_t first, size_t n, const float *logits, float *dlogits);

/* Images of one chunk of a batch of n. */
size_t batch_chunk(const struct net *, size_t n);

/* For batches of exactly n images. */
int batch_init(struct batch *, const struct net *, size_t n, unsigned want,
    enum batch_mode, struct err *) MUST_USE;
/* The same in the memory of a batch of at least as many images, which stays
 * longer and does not run at the same time. */
int batch_init_within(
    struct batch *, const struct batch *host, size_t n, struct err *) MUST_USE;
void batch_release(struct batch *);

/*
 * Forward, loss, backward.  x: n images; dx: n images or NULL; grad:
 * net.nweight floats (overwritten) or NULL.  Returns the sum of the losses,
 * added in the order of the images.
 */
double batch_step(struct batch *, const float *x, batch_loss *, void *ctx,
    float *dx, float *grad);

/* Logits of n images, n x classes, in evaluation mode. */
int batch_logits(const struct net *, const float *x, size_t n, float *logits,
    struct err *) MUST_USE;

/*
 * After a BATCH_TRAIN step: fold its statistics into the running ones with
 * the given momentum (PyTorch's rule: unbiased variance), in `net`, which is
 * the batch's own.
 */
void batch_update_statistics(
    const struct batch *, struct net *, float momentum);

#endif
