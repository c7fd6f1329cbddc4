/* SPDX-License-Identifier: MIT */
#ifndef PURIFY_METHOD_FT_SAM_H
#define PURIFY_METHOD_FT_SAM_H

#include "base/base.h"

/*
 * w += rho w^2 g / |w g|, w as it was into `kept`; nothing where |w g| is zero
 * or no number.  n floats each.
 */
void method_ft_sam_climb(
    size_t n, double rho, const float *g, float *w, float *kept);

#endif
