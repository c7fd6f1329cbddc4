/* SPDX-License-Identifier: MIT
 * Two operands that meet with multidirectional broadcasting (numpy's rules),
 * walked line by line in the order in which the output is stored.
 */
#ifndef ENGINE_WALK_H
#define ENGINE_WALK_H

#include "engine/op.h"

/* One line: n elements of the output from `out`, and its operands. */
struct walk {
	size_t n, out;
	size_t at[2], step[2]; /* step 0: broadcast along the line */
	/* private */
	size_t rank, dim[MODEL_MAX_RANK], index[MODEL_MAX_RANK];
	size_t stride[2][MODEL_MAX_RANK];
	bool done;
};

/*
 * The shape in which a and b meet (type and numbers are not set); channels
 * last when one of them is.
 */
int walk_infer(const struct step *, const struct shape *a,
    const struct shape *b, struct shape *out, struct err *) MUST_USE;

/* At the first line; `rows`: known numbers, which are row-major. */
void walk_begin(struct walk *, const struct shape *a, const struct shape *b,
    const struct shape *out, bool rows);
/* The next line; false behind the last. */
bool walk_next(struct walk *);

#endif
