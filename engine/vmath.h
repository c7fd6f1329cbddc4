/* SPDX-License-Identifier: MIT
 * Functions of arrays of floats, by plain loops that the compiler turns into
 * vectors: the same bits on every processor.  NaN gives NaN, infinities their
 * limits, and results may be denormal.  x == y is allowed.
 *
 * Largest errors measured against double (tests/test_vmath.c), in units in
 * the last place: exp 1, expm1 3, log 2, tanh 2, erf 2, sigmoid 2, softplus 3; gelu and
 * its slope, whose terms cancel below zero, are within 2e-7 * max(|x|, 1).
 */
#ifndef ENGINE_VMATH_H
#define ENGINE_VMATH_H

#include "base/base.h"

void vmath_exp(size_t n, const float *x, float *y);
/* exp(x) - 1 */
void vmath_expm1(size_t n, const float *x, float *y);
void vmath_log(size_t n, const float *x, float *y);
void vmath_tanh(size_t n, const float *x, float *y);
void vmath_erf(size_t n, const float *x, float *y);
/* 1 / (1 + exp(-x)) */
void vmath_sigmoid(size_t n, const float *x, float *y);
/* log(1 + exp(x)) */
void vmath_softplus(size_t n, const float *x, float *y);
/* x (1 + erf(x / sqrt(2))) / 2, and its derivative */
void vmath_gelu(size_t n, const float *x, float *y);
void vmath_gelu_slope(size_t n, const float *x, float *y);

#endif
