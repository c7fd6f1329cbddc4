/* SPDX-License-Identifier: MIT */
#include "engine/pool_quad.h"

#include "engine/vector.h"

#include <math.h>

bool
pool_quad_fits(const struct window_fit *f)
{
	bool inside = f->size[0] == 1 && f->size[1] == 2 && f->size[2] == 2;

	for (size_t i = 0; i < WINDOW_AXES; i++)
		inside = inside && f->pad[i] == 0 &&
			 (f->out[i] - 1) * f->stride[i] +
				 (f->size[i] - 1) * f->dilation[i] <
			     f->in[i];
	return inside;
}

/* A row of windows: the pixels of the first, and how far on the next is. */
struct row {
	size_t n, channels, next, pixel[4];
};

/* Row i of out[0] * out[1]. */
static struct row
row_of(const struct window_fit *f, size_t channels, size_t i)
{
	size_t z = i / f->out[1] * f->stride[0];
	size_t y = i % f->out[1] * f->stride[1];
	size_t at = (z * f->in[1] + y) * f->in[2];
	size_t below = f->dilation[1] * f->in[2], right = f->dilation[2];

	return (struct row){f->out[2], channels, f->stride[2],
	    {at, at + right, at + below, at + below + right}};
}

/* The first of equal maxima; NaN wins and stays. */
VECTOR static void
row_forward(const struct row *r, const float *restrict x, float *restrict y,
    uint32_t *restrict at)
{
	size_t n = r->channels;

	for (size_t i = 0; i < r->n; i++, y += n, at += n) {
		const float *p[4];
		uint32_t pixel[4];

		for (size_t t = 0; t < 4; t++) {
			pixel[t] = (uint32_t)(i * r->next + r->pixel[t]);
			p[t] = x + (i * r->next + r->pixel[t]) * n;
		}
		for (size_t k = 0; k < n; k++) {
			float most = p[0][k];
			uint32_t best = pixel[0];

			for (size_t t = 1; t < 4; t++) {
				float v = p[t][k];
				bool take = !(v <= most) && !isnan(most);

				most = take ? v : most;
				best = take ? pixel[t] : best;
			}
			y[k] = most;
			at[k] = best;
		}
	}
}

VECTOR static void
row_backward(const struct row *r, const float *restrict dy,
    const uint32_t *restrict at, float *restrict dx)
{
	size_t n = r->channels;

	for (size_t i = 0; i < r->n; i++, dy += n, at += n)
		for (size_t t = 0; t < 4; t++) {
			size_t pixel = i * r->next + r->pixel[t];
			uint32_t here = (uint32_t)pixel;
			float *d = dx + pixel * n;

			for (size_t k = 0; k < n; k++)
				d[k] = at[k] == here ? d[k] + dy[k] : d[k];
		}
}

void
pool_quad_forward(const struct window_fit *f, size_t channels, const float *x,
    float *y, uint32_t *at)
{
	size_t step = f->out[2] * channels;

	for (size_t i = 0; i < f->out[0] * f->out[1]; i++) {
		struct row r = row_of(f, channels, i);

		row_forward(&r, x, y + i * step, at + i * step);
	}
}

void
pool_quad_backward(const struct window_fit *f, size_t channels, const float *dy,
    const uint32_t *at, float *dx)
{
	size_t step = f->out[2] * channels;

	for (size_t i = 0; i < f->out[0] * f->out[1]; i++) {
		struct row r = row_of(f, channels, i);

		row_backward(&r, dy + i * step, at + i * step, dx);
	}
}
