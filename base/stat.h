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

/* Median of v[0..n), n > 0; v is reordered. */
double stat_median(double *v, size_t n);

/* Holm's step-down adjustment (Holm 1979) of p[0..n), in place. */
void stat_holm(double *p, size_t n);

#endif
