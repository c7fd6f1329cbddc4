/* SPDX-License-Identifier: MIT
 * Running a plan on one chunk of images, in one thread.  A run owns the
 * memory of its plan; the net's weights are shared and only read.
 */
#ifndef ENGINE_RUN_H
#define ENGINE_RUN_H

#include "engine/plan.h"

struct run {
	struct arena arena;
	struct plan plan;
	float *mem;
	const float *image;    /* the chunk of the last forward pass */
	float *dimage;         /* where its gradient goes, or NULL */
	float *dweight;        /* gradient of net.weight: added to, or NULL */
	const float **stat[2]; /* per step: batch statistics, or NULL */
	const float **in;      /* scratch tables for one call */
	float **din;
	bool *add, *fresh; /* fresh[v]: gradient not yet written */
	const struct shape **shape_in;
	/* of any number of images of a net that takes net.batch at a time: runs of
	 * so many, and what goes into them and comes out of them */
	struct run *part;
	size_t nparts; /* 0: there are none */
	float *fill, *dfill, *logits, *dlogits;
};

/* For n images; `want` as for plan_make.  Where the net takes net.batch of them at
 * a time (net.h), any other number is run as so many, what is missing of the
 * last being empty images; in one piece alone, by run_forward. */
int run_init(struct run *, const struct net *, size_t n, unsigned want,
    struct err *) MUST_USE;
/*
 * The same in the memory of another run, which must outlive it and be of at
 * least as many images of the same net: only one of them runs at a time.
 */
int run_init_within(
    struct run *, const struct run *host, size_t n, struct err *) MUST_USE;
void run_release(struct run *);

/* x: n images, h*w*c floats each, NHWC.  Returns n * classes logits, valid
 * until the next call. */
const float *run_forward(struct run *, const float *x);
/* Where to put the gradient with respect to the logits, n * classes. */
float *run_dlogits(struct run *);
/*
 * After run_forward and with run_dlogits filled: dx (n images, overwritten)
 * and dweight (net.nweight, added to); NULL for what the plan did not ask.
 */
void run_backward(struct run *, float *dx, float *dweight);

/* The same in pieces, for batch statistics (engine/batch.c). */
void run_begin(struct run *, const float *x);
void run_forward_step(struct run *, size_t step);
void run_backward_begin(struct run *, float *dx, float *dweight);
void run_backward_step(struct run *, size_t step);
void run_gather(struct run *, size_t step, bool backward, double *sum);
const float *run_logits(const struct run *);
/* Any value, right after the step that makes it: later ones may write over
 * it. */
const float *run_value(const struct run *, size_t v);

#endif
