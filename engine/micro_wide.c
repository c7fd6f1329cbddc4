/* SPDX-License-Identifier: MIT
 * 14 rows of two vectors are 28 sums: with two vectors of B and an element of
 * A from memory they just fit 32 registers.  Any narrower register file would
 * spill them, hence engine/micro.c.
 */
#include "engine/micro_wide.h"

#include "engine/wide.h"

#define ROWS 14

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target("arch=x86-64-v4")))

bool
micro_wide(void)
{
	return __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512cd");
}

/* rows x (16 * vecs) of C; rows, vecs and whether a_row is 1 are constants. */
WIDE_INLINE void
block(const struct micro *g, const float *a, const float *b, float *c,
    size_t rows, size_t vecs, bool unit)
{
	size_t step = unit ? 1 : g->a_row;
	wide_vec sum[ROWS][2];

	WIDE_UNROLL(14)
	for (size_t i = 0; i < rows; i++)
		sum[i][0] = sum[i][1] = (wide_vec){0};
	for (size_t d = g->depth; d > 0; d--, a += g->a_step, b += g->b_step) {
		wide_vec b0 = WIDE_LOAD(b);
		wide_vec b1 = vecs == 2 ? WIDE_LOAD(b + WIDE_LANES) : b0;

		WIDE_UNROLL(14)
		for (size_t i = 0; i < rows; i++) {
			float v = a[i * step];

			sum[i][0] += v * b0;
			if (vecs == 2)
				sum[i][1] += v * b1;
		}
	}
	WIDE_UNROLL(14)
	for (size_t i = 0; i < rows; i++) {
		WIDE_UNROLL(2)
		for (size_t j = 0; j < vecs; j++) {
			float *p = c + i * g->c_row + j * WIDE_LANES;

			if (g->add)
				sum[i][j] += WIDE_LOAD(p);
			WIDE_STORE(p, sum[i][j]);
		}
	}
}

#define CASE(n)                                                                \
	case n:                                                                \
		block(g, a, b, c, n, vecs, unit);                              \
		break;

WIDE_INLINE void
any_rows(const struct micro *g, const float *a, const float *b, float *c,
    size_t rows, size_t vecs, bool unit)
{
	switch (rows) {
		CASE(1)
		CASE(2)
		CASE(3)
		CASE(4)
		CASE(5)
		CASE(6)
		CASE(7)
		CASE(8)
		CASE(9)
		CASE(10)
		CASE(11)
		CASE(12)
		CASE(13)
		CASE(14)
	}
}

/* All rows of one panel, in blocks of nearly equal size. */
WIDE_INLINE void
panel(const struct micro *g, const float *b, float *c, size_t vecs, bool unit)
{
	size_t blocks = (g->rows + ROWS - 1) / ROWS;

	for (size_t i = 0; i < blocks; i++) {
		size_t first = g->rows * i / blocks;
		size_t end = g->rows * (i + 1) / blocks;

		any_rows(g, g->a + first * g->a_row, b, c + first * g->c_row,
		    end - first, vecs, unit);
	}
}

WIDE void
micro_wide_product(const struct micro *g)
{
	for (size_t j = 0; j < g->cols; j += MICRO_PANEL) {
		const float *b = g->b + j / MICRO_PANEL * g->b_panel;
		float *c = g->c + j;

		if (g->cols - j >= MICRO_PANEL) {
			if (g->a_row == 1)
				panel(g, b, c, 2, true);
			else
				panel(g, b, c, 2, false);
		} else if (g->a_row == 1)
			panel(g, b, c, 1, true);
		else
			panel(g, b, c, 1, false);
	}
}

#else /* also with clang, which takes minutes for the blocks */

bool
micro_wide(void)
{
	return false;
}

void
micro_wide_product(const struct micro *g)
{
	(void)g;
	BUG("no wide vectors");
}

#endif
