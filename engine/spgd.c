/* SPDX-License-Identifier: MIT
 * All images take a step together; those that still have a gradient are
 * packed into chunks anew before each, so that the work shrinks with them.
 * Which images share a chunk depends on the batch
 * alone, not on the number of threads.
 */
#include "engine/spgd.h"

#include "base/ranks.h"
#include "base/rng.h"
#include "engine/batch.h"
#include "engine/loss.h"

#include <math.h>
#include <omp.h>

#define PROBABILITY_FLOOR 1e-8f

/* Chunks have a multiple of this many images, the last is filled up. */
#define SPGD_GRAIN 4
#define SPGD_SIZES 8

/* Runs for each size of chunk, all in the memory of the largest. */
struct spgd_worker {
	struct run h[SPGD_SIZES], h0[SPGD_SIZES];
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

/* Four classes and a perturbation. */
static size_t
packed_size(const struct spgd *s)
{
	return 4 * sizeof(int32_t) + image_size(s) * sizeof(float);
}

/* Runs of `size` images, made when they are first wanted. */
static int
worker_runs(struct spgd *s, struct spgd_worker *w, size_t size, struct err *e)
{
	size_t k = (size + SPGD_GRAIN - 1) / SPGD_GRAIN - 1;
	size_t last = (s->chunk + SPGD_GRAIN - 1) / SPGD_GRAIN - 1;
	int rc = 0;

	if (w->h[k].mem == NULL)
		rc = k == last
			 ? run_init(&w->h[k], s->h, s->chunk, PLAN_DATA, e)
			 : run_init_within(
			       &w->h[k], &w->h[last], (k + 1) * SPGD_GRAIN, e);
	if (rc == 0 && w->h0[k].mem == NULL)
		rc = k == last
			 ? run_init(&w->h0[k], s->h0, s->chunk, PLAN_DATA, e)
			 : run_init_within(&w->h0[k], &w->h0[last],
			       (k + 1) * SPGD_GRAIN, e);
	return rc;
}

static int
worker_init(struct spgd *s, struct spgd_worker *w, struct err *e)
{
	size_t floats = s->chunk * image_size(s);
	struct arena *a = &s->arena;

	w->x = arena_alloc(a, floats, sizeof(float));
	w->g = arena_alloc(a, floats, sizeof(float));
	w->g0 = arena_alloc(a, floats, sizeof(float));
	w->p = arena_alloc(a, s->h->classes, sizeof(float));
	w->q = arena_alloc(a, s->h->classes, sizeof(float));
	if (w->x == NULL || w->g == NULL || w->g0 == NULL || w->p == NULL ||
	    w->q == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "batch too large");
	return worker_runs(s, w, s->chunk, e);
}

/* Images of a chunk: a multiple of the grain, or less where the nets allow
 * no more. */
static size_t
chunk_size(const struct spgd *s, size_t n)
{
	size_t size = MIN(batch_chunk(s->h, n), batch_chunk(s->h0, n));

	if (s->h->batch != 0 || s->h0->batch != 0)
		return s->chunk;
	size = (size + SPGD_GRAIN - 1) / SPGD_GRAIN * SPGD_GRAIN;
	return MIN(s->chunk, size);
}

int
spgd_init(struct spgd *s, const struct spgd_config *cfg, const struct net *h,
    const struct net *h0, size_t n, struct err *e)
{
	int rc = 0;

	if (h->classes != h0->classes || h->h != h0->h || h->w != h0->w ||
	    h->c != h0->c)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the models take %zu x %zu x %zu images of %zu classes "
		    "and %zu x %zu x %zu of %zu",
		    h->h, h->w, h->c, h->classes, h0->h, h0->w, h0->c,
		    h0->classes);
	*s = (struct spgd){.cfg = *cfg, .h = h, .h0 = h0, .n = n};
	arena_init(&s->arena, (size_t)16 << 30);
	s->chunk = MIN(MIN(h->chunk, h0->chunk), SPGD_GRAIN * SPGD_SIZES);
	if ((h->batch != 0 && h->batch != s->chunk) ||
	    (h0->batch != 0 && h0->batch != s->chunk))
		rc = err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "the models take %zu and %zu images at a time",
		    MAX(h->batch, h0->batch), s->chunk);
	if (s->chunk > SPGD_GRAIN && h->batch == 0 && h0->batch == 0)
		s->chunk = s->chunk / SPGD_GRAIN * SPGD_GRAIN;
	s->chunk = chunk_size(s, n);
	s->nworker = (size_t)MAX(omp_get_max_threads(), 1);
	s->worker = arena_alloc(&s->arena, s->nworker, sizeof(*s->worker));
	s->active = arena_alloc(&s->arena, n, sizeof(*s->active));
	if (ranks_count() > 1)
		s->packed = arena_alloc(&s->arena, n, packed_size(s));
	if (s->worker == NULL || s->active == NULL ||
	    (s->packed == NULL && ranks_count() > 1))
		rc = err_set(e, ERR_LIMIT, ERR_NOWHERE, "batch too large");
	for (size_t i = 0; i < s->nworker && rc == 0; i++)
		rc = worker_init(s, &s->worker[i], e);
	if (rc != 0)
		spgd_release(s);
	return rc;
}

