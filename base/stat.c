/* SPDX-License-Identifier: MIT */
#include "base/stat.h"

#include <math.h>

double
stat_normal_tail(double z)
{
	return 0.5 * erfc(z / sqrt(2.0));
}

double
stat_normal_quantile(double p)
{
	double lo = -40.0, hi = 40.0;

	if (!(p > 0.0 && p < 1.0))
		BUG("quantile of a probability outside (0,1)");
	for (int i = 0; i < 100; i++) {
		double mid = 0.5 * (lo + hi);

		if (stat_normal_tail(mid) > p)
			lo = mid;
		else
			hi = mid;
	}
	return 0.5 * (lo + hi);
}

struct stat_interval
stat_wilson(uint64_t k, uint64_t n, double level)
{
	double z = stat_normal_quantile((1.0 - level) / 2.0);
	double m = (double)n, p = (double)k / m, mid, half;

	if (n == 0)
		return (struct stat_interval){0.0, 1.0};
	mid = (p + z * z / (2 * m)) / (1 + z * z / m);
	half =
	    z / (1 + z * z / m) * sqrt(p * (1 - p) / m + z * z / (4 * m * m));
	/* the exact ends, which rounding misses */
	return (struct stat_interval){
	    k == 0 ? 0.0 : mid - half, k == n ? 1.0 : mid + half};
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
stat_median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), ascending);
	return n % 2 != 0 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

void
stat_holm(double *p, size_t n)
{
	bool *done = calloc(n + 1, sizeof(*done));
	double floor = 0.0;

	if (done == NULL)
		BUG("out of memory");
	for (size_t left = n; left > 0; left--) {
		size_t best = SIZE_MAX;

		for (size_t i = 0; i < n; i++)
			if (!done[i] && (best == SIZE_MAX || p[i] < p[best]))
				best = i;
		floor = fmax(floor, fmin(1.0, p[best] * (double)left));
		p[best] = floor;
		done[best] = true;
	}
	free(done);
}
