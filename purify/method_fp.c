/* SPDX-License-Identifier: MIT
 * Fine-pruning: Liu, Dolan-Gavitt and Garg, "Fine-Pruning: Defending Against
 * Backdooring Attacks on Deep Neural Networks", RAID 2018, section 4.3.  The
 * features that the last layer reads (behind global pooling, the channels of
 * the last convolution) are pruned in the order of their mean over the clean
 * images, least first, until held-out accuracy is lower by --prune of itself;
 * the rest is fine-tuned, and what was pruned stays zero.
 *
 * No activation is read: where dL/dz is 1/n for one class and all n images,
 * the gradient with respect to that class's weights is the mean feature.
 *
 * Defaults are those of BackdoorBench, fp: a tenth of the accuracy, a
 * hundredth of the features at a time, then method_ft.c's.  It measures that
 * accuracy on the test images.
 */
#include "purify/head.h"
#include "purify/tuning.h"

static const char *const terms[] = {"loss_clean", "pruned_rate", NULL};

struct fp {
	struct tuning tuning;
	struct head head;
	float *mean;
	uint32_t *order; /* features, least first */
	uint8_t *pruned; /* per feature */
};

static int
open(struct purification *p, struct err *e)
{
	struct fp *s;
	struct arena *a = &p->arena;
	int rc;

	if ((rc = tuning_open(p, sizeof(*s), e)) != 0)
		return rc;
	s = p->own;
	if ((rc = head_find(&s->head, &p->h, e)) != 0)
		return rc;
	s->mean = arena_alloc(a, s->head.features, sizeof(*s->mean));
	s->order = arena_alloc(a, s->head.features, sizeof(*s->order));
	s->pruned = arena_alloc(a, s->head.features, sizeof(*s->pruned));
	if (s->mean == NULL || s->order == NULL || s->pruned == NULL)
		BUG("out of memory");
	return 0;
}

/* --- pruning ------------------------------------------------------------- */

/* The logit of class 0, as a mean over the images. */
static double
first_logit(
    void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	const struct purification *p = ctx;
	size_t k = p->h.classes;

	(void)first;
	(void)logits;
	memset(dlogits, 0, n * k * sizeof(*dlogits));
	for (size_t i = 0; i < n; i++)
		dlogits[i * k] = 1.0f / (float)p->ntrain;
	return 0.0;
}

static int
measure_features(struct purification *p, struct err *e)
{
	struct fp *s = p->own;
	const float *g = s->tuning.trainer.grad + s->head.at;
	struct batch b;
	int rc;

	rc = batch_init(&b, &p->h, p->ntrain, PLAN_WEIGHTS, BATCH_EVAL, e);
	if (rc != 0)
		return rc;
	batch_step(&b, p->x, first_logit, p, NULL, s->tuning.trainer.grad);
	batch_release(&b);
	for (size_t i = 0; i < s->head.features; i++)
		s->mean[i] = g[i * s->head.step[1]];
	return 0;
}

/* Insertion sort: stable, and features are few. */
static void
sort_features(struct fp *s)
{
	for (size_t i = 0; i < s->head.features; i++) {
		size_t k = i;

		for (; k > 0 && s->mean[s->order[k - 1]] > s->mean[i]; k--)
			s->order[k] = s->order[k - 1];
		s->order[k] = (uint32_t)i;
	}
}

/* The weights of feature f: zero, or what they were. */
static void
put_feature(struct purification *p, size_t f, bool zero)
{
	const struct fp *s = p->own;

	for (size_t k = 0; k < s->head.classes; k++) {
		size_t at =
		    s->head.at + k * s->head.step[0] + f * s->head.step[1];

		p->h.weight[at] = zero ? 0.0f : p->h0.weight[at];
	}
}

static void
put_features(struct purification *p, size_t from, size_t to, bool zero)
{
	struct fp *s = p->own;

	for (size_t i = from; i < to; i++) {
		s->pruned[s->order[i]] = zero;
		put_feature(p, s->order[i], zero);
	}
	net_changed(&p->h);
}

static int
begin(struct purification *p, uint64_t round, struct err *e)
{
	struct fp *s = p->own;
	size_t n = s->head.features, some = (n + 99) / 100;
	double before, now;
	int rc;

	if (round > 0)
		return 0;
	if ((rc = measure_features(p, e)) != 0 ||
	    (rc = rounds_accuracy(p, p->hit, &before, e)) != 0)
		return rc;
	sort_features(s);
	for (size_t at = 0; at + some < n; at += some) {
		put_features(p, at, at + some, true);
		if ((rc = rounds_accuracy(p, p->hit, &now, e)) != 0)
			return rc;
		if (before - now < p->cfg.prune * before)
			continue;
		put_features(p, at, at + some, false);
		break;
	}
	return 0;
}

/* --- fine-tuning --------------------------------------------------------- */

static int
step(struct purification *p, const struct method_batch *b,
    struct method_terms *t, struct err *e)
{
	struct fp *s = p->own;
	size_t pruned = 0;
	double sum = 0.0;
	int rc;

	if ((rc = tuning_step(&s->tuning, p, b, &sum, e)) != 0)
		return rc;
	for (size_t i = 0; i < s->head.features; i++)
		if (s->pruned[i]) {
			put_feature(p, i, true);
			pruned++;
		}
	net_changed(&p->h);
	t->n += b->n;
	t->loss += sum;
	t->sum[0] += sum;
	t->sum[1] += (double)b->n * (double)pruned / (double)s->head.features;
	return 0;
}

static size_t
spans(struct purification *p, struct method_span *span)
{
	struct fp *s = p->own;

	*span = (struct method_span){
	    s->pruned, s->head.features * sizeof(*s->pruned)};
	return 1 + trainer_spans(&s->tuning.trainer, span + 1);
}

const struct method method_fp = {
    .name = "fp",
    .summary = "fine-pruning",
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
	.prune = 0.1},
    .open = open,
    .begin = begin,
    .step = step,
    .spans = spans,
    .release = tuning_release,
};
