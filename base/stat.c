/* SPDX-License-Identifier: MIT */
#include "base/stat.h"

#include <math.h>

/* Shapes that a fit may have, and terms of an incomplete gamma function:
 * about six times the root of the shape are enough. */
#define SHAPE_LEAST 1e-3
#define SHAPE_MOST  1e6
#define GAMMA_TERMS 100000

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

double
stat_quantile(double *v, size_t n, double q)
{
	qsort(v, n, sizeof(*v), ascending);
	return v[(size_t)(q * (double)(n - 1))];
}

double
stat_soft_max(const double *v, const double *weight, size_t n, double lean)
{
	double most = v[0], sum = 0.0, all = 0.0;

	for (size_t i = 1; i < n; i++)
		most = fmax(most, v[i]);
	/* about the largest: no term overflows */
	for (size_t i = 0; i < n; i++) {
		double w = weight != NULL ? weight[i] : 1.0;

		sum += w * exp(lean * (v[i] - most));
		all += w;
	}
	return most + log(sum / all) / lean;
}

void
stat_mark_largest(const double *v, size_t n, size_t most, bool *mark)
{
	for (size_t k = 0; k < most; k++) {
		size_t best = SIZE_MAX;

		for (size_t i = 0; i < n; i++)
			if (!mark[i] && isfinite(v[i]) &&
			    (best == SIZE_MAX || v[i] > v[best]))
				best = i;
		if (best == SIZE_MAX)
			return;
		mark[best] = true;
	}
}

static double
absolute_deviation(double *v, size_t n, double middle)
{
	for (size_t i = 0; i < n; i++)
		v[i] = fabs(v[i] - middle);
	return 1.4826 * stat_median(v, n);
}

double
stat_anomaly(const double *v, size_t n, size_t *at)
{
	double *copy = calloc(n, sizeof(*copy));
	double middle, unit, below;

	if (copy == NULL)
		BUG("out of memory");
	*at = 0;
	for (size_t i = 0; i < n; i++) {
		copy[i] = v[i];
		if (v[i] < v[*at])
			*at = i;
	}
	middle = stat_median(copy, n);
	unit = absolute_deviation(copy, n, middle);
	free(copy);
	below = middle - v[*at];
	return below > 0.0 ? below / unit : 0.0;
}

/* --- Gamma --------------------------------------------------------------- */

/* P(a, x) by its series, for x < a + 1 (Abramowitz and Stegun 6.5.29). */
static double
lower_series(double a, double x)
{
	double term = 1.0 / a, sum = term;

	for (int i = 1; i < GAMMA_TERMS && term > sum * 1e-17; i++) {
		term *= x / (a + i);
		sum += term;
	}
	return sum * exp(a * log(x) - x - lgamma(a));
}

/* Q(a, x) by its continued fraction, for x >= a + 1 (ibid. 6.5.31, evaluated
 * by Lentz's method as modified by Thompson and Barnett, 1986). */
static double
upper_fraction(double a, double x)
{
	double b = x + 1.0 - a, c = 1e300, d = 1.0 / b, h = d;

	for (int i = 1; i < GAMMA_TERMS; i++) {
		double n = -i * (i - a), step;

		b += 2.0;
		d = 1.0 / (n * d + b);
		c = b + n / c;
		step = c * d;
		h *= step;
		if (fabs(step - 1.0) < 1e-16)
			break;
	}
	return h * exp(a * log(x) - x - lgamma(a));
}

double
stat_gamma_tail(double shape, double x)
{
	if (!(shape > 0.0))
		BUG("gamma distribution without a shape");
	if (isnan(x))
		return x;
	if (x <= 0.0)
		return 1.0;
	if (isinf(x))
		return 0.0;
	return x < shape + 1.0 ? fmax(0.0, 1.0 - lower_series(shape, x))
			       : upper_fraction(shape, x);
}

/* ln x - psi(x): recurrence up to 10, then the asymptotic series (6.3.18). */
static double
log_less_digamma(double x)
{
	double shift = 0.0, start = x, r;

	for (; x < 10.0; x++)
		shift += 1.0 / x;
	r = 1.0 / (x * x);
	return log(start / x) + shift + 0.5 / x +
	       r * (1.0 / 12 -
		       r * (1.0 / 120 -
			       r * (1.0 / 252 -
				       r * (1.0 / 240 - r * (1.0 / 132)))));
}

bool
stat_gamma_fit(const double *v, size_t n, double *shape, double *scale)
{
	double mean = 0.0, s = 0.0, lo = log(SHAPE_LEAST), hi = log(SHAPE_MOST);

	for (size_t i = 0; i < n; i++) {
		if (!(v[i] > 0.0) || isinf(v[i]))
			return false;
		mean += v[i] / (double)n;
	}
	if (n < 2)
		return false;
	/* the likeliest shape solves ln k - psi(k) = ln mean - mean of ln */
	for (size_t i = 0; i < n; i++)
		s -= log1p((v[i] - mean) / mean) / (double)n;
	for (int i = 0; i < 100; i++) {
		double mid = 0.5 * (lo + hi);

		if (log_less_digamma(exp(mid)) > s)
			lo = mid;
		else
			hi = mid;
	}
	*shape = exp(hi);
	*scale = mean / *shape;
	return true;
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