void
spgd_release(struct spgd *s)
{
	for (size_t i = 0; s->worker != NULL && i < s->nworker; i++) {
		for (size_t k = 0; k < SPGD_SIZES; k++) {
			if (s->worker[i].h[k].mem != NULL)
				run_release(&s->worker[i].h[k]);
			if (s->worker[i].h0[k].mem != NULL)
				run_release(&s->worker[i].h0[k]);
		}
	}
	arena_release(&s->arena);
	*s = (struct spgd){0};
}

/* --- one chunk ----------------------------------------------------------- */

/* Some images of a batch, on their way through both nets. */
struct chunk {
	const struct spgd *s;
	const struct spgd_worker *w;
	struct run *h, *h0;
	const size_t *at; /* which images of the batch, n of them */
	size_t n, size;   /* the runs take `size`; the rest is filler */
	const float *x;   /* the whole batch */
	const int32_t *y;
	const struct spgd_result *r;
	const float *z, *z0;
};

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
init_eps(const struct spgd *s, size_t i, uint64_t draw, float *eps)
{
	const struct spgd_config *cfg = &s->cfg;
	float a = (float)cfg->alpha;
	size_t image = image_size(s);
	struct rng r;

	rng_init(&r, cfg->seed, draw << 24 | i);
	for (size_t k = 0; k < image; k++)
		eps[k] = cfg->init == SPGD_ZERO  ? 0.0f
			 : cfg->init == SPGD_MAX ? a
			 : cfg->init == SPGD_MIN
			     ? -a
			     : a * (2.0f * rng_float(&r) - 1.0f);
	project_one(cfg, eps, image);
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

static bool
is_shared(const struct spgd_result *r, size_t i)
{
	return r->pred[i] != r->clean[i] && r->pred0[i] != r->clean0[i] &&
	       r->pred[i] == r->pred0[i];
}

/* dJ/dlogits of both models; the images that have a gradient. */
static size_t
objective(const struct chunk *c)
{
	const struct spgd_config *cfg = &c->s->cfg;
	const struct spgd_result *r = c->r;
	size_t k = c->s->h->classes;
	float *dz = run_dlogits(c->h), *dz0 = run_dlogits(c->h0);
	const float *z = c->z, *z0 = c->z0;
	float *p = c->w->p, *q = c->w->q;
	float adv = (float)(-0.5 * cfg->beta_adv);
	size_t active = 0;

	memset(dz, 0, c->size * k * sizeof(*dz));
	memset(dz0, 0, c->size * k * sizeof(*dz0));
	for (size_t j = 0; j < c->n; j++, z += k, z0 += k, dz += k, dz0 += k) {
		size_t i = c->at[j];

		if (is_shared(r, i))
			continue;
		active++;
		if (r->pred[i] == r->clean[i])
			loss_cross_entropy(k, z, (size_t)c->y[i], adv, dz);
		if (r->pred0[i] == r->clean0[i])
			loss_cross_entropy(k, z0, (size_t)c->y[i], adv, dz0);
		loss_softmax(k, z, p);
		loss_softmax(k, z0, q);
		add_js(k, p, q, (float)cfg->beta_share, dz);
		add_js(k, q, p, (float)cfg->beta_share, dz0);
	}
	return active;
}

/* The nets, or h0 alone, on the images, perturbed or (clean) as they are. */
static void
predict(struct chunk *c, bool clean, bool both)
{
	const struct spgd_result *r = c->r;
	size_t image = image_size(c->s), k = c->s->h->classes;
	int32_t *to = clean ? r->clean : r->pred;
	int32_t *to0 = clean ? r->clean0 : r->pred0;

	for (size_t j = 0; j < c->size; j++) {
		/* filler repeats the last image */
		size_t from = c->at[MIN(j, c->n - 1)] * image;
		float *x = c->w->x + j * image;

		for (size_t i = 0; i < image; i++)
			x[i] =
			    c->x[from + i] + (clean ? 0.0f : r->eps[from + i]);
	}
	if (both)
		c->z = run_forward(c->h, c->w->x);
	c->z0 = run_forward(c->h0, c->w->x);
	for (size_t j = 0; j < c->n; j++) {
		if (both)
			to[c->at[j]] = (int32_t)loss_argmax(k, c->z + j * k);
		to0[c->at[j]] = (int32_t)loss_argmax(k, c->z0 + j * k);
	}
}

static void
step_chunk(struct chunk *c)
{
	const struct spgd_config *cfg = &c->s->cfg;
	size_t image = image_size(c->s);
	float step = (float)cfg->step;

	if (objective(c) == 0)
		return;
	run_backward(c->h, c->w->g, NULL);
	run_backward(c->h0, c->w->g0, NULL);
	for (size_t j = 0; j < c->n; j++) {
		float *eps = c->r->eps + c->at[j] * image;
		const float *g = c->w->g + j * image;
		const float *g0 = c->w->g0 + j * image;

		if (is_shared(c->r, c->at[j]))
			continue;
		for (size_t i = 0; i < image; i++) {
			float d = g[i] + g0[i];

			eps[i] -= d > 0 ? step : d < 0 ? -step : 0.0f;
		}
		project_one(cfg, eps, image);
	}
}

/* --- a batch ------------------------------------------------------------- */

/* The k-th chunk of the active images. */
static void
open_chunk(struct spgd *s, size_t k, size_t size, size_t n, struct chunk *c)
{
	struct spgd_worker *w = &s->worker[omp_get_thread_num()];
	size_t which;
	struct err e;

	c->s = s;
	c->w = w;
	c->at = s->active + k * size;
	c->n = MIN(size, n - k * size);
	c->size =
	    MIN(s->chunk, (c->n + SPGD_GRAIN - 1) / SPGD_GRAIN * SPGD_GRAIN);
	if (s->h->batch != 0 || s->h0->batch != 0)
		c->size = s->chunk;
	if (worker_runs(s, w, c->size, &e) != 0)
		BUG(e.msg);
	which = (c->size + SPGD_GRAIN - 1) / SPGD_GRAIN - 1;
	c->h = &w->h[which];
	c->h0 = &w->h0[which];
}

static void
pack(const struct spgd *s, const struct spgd_result *r, size_t at)
{
	size_t i = s->active[at], image = image_size(s);
	const int32_t class[] = {
	    r->clean[i], r->clean0[i], r->pred[i], r->pred0[i]};
	uint8_t *to = s->packed + at * packed_size(s);

	memcpy(to, class, sizeof(class));
	memcpy(to + sizeof(class), r->eps + i * image, image * sizeof(*r->eps));
}

static void
unpack(const struct spgd *s, const struct spgd_result *r, size_t at)
{
	size_t i = s->active[at], image = image_size(s);
	const uint8_t *from = s->packed + at * packed_size(s);
	int32_t class[4];

	memcpy(class, from, sizeof(class));
	r->clean[i] = class[0];
	r->clean0[i] = class[1];
	r->pred[i] = class[2];
	r->pred0[i] = class[3];
	memcpy(
	    r->eps + i * image, from + sizeof(class), image * sizeof(*r->eps));
}

/* What the ranks found for their chunks of the active images; an image may be
 * another rank's at the next step. */
static void
exchange(struct spgd *s, size_t size, size_t n, const struct spgd_result *r)
{
	size_t at[RANKS_MOST + 1] = {0}, chunks = (n + size - 1) / size;
	struct ranks_share own = ranks_share(chunks);

	if (ranks_count() == 1)
		return;
	for (size_t i = 0; i < ranks_count(); i++)
		at[i + 1] = packed_size(s) *
			    MIN(n, size * ranks_share_of(chunks, i).to);
	for (size_t i = own.from * size; i < MIN(n, own.to * size); i++)
		pack(s, r, i);
	ranks_gather(s->packed, at);
	for (size_t i = 0; i < n; i++)
		if (i < own.from * size || i >= own.to * size)
			unpack(s, r, i);
}

void
spgd_attack(struct spgd *s, const float *x, const int32_t *y, size_t n,
    uint64_t draw, const struct spgd_result *r)
{
	size_t left = n;

	if (n > s->n)
		BUG("batch larger than promised");
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n; i++) {
		s->active[i] = i;
		init_eps(s, i, draw, r->eps + i * image_size(s));
	}
	for (size_t t = 0; t <= s->cfg.steps && left > 0; t++) {
		size_t size = chunk_size(s, left), keep = 0;
		struct ranks_share own = ranks_share((left + size - 1) / size);

#pragma omp parallel for schedule(dynamic, 1) num_threads((int)s->nworker)
		for (size_t k = own.from; k < own.to; k++) {
			struct chunk c = {.x = x, .y = y, .r = r};

			open_chunk(s, k, size, left, &c);
			if (t == 0)
				predict(&c, true, true);
			predict(&c, false, t < s->cfg.steps || !s->brief);
			if (t < s->cfg.steps)
				step_chunk(&c);
		}
		exchange(s, size, left, r);
		for (size_t i = 0; i < left; i++)
			if (!is_shared(r, s->active[i]))
				s->active[keep++] = s->active[i];
		left = keep;
	}
}
