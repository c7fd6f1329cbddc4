/* SPDX-License-Identifier: MIT
 * U = G w G', with the rows of G the powers of the points divided by the
 * value there of the polynomial that vanishes at the other finite points.
 */
#include "engine/wino_weights.h"

#include "engine/micro.h"
#include "engine/vector.h"
#include "engine/wide.h"
#include "engine/wino_tile.h"

#define A  0.625f
#define B  1.5f
#define A2 (A * A)
#define B2 (B * B)
#define NA (1.0f / (2.0f * A2 * (A2 - B2)))
#define NB (1.0f / (2.0f * B2 * (B2 - A2)))
#define N0 (1.0f / (A2 * B2))

#define TAPS 9

typedef wide_vec vec;
typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));

#define QUAD(p) (*(quad *)(p))

size_t
wino_weights_plane(size_t depth)
{
	/* planes a power of two apart would share cache sets */
	return depth * MICRO_PANEL + 80;
}

size_t
wino_weights_panel(size_t depth)
{
	return WINO_POSITIONS * wino_weights_plane(depth);
}

size_t
wino_weights_size(size_t depth, size_t out)
{
	return (out + MICRO_PANEL - 1) / MICRO_PANEL *
	       wino_weights_panel(depth);
}

/* t = G d */
WIDE_INLINE void
weight_1d(vec *t, const vec *d)
{
	vec a = NA * d[0] + A2 * NA * d[2], b = A * NA * d[1];
	vec c = NB * d[0] + B2 * NB * d[2], e = B * NB * d[1];

	t[0] = N0 * d[0];
	t[1] = a + b;
	t[2] = a - b;
	t[3] = c + e;
	t[4] = c - e;
	t[5] = d[2];
}

/* t = G' d */
WIDE_INLINE void
reduce_1d(vec *t, const vec *d)
{
	vec a = d[1] + d[2], b = d[1] - d[2];
	vec c = d[3] + d[4], e = d[3] - d[4];

	t[0] = N0 * d[0] + NA * a + NB * c;
	t[1] = A * NA * b + B * NB * e;
	t[2] = A2 * NA * a + B2 * NB * c + d[5];
}

/* 16 filters: tap (i, j) is w[i * row + j * col]. */
WIDE_INLINE void
transform(const float *w, ptrdiff_t row, ptrdiff_t col, float *u, size_t plane)
{
	vec s[6][3], d[3], v[6];

	WIDE_UNROLL(3)
	for (ptrdiff_t j = 0; j < 3; j++) {
		WIDE_UNROLL(3)
		for (ptrdiff_t i = 0; i < 3; i++)
			d[i] = WIDE_LOAD(w + i * row + j * col);
		weight_1d(v, d);
		WIDE_UNROLL(6)
		for (size_t i = 0; i < 6; i++)
			s[i][j] = v[i];
	}
	WIDE_UNROLL(6)
	for (size_t i = 0; i < 6; i++, u += 6 * plane) {
		weight_1d(v, s[i]);
		WIDE_UNROLL(6)
		for (size_t j = 0; j < 6; j++)
			WIDE_STORE(u + j * plane, v[j]);
	}
}

/* --- forward: vectors of 16 k ------------------------------------------- */

/* Where 16 channels of 16 filters wait, transposed: [c][tap][k]. */
struct corner {
	float p[WIDE_LANES][TAPS][WIDE_LANES];
};

/* Columns of four rows. */
WIDE_INLINE void
transpose_quad(const float *from, size_t from_row, float *to, size_t to_row)
{
	quad a = *(const quad *)from, b = *(const quad *)(from + from_row);
	quad c = *(const quad *)(from + 2 * from_row);
	quad d = *(const quad *)(from + 3 * from_row);
	quad ac0 = __builtin_shufflevector(a, c, 0, 4, 1, 5);
	quad ac1 = __builtin_shufflevector(a, c, 2, 6, 3, 7);
	quad bd0 = __builtin_shufflevector(b, d, 0, 4, 1, 5);
	quad bd1 = __builtin_shufflevector(b, d, 2, 6, 3, 7);

	QUAD(to) = __builtin_shufflevector(ac0, bd0, 0, 4, 1, 5);
	QUAD(to + to_row) = __builtin_shufflevector(ac0, bd0, 2, 6, 3, 7);
	QUAD(to + 2 * to_row) = __builtin_shufflevector(ac1, bd1, 0, 4, 1, 5);
	QUAD(to + 3 * to_row) = __builtin_shufflevector(ac1, bd1, 2, 6, 3, 7);
}

