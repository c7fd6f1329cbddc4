/* SPDX-License-Identifier: MIT
 * Images are independent, so each lane takes its chunks through all steps
 * before it goes on to the next: no barrier, activations stay in the cache.
 */
#include "engine/spgd.h"

#include "base/rng.h"
#include "engine/batch.h"
#include "engine/loss.h"

#include <math.h>

#define PROBABILITY_FLOOR 1e-8f

struct spgd_lane {
	struct run h[2], h0[2]; /* full chunk, smaller last chunk */
	size_t n[2];
	float *x, *g, *g0, *p, *q;
};

struct spgd_config
spgd_defaults(void)
{
	return (struct spgd_config){
	    .norm = SPGD_LINF,
	    .init = SPGD_MAX,
	    .alpha = 0.2,
	    .step = 0.2,
	    .steps = 5,
	    .beta_adv = 0.01,
	    .beta_share = 1.0,
	};
}

static size_t
image_size(const struct spgd *s)
{
	return s->h->h * s->h->w * s->h->c;
}

static int
lane_init(struct spgd *s, struct spgd_lane *l, struct err *e)
{
	size_t floats = s->chunk * image_size(s);
	struct arena *a = &s->arena;

	l->x = arena_alloc(a, floats, sizeof(float));
	l->g = arena_alloc(a, floats, sizeof(float));
	l->g0 = arena_alloc(a, floats, sizeof(float));
	l->p = arena_alloc(a, s->h->classes, sizeof(float));
	l->q = arena_alloc(a, s->h->classes, sizeof(float));
	if (l->x == NULL || l->g == NULL || l->g0 == NULL || l->p == NULL ||
	    l->q == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "batch too large");
	return 0;
}

/* The lane's two runs of n images, made when they are first wanted. */
static int
lane_run(
    struct spgd *s, struct spgd_lane *l, size_t n, size_t *which, struct err *e)
{
	int rc;

	for (size_t k = 0; k < 2; k++) {
		*which = k;
		if (l->n[k] == n)
			return 0;
		if (l->n[k] == 0)
			break;
	}
	if (l->n[*which] != 0) { /* a third size replaces the smaller one */
		run_release(&l->h[*which]);
		run_release(&l->h0[*which]);
		l->n[*which] = 0;
	}
	if ((rc = run_init(&l->h[*which], s->h, n, PLAN_DATA, e)) != 0)
		return rc;
	if ((rc = run_init(&l->h0[*which], s->h0, n, PLAN_DATA, e)) != 0) {
		run_release(&l->h[*which]);
		return rc;
	}
	l->n[*which] = n;
	return 0;
}

int
spgd_init(struct spgd *s, const struct spgd_config *cfg, const struct net *h,
    const struct net *h0, size_t n, struct err *e)
{
	size_t which;
	int rc = 0;

	if (h->classes != h0->classes || h->h != h0->h || h->w != h0->w ||
	    h->c != h0->c)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the models take %zu x %zu x %zu images of %zu classes "
		    "and %zu x %zu x %zu of %zu",
		    h->h, h->w, h->c, h->classes, h0->h, h0->w, h0->c,
		    h0->classes);
	*s = (struct spgd){.cfg = *cfg, .h = h, .h0 = h0};
	arena_init(&s->arena, (size_t)16 << 30);
	s->chunk = MIN(h->chunk, h0->chunk);
	s->nlane = MIN((n + s->chunk - 1) / s->chunk, BATCH_LANES);
	s->lane = arena_alloc(&s->arena, s->nlane, sizeof(*s->lane));
	for (size_t i = 0; i < s->nlane && rc == 0; i++)
		if ((rc = lane_init(s, &s->lane[i], e)) == 0)
			rc = lane_run(
			    s, &s->lane[i], MIN(n, s->chunk), &which, e);
	if (rc != 0)
		spgd_release(s);
	return rc;
}

void
spgd_release(struct spgd *s)
{
	for (size_t i = 0; s->lane != NULL && i < s->nlane; i++) {
		for (size_t k = 0; k < 2; k++) {
			if (s->lane[i].n[k] == 0)
				continue;
			run_release(&s->lane[i].h[k]);
			run_release(&s->lane[i].h0[k]);
		}
	}
	arena_release(&s->arena);
	*s = (struct spgd){0};
}

/* --- one chunk ----------------------------------------------------------- */

struct chunk {
	struct spgd *s;
	struct spgd_lane *l;
	struct run *h, *h0;
	size_t n;
	const float *x;
	const int32_t *y;
	float *eps;
	int32_t *clean, *clean0, *pred, *pred0;
};

static void
argmax_all(const struct net *net, const float *logits, size_t n, int32_t *to)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (int32_t)loss_argmax(
		    net->classes, logits + i * net->classes);
}

/* Scale one image's perturbation back into the ball. */
static void
project_one(const struct spgd_config *cfg, float *eps, size_t n)
{
	float a = (float)cfg->alpha;
	double norm = 0.0;

	if (cfg->norm == SPGD_LINF) {
		for (size_t i = 0; i < n; i++)
			eps[i] = eps[i] > a ? a : eps[i] < -a ? -a : eps[i];
		return;
	}
	if (cfg->norm == SPGD_FREE)
		return;
	for (size_t i = 0; i < n; i++) {
		double v = (double)eps[i];

		norm += cfg->norm == SPGD_L1 ? fabs(v) : v * v;
	}
	if (cfg->norm == SPGD_L2)
		norm = sqrt(norm);
	for (size_t i = 0; norm > cfg->alpha && i < n; i++)
		eps[i] = (float)((double)eps[i] * cfg->alpha / norm);
}

static void
init_eps(const struct chunk *c, uint64_t draw, size_t first)
{
	const struct spgd_config *cfg = &c->s->cfg;
	size_t image = image_size(c->s);
	float a = (float)cfg->alpha;

	for (size_t i = 0; i < c->n; i++) {
		float *eps = c->eps + i * image;
		struct rng r;

		rng_init(&r, cfg->seed, draw << 24 | (first + i));
		for (size_t k = 0; k < image; k++)
			eps[k] = cfg->init == SPGD_ZERO  ? 0.0f
				 : cfg->init == SPGD_MAX ? a
				 : cfg->init == SPGD_MIN
				     ? -a
				     : a * (2.0f * rng_float(&r) - 1.0f);
		project_one(cfg, eps, image);
	}
}

/* d JS(p || q) / dp_i = ln(2a / (a + b)) / 2; near a = b by log1p, since the
 * two models start as equals.  The floor has no slope below it. */
static float
js_slope(float p, float q)
{
	double a = (double)fmaxf(p, PROBABILITY_FLOOR);
	double b = (double)fmaxf(q, PROBABILITY_FLOOR);

	return p >= PROBABILITY_FLOOR ? (float)(0.5 * log1p((a - b) / (a + b)))
				      : 0.0f;
}

/* The same with respect to z, p = softmax(z), q fixed; added to dz. */
static void
add_js(size_t k, const float *p, const float *q, float weight, float *dz)
{
	float mean = 0.0f;

	for (size_t i = 0; i < k; i++)
		mean += p[i] * js_slope(p[i], q[i]);
	for (size_t i = 0; i < k; i++)
		dz[i] += weight * p[i] * (js_slope(p[i], q[i]) - mean);
}

