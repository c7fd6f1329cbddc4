/* SPDX-License-Identifier: MIT
 * The matrix product for processors with AVX-512, after Goto and van de Geijn
 * (ACM TOMS 34(3), 2008): blocks of both operands are copied into the order
 * in which the kernel reads them.  An element's sum is taken in the same
 * order whatever the other rows and columns are.
 */
#ifndef ENGINE_GEMM_H
#define ENGINE_GEMM_H

#include "base/base.h"

/* One operand: element (i, j) is p[i * row + j * col]; one of them is 1. */
struct gemm_side {
	const float *p;
	size_t row, col;
};

/* What becomes of C while it is in the cache, in this order. */
struct gemm_end {
	const float *bias; /* n, added to each row; or NULL */
	const float *add;  /* laid out as C, added; or NULL */
	float lo, hi;      /* then bounded, NaN stays; infinite: not */
};

/* Whether C of m x n and depth k is worth the copies. */
bool gemm_fits(size_t m, size_t n, size_t k);

/* Only where micro_wide(): C = A B + beta C: A is m x k, B k x n, C row-major with rows ldc
 * apart, then `end` unless it is NULL. */
void gemm(size_t m, size_t n, size_t k, struct gemm_side a, struct gemm_side b,
    float beta, float *c, size_t ldc, const struct gemm_end *end);

/* The same for a C that is there, of n columns. */
void gemm_finish(
    const struct gemm_end *, size_t m, size_t n, float *c, size_t ldc);

#endif
