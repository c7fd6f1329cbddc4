/* SPDX-License-Identifier: MIT */
#include "purify/push.h"

#include "base/rng.h"
#include "engine/batch.h"
#include "engine/loss.h"

#include <math.h>

/* Images at a time. */
#define PIECE    256
#define MOMENTUM 0.9
#define STREAM   321

int32_t
push_goal(const struct push *p, int32_t y)
{
	int32_t goal = trigger_target(p->goal, y);

	return goal != y ? goal : -1;
}

void
push_image(const struct push *p, size_t floats, const float *x, float *to)
{
	if (p->trigger != NULL)
		trigger_apply(p->trigger, x, to);
	else
		memcpy(to, x, floats * sizeof(*to));
	for (size_t i = 0; p->delta != NULL && i < floats; i++) {
		float v = to[i] + p->delta[i];

		to[i] = v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
	}
}

static size_t
image_floats(const struct net *n)
{
	return n->h * n->w * n->c;
}

/* --- counting ------------------------------------------------------------- */

struct pushed {
	float *x, *z; /* PIECE images, their logits */
	int32_t *goal;
};

/* Images from *at on that are meant to become another class, PIECE at most. */
static size_t
gather(const struct uap_images *im, const struct push *p, size_t floats,
    size_t *at, struct pushed *to)
{
	size_t n = 0;

	for (; *at < im->n && n < PIECE; ++*at) {
		int32_t goal = push_goal(p, im->label[*at]);

		if (goal < 0)
			continue;
		to->goal[n] = goal;
		push_image(
		    p, floats, im->x + *at * floats, to->x + n++ * floats);
	}
	return n;
}

static int
count_all(const struct net *net, const struct uap_images *im,
    const struct push *p, struct pushed *b, struct measure_count *out,
    struct err *e)
{
	size_t at = 0, n, k = net->classes;
	int rc;

	while ((n = gather(im, p, image_floats(net), &at, b)) != 0) {
		if ((rc = batch_logits(net, b->x, n, b->z, e)) != 0)
			return rc;
		for (size_t i = 0; i < n; i++)
			out->hit +=
			    loss_argmax(k, b->z + i * k) == (size_t)b->goal[i];
		out->n += n;
	}
	return 0;
}

int
push_count(const struct net *net, const struct uap_images *im,
    const struct push *p, struct measure_count *out, struct err *e)
{
	struct pushed b;
	struct arena a;
	int rc;

	*out = (struct measure_count){0};
	arena_init(&a, (size_t)16 << 30);
	b.x = arena_alloc(&a, PIECE * image_floats(net), sizeof(*b.x));
	b.z = arena_alloc(&a, PIECE * net->classes, sizeof(*b.z));
	b.goal = arena_alloc(&a, PIECE, sizeof(*b.goal));
	if (b.x == NULL || b.z == NULL || b.goal == NULL)
		rc = err_set(e, ERR_LIMIT, ERR_NOWHERE, "images too large");
	else
		rc = count_all(net, im, p, &b, out, e);
	arena_release(&a);
	return rc;
}

/* --- searching ------------------------------------------------------------ */

struct search {
	const struct net *net;
	const struct uap_images *im;
	struct push push; /* delta is the one that moves */
	struct arena arena;
	struct batch batch;
	uint32_t *index; /* images that are meant to become another class */
	size_t n;
	float *x, *dx, *delta;
	double *sum, *velocity; /* one image each */
	int32_t goal[PUSH_BATCH];
};

static double
loss(void *ctx, size_t first, size_t n, const float *z, float *dz)
{
	const struct search *s = ctx;
	size_t k = s->net->classes;
	double sum = 0.0;

	memset(dz, 0, n * k * sizeof(*dz));
	for (size_t i = 0; i < n; i++)
		sum += loss_cross_entropy(k, z + i * k,
		    (size_t)s->goal[first + i], 1.0f / PUSH_BATCH, dz + i * k);
	return sum;
}

/* The velocity takes on the batch's gradient, scaled to a mean size of one;
 * as if nothing had been clipped: pixels at a border may come back. */
static void
accelerate(struct search *s, size_t floats)
{
	double size = 0.0;

	memset(s->sum, 0, floats * sizeof(*s->sum));
	for (size_t i = 0; i < PUSH_BATCH; i++)
		for (size_t k = 0; k < floats; k++)
			s->sum[k] += (double)s->dx[i * floats + k];
	for (size_t k = 0; k < floats; k++)
		size += fabs(s->sum[k]) / (double)floats;
	for (size_t k = 0; k < floats; k++)
		s->velocity[k] =
		    MOMENTUM * s->velocity[k] +
		    (size > 0.0 && isfinite(size) ? s->sum[k] / size : 0.0);
}

static void
descend(struct search *s, size_t floats, double norm, double step)
{
	for (size_t k = 0; k < floats; k++) {
		double d = (double)s->delta[k], v = s->velocity[k];

		d -= v > 0 ? step : v < 0 ? -step : 0.0;
		s->delta[k] = (float)fmax(-norm, fmin(norm, d));
	}
}

static void
steps(struct search *s, double norm, uint64_t seed)
{
	size_t floats = image_floats(s->net);
	struct rng r;

	rng_init(&r, seed, STREAM);
	for (size_t i = 0; i < PUSH_STEPS; i++) {
		double left = 1.0 - (double)i / PUSH_STEPS;

		for (size_t b = 0; b < PUSH_BATCH; b++) {
			size_t at = s->index[rng_below(&r, s->n)];

			s->goal[b] = push_goal(&s->push, s->im->label[at]);
			push_image(&s->push, floats, s->im->x + at * floats,
			    s->x + b * floats);
		}
		batch_step(&s->batch, s->x, loss, s, s->dx, NULL);
		accelerate(s, floats);
		descend(s, floats, norm, 0.5 * norm * left);
	}
}

static int
prepare(struct search *s, struct err *e)
{
	size_t floats = image_floats(s->net);
	struct arena *a = &s->arena;

	s->index = arena_alloc(a, s->im->n + 1, sizeof(*s->index));
	s->x = arena_alloc(a, PUSH_BATCH * floats, sizeof(*s->x));
	s->dx = arena_alloc(a, PUSH_BATCH * floats, sizeof(*s->dx));
	s->sum = arena_alloc(a, floats, sizeof(*s->sum));
	s->velocity = arena_alloc(a, floats, sizeof(*s->velocity));
	if (s->index == NULL || s->x == NULL || s->dx == NULL ||
	    s->sum == NULL || s->velocity == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "images too large");
	for (size_t i = 0; i < s->im->n; i++)
		if (push_goal(&s->push, s->im->label[i]) >= 0)
			s->index[s->n++] = (uint32_t)i;
	return 0;
}

int
push_search(const struct net *net, const struct uap_images *im,
    const struct push *p, double norm, uint64_t seed, float *delta,
    struct err *e)
{
	struct search s = {.net = net, .im = im, .push = *p, .delta = delta};
	int rc;

	memset(delta, 0, image_floats(net) * sizeof(*delta));
	s.push.delta = delta;
	arena_init(&s.arena, (size_t)16 << 30);
	if ((rc = prepare(&s, e)) == 0 && s.n != 0 &&
	    (rc = batch_init(
		 &s.batch, net, PUSH_BATCH, PLAN_DATA, BATCH_EVAL, e)) == 0) {
		steps(&s, norm, seed);
		batch_release(&s.batch);
	}
	arena_release(&s.arena);
	return rc;
}
