/* SPDX-License-Identifier: MIT
 * One step of a net, and what a kernel is called with.
 */
#ifndef ENGINE_STEP_H
#define ENGINE_STEP_H

#include "engine/shape.h"

struct op;

/* One operator of a net, with its attributes read; constant after the build. */
struct step {
	const struct op *op;
	const char *name; /* for messages */
	size_t nin;
	size_t *in;    /* value ids; SIZE_MAX: absent */
	size_t out;    /* value id */
	size_t which;  /* the output of the node that this step computes */
	unsigned keep; /* the operator's, and what its attributes ask for */
	void *cfg;     /* the operator's own attributes, in the net's arena */
	const struct node *node;
};

/* What one call of a kernel works on.  Buffers never overlap. */
struct op_call {
	const struct step *step;
	const struct shape *const *shape_in; /* NULL entry: absent input */
	const struct shape *shape_out;
	const float *const *in;
	float *out;
	float *aux;     /* kept from forward to backward */
	float *scratch; /* nothing kept */
	/* what op.prepare made of the weights, or NULL: do without */
	const float *derived;
	float *dout;       /* of no use to others: may be overwritten */
	float *const *din; /* NULL entry: not wanted; see `add` */
	const bool *add;   /* din[i] += when true, din[i] = when false */
	/*
	 * Batch statistics of a synchronised operator in training, reduced
	 * over the whole batch; NULL in evaluation.  See struct op.sync.
	 */
	const float *stat_forward, *stat_backward;
};

/* Floats that a call needs besides its inputs and output. */
struct op_need {
	size_t aux, scratch;
	size_t derived; /* made of the weights alone, see op.prepare */
	size_t taps;    /* multiply-adds (or comparisons) for each output */
};

#endif
