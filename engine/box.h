/* SPDX-License-Identifier: MIT
 * Moving a box of numbers from one strided array to another: what padding,
 * slicing, joining, transposing and averaging over axes have in common.  The
 * backward pass of each is the same move the other way round.
 */
#ifndef ENGINE_BOX_H
#define ENGINE_BOX_H

#include "engine/shape.h"

/* Index (i0, i1, ...) below dim is at base + sum(i * stride) on each side. */
struct box {
	size_t rank, dim[MODEL_MAX_RANK];
	struct box_side {
		size_t base;
		ptrdiff_t stride[MODEL_MAX_RANK]; /* negative: backwards */
	} from, to;
};

/*
 * to = scale * from, or to += scale * from with `add`; in an order that
 * depends on the box alone.  A side with stride 0 is read, or added to, for
 * each index.
 */
void box_move(
    const struct box *, const float *from, float *to, float scale, bool add);
/* to = from, of known numbers. */
void box_numbers(
    const struct box *, const union number *from, union number *to);
/* Set a side's strides from a shape's, of floats or of known numbers. */
void box_strides(struct box_side *, const struct shape *, bool rows);
/* The box with its sides exchanged. */
struct box box_turned(const struct box *);

#endif
