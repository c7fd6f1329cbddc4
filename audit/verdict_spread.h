/* SPDX-License-Identifier: MIT
 * Families of like cells, their residuals, and how widely those of a clean
 * suspect lie: by the shipped null, by references among each other, by the
 * suspect itself.  audit/verdict.h says what all of it is for.
 */
#ifndef AUDIT_VERDICT_SPREAD_H
#define AUDIT_VERDICT_SPREAD_H

#include "audit/null.h"

struct verdict_family {
	const char *name;
	bool tested;       /* its p counts */
	size_t n;          /* cells */
	double *suspect;   /* [n] ease; NaN: not measured */
	double *reference; /* [nref * n] */
	/* of the residual: set by verdict_spread() or verdict_covariance() */
	double spread;
	/* set by verdict_residuals(), NaN where not measured */
	double center, *residual; /* [n] */
	/* [n] of a cell, by that of the family: set by verdict_widths(); NULL: 1 */
	double *width;
	/* [n] what is taken off the residual before z; NULL: nothing */
	double *expected;
	double *z, *p; /* [n] */
};

/* With `center` NULL the median of the raw residuals is taken out, else
 * *center is: for cells that were measured again. */
void verdict_residuals(
    struct verdict_family *, size_t nref, const double *center);
/*
 * How much wider than its family each cell lies, at least 1: as far as references
 * differ more there among each other than elsewhere.  Of clean models the standard
 * deviation in one class may be ten times that in another (shirt by gratings), and
 * three references show which class it is.  Never narrower: where they agree, the
 * next clean model may not.  1 everywhere with fewer than three, or with references
 * of another architecture.
 */
void verdict_widths(struct verdict_family *, size_t nref, enum null_kin);
/* The width of cell i. */
double verdict_width(const struct verdict_family *, size_t i);
/* Standard deviation of a suspect's residual in one family. */
double verdict_spread(
    const struct verdict_family *, size_t nref, enum null_kin);
/* The same for all geometries together: n x n, row-major, into cov. */
void verdict_covariance(const struct verdict_family *, size_t n, size_t nref,
    enum null_kin, double *cov);
/*
 * How much wider than `spread` the residuals of this suspect lie, at least 1:
 * by those below zero alone.  Its training (other images, classes out of
 * balance) may set a clean model apart from all references, and makes classes
 * easier and harder alike; a backdoor makes some easier.  1 for two cells.
 */
double verdict_unlike(const double *residual, size_t n, double spread);
/*
 * Many classes say themselves how wide they lie, and better than the shipped
 * null or two references do: so wide is the lower half, or the upper one up to
 * its highest tenth where that is wider.  Relative to `spread`, of which little
 * is kept; may be below 1.  false where there are too few cells.
 */
bool verdict_own(
    const double *residual, size_t n, double spread, double *width) MUST_USE;
/*
 * Of pairs of classes (side x side, source-major, NaN on the diagonal): what the rest
 * of a pair's row and of its column lead to expect.  A class that a clean model has
 * seen little of is easy to leave, one of which it has seen much easy to reach,
 * whatever the other one is; a trigger for one source is in one pair.  Medians without
 * the pair itself, as far as they are beyond what chance gives, in units of `spread`;
 * never below 0; 0 where less than half of the row or column was measured.  False:
 * there are too few classes to tell, or more than all pairs are measured of.
 */
bool verdict_expected(const double *residual, size_t side, double spread,
    double *expected) MUST_USE;
/* Degrees of freedom of the tails of geometries with so many cells. */
double verdict_freedom(const double *residual, size_t n);

#endif
