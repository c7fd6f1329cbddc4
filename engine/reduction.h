/* SPDX-License-Identifier: MIT
 * What the Reduce operators compute, in double and int64_t.
 */
#ifndef ENGINE_REDUCTION_H
#define ENGINE_REDUCTION_H

#include "engine/op.h"

enum reduction {
	REDUCTION_L1,
	REDUCTION_L2,
	REDUCTION_LOG_SUM,
	REDUCTION_LOG_SUM_EXP,
	REDUCTION_MAX,
	REDUCTION_MEAN,
	REDUCTION_MIN,
	REDUCTION_PROD,
	REDUCTION_SUM,
	REDUCTION_SUM_SQUARE,
};

/* Which axes of input 0 are reduced: an attribute, a known input, or all. */
int reduction_axes(const struct step *, const struct shape *const *in,
    bool set[MODEL_MAX_RANK], struct err *) MUST_USE;

/* The output's numbers from input 0's (struct op.eval). */
int reduction_eval(enum reduction, const struct step *,
    const struct shape *const *in, union number *v, struct err *) MUST_USE;

#endif
