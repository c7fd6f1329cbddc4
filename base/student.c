/* SPDX-License-Identifier: MIT */
#include "base/student.h"

#include <math.h>

#define TERMS 300
#define TINY  1e-300
#define EXACT 1e-15

static double
fraction(double a, double b, double x)
{
	double c = 1.0, d = 1.0 - (a + b) * x / (a + 1.0), h;

	d = 1.0 / (fabs(d) < TINY ? TINY : d);
	h = d;
	for (int m = 1; m <= TERMS; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x /
			     ((a + 2 * m) * (a + 2 * m + 1));
		double step;

		d = 1.0 + even * d;
		c = 1.0 + even / c;
		d = 1.0 / (fabs(d) < TINY ? TINY : d);
		c = fabs(c) < TINY ? TINY : c;
		h *= d * c;
		d = 1.0 + odd * d;
		c = 1.0 + odd / c;
		d = 1.0 / (fabs(d) < TINY ? TINY : d);
		c = fabs(c) < TINY ? TINY : c;
		step = d * c;
		h *= step;
		if (fabs(step - 1.0) < EXACT)
			break;
	}
	return h;
}

double
student_beta(double a, double b, double x)
{
	double front;

	if (x <= 0.0)
		return 0.0;
	if (x >= 1.0)
		return 1.0;
	front = exp(
	    lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	/* the fraction converges fast on this side of the mean */
	if (x < (a + 1.0) / (a + b + 2.0))
		return front * fraction(a, b, x) / a;
	return 1.0 - front * fraction(b, a, 1.0 - x) / b;
}

double
student_tail(double t, double freedom)
{
	double half =
	    0.5 * student_beta(freedom / 2, 0.5, freedom / (freedom + t * t));

	return t >= 0.0 ? half : 1.0 - half;
}

double
student_quantile(double p, double freedom)
{
	double lo = -1.0, hi = 1.0;

	if (!(p > 0.0 && p < 1.0))
		BUG("quantile of a probability outside (0,1)");
	while (student_tail(hi, freedom) > p)
		hi *= 2;
	while (student_tail(lo, freedom) < p)
		lo *= 2;
	for (int i = 0; i < 100; i++) {
		double mid = 0.5 * (lo + hi);

		if (student_tail(mid, freedom) > p)
			lo = mid;
		else
			hi = mid;
	}
	return 0.5 * (lo + hi);
}
