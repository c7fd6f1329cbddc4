/* SPDX-License-Identifier: MIT
 * Shared PGD: per-image perturbations that aim to fool two models into the
 * same wrong class (the inner problem of Shared Adversarial Unlearning, Wei et
 * al., NeurIPS 2023, in the form of the authors' code).  For models h, h0:
 *
 *     J = beta_adv L_adv + beta_share L_js
 *     L_adv = -1/2N sum over images not yet fooled of CE(model(x + e), y)
 *     L_js  =  1/N  sum over images not yet shared of JS(p || p0)
 *     e <- Project( e - step sign dJ/de )
 *
 * "Fooled": the predicted class differs from the model's own on the clean
 * image; "shared": both fooled into the same class.  A shared image has no
 * gradient and keeps its perturbation, so it leaves the steps that remain.
 * x + e is not clipped to [0,1].
 */
#ifndef ENGINE_SPGD_H
#define ENGINE_SPGD_H

#include "engine/run.h"

enum spgd_norm {
	SPGD_LINF,
	SPGD_L1,
	SPGD_L2,
	SPGD_FREE, /* no projection */
};

enum spgd_init {
	SPGD_ZERO,
	SPGD_RANDOM, /* uniform in [-alpha, alpha], then projected */
	SPGD_MAX,    /* +alpha everywhere, then projected */
	SPGD_MIN,
};

struct spgd_config {
	enum spgd_norm norm;
	enum spgd_init init;
	double alpha, step;
	size_t steps;
	double beta_adv, beta_share;
	uint64_t seed; /* SPGD_RANDOM */
};

/* The authors' values: L_inf, alpha = step = 0.2, 5 steps from +alpha. */
struct spgd_config spgd_defaults(void);

/* Work space for batches of at most n images. */
struct spgd {
	struct arena arena;
	struct spgd_config cfg;
	const struct net *h, *h0;
	size_t chunk, n, nworker;
	struct spgd_worker *worker; /* one per thread */
	size_t *active;             /* images that are not yet shared */
	/* the caller runs h on the result: r->pred is not brought up to date
	 * for the images that took all steps */
	bool brief;
	uint8_t *packed; /* n images' results, between ranks; or NULL */
};

/* Class that each model predicts, on the clean and on the perturbed image. */
struct spgd_result {
	float *eps;              /* n images */
	int32_t *clean, *clean0; /* n each */
	int32_t *pred, *pred0;   /* n each, at x + eps */
};

int spgd_init(struct spgd *, const struct spgd_config *, const struct net *h,
    const struct net *h0, size_t n, struct err *) MUST_USE;
void spgd_release(struct spgd *);

/*
 * Collective where there are several ranks (base/ranks.h): they share out the
 * chunks, and all have the result.
 *
 * Perturb n images x with labels y.  The arrays of `r` are the caller's.
 * `draw` numbers the batch, for SPGD_RANDOM.
 */
void spgd_attack(struct spgd *, const float *x, const int32_t *y, size_t n,
    uint64_t draw, const struct spgd_result *r);

#endif
