/* SPDX-License-Identifier: MIT */
#include "purify/mixture.h"

#include <math.h>

void
mixture_make(struct rng *r, const float *x, size_t n, size_t h, size_t w,
    size_t c, float *to, struct mixture *m)
{
	size_t image = h * w * c;

	memcpy(to, x, n * image * sizeof(*to));
	for (size_t i = 0; i < n; i++) {
		uint32_t other = (uint32_t)rng_below(r, n);
		float side = sqrtf(rng_float(r));
		size_t rows = (size_t)(side * (float)h + 0.5f);
		size_t cols = (size_t)(side * (float)w + 0.5f);
		size_t y = rng_below(r, h - rows + 1);
		size_t at = (y * w + rng_below(r, w - cols + 1)) * c;

		for (size_t k = 0; k < rows; k++, at += w * c)
			memcpy(to + i * image + at, x + other * image + at,
			    cols * c * sizeof(*to));
		m[i] = (struct mixture){
		    other, 1.0f - (float)(rows * cols) / (float)(h * w)};
	}
}

void
mixture_hold(const struct mixture *m, size_t n, size_t classes,
    const bool *held, const float *plain, float *mixed)
{
	for (size_t i = 0; i < n; i++) {
		const float *a = plain + i * classes;
		const float *b = plain + m[i].other * classes;
		float *to = mixed + i * classes, sum = 0.0f;

		for (size_t c = 0; c < classes; c++) {
			float most =
			    m[i].share * a[c] + (1.0f - m[i].share) * b[c];

			if (held[c])
				to[c] = fminf(to[c], most);
			sum += to[c];
		}
		for (size_t c = 0; c < classes && sum > 0.0f; c++)
			to[c] /= sum;
	}
}
