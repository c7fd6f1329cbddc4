/* SPDX-License-Identifier: MIT
 * A net bound to a number of images: shapes of all values, shape arithmetic
 * folded, and one block of memory laid out so that buffers that are never
 * alive together share it.
 */
#ifndef ENGINE_PLAN_H
#define ENGINE_PLAN_H

#include "engine/net.h"

enum {
	PLAN_FORWARD = 0,
	PLAN_DATA = 1 << 0,    /* gradients to the image */
	PLAN_WEIGHTS = 1 << 1, /* gradients to the weights */
};

#define PLAN_NONE SIZE_MAX

struct plan {
	struct arena arena;
	const struct net *net;
	size_t n;            /* images, or whatever the input's first axis is */
	unsigned want;       /* PLAN_DATA | PLAN_WEIGHTS */
	struct shape *shape; /* per value */
	bool *run;           /* per step: not folded away */
	/* per value: numbers that are known, as floats, where a step that runs
	 * reads them; else NULL */
	const float **fixed;
	/* offsets in floats, PLAN_NONE where there is no such buffer */
	size_t *value;    /* per value; the image and parameters: none */
	size_t *grad;     /* per value */
	size_t *aux;      /* per step */
	size_t *derived;  /* per step: floats, see struct op.prepare */
	size_t scratch;   /* one buffer, shared by all steps */
	bool *wants;      /* per value: its gradient is computed */
	size_t floats;    /* size of the block */
	size_t macs;      /* multiply-adds of a forward pass */
	size_t fold_work; /* numbers that were read and made in folding */
};

int plan_make(struct plan *, const struct net *, size_t n, unsigned want,
    struct err *) MUST_USE;
void plan_release(struct plan *);

#endif
