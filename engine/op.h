/* SPDX-License-Identifier: MIT
 * Operators.  One file per operator (or small family) holds its shape
 * inference, forward and backward and a naive reference; engine/op.def lists
 * them.  Kernels see floats in buffers that the plan laid out; they never
 * allocate and keep no state.
 */
#ifndef ENGINE_OP_H
#define ENGINE_OP_H

#include "base/arena.h"
#include "engine/shape.h"
#include "engine/vector.h"
#include "formats/model.h"

/* One operator of a net, with its attributes read; constant after the build. */
struct step {
	const struct op *op;
	const char *name; /* for messages */
	size_t nin;
	size_t *in; /* value ids; SIZE_MAX: absent */
	size_t out; /* value id */
	void *cfg;  /* the operator's own attributes, in the net's arena */
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
	const float *dout;
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
	size_t taps; /* of a pooling window: work for each output */
};

/* What the backward pass reads, so that the plan keeps no more. */
enum {
	OP_KEEP_OUT = 1 << 0,         /* the output */
	OP_KEEP_IN_FOR_DATA = 1 << 1, /* inputs, for gradients to data */
	OP_KEEP_IN_FOR_WEIGHTS = 1 << 2,
};

enum op_layout {
	OP_IMAGE, /* input 0 and the output are NHWC; weights are permuted */
	OP_ANY,   /* elementwise: the layout of the inputs, which must agree */
	OP_ANY_TO_ROWS, /* as OP_ANY, with an output in rows */
	OP_ROWS,        /* everything row-major */
	OP_TO_ROWS,
	OP_TO_IMAGE,
};

/*
 * Operators whose training form needs sums over the whole batch
 * (BatchNormalization).  `count` statistics per channel are added up over
 * chunks in chunk order (in double), then turned into the floats that the
 * kernels get as stat_forward / stat_backward.
 */
struct op_sync {
	size_t (*size)(const struct shape *in);
	void (*gather_forward)(const struct op_call *, double *sum);
	void (*finish_forward)(const struct step *, const struct shape *in,
	    const double *sum, size_t images, float *stat);
	void (*gather_backward)(const struct op_call *, double *sum);
	void (*finish_backward)(const struct step *, const struct shape *in,
	    const double *sum, size_t images, float *stat);
	/* running mean and variance (inputs 3 and 4) towards the batch's */
	void (*update)(const struct step *, const struct shape *in,
	    const float *stat, size_t images, float momentum, float *mean,
	    float *var);
};

struct op {
	const char *name; /* as in the neutral model */
	size_t min_in, max_in;
	enum op_layout layout;
	unsigned weights;   /* bit i: input i is a trainable weight */
	unsigned constants; /* bit i: input i is a parameter, never computed */
	unsigned ints;      /* bit i: input i may be shape arithmetic */
	unsigned keep;
	/* read attributes into step->cfg; may be NULL */
	int (*build)(
	    struct step *, const struct node *, struct arena *, struct err *);
	/* output shape from input shapes; sizes are checked for overflow */
	int (*infer)(const struct step *, const struct shape *const *in,
	    struct shape *out, struct op_need *, struct err *);
	/*
	 * Shape arithmetic: set out->known (in the arena) when the inputs
	 * allow it; the step is then not run.  May be NULL.
	 */
	int (*fold)(const struct step *, const struct shape *const *in,
	    struct shape *out, struct arena *, struct err *);
	void (*forward)(const struct op_call *);  /* NULL: fold only */
	void (*backward)(const struct op_call *); /* NULL: no gradient */
	/* the same as forward by the plainest loops; NULL where it is that */
	void (*reference)(const struct op_call *);
	const struct op_sync *sync; /* or NULL */
};

/* Bit i of weights, constants or ints; there are more inputs than bits. */
static inline bool
op_bit(unsigned mask, size_t i)
{
	return i < 32 && (mask >> i & 1) != 0;
}

#define OP(x) extern const struct op op_##x;
#include "engine/op.def"
#undef OP

extern const struct op *const op_table[];
extern const size_t op_count;

/* NULL when there is none of that name. */
const struct op *op_find(const char *name);

/* Common shape errors: they name the step. */
int op_bad(const struct step *, struct err *, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif
