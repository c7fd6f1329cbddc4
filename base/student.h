/* SPDX-License-Identifier: MIT
 * Student's t: a null whose tails are heavier than the normal's.
 */
#ifndef BASE_STUDENT_H
#define BASE_STUDENT_H

#include "base/base.h"

/*
 * Regularised incomplete beta function I_x(a, b), a, b > 0, x in [0,1]
 * (continued fraction, Numerical Recipes section 6.4, by Lentz's method).
 */
double student_beta(double a, double b, double x);
/* Upper tail P(T > t) with `freedom` degrees of freedom, > 0. */
double student_tail(double t, double freedom);
/* The t with P(T > t) = p, 0 < p < 1. */
double student_quantile(double p, double freedom);

#endif
