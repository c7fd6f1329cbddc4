/* SPDX-License-Identifier: MIT
 * MM-BD (Wang, Xiang, Miller, Kesidis, IEEE S&P 2024): a backdoor's target is
 * a class that the model can be made surer of than of any other.  The
 * statistic of class t is the maximum margin
 *
 *     max over images x in [0,1]^d of z_t(x) - max over others z_j(x)
 *
 * searched from random images; no data, no reference.  A Gamma distribution
 * fitted to all but the largest of the K statistics is the null, and
 * p = 1 - F(largest)^K.  The paper calls p <= 0.05 a backdoor.
 */
#ifndef ENGINE_MM_BD_H
#define ENGINE_MM_BD_H

#include "engine/run.h"

struct mm_bd_config {
	size_t starts, steps; /* random images, and gradients of each */
	size_t batch;         /* starts that go through the net at a time */
	uint64_t seed;
};

/* 3 starts of 200 steps: 600 gradients a class.  The paper's are 30 and 300. */
struct mm_bd_config mm_bd_defaults(void);

/*
 * The maximum margin of every class into margin[net.classes], in parallel
 * over classes; NaN where the model's logits are.  `label` is for progress.
 */
int mm_bd_margins(const struct net *, const struct mm_bd_config *,
    const char *label, double *margin, struct err *) MUST_USE;

struct mm_bd_verdict {
	size_t class; /* of the largest margin */
	double p;
	double score; /* -log10 p, at most 300; what models are ranked by */
};

/*
 * The test of k >= 1 margins.  Margins that are not positive belong to classes
 * that the search never reached: they are left out of the null.  p and score
 * are NaN when less than three others remain or a margin is not finite.
 */
struct mm_bd_verdict mm_bd_test(const double *margin, size_t k);

#endif
