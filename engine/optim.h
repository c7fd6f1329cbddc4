/* SPDX-License-Identifier: MIT
 * Optimisers over a flat array of weights.
 *
 * SGD with momentum (Sutskever et al. 2013, PyTorch's form):
 *     v = mu v + g + wd w;  w -= lr v   (nesterov: lr (g + wd w + mu v))
 * Adam (Kingma and Ba 2015) with AMSGrad (Reddi et al. 2018):
 *     m = b1 m + (1-b1) g;  s = b2 s + (1-b2) g^2;  smax = max(smax, s)
 *     w -= lr / (1-b1^t) * m / (sqrt(smax / (1-b2^t)) + eps)
 * AdamW (Loshchilov and Hutter 2019) decays w by lr wd w apart from g.
 */
#ifndef ENGINE_OPTIM_H
#define ENGINE_OPTIM_H

#include "base/arena.h"
#include "base/err.h"

enum optim_kind {
	OPTIM_SGD,
	OPTIM_ADAM,
	OPTIM_ADAMW,
};

struct optim_config {
	enum optim_kind kind;
	bool amsgrad, nesterov;
	float momentum;     /* SGD */
	float beta1, beta2; /* Adam */
	float epsilon, decay;
};

/* Weights from..to move by this part of the rate. */
struct optim_part {
	size_t from, to;
	float factor;
};

struct optim {
	struct optim_config cfg;
	/* ascending, not overlapping; the others move by all of it */
	const struct optim_part *part;
	size_t nparts;
	size_t n;
	float *m, *s, *smax;   /* state, in the arena */
	double power1, power2; /* beta1^t, beta2^t */
	uint64_t t;
};

/* Adam's usual constants: .9, .999, 1e-8, no decay. */
struct optim_config optim_adam(bool amsgrad);

/* State for n weights, zeroed; ERR_LIMIT where the arena has no room. */
int optim_init(struct optim *, const struct optim_config *, size_t n,
    struct arena *, struct err *) MUST_USE;
/* w -= ... with gradient g at learning rate lr. */
void optim_step(struct optim *, float lr, const float *g, float *w);

#endif
