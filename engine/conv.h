/* SPDX-License-Identifier: MIT
 * What the ways to compute a convolution share: x (N,C,spatial) stored
 * N,spatial,C, w (K, C/group, window) stored K,window,C/group, b (K), y
 * (N,K,spatial) stored N,spatial,K.  engine/op_conv.c takes the first way
 * that fits.
 */
#ifndef ENGINE_CONV_H
#define ENGINE_CONV_H

#include "engine/bounds.h"
#include "engine/window.h"

struct conv {
	struct window win;
	size_t group;
	struct bounds bounds;
};

/* Everything about one call, worked out once. */
struct conv_geom {
	struct window_fit f;
	size_t n, c, k, group, cg, kg; /* cg, kg: channels of one group */
	size_t depth;                  /* f.taps * cg: weights of an output */
	struct bounds bounds;
};

/* One way.  Forward adds bias and rest and applies the bounds; their gradients are
 * the caller's. */
struct conv_way {
	bool (*fits)(const struct conv_geom *);
	/* floats of scratch; false: too many */
	bool (*scratch)(const struct conv_geom *, size_t *n);
	/* floats that `prepare` makes of the weights; NULL: none */
	size_t (*derived)(const struct conv_geom *);
	void (*prepare)(
	    const struct conv_geom *, const float *weight, float *derived);
	void (*forward)(const struct op_call *, const struct conv_geom *);
	void (*backward_data)(const struct op_call *, const struct conv_geom *);
	void (*backward_weights)(
	    const struct op_call *, const struct conv_geom *);
};

/* engine/conv_*.c */
extern const struct conv_way conv_depth, conv_im2col, conv_wino;

int conv_geom(const struct step *, const struct shape *const *in,
    struct conv_geom *, struct err *) MUST_USE;

/* The bias of a call, NULL when there is none. */
static inline const float *
conv_bias(const struct op_call *c)
{
	return c->step->nin > 2 ? c->in[2] : NULL;
}

/* What is added to the output before the bounds, or NULL. */
static inline const float *
conv_rest(const struct op_call *c)
{
	return c->step->nin > 3 ? c->in[3] : NULL;
}

#endif
