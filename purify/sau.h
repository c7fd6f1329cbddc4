/* SPDX-License-Identifier: MIT
 * Shared Adversarial Unlearning (Wei, Zhang, Zha and Wu, NeurIPS 2023), as the
 * authors' code computes it.  h is the model being purified, h0 the frozen
 * suspect.  Inner problem: engine/spgd.h.  Outer problem, per batch of N:
 *
 *     L = l1 CE(h(x), y) + l2 CE(h(x+e), y) + l3 L_sar
 *     L_sar = -1/2N sum over P of
 *             ln(1e-6 + min(n_i, .999)) + ln(1 + 1e-6 - max(p_i, .001))
 *     t_i = argmax h0(x_i+e_i),  p_i = h's probability of t_i at x_i+e_i,
 *     n_i = the sum of the others,
 *     P = { i : t_i != y_i and t_i != argmax h0(x_i) }
 *
 * by Adam (AMSGrad), batch-norm statistics frozen unless asked otherwise.
 */
#ifndef PURIFY_SAU_H
#define PURIFY_SAU_H

#include "engine/spgd.h"
#include "purify/trainer.h"

struct sau_config {
	struct spgd_config inner;
	double lambda_clean, lambda_adv, lambda_shared; /* l1, l2, l3 */
	struct optim_config optim;
	double rate;
	size_t batch;
	enum batch_mode mode; /* BATCH_TRAIN: statistics of each batch */
};

/* The authors' defaults: 1, 0, 1; Adam 1e-4 with AMSGrad; batch 256. */
struct sau_config sau_defaults(void);

/* Sums over the images of what was seen; divide by n. */
struct sau_terms {
	uint64_t n;
	double clean, adv, shared; /* loss terms, before their weights */
	uint64_t nshared;          /* both models fooled into the same class */
	uint64_t nfooled;          /* h fooled */
};

struct sau {
	struct arena arena;
	struct sau_config cfg;
	struct net *h;
	const struct net *h0;
	struct spgd spgd;
	struct trainer trainer; /* of 2 * batch images */
	size_t n;               /* images in a full batch */
	uint64_t draw;
	float *x; /* 2 * batch images: clean, perturbed */
	float *eps;
	int32_t *clean, *clean0, *pred, *pred0;
};

/* For data sets of n images; batches are at most that large. */
int sau_init(struct sau *, const struct sau_config *, struct net *h,
    const struct net *h0, size_t n, struct err *) MUST_USE;
void sau_release(struct sau *);

/*
 * Inner problem and gradient of the outer loss for one batch of n images;
 * leaves perturbation and gradient in s->eps and s->trainer.grad, adds to *t.  Does
 * not change h.
 */
int sau_gradient(struct sau *, const float *x, const int32_t *y, size_t n,
    struct sau_terms *t, struct err *) MUST_USE;

/* sau_gradient and one optimiser step. */
int sau_step(struct sau *, const float *x, const int32_t *y, size_t n,
    struct sau_terms *t, struct err *) MUST_USE;

#endif
