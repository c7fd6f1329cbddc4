/* SPDX-License-Identifier: MIT
 * The shipped null (audit/null.def): how much one clean model's ease of a
 * class differs from the median of many, measured on clean models of mixed
 * recipes, and how the geometries hang together.
 */
#ifndef AUDIT_NULL_H
#define AUDIT_NULL_H

#include "base/base.h"

/* References of the suspect's architecture, of another, or grown from its
 * graph and the auditor's images. */
enum null_kin {
	NULL_SAME,
	NULL_OTHER,
	NULL_HOME,
};
#define NULL_KINS 3

/* The statistics of a class that its p-value combines. */
enum null_form {
	NULL_ALONE,  /* a geometry's residual */
	NULL_BEYOND, /* what the others do not lead to expect of it */
	NULL_WHOLE,  /* a member of the joint mean of full-image changes */
};
#define NULL_FORMS 3

bool null_tested(const char *family, enum null_form);
/* Standard deviation of one model; aborts when the family has no line. */
double null_spread(const char *family, enum null_kin);
/* Variance of a suspect, of another recipe and other data, by that of
 * references among each other. */
double null_inflation(const char *family);
/* Correlation of two geometries' residuals; 1 for the same, 0 without a line. */
double null_correlation(const char *a, const char *b);
/* Degrees of freedom of the Student's t that tails follow. */
double null_freedom(void);
/* Correlation of the joint z of the geometries that change the whole image with that
 * of gratings. */
double null_whole(void);
/* The same of a pair's z by a patch and by stamps. */
double null_pair_both(void);
/* Mean and standard deviation, over clean models, of the mean z of the best
 * map of all classes. */
double null_map_mean(void);
double null_map_spread(void);

#endif
