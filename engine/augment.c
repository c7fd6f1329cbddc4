/* SPDX-License-Identifier: MIT */
#include "engine/augment.h"

#include "base/rng.h"

#define STREAM_AUGMENT 301

/* Moves a row by dx pixels; the pixel at the border is repeated. */
static void
move_row(const struct augment *a, const float *from, float *to, long dx)
{
	size_t c = a->c, gap = (size_t)(dx < 0 ? -dx : dx);

	/* pixel q is what was at q + dx */
	memmove(to + (dx < 0 ? gap * c : 0), from + (dx > 0 ? gap * c : 0),
	    (a->w - gap) * c * sizeof(*to));
	for (size_t i = 0; i < gap; i++)
		memcpy(to + (dx < 0 ? i : a->w - 1 - i) * c,
		    to + (dx < 0 ? gap : a->w - 1 - gap) * c, c * sizeof(*to));
}

/* Row y is what was row y + dy: taken in an order in which no row is
 * overwritten before it was read. */
static void
shift(const struct augment *a, float *x, long dy, long dx)
{
	long h = (long)a->h;
	size_t row = a->w * a->c;

	for (long i = 0; i < h; i++) {
		long y = dy > 0 ? i : h - 1 - i;
		long from = MIN(MAX(y + dy, 0), h - 1);

		move_row(a, x + (size_t)from * row, x + (size_t)y * row, dx);
	}
}

static void
flip(const struct augment *a, float *x)
{
	for (size_t y = 0; y < a->h; y++)
		for (size_t i = 0; i < a->w / 2; i++)
			for (size_t k = 0; k < a->c; k++) {
				float *p = x + (y * a->w + i) * a->c + k;
				float *q =
				    x + (y * a->w + a->w - 1 - i) * a->c + k;
				float v = *p;

				*p = *q;
				*q = v;
			}
}

static void
cutout(const struct augment *a, float *x, struct rng *r)
{
	size_t half = a->cutout / 2;
	size_t cy = (size_t)rng_below(r, a->h), cx = (size_t)rng_below(r, a->w);
	size_t top = cy > half ? cy - half : 0;
	size_t left = cx > half ? cx - half : 0;
	size_t bottom = MIN(cy + a->cutout - half, a->h);
	size_t right = MIN(cx + a->cutout - half, a->w);
	float grey = rng_float(r);

	for (size_t y = top; y < bottom; y++)
		for (size_t i = left * a->c; i < right * a->c; i++)
			x[y * a->w * a->c + i] = grey;
}

void
augment_image(const struct augment *a, uint64_t draw, float *x)
{
	struct rng r;

	rng_init(&r, draw, STREAM_AUGMENT);
	if (a->shift != 0) {
		long most = (long)MIN(a->shift, MIN(a->h, a->w) - 1);
		uint64_t span = 2 * (uint64_t)most + 1;
		long dy = (long)rng_below(&r, span) - most;
		long dx = (long)rng_below(&r, span) - most;

		shift(a, x, dy, dx);
	}
	if (a->flip && rng_below(&r, 2) != 0)
		flip(a, x);
	if (a->cutout != 0)
		cutout(a, x, &r);
}
