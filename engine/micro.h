/* SPDX-License-Identifier: MIT
 * The small product that the Winograd kernels and engine/gemm.c are made of: A
 * is read one float at a time, in any order; B and C in whole vectors of 16
 * columns.  Each element of C is one chain of multiply-adds over `depth` in
 * order, whatever the other sizes.
 */
#ifndef ENGINE_MICRO_H
#define ENGINE_MICRO_H

#include "base/base.h"

/* Columns of a panel of B; the last panel of a product may be half as wide. */
#define MICRO_PANEL 32

struct micro {
	size_t rows, cols, depth; /* cols a multiple of 16 */
	const float *a;           /* A(i, d) = a[i * a_row + d * a_step] */
	size_t a_row, a_step;
	const float
	    *b; /* B(d, j) = b[j / 32 * b_panel + d * b_step + j % 32] */
	size_t b_panel, b_step;
	float *c; /* C(i, j) = c[i * c_row + j] */
	size_t c_row;
	bool add; /* C += A B instead of C = A B */
};

void micro_product(const struct micro *);

#endif
