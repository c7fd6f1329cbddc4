/* SPDX-License-Identifier: MIT */
#include "engine/concentrate.h"

#include "engine/batch.h"
#include "engine/kink.h"
#include "engine/loss.h"

/* Images at a time. */
#define PIECE 256

struct attack {
	const struct net *net;
	const struct concentrate_config *cfg;
	struct arena arena;
	float *plain, *x, *dx;
	bool inside; /* slopes are asked for inside of [0,1] (engine/kink.h) */
	int32_t *label, *pred;
};

static double
loss(void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	struct attack *a = ctx;
	size_t k = a->net->classes;
	double sum = 0.0;

	if (dlogits != NULL)
		memset(dlogits, 0, n * k * sizeof(*dlogits));
	for (size_t i = 0; i < n; i++) {
		const float *z = logits + i * k;

		a->pred[first + i] = (int32_t)loss_argmax(k, z);
		sum += loss_cross_entropy(k, z, (size_t)a->label[first + i],
		    1.0f, dlogits != NULL ? dlogits + i * k : NULL);
	}
	return sum;
}

static void
ascend(struct attack *a, size_t floats)
{
	float step = (float)(a->cfg->eps / 4), eps = (float)a->cfg->eps;

	for (size_t i = 0; i < floats; i++) {
		float d = a->x[i] - a->plain[i];

		d += a->dx[i] > 0 ? step : a->dx[i] < 0 ? -step : 0.0f;
		d = d > eps ? eps : d < -eps ? -eps : d;
		d += a->plain[i];
		a->x[i] = d < 0.0f ? 0.0f : d > 1.0f ? 1.0f : d;
	}
	if (a->inside)
		kink_move(a->x, floats);
}

/* Whether the slopes that were not there are, a little inside. */
static void
look_inside(struct attack *a, struct batch *b, size_t floats)
{
	kink_move(a->x, floats);
	batch_step(b, a->x, loss, a, a->dx, NULL);
	a->inside = kink_shows(a->x, a->dx, floats);
	if (a->inside)
		return;
	memcpy(a->x, a->plain, floats * sizeof(*a->x));
	batch_step(b, a->x, loss, a, a->dx, NULL);
}

/* PGD on n images of `plain`; the last pass leaves the predictions. */
static int
attack_piece(struct attack *a, size_t n, struct err *e)
{
	size_t floats = n * a->net->h * a->net->w * a->net->c;
	struct batch b;
	int rc;

	memcpy(a->x, a->plain, floats * sizeof(*a->x));
	a->inside = false;
	rc = batch_init(&b, a->net, n, PLAN_DATA, BATCH_EVAL, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < a->cfg->steps; i++) {
		batch_step(&b, a->x, loss, a, a->dx, NULL);
		if (i == 0 && kink_hides(a->x, a->dx, floats))
			look_inside(a, &b, floats);
		ascend(a, floats);
	}
	batch_release(&b);
	rc = batch_init(&b, a->net, n, PLAN_FORWARD, BATCH_EVAL, e);
	if (rc != 0)
		return rc;
	batch_step(&b, a->x, loss, a, NULL, NULL);
	batch_release(&b);
	return 0;
}

double
concentrate_share(const struct concentrate_counts *c, size_t k, size_t t)
{
	uint64_t least = uap_least(c->n, k, t);
	double share = 0.0;
	size_t sources = 0;

	for (size_t s = 0; s < k; s++) {
		if (s == t || c->n[s] == 0 || c->n[s] < least)
			continue;
		share += (double)c->count[s * k + t] / (double)c->n[s];
		sources++;
	}
	return share / (double)MAX(sources, 1);
}

static int
attack_all(struct attack *a, const struct uap_images *im,
    struct concentrate_counts *out, struct err *e)
{
	size_t image = a->net->h * a->net->w * a->net->c;
	size_t k = a->net->classes, total = 0, at = 0;

	while (at < im->n && total < a->cfg->count) {
		size_t m = 0;
		int rc;

		for (; at < im->n && m < MIN(PIECE, a->cfg->count - total);
		     at++) {
			if (im->use != NULL && !im->use[at])
				continue;
			memcpy(a->plain + m * image, im->x + at * image,
			    image * sizeof(float));
			a->label[m++] = im->label[at];
		}
		if (m == 0)
			break;
		if ((rc = attack_piece(a, m, e)) != 0)
			return rc;
		total += m;
		for (size_t i = 0; i < m; i++) {
			size_t s = (size_t)a->label[i];

			out->n[s]++;
			out->count[s * k + (size_t)a->pred[i]]++;
		}
	}
	return 0;
}

int
concentrate(const struct net *net, const struct concentrate_config *cfg,
    const struct uap_images *im, struct concentrate_counts *out, struct err *e)
{
	size_t image = net->h * net->w * net->c, k = net->classes;
	struct attack a = {.net = net, .cfg = cfg};
	int rc;

	memset(out->count, 0, k * k * sizeof(*out->count));
	memset(out->n, 0, k * sizeof(*out->n));
	arena_init(&a.arena, (size_t)16 << 30);
	a.plain = arena_alloc(&a.arena, PIECE * image, sizeof(float));
	a.x = arena_alloc(&a.arena, PIECE * image, sizeof(float));
	a.dx = arena_alloc(&a.arena, PIECE * image, sizeof(float));
	a.label = arena_alloc(&a.arena, PIECE, sizeof(int32_t));
	a.pred = arena_alloc(&a.arena, PIECE, sizeof(int32_t));
	if (a.plain == NULL || a.x == NULL || a.dx == NULL || a.label == NULL ||
	    a.pred == NULL)
		rc = err_set(e, ERR_LIMIT, ERR_NOWHERE, "images too large");
	else
		rc = attack_all(&a, im, out, e);
	arena_release(&a.arena);
	return rc;
}
