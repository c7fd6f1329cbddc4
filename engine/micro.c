/* SPDX-License-Identifier: MIT
 * The product for processors with 16 registers of 32 bytes (or 32 of 16): six
 * rows of 16 columns are 12 sums.
 */
#include "engine/micro.h"

#include "engine/micro_wide.h"
#include "engine/vector.h"
#include "engine/wide.h"

#define ROWS  6
#define LANES 8

typedef float half __attribute__((vector_size(32), aligned(4), may_alias));

#define LOAD(p)     (*(const half *)(p))
#define STORE(p, v) (*(half *)(p) = (v))

/* rows x 16 of C; rows is a constant. */
WIDE_INLINE void
block(const struct micro *g, const float *a, const float *b, float *c,
    size_t rows)
{
	half sum[ROWS][2];

	WIDE_UNROLL(6)
	for (size_t i = 0; i < rows; i++)
		sum[i][0] = sum[i][1] = (half){0};
	for (size_t d = g->depth; d > 0; d--, a += g->a_step, b += g->b_step) {
		half b0 = LOAD(b), b1 = LOAD(b + LANES);

		WIDE_UNROLL(6)
		for (size_t i = 0; i < rows; i++) {
			float v = a[i * g->a_row];

			sum[i][0] += v * b0;
			sum[i][1] += v * b1;
		}
	}
	WIDE_UNROLL(6)
	for (size_t i = 0; i < rows; i++) {
		WIDE_UNROLL(2)
		for (size_t j = 0; j < 2; j++) {
			float *p = c + i * g->c_row + j * LANES;

			if (g->add)
				sum[i][j] += LOAD(p);
			STORE(p, sum[i][j]);
		}
	}
}

#define CASE(n)                                                                \
	case n:                                                                \
		block(g, a, b, c, n);                                          \
		break;

VECTOR static void
narrow(const struct micro *g)
{
	size_t blocks = (g->rows + ROWS - 1) / ROWS;

	for (size_t j = 0; j < g->cols; j += WIDE_LANES)
		for (size_t i = 0; i < blocks; i++) {
			size_t first = g->rows * i / blocks;
			size_t rows = g->rows * (i + 1) / blocks - first;
			const float *a = g->a + first * g->a_row;
			const float *b = g->b + j / MICRO_PANEL * g->b_panel +
					 j % MICRO_PANEL;
			float *c = g->c + first * g->c_row + j;

			switch (rows) {
				CASE(1)
				CASE(2)
				CASE(3)
				CASE(4)
				CASE(5)
				CASE(6)
			}
		}
}

void
micro_product(const struct micro *g)
{
	if (micro_wide())
		micro_wide_product(g);
	else
		narrow(g);
}