/* dJ/dlogits of both models; the number of images that are not yet shared. */
static size_t
objective(const struct chunk *c, const float *z, const float *z0)
{
	const struct spgd_config *cfg = &c->s->cfg;
	size_t k = c->s->h->classes, active = 0;
	float *dz = run_dlogits(c->h), *dz0 = run_dlogits(c->h0);
	float *p = c->l->p, *q = c->l->q;

	memset(dz, 0, c->n * k * sizeof(*dz));
	memset(dz0, 0, c->n * k * sizeof(*dz0));
	for (size_t i = 0; i < c->n; i++, z += k, z0 += k, dz += k, dz0 += k) {
		bool fooled = c->pred[i] != c->clean[i];
		bool fooled0 = c->pred0[i] != c->clean0[i];
		float adv = (float)(-0.5 * cfg->beta_adv);

		if (fooled && fooled0 && c->pred[i] == c->pred0[i])
			continue;
		active++;
		if (!fooled)
			loss_cross_entropy(k, z, (size_t)c->y[i], adv, dz);
		if (!fooled0)
			loss_cross_entropy(k, z0, (size_t)c->y[i], adv, dz0);
		loss_softmax(k, z, p);
		loss_softmax(k, z0, q);
		add_js(k, p, q, (float)cfg->beta_share, dz);
		add_js(k, q, p, (float)cfg->beta_share, dz0);
	}
	return active;
}

static void
predict(struct chunk *c, const float **z, const float **z0)
{
	size_t floats = c->n * image_size(c->s);

	for (size_t i = 0; i < floats; i++)
		c->l->x[i] = c->x[i] + c->eps[i];
	*z = run_forward(c->h, c->l->x);
	*z0 = run_forward(c->h0, c->l->x);
	argmax_all(c->s->h, *z, c->n, c->pred);
	argmax_all(c->s->h0, *z0, c->n, c->pred0);
}

static void
attack_chunk(struct chunk *c, uint64_t draw, size_t first)
{
	const struct spgd_config *cfg = &c->s->cfg;
	size_t image = image_size(c->s);
	const float *z, *z0;
	float step = (float)cfg->step;

	argmax_all(c->s->h, run_forward(c->h, c->x), c->n, c->clean);
	argmax_all(c->s->h0, run_forward(c->h0, c->x), c->n, c->clean0);
	init_eps(c, draw, first);
	predict(c, &z, &z0);
	for (size_t t = 0; t < cfg->steps; t++) {
		if (objective(c, z, z0) == 0)
			break;
		run_backward(c->h, c->l->g, NULL);
		run_backward(c->h0, c->l->g0, NULL);
		for (size_t i = 0; i < c->n * image; i++) {
			float g = c->l->g[i] + c->l->g0[i];

			c->eps[i] -= g > 0 ? step : g < 0 ? -step : 0.0f;
		}
		for (size_t i = 0; i < c->n; i++)
			project_one(cfg, c->eps + i * image, image);
		predict(c, &z, &z0);
	}
}

static void
attack_lane(struct spgd *s, size_t lane, const float *x, const int32_t *y,
    size_t n, uint64_t draw, const struct spgd_result *r)
{
	size_t nchunk = (n + s->chunk - 1) / s->chunk;
	size_t image = image_size(s);

	for (size_t k = lane; k < nchunk; k += s->nlane) {
		struct spgd_lane *l = &s->lane[lane];
		size_t first = k * s->chunk, which;
		struct chunk c = {.s = s,
		    .l = l,
		    .n = MIN(s->chunk, n - first),
		    .x = x + first * image,
		    .y = y + first,
		    .eps = r->eps + first * image,
		    .clean = r->clean + first,
		    .clean0 = r->clean0 + first,
		    .pred = r->pred + first,
		    .pred0 = r->pred0 + first};
		struct err e;

		if (lane_run(s, l, c.n, &which, &e) != 0)
			BUG(e.msg);
		c.h = &l->h[which];
		c.h0 = &l->h0[which];
		attack_chunk(&c, draw, first);
	}
}

void
spgd_attack(struct spgd *s, const float *x, const int32_t *y, size_t n,
    uint64_t draw, const struct spgd_result *r)
{
#pragma omp parallel for schedule(dynamic, 1)
	for (size_t lane = 0; lane < s->nlane; lane++)
		attack_lane(s, lane, x, y, n, draw, r);
}
