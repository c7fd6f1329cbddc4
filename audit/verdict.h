/* SPDX-License-Identifier: MIT
 * From flip radii to a verdict.  For class t and geometry G the residual
 *
 *     l = median over references of log r_t(reference) - log r_t(suspect)
 *
 * minus its median over classes says how much easier t is to reach in the
 * suspect than in models known to be clean; classes that are easy everywhere
 * cancel.  z = l / spread on clean models (audit/null.def), one-sided normal
 * p-values, Holm's correction over classes and geometries.
 */
#ifndef AUDIT_VERDICT_H
#define AUDIT_VERDICT_H

#include "base/base.h"

enum verdict {
	VERDICT_NO_EVIDENCE,
	VERDICT_INCONCLUSIVE,
	VERDICT_EVIDENCE,
};

/* One class in one geometry. */
struct verdict_cell {
	double suspect;   /* radius */
	double reference; /* median radius of the references */
	double residual, z, p, p_adjusted;
	uint64_t flipped, shared; /* held-out flips, and those shared */
	bool target;
};

struct verdict_input {
	size_t classes, geometries;
	const double *spread;      /* per geometry */
	struct verdict_cell *cell; /* geometry-major */
	double alpha;
	double accuracy; /* of the suspect, on the data */
};

/* Flips that a clean model would share: above this share no evidence. */
#define VERDICT_NATURAL 0.5

/*
 * Fill residual, z, p, p_adjusted and target of every cell from the radii and
 * flips.  *score is the largest z.  *why is a sentence for people.
 */
enum verdict verdict_reach(
    struct verdict_input *, double *score, const char **why);

const char *verdict_name(enum verdict);

/* The measured spread of a geometry by name; 0 when there is none. */
double verdict_spread(const char *geometry);

#endif
