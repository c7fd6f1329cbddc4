/* SPDX-License-Identifier: MIT */
#include "purify/retune.h"

#include "base/rng.h"
#include "engine/train.h"

#include <math.h>

#define RATE         0.01f
#define STREAM_PICK  331
#define STREAM_PATCH 332

/* --- training ------------------------------------------------------------- */

struct mix {
	const struct uap_images *im;
	const struct push *push;
	size_t floats, nclean, npoisoned;
	uint32_t *index; /* of the clean ones, then of the poisoned */
};

static void
get(void *ctx, size_t i, uint64_t draw, float *image, int32_t *label)
{
	const struct mix *m = ctx;
	const float *x = m->im->x + m->index[i] * m->floats;
	int32_t y = m->im->label[m->index[i]];

	(void)draw;
	if (i < m->nclean) {
		memcpy(image, x, m->floats * sizeof(*image));
		*label = y;
	} else {
		push_image(m->push, m->floats, x, image);
		*label = push_goal(m->push, y);
	}
}

/* In a seeded order: the first are clean, those that the trigger means become
 * poisoned as well. */
static void
pick(struct mix *m, uint64_t seed)
{
	struct rng r;

	for (size_t i = 0; i < m->im->n; i++)
		m->index[i] = (uint32_t)i;
	rng_init(&r, seed, STREAM_PICK);
	rng_shuffle(&r, m->index, m->im->n);
	m->nclean = MIN(m->im->n, RETUNE_IMAGES);
	for (size_t i = 0; m->push != NULL && i < m->nclean; i++) {
		if (m->npoisoned == RETUNE_POISONED)
			break;
		if (push_goal(m->push, m->im->label[m->index[i]]) < 0)
			continue;
		m->index[m->nclean + m->npoisoned++] = m->index[i];
	}
}

static bool
finite(const struct net *n)
{
	for (size_t i = 0; i < n->nweight; i++)
		if (!isfinite(n->weight[i]))
			return false;
	return true;
}

/* A model that takes a fixed number of images takes that many a step. */
static size_t
batch(const struct net *n, size_t images)
{
	if (n->batch != 0)
		return MAX(RETUNE_BATCH / n->batch, 1) * n->batch;
	return MIN(RETUNE_BATCH, images);
}

int
retune(struct net *net, const struct uap_images *im, const struct push *p,
    uint64_t seed, bool *done, struct err *e)
{
	struct mix m = {
	    .im = im, .push = p, .floats = net->h * net->w * net->c};
	struct train_source src = {.get = get, .ctx = &m};
	struct train_config cfg = train_defaults();
	struct arena a;
	int rc = 0;

	*done = false;
	arena_init(&a, (size_t)1 << 30);
	m.index = arena_alloc(&a, im->n + RETUNE_POISONED, sizeof(*m.index));
	if (m.index == NULL)
		BUG("out of memory");
	pick(&m, seed);
	src.n = m.nclean + m.npoisoned;
	cfg.epochs = RETUNE_EPOCHS;
	cfg.batch = batch(net, src.n);
	cfg.rate = RATE;
	cfg.seed = seed;
	if (cfg.batch <= src.n) {
		rc = train_run(net, &cfg, &src, "re-tuning", e);
		*done = rc == 0 && finite(net);
	}
	arena_release(&a);
	/* the loss was not finite: a fact about the model */
	return rc == ERR_FORMAT ? 0 : rc;
}

/* --- the yardstick -------------------------------------------------------- */

void
retune_yardstick(const struct trigger *goal, uint64_t seed, struct trigger *t)
{
	size_t side = MAX(MIN(goal->h, goal->w) / 8, 1), top, left;
	struct rng r;

	trigger_init(t, "random", goal->h, goal->w, goal->c, goal->classes, -1);
	memcpy(t->map, goal->map, goal->classes * sizeof(*t->map));
	t->mask = trigger_part(t, t->h * t->w);
	t->pattern = trigger_part(t, t->h * t->w * t->c);
	rng_init(&r, seed, STREAM_PATCH);
	top = rng_below(&r, t->h - side + 1);
	left = rng_below(&r, t->w - side + 1);
	for (size_t y = top; y < top + side; y++)
		for (size_t x = left; x < left + side; x++) {
			size_t at = y * t->w + x;

			t->mask[at] = 1.0f;
			for (size_t c = 0; c < t->c; c++)
				t->pattern[at * t->c + c] =
				    (float)rng_below(&r, 2);
		}
}
