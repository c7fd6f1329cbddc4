/* SPDX-License-Identifier: MIT
 * From measurements to a verdict.  A *family* is a set of like cells: the
 * radii of all classes in one geometry, where adversarial examples land, the
 * patch radii of all pairs of classes.  Each cell has an *ease* per model
 * (minus the logarithm of a radius, the logarithm of a share: larger is
 * easier).  Its residual
 *
 *     l = ease in the suspect - median over the references
 *
 * minus the family's median says how much easier the cell is in the suspect
 * than in models known to be clean; what is easy everywhere cancels.
 *
 * z has three forms: l by its standard deviation on clean models; l *beyond*
 * what the same class's other geometries lead to expect (the conditional
 * deviation: a class may be easier by every means in some clean model, a
 * patch backdoor makes it easier by a patch); and the *joint* mean, `whole`, of
 * all that change the whole image, each counting alike: four geometries and
 * gratings.  A trigger that is everywhere shows in each of them; what some clean
 * model falls for, one sinusoid or a few waves, shows in one or two.
 * Which of these enter a verdict is in audit/null.def: of geometries
 * that say nearly the same one is enough, and each statistic more costs power.
 * The covariance is that of the shipped null, scaled and weighed, from two
 * references on, by what these show, each against the others; from three on a cell
 * in which they differ more than elsewhere is wider (verdict_widths()).  p is from
 * Student's t.
 *
 * Of a pair the z is of what it has beyond the rest of its row and of its column, so
 * that a class that was trained on too few images, easy to leave for any other, is
 * no source of a trigger; the map is by whole residuals.
 *
 * Hypotheses: each class is a target (its p-values combined by Cauchy's rule,
 * Liu and Xie, JASA 2020), each pair of source and target (by a patch, stamps,
 * both together), one map of all classes (all-to-all).  Bonferroni with fixed
 * weights: half for classes, a quarter each for pairs and the map; where not all
 * pairs are measured there is no map, and its share is the classes', and all of
 * it where none are.
 */
#ifndef AUDIT_VERDICT_H
#define AUDIT_VERDICT_H

#include "audit/verdict_spread.h"

/* Families of the classes: geometries, each of these beyond the others, landings,
 * two kinds of probes, and the joint one of geometries and probes. */
#define VERDICT_GEOMETRIES 12
#define VERDICT_FAMILIES   (2 * VERDICT_GEOMETRIES + 4)

enum verdict {
	VERDICT_NO_EVIDENCE,
	VERDICT_INCONCLUSIVE,
	VERDICT_EVIDENCE,
};

/*
 * z of one class from its residuals in n geometries (NaN everywhere when it
 * was not measured): z[0..n) marginal, z[n..2n) beyond the others.
 */
void verdict_z(const double *cov, size_t n, const double *residual, double *z);
/*
 * The mean of the marginal z of those `in` that were measured, by its deviation; NaN:
 * none were.  *weight: the deviation of their sum, which is as many z as count in it.
 */
double verdict_joint(const double *cov, size_t n, const double *residual,
    const bool *in, double *weight);
/* The mean of two z that correlate by r, the first of which counts `weight` times, by
 * its deviation; NaN where one is. */
double verdict_both(double a, double weight, double b, double r);
/* One-sided, from Student's t; NaN for NaN. */
double verdict_p(double z, double freedom);

struct verdict_hypothesis {
	double p;
	double adjusted; /* p times the number of tests, by its weight */
	/* that with the smallest p; of pairs VERDICT_PAIR_* */
	size_t family;
	bool natural; /* in: what reaches it fools the references as well */
	bool target;  /* out */
};

/* The statistics of a pair, combined as those of a class are. */
enum verdict_pair {
	VERDICT_PAIR_PATCH,
	VERDICT_PAIR_STAMP,
	VERDICT_PAIR_BOTH, /* their mean: counts, and is never named */
	VERDICT_PAIR_STATISTICS
};

struct verdict_input {
	size_t classes;
	const struct verdict_family *family; /* of classes */
	size_t nfamily;
	const struct verdict_family *pair;       /* source-major, or NULL */
	const struct verdict_family *pair_stamp; /* the same, or NULL */
	double alpha;
	double accuracy; /* of the suspect, on the data */
	struct verdict_hypothesis *class_, *pairs;
	struct verdict_hypothesis map;
	size_t *to; /* [classes] the best map of all pairs, when complete */
	double map_mean;
	/* out, the first two of verdict_combine(): what its p is times */
	double class_tests, pair_tests;
	enum verdict verdict;
	double p;     /* the smallest adjusted p, at most 1 */
	double score; /* minus its decimal logarithm, before the bound: below
		       * zero for most clean models */
	const char *why;
};

/* Flips that a clean model would share: above this share no evidence. */
#define VERDICT_NATURAL 0.5

/* p-values of all hypotheses (class_, pairs, map): adjusted ones too. */
void verdict_combine(struct verdict_input *);
/* Targets, verdict, score and a sentence for people, from the hypotheses. */
void verdict_reach(struct verdict_input *);

/* Cauchy's combination of those of n p-values that are not NaN; one near 1
 * takes nothing from a small one. */
double verdict_cauchy(const double *p, size_t n);

const char *verdict_name(enum verdict);

/* Less than twice what guessing gets right, or than .6: hardly a model. */
bool verdict_barely(double accuracy, size_t classes);
/*
 * Hardly evidence: p, which is below alpha, of a model that gets far fewer images
 * right than its references do (the median of their accuracies).  What the null is
 * made of are models about as good as these; one of classes out of balance, or
 * trained against adversarial examples, lies wider than it says (EVALUATION.md, the
 * third and fourth test of the zoo).
 */
bool verdict_hardly(
    double p, double alpha, double accuracy, double of_references);

/* Smallest residual that alpha would call evidence, with so many tests. */
double verdict_least(double spread, double freedom, double tests, double alpha);

#endif
