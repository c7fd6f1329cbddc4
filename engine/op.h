/* SPDX-License-Identifier: MIT
 * Operators.  One file per operator (or small family) holds its shape
 * inference, its meaning in double (`eval`), and the kernels for floats,
 * forward and backward; engine/op.def lists them.  Kernels see floats in
 * buffers that the plan laid out; they never allocate and keep no state.
 */
#ifndef ENGINE_OP_H
#define ENGINE_OP_H

#include "base/arena.h"
#include "engine/step.h"
#include "engine/vector.h"
#include "formats/model.h"

/* What the backward pass reads, so that the plan keeps no more. */
enum {
	OP_KEEP_OUT = 1 << 0,         /* the output */
	OP_KEEP_IN_FOR_DATA = 1 << 1, /* inputs, for gradients to data */
	OP_KEEP_IN_FOR_WEIGHTS = 1 << 2,
};

enum {
	OP_OPERAND = 1 << 0, /* see struct op.weights */
	OP_MOVES = 1 << 1,   /* numbers are moved: of a weight, still weights */
	OP_TYPED = 1 << 2,   /* infer sets the output's type, else input 0's */
	OP_FLAT = 1 << 3,    /* the derivative is zero wherever it exists */
	OP_OF_SHAPE = 1 << 4, /* eval reads the inputs' shapes alone */
};

enum op_layout {
	OP_IMAGE, /* LAYOUT_LAST from rank 3 on; weights are stored so too */
	OP_ANY, /* any input's; the output's is LAYOUT_LAST if an input's is */
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

struct box;

struct op {
	const char *name; /* as in the neutral model */
	size_t min_in, max_in;
	size_t outs; /* outputs that it can compute; 0 means 1 */
	enum op_layout layout;
	/*
	 * Bit i: what is constant at input i is a weight, which training may
	 * change.  With OP_OPERAND only where the other inputs come from a
	 * layer with weights: an addition after a convolution has a bias, one
	 * to the image subtracts a mean.
	 */
	unsigned weights;
	unsigned constants; /* bit i: input i is a parameter, never computed */
	unsigned ints;      /* bit i: input i is read when the plan is made */
	unsigned flags;     /* OP_OPERAND, ... */
	unsigned keep;
	/* read attributes into step->cfg; may be NULL */
	int (*build)(
	    struct step *, const struct node *, struct arena *, struct err *);
	/* output shape from input shapes; sizes are checked for overflow */
	int (*infer)(const struct step *, const struct shape *const *in,
	    struct shape *out, struct op_need *, struct err *);
	/*
	 * The output's elements from the inputs' (in[i]->known), row-major, in
	 * double or int64_t: the meaning of the operator by the plainest
	 * loops.  Constants are folded by it, and tests hold the kernels
	 * against it.  The caller rounds to the type; NaN and infinity behave
	 * as in the kernels.  ERR_FORMAT for an index out of bounds.
	 */
	int (*eval)(const struct step *, const struct shape *const *in,
	    const struct shape *out, union number *v, struct err *);
	/* where the output's elements lie in input 0, for engine/move.h;
	 * infer has accepted the shapes */
	struct box (*move)(const struct step *, const struct shape *const *in,
	    const struct shape *out, bool rows);
	/*
	 * What the kernels want to have ready of the weights in[1] (transformed
	 * or packed): op_need.derived floats.  Called whenever they change.
	 */
	void (*prepare)(const struct step *, const struct shape *const *in,
	    const float *weight, float *derived);
	void (*forward)(const struct op_call *);  /* NULL: constants only */
	void (*backward)(const struct op_call *); /* OP_FLAT: NULL */
	const struct op_sync *sync;               /* or NULL */
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

/*
 * A list that is attribute `name` or the known input i: at most `most`
 * integers, *n of them; *n is SIZE_MAX when there is neither.
 */
int op_ints(const struct step *, const struct shape *const *in,
    const char *name, size_t i, size_t most, int64_t *out, size_t *n,
    struct err *) MUST_USE;
/* An axis counted from the end when negative. */
int op_axis(const struct step *, int64_t axis, size_t rank, size_t *out,
    struct err *) MUST_USE;
/* *out is *in[0] without the numbers, for operators that keep the shape. */
int op_same(const struct step *, const struct shape *const *in,
    struct shape *out, struct op_need *, struct err *) MUST_USE;
/* An operator's attributes, zeroed; NULL with the error set. */
void *op_alloc(struct arena *, size_t size, struct err *);

/* Common shape errors: they name the step. */
int op_bad(const struct step *, struct err *, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif
