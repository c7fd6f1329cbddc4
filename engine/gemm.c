/* SPDX-License-Identifier: MIT */
#include "engine/gemm.h"

#include "engine/micro.h"
#include "engine/micro_wide.h"
#include "engine/vector.h"

/* Rows and columns of the kernel; a panel of B in the first-level cache, a
 * block of A in the second, a block of B in the second or third. */
#define GEMM_ROWS  14
#define GEMM_PANEL MICRO_PANEL
#define GEMM_DEPTH 384
#define GEMM_M     (16 * GEMM_ROWS)
#define GEMM_N     (16 * GEMM_PANEL)

static _Thread_local struct {
	_Alignas(64) float a[GEMM_M * GEMM_DEPTH];
	_Alignas(64) float b[GEMM_N * GEMM_DEPTH];
	_Alignas(64) float c[GEMM_M * GEMM_PANEL]; /* where C has an edge */
} work;

bool
gemm_fits(size_t m, size_t n, size_t k)
{
	return m >= 12 && n >= 24 && k >= 8;
}

typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));

#define QUAD(p) (*(quad *)(p))

/* to[d * to_row + i] = from[i * from_row + d] for four of each */
static inline __attribute__((always_inline)) void
turn_quad(const float *from, size_t from_row, float *to, size_t to_row)
{
	quad r[4], lo[2], hi[2];

	for (size_t i = 0; i < 4; i++)
		r[i] = *(const quad *)(from + i * from_row);
	for (size_t i = 0; i < 2; i++) {
		lo[i] = __builtin_shufflevector(r[i], r[i + 2], 0, 4, 1, 5);
		hi[i] = __builtin_shufflevector(r[i], r[i + 2], 2, 6, 3, 7);
	}
	QUAD(to) = __builtin_shufflevector(lo[0], lo[1], 0, 4, 1, 5);
	QUAD(to + to_row) = __builtin_shufflevector(lo[0], lo[1], 2, 6, 3, 7);
	QUAD(to + 2 * to_row) =
	    __builtin_shufflevector(hi[0], hi[1], 0, 4, 1, 5);
	QUAD(to + 3 * to_row) =
	    __builtin_shufflevector(hi[0], hi[1], 2, 6, 3, 7);
}

/* to[d * to_row + i] = from[i * from_row + d], i < n, d < depth */
static inline __attribute__((always_inline)) void
turn(const float *from, size_t from_row, size_t n, size_t depth, float *to,
    size_t to_row)
{
	size_t i = 0, d;

	for (; i + 4 <= n; i += 4) {
		for (d = 0; d + 4 <= depth; d += 4)
			turn_quad(from + i * from_row + d, from_row,
			    to + d * to_row + i, to_row);
		for (; d < depth; d++)
			for (size_t r = i; r < i + 4; r++)
				to[d * to_row + r] = from[r * from_row + d];
	}
	for (; i < n; i++)
		for (d = 0; d < depth; d++)
			to[d * to_row + i] = from[i * from_row + d];
}

/*
 * B's rows [0, depth) and columns [0, n) as panels of depth x 32, filled up
 * with zeros.  Rows that lie in one piece are read in one piece: they may be
 * on a page each.
 */
VECTOR static void
pack_b(struct gemm_side b, size_t depth, size_t n, float *to)
{
	size_t edge = n % GEMM_PANEL, whole = n - edge;

	if (edge != 0)
		memset(to + whole * depth, 0, depth * GEMM_PANEL * sizeof(*to));
	for (size_t d = 0; b.col == 1 && d < depth; d++) {
		const float *from = b.p + d * b.row;

		for (size_t j = 0; j < whole; j += GEMM_PANEL)
			memcpy(to + j * depth + d * GEMM_PANEL, from + j,
			    GEMM_PANEL * sizeof(*to));
		for (size_t j = 0; j < edge; j++)
			to[whole * depth + d * GEMM_PANEL + j] =
			    from[whole + j];
	}
	for (size_t j = 0; b.col != 1 && j < n; j += GEMM_PANEL)
		turn(b.p + j * b.col, b.col, MIN(GEMM_PANEL, n - j), depth,
		    to + j * depth, GEMM_PANEL);
}

/* A's rows [0, m) and columns [0, depth) in blocks of 14 rows, each depth x
 * rows. */
VECTOR static void
pack_a(struct gemm_side a, size_t m, size_t depth, float *to)
{
	for (size_t i = 0; i < m; i += GEMM_ROWS) {
		size_t rows = MIN(GEMM_ROWS, m - i);
		const float *from = a.p + i * a.row;

		if (a.col == 1)
			turn(from, a.row, rows, depth, to, rows);
		for (size_t d = 0; a.col != 1 && d < depth; d++)
			for (size_t r = 0; r < rows; r++)
				to[d * rows + r] = from[d * a.col + r];
		to += depth * rows;
	}
}

/* A as the kernel reads it: as it is, or packed. */
struct rows {
	const float *p;
	size_t row, step; /* between rows and along the depth */
	bool packed;
};

/*
 * Rows side by side in memory are read as they are; where they are a multiple
 * of a page apart, 14 of them do not fit the sets of the first-level cache.
 */
static struct rows
rows_of(struct gemm_side a, size_t m, size_t depth)
{
	if (a.col == 1 && (a.row % 1024 != 0 || a.row <= depth))
		return (struct rows){a.p, a.row, 1, false};
	pack_a(a, m, depth, work.a);
	return (struct rows){work.a, 1, 0, true};
}

/* m rows of A times one packed panel of B into c. */
static void
panel(struct rows a, size_t m, size_t depth, const float *b, size_t cols,
    bool add, float *c, size_t ldc)
{
	for (size_t i = 0; i < m; i += GEMM_ROWS) {
		size_t rows = MIN(GEMM_ROWS, m - i);
		struct micro g = {.rows = rows,
		    .cols = cols,
		    .depth = depth,
		    .a = a.p + (a.packed ? i * depth : i * a.row),
		    .a_row = a.row,
		    .a_step = a.packed ? rows : 1,
		    .b = b,
		    .b_step = GEMM_PANEL,
		    .b_panel = 0,
		    .c = c + i * ldc,
		    .c_row = ldc,
		    .add = add};

		micro_wide_product(&g);
	}
}

/* The same where fewer than a whole vector's columns are C's. */
VECTOR static void
edge_panel(struct rows a, size_t m, size_t depth, const float *b, size_t cols,
    bool add, float *c, size_t ldc)
{
	panel(a, m, depth, b, GEMM_PANEL, false, work.c, GEMM_PANEL);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < cols; j++) {
			float v = work.c[i * GEMM_PANEL + j];

			c[i * ldc + j] = add ? c[i * ldc + j] + v : v;
		}
}

static void
scale(size_t m, size_t n, float beta, float *c, size_t ldc)
{
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++)
			c[i * ldc + j] *= beta;
}

VECTOR void
gemm_finish(
    const struct gemm_end *end, size_t m, size_t n, float *c, size_t ldc)
{
	const float *bias = end->bias, *add = end->add;
	float lo = end->lo, hi = end->hi;

	for (size_t i = 0; i < m; i++, c += ldc) {
		for (size_t j = 0; bias != NULL && j < n; j++)
			c[j] += bias[j];
		for (size_t j = 0; add != NULL && j < n; j++)
			c[j] += add[i * ldc + j];
		for (size_t j = 0; j < n; j++) {
			float v = c[j] < lo ? lo : c[j];

			c[j] = v > hi ? hi : v;
		}
	}
}

/* One stretch of the depth for all rows and a block of columns. */
struct part {
	size_t m, n, depth;
	struct gemm_side a;
	bool add;
	float *c;
	size_t ldc;
	const struct gemm_end *end; /* behind the last stretch */
};

static void
block(const struct part *p)
{
	for (size_t i = 0; i < p->m; i += GEMM_M) {
		size_t m = MIN(GEMM_M, p->m - i);
		struct gemm_side a = {
		    p->a.p + i * p->a.row, p->a.row, p->a.col};
		struct rows rows = rows_of(a, m, p->depth);

		for (size_t j = 0; j < p->n; j += GEMM_PANEL) {
			size_t n = MIN(GEMM_PANEL, p->n - j);
			size_t at = i * p->ldc + j;
			struct gemm_end end;

			(n % 16 == 0 ? panel : edge_panel)(rows, m, p->depth,
			    work.b + j * p->depth, n, p->add, p->c + at,
			    p->ldc);
			if (p->end == NULL)
				continue;
			end = *p->end;
			end.bias += end.bias != NULL ? j : 0;
			end.add += end.add != NULL ? at : 0;
			gemm_finish(&end, m, n, p->c + at, p->ldc);
		}
	}
}

void
gemm(size_t m, size_t n, size_t k, struct gemm_side a, struct gemm_side b,
    float beta, float *c, size_t ldc, const struct gemm_end *end)
{
	if (beta != 0.0f && beta != 1.0f)
		scale(m, n, beta, c, ldc);
	for (size_t j = 0; j < n; j += GEMM_N) {
		struct gemm_end mine = {0};

		if (end != NULL) {
			mine = *end;
			mine.bias += mine.bias != NULL ? j : 0;
			mine.add += mine.add != NULL ? j : 0;
		}
		for (size_t d = 0; d < k; d += GEMM_DEPTH) {
			size_t depth = MIN(GEMM_DEPTH, k - d);
			struct part p = {.m = m,
			    .n = MIN(GEMM_N, n - j),
			    .depth = depth,
			    .a = {a.p + d * a.col, a.row, a.col},
			    .add = d > 0 || beta != 0.0f,
			    .c = c + j,
			    .ldc = ldc};

			if (end != NULL && d + depth == k)
				p.end = &mine;
			pack_b((struct gemm_side){b.p + d * b.row + j * b.col,
				   b.row, b.col},
			    depth, p.n, work.b);
			block(&p);
		}
	}
}
