/* SPDX-License-Identifier: MIT
 * Fine-tuning with sharpness-aware minimisation: Zhu, Wei, Shen, Fan and Wu,
 * "Enhancing Fine-Tuning based Backdoor Defense with Sharpness-Aware
 * Minimization", ICCV 2023, section 3.3.  With T = diag(|w|), as in adaptive
 * SAM (Kwon et al., ICML 2021),
 *
 *     min over w of max over |T^-1 e| <= rho of L(w + e);
 *     e = rho T^2 g / |T g|,  g the gradient of L at w
 *
 * so that the neurons with large weights, which backdoors live in, move most.
 * L is the cross-entropy with labels smoothed by 0.1.  Defaults are those of
 * BackdoorBench, ft-sam: rho 2, 100 rounds, batches of 256, SGD with rate
 * 0.01, momentum 0.9 and decay 5e-4, batch statistics, of which those at w
 * count.  Its cosine goes up and down again every 200 steps; here it is one
 * cosine over the run.
 */
#include "purify/method_ft_sam.h"

#include "purify/tuning.h"

#include <math.h>

#define SMOOTH 0.1

static const char *const terms[] = {"loss_clean", NULL};

struct sam {
	struct tuning tuning;
	float *kept; /* the weights before the climb */
};

static int
open(struct purification *p, struct err *e)
{
	struct sam *s;
	int rc;

	if ((rc = tuning_open(p, sizeof(*s), e)) != 0)
		return rc;
	s = p->own;
	s->tuning.smooth = SMOOTH;
	s->kept = arena_alloc(&p->arena, p->h.nweight + 1, sizeof(*s->kept));
	return s->kept != NULL
		   ? 0
		   : err_set(e, ERR_LIMIT, ERR_NOWHERE,
			 "%zu weights do not fit in memory", p->h.nweight);
}

void
method_ft_sam_climb(size_t n, double rho, const float *g, float *w, float *kept)
{
	double norm = 0.0;

	memcpy(kept, w, n * sizeof(*w));
	for (size_t i = 0; i < n; i++) {
		double v = (double)w[i] * (double)g[i];

		norm += v * v;
	}
	norm = sqrt(norm);
	if (!(norm > 0.0) || !isfinite(norm))
		return;
	for (size_t i = 0; i < n; i++)
		w[i] += (float)(rho / norm * (double)w[i] * (double)w[i] *
				(double)g[i]);
}

static int
step(struct purification *p, const struct method_batch *b,
    struct method_terms *t, struct err *e)
{
	struct sam *s = p->own;
	struct trainer *tr = &s->tuning.trainer;
	double sum = 0.0, above;
	int rc;

	tuning_move(&s->tuning, p, b);
	if ((rc = tuning_gradient(&s->tuning, b, &sum, e)) != 0)
		return rc;
	method_ft_sam_climb(
	    p->h.nweight, p->cfg.rho, tr->grad, p->h.weight, s->kept);
	net_changed(&p->h);
	tr->still = true;
	rc = tuning_gradient(&s->tuning, b, &above, e);
	tr->still = false;
	memcpy(p->h.weight, s->kept, p->h.nweight * sizeof(*s->kept));
	if (rc != 0)
		return rc;
	trainer_step(tr, b->rate);
	t->n += b->n;
	t->loss += sum;
	t->sum[0] += sum;
	return 0;
}

const struct method method_ft_sam = {
    .name = "ft-sam",
    .summary = "fine-tuning with adaptive sharpness-aware minimisation",
    .term = terms,
    .defaults = {.rounds = 100,
	.batch = 256,
	.rate = 0.01,
	.decay = 5e-4,
	.momentum = 0.9,
	.optim = OPTIM_SGD,
	.mode = BATCH_TRAIN,
	.schedule = METHOD_COSINE,
	.keep = 1.0,
	.rho = 2.0},
    .open = open,
    .step = step,
    .spans = tuning_spans,
    .release = tuning_release,
};
