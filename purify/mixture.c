/* SPDX-License-Identifier: MIT */
#include "purify/mixture.h"

#include <math.h>

void
mixture_make(struct rng *r, const float *x, size_t n, size_t image, float *to,
    struct mixture *m)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t other = (uint32_t)rng_below(r, n);
		float share = rng_float(r);
		const float *a = x + i * image, *b = x + other * image;

		for (size_t k = 0; k < image; k++)
			to[i * image + k] =
			    share * a[k] + (1.0f - share) * b[k];
		m[i] = (struct mixture){other, share};
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