/* nk x nc filters and channels, at most 16 of each; w's filters `row` apart. */
WIDE_INLINE void
gather(struct corner *t, const float *w, size_t row, size_t c, size_t nk,
    size_t nc)
{
	const size_t to_row = TAPS * WIDE_LANES;

	if (nk == WIDE_LANES && nc == WIDE_LANES) {
		for (size_t i = 0; i < TAPS; i++)
			for (size_t k = 0; k < WIDE_LANES; k += 4)
				for (size_t j = 0; j < WIDE_LANES; j += 4)
					transpose_quad(w + k * row + i * c + j,
					    row, &t->p[j][i][k], to_row);
		return;
	}
	memset(t, 0, sizeof(*t));
	for (size_t k = 0; k < nk; k++)
		for (size_t i = 0; i < TAPS; i++)
			for (size_t j = 0; j < nc; j++)
				t->p[j][i][k] = w[k * row + i * c + j];
}

VECTOR void
wino_weights(size_t k, size_t c, const float *w, float *u)
{
	size_t plane = wino_weights_plane(c), panel = wino_weights_panel(c);
	struct corner t;

	for (size_t i = 0; i < k; i += WIDE_LANES) {
		float *o = u + i / MICRO_PANEL * panel + i % MICRO_PANEL;

		for (size_t j = 0; j < c; j++) {
			size_t at = j % WIDE_LANES;

			if (at == 0)
				gather(&t, w + i * TAPS * c + j, TAPS * c, c,
				    MIN(WIDE_LANES, k - i),
				    MIN(WIDE_LANES, c - j));
			transform(t.p[at][0], 3 * WIDE_LANES, WIDE_LANES,
			    o + j * MICRO_PANEL, plane);
		}
	}
}

/* --- data: vectors of 16 c ------------------------------------------------ */

VECTOR void
wino_weights_data(size_t k, size_t c, const float *w, float *u)
{
	size_t plane = wino_weights_plane(k), panel = wino_weights_panel(k);
	ptrdiff_t tap = (ptrdiff_t)c;
	float end[TAPS][WIDE_LANES] = {0};

	for (size_t j = 0; j < c; j += WIDE_LANES) {
		float *o = u + j / MICRO_PANEL * panel + j % MICRO_PANEL;

		for (size_t i = 0; i < k; i++, o += MICRO_PANEL) {
			const float *p = w + i * TAPS * c + j;

			if (c - j >= WIDE_LANES) {
				transform(
				    p + 8 * tap, -3 * tap, -tap, o, plane);
				continue;
			}
			for (size_t s = 0; s < TAPS; s++)
				memcpy(end[s], p + (TAPS - 1 - s) * c,
				    (c - j) * sizeof(*p));
			transform(end[0], 3 * WIDE_LANES, WIDE_LANES, o, plane);
		}
	}
}

/* --- back ----------------------------------------------------------------- */

/* 16 channels of one filter; taps `tap` floats apart. */
WIDE_INLINE void
reduce(const float *d, size_t plane, float *dw, size_t tap, bool add)
{
	vec s[3][6], v[6];

	WIDE_UNROLL(6)
	for (size_t j = 0; j < 6; j++) {
		WIDE_UNROLL(6)
		for (size_t i = 0; i < 6; i++)
			v[i] = WIDE_LOAD(d + (i * 6 + j) * plane);
		vec t[3];

		reduce_1d(t, v);
		WIDE_UNROLL(3)
		for (size_t i = 0; i < 3; i++)
			s[i][j] = t[i];
	}
	WIDE_UNROLL(3)
	for (size_t i = 0; i < 3; i++) {
		reduce_1d(v, s[i]);
		WIDE_UNROLL(3)
		for (size_t j = 0; j < 3; j++) {
			float *p = dw + (i * 3 + j) * tap;

			if (add)
				v[j] += WIDE_LOAD(p);
			WIDE_STORE(p, v[j]);
		}
	}
}

VECTOR void
wino_weights_reduce(size_t k, size_t nc, const float *d, size_t plane,
    size_t row, size_t c, bool add, float *dw)
{
	size_t whole = nc / WIDE_LANES * WIDE_LANES;
	float end[TAPS][WIDE_LANES];

	for (size_t i = 0; i < k; i++, d += row, dw += TAPS * c) {
		for (size_t j = 0; j < whole; j += WIDE_LANES)
			reduce(d + j, plane, dw + j, c, add);
		if (whole == nc)
			continue;
		reduce(d + whole, plane, end[0], WIDE_LANES, false);
		for (size_t s = 0; s < TAPS; s++)
			for (size_t j = whole; j < nc; j++) {
				float *p = dw + s * c + j;
				float v = end[s][j - whole];

				*p = add ? *p + v : v;
			}
	}
}
