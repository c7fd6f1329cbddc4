/* SPDX-License-Identifier: MIT
 * Adversarial neuron pruning: Wu and Wang, "Adversarial Neuron Pruning
 * Purifies Backdoored Deep Models", NeurIPS 2021, section 3.  Neurons
 * (purify/neuron.h) of weights w and biases b get masks m in [0, 1] and
 * relative perturbations d of w and x of b,
 *
 *     min over m of a L(m w, b)
 *         + (1 - a) max over |d|, |x| <= rho of L((m + d) w, (1 + x) b)
 *
 * and those whose mask ends at --prune or below are pruned, w = 0; all other
 * weights are what they were.  As the authors' code has it: a 0.2, rho 0.4,
 * the perturbation begins uniform in [-rho, rho) and takes one step of rho
 * along the sign of its gradient, masks begin at 1 and follow SGD with rate
 * 0.2 and momentum 0.9, statistics are those of the batch and then dropped;
 * 2000 steps of 256 images, which are 200 rounds over 2500.  The threshold
 * 0.2 is the paper's (section 4.1); BackdoorBench's is chosen by the attack's
 * success on test images, which nobody who has to purify knows.
 */
#include "base/rng.h"
#include "purify/neuron.h"
#include "purify/tuning.h"

#define ALPHA        0.2
#define STREAM_NOISE 341

static const char *const terms[] = {
    "loss_clean", "loss_perturbed", "pruned_rate", NULL};

struct anp {
	struct tuning tuning;
	struct neurons neurons;
	struct optim optim; /* of the masks */
	/* per neuron: mask, its gradient; factors of weights and of biases, and
	 * their gradients */
	float *mask, *dmask, *scale, *shift, *dscale, *dshift;
};

static int
open(struct purification *p, struct err *e)
{
	struct anp *s;
	size_t n;
	int rc;

	if ((rc = tuning_open(p, sizeof(*s), e)) != 0)
		return rc;
	s = p->own;
	if ((rc = neuron_list(&s->neurons, &p->h, &p->arena, e)) != 0)
		return rc;
	s->tuning.trainer.still = true;
	n = s->neurons.n;
	rc = optim_init(&s->optim, &p->cfg.optim, n, &p->arena, e);
	if (rc != 0)
		return rc;
	s->mask = arena_alloc(&p->arena, 6 * n, sizeof(*s->mask));
	if (s->mask == NULL)
		BUG("out of memory");
	s->dmask = s->mask + n;
	s->scale = s->mask + 2 * n;
	s->shift = s->mask + 3 * n;
	s->dscale = s->mask + 4 * n;
	s->dshift = s->mask + 5 * n;
	for (size_t i = 0; i < n; i++)
		s->mask[i] = 1.0f;
	return 0;
}

/* The gradient with these factors of the original weights; its sum into d. */
static int
gradient(struct purification *p, const struct method_batch *b,
    const float *scale, const float *shift, double *loss, struct err *e)
{
	struct anp *s = p->own;

	neuron_scale(&s->neurons, p->h0.weight, scale, shift, p->h.weight);
	net_changed(&p->h);
	return tuning_gradient(&s->tuning, b, loss, e);
}

static float
climb(float v, float d, float by)
{
	return v + (d > 0.0f ? by : d < 0.0f ? -by : 0.0f);
}

/* The perturbed factors: where one step up leads from a random start. */
static int
perturb(struct purification *p, const struct method_batch *b, struct err *e)
{
	struct anp *s = p->own;
	float rho = (float)p->cfg.rho;
	size_t n = s->neurons.n;
	double loss;
	struct rng r;
	int rc;

	rng_init(&r, p->cfg.seed, STREAM_NOISE + (b->draw << 16));
	for (size_t i = 0; i < n; i++) {
		s->scale[i] = s->mask[i] + rho * (2.0f * rng_float(&r) - 1.0f);
		s->shift[i] = 1.0f + rho * (2.0f * rng_float(&r) - 1.0f);
	}
	if ((rc = gradient(p, b, s->scale, s->shift, &loss, e)) != 0)
		return rc;
	memset(s->dscale, 0, n * sizeof(*s->dscale));
	memset(s->dshift, 0, n * sizeof(*s->dshift));
	neuron_gradient(&s->neurons, p->h0.weight, s->tuning.trainer.grad, 1.0,
	    s->dscale, s->dshift);
	for (size_t i = 0; i < n; i++) {
		s->scale[i] = climb(s->scale[i], s->dscale[i], rho);
		s->shift[i] = climb(s->shift[i], s->dshift[i], rho);
	}
	return 0;
}

/* p->h with the neurons pruned that the masks say; how many these are. */
static size_t
prune(struct purification *p)
{
	struct anp *s = p->own;
	size_t pruned = 0;

	for (size_t i = 0; i < s->neurons.n; i++) {
		bool gone = (double)s->mask[i] <= p->cfg.prune;

		s->scale[i] = gone ? 0.0f : 1.0f;
		pruned += gone;
	}
	neuron_scale(&s->neurons, p->h0.weight, s->scale, NULL, p->h.weight);
	net_changed(&p->h);
	return pruned;
}

static void
move_masks(struct anp *s, double rate)
{
	optim_step(&s->optim, (float)rate, s->dmask, s->mask);
	for (size_t i = 0; i < s->neurons.n; i++)
		s->mask[i] = s->mask[i] < 0.0f   ? 0.0f
			     : s->mask[i] > 1.0f ? 1.0f
						 : s->mask[i];
}

static int
step(struct purification *p, const struct method_batch *b,
    struct method_terms *t, struct err *e)
{
	struct anp *s = p->own;
	const float *w0 = p->h0.weight, *g = s->tuning.trainer.grad;
	double clean = 0.0, above = 0.0, n = (double)b->n;
	int rc;

	tuning_move(&s->tuning, p, b);
	memset(s->dmask, 0, s->neurons.n * sizeof(*s->dmask));
	if ((rc = perturb(p, b, e)) != 0 ||
	    (rc = gradient(p, b, s->scale, s->shift, &above, e)) != 0)
		return rc;
	neuron_gradient(&s->neurons, w0, g, 1.0 - ALPHA, s->dmask, NULL);
	if ((rc = gradient(p, b, s->mask, NULL, &clean, e)) != 0)
		return rc;
	neuron_gradient(&s->neurons, w0, g, ALPHA, s->dmask, NULL);
	move_masks(s, b->rate);
	t->n += b->n;
	t->loss += ALPHA * clean + (1.0 - ALPHA) * above;
	t->sum[0] += clean;
	t->sum[1] += above;
	t->sum[2] += n * (double)prune(p) / (double)s->neurons.n;
	return 0;
}

static size_t
spans(struct purification *p, struct method_span *span)
{
	struct anp *s = p->own;

	*span = (struct method_span){s->mask, s->neurons.n * sizeof(*s->mask)};
	return 1 + trainer_optim_spans(&s->optim, span + 1);
}

const struct method method_anp = {
    .name = "anp",
    .summary = "adversarial neuron pruning",
    .term = terms,
    .defaults = {.rounds = 200,
	.batch = 256,
	.rate = 0.2,
	.momentum = 0.9,
	.optim = OPTIM_SGD,
	.mode = BATCH_TRAIN,
	.schedule = METHOD_CONSTANT,
	.keep = 1.0,
	.rho = 0.4,
	.prune = 0.2},
    .open = open,
    .step = step,
    .spans = spans,
    .release = tuning_release,
};
