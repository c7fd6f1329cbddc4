/* SPDX-License-Identifier: MIT
 * The few statistics that more than one tool prints.
 */
#ifndef BASE_STAT_H
#define BASE_STAT_H

#include "base/base.h"

struct stat_interval {
	double lo, hi;
};

/*
 * Wilson score interval (Wilson, JASA 1927) for k successes of n at
 * two-sided confidence `level` in (0,1); {0,1} when n is 0.
 */
struct stat_interval stat_wilson(uint64_t k, uint64_t n, double level);

/* Upper tail of the standard normal, P(Z > z). */
double stat_normal_tail(double z);
/* The z with P(Z > z) = p, 0 < p < 1. */
double stat_normal_quantile(double p);

/* Median of v[0..n), n > 0 and no NaN among them; v is reordered. */
double stat_median(double *v, size_t n);
/* Of n > 0 values the one at q * (n - 1), rounded down, in order; 0 <= q <= 1;
 * sorts them. */
double stat_quantile(double *v, size_t n, double q);
/*
 * Soft maximum of v[0..n), n > 0: log(mean(exp(lean * v))) / lean, between the
 * mean (lean near 0) and the largest (lean large); lean > 0.  The mean is by
 * weight[0..n), all positive; NULL: all alike.
 */
double stat_soft_max(
    const double *v, const double *weight, size_t n, double lean);
/* Mark the `most` largest of v[0..n) that are finite and not marked yet; the
 * first of equals. */
void stat_mark_largest(const double *v, size_t n, size_t most, bool *mark);

/*
 * Neural Cleanse's anomaly index (Wang et al., S&P 2019) of the smallest of
 * v[0..n), n > 0: its distance from the median in units of 1.4826 times the
 * median absolute deviation; above 2 is their outlier.  *at is its place, the
 * first of equals.  Where half of the numbers are the same a smaller one has
 * the index infinity.  v is left as it is.
 */
double stat_anomaly(const double *v, size_t n, size_t *at);

/*
 * P(X > x) of the Gamma distribution of the given shape > 0 and scale 1: the
 * regularised upper incomplete gamma function Q(shape, x), to about 1e-12 of
 * itself; 1 for x <= 0, NaN for NaN.
 */
double stat_gamma_tail(double shape, double x);
/*
 * Maximum likelihood fit of a Gamma distribution (location 0) to v[0..n).
 * False, with nothing set, for less than two numbers or one that is not
 * positive and finite.  The shape is kept within [1e-3, 1e6]: numbers that are
 * all the same have no likeliest one.
 */
bool stat_gamma_fit(const double *v, size_t n, double *shape, double *scale);

/* Holm's step-down adjustment (Holm 1979) of p[0..n), in place. */
void stat_holm(double *p, size_t n);

#endif
