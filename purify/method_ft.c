/* SPDX-License-Identifier: MIT
 * Fine-tuning on clean images, the plainest defence: the mean cross-entropy
 * falls, and the backdoor is hoped to be forgotten.  Defaults are those of
 * BackdoorBench (Wu et al., NeurIPS 2022 Datasets and Benchmarks), ft: 100
 * rounds, batches of 256, SGD with rate 0.01, momentum 0.9 and decay 5e-4,
 * one cosine, batch statistics.
 */
#include "purify/tuning.h"

static const char *const terms[] = {"loss_clean", NULL};

static int
open(struct purification *p, struct err *e)
{
	return tuning_open(p, sizeof(struct tuning), e);
}

static int
step(struct purification *p, const struct method_batch *b,
    struct method_terms *t, struct err *e)
{
	double sum = 0.0;
	int rc = tuning_step(p->own, p, b, &sum, e);

	t->n += b->n;
	t->loss += sum;
	t->sum[0] += sum;
	return rc;
}

const struct method method_ft = {
    .name = "ft",
    .summary = "fine-tuning on clean images",
    .term = terms,
    .defaults = {.rounds = 100,
	.batch = 256,
	.rate = 0.01,
	.decay = 5e-4,
	.momentum = 0.9,
	.optim = OPTIM_SGD,
	.mode = BATCH_TRAIN,
	.schedule = METHOD_COSINE,
	.keep = 1.0},
    .open = open,
    .step = step,
    .spans = tuning_spans,
    .release = tuning_release,
};
