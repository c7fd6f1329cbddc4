/* SPDX-License-Identifier: MIT
 * Methods of purification, through struct method: against closed forms on a
 * net of one linear layer, and by what they promise on the net of
 * fixtures/sau.
 */
#include "tests/test.h"

#include "base/rng.h"
#include "engine/blas.h"
#include "engine/loss.h"
#include "formats/dataset.h"
#include "formats/neutral.h"
#include "purify/attention.h"
#include "purify/head.h"
#include "purify/method_d3.h"
#include "purify/method_ft_sam.h"
#include "purify/neuron.h"
#include "purify/rounds.h"

#include <omp.h>

/* The linear net: features (4 x 4 pixels), classes, images, batch. */
#define F 16
#define K 3
#define N 20
#define B 8
#define W (K * F + K) /* weights, then biases */

struct world {
	struct model model;
	struct file_map map[2];
	struct dataset data;
	struct purification p;
	float weight[W];
};

/* --- worlds -------------------------------------------------------------- */

static void
random_floats(float *to, size_t n, uint64_t seed, float scale)
{
	struct rng r;

	rng_init(&r, seed, 1);
	for (size_t i = 0; i < n; i++)
		to[i] = scale * (2.0f * rng_float(&r) - 1.0f);
}

static void *
need(struct world *w, size_t n, size_t size)
{
	void *q = arena_alloc(&w->p.arena, n, size);

	assert_non_null(q);
	return q;
}

/* image -> Flatten -> Gemm */
static void
linear_model(struct world *w)
{
	static const char *flat_in[] = {"image"}, *flat_out[] = {"flat"};
	static const char *in[] = {"flat", "w", "b"}, *out[] = {"logits"};
	static struct attr tb[] = {
	    {.name = "transB", .kind = ATTR_INT, .i = 1}};
	static struct node node[] = {
	    {.op = "Flatten",
		.name = "flat",
		.in = flat_in,
		.out = flat_out,
		.nin = 1,
		.nout = 1},
	    {.op = "Gemm",
		.name = "fc",
		.in = in,
		.out = out,
		.nin = 3,
		.nout = 1,
		.attr = tb,
		.nattr = 1},
	};
	static struct tensor tensor[2];

	random_floats(w->weight, W, 5, 0.2f);
	tensor[0] = (struct tensor){.name = "w",
	    .rank = 2,
	    .dim = {K, F},
	    .data = (const uint8_t *)w->weight,
	    .size = K * F * 4};
	tensor[1] = (struct tensor){.name = "b",
	    .rank = 1,
	    .dim = {K},
	    .data = (const uint8_t *)(w->weight + K * F),
	    .size = K * 4};
	model_init(&w->model, 1 << 20);
	w->model.node = node;
	w->model.nnode = 2;
	w->model.tensor = tensor;
	w->model.ntensor = 2;
	w->model.input = "image";
	w->model.output = "logits";
	w->model.classes = K;
	memcpy(w->model.shape, (int64_t[]){-1, 1, 4, 4}, 4 * sizeof(int64_t));
}

static void
build(struct world *w)
{
	struct err e;

	assert_ok(net_build(&w->p.h, &w->model, 0, 0, 0, &e), &e);
	assert_ok(net_build(&w->p.h0, &w->model, 0, 0, 0, &e), &e);
}

static int
setup_linear(void **state)
{
	static struct world w;
	struct purification *p = &w.p;
	struct rng r;

	w = (struct world){0};
	arena_init(&p->arena, (size_t)1 << 26);
	linear_model(&w);
	build(&w);
	p->ntrain = p->nheld = N / 2;
	p->x = need(&w, N * F, sizeof(*p->x));
	p->y = need(&w, N, sizeof(*p->y));
	random_floats(p->x, N * F, 6, 0.5f);
	rng_init(&r, 7, 1);
	for (size_t i = 0; i < N; i++)
		p->y[i] = (int32_t)rng_below(&r, K);
	p->held = p->x + p->ntrain * F;
	p->held_y = p->y + p->ntrain;
	*state = &w;
	return 0;
}

static struct rd
open_fixture(struct file_map *m, const char *path)
{
	struct err e;

	assert_ok(file_map(path, (uint64_t)1 << 20, m, &e), &e);
	return rd_mem(m->ptr, m->len);
}

static int
setup_conv(void **state)
{
	static struct world w;
	struct purification *p = &w.p;
	struct err e;
	struct rd r;

	w = (struct world){0};
	arena_init(&p->arena, (size_t)1 << 28);
	r = open_fixture(&w.map[0], "fixtures/sau/model.safetensors");
	assert_ok(neutral_parse(&r, &w.model, &e), &e);
	r = open_fixture(&w.map[1], "fixtures/sau/data.safetensors");
	assert_ok(dataset_parse(&r, &w.data, &e), &e);
	build(&w);
	p->ntrain = p->nheld = 32;
	p->x = need(&w, 64 * 144, sizeof(*p->x));
	for (size_t i = 0; i < 64; i++)
		dataset_image(&w.data, i, p->x + i * 144);
	p->y = need(&w, 64, sizeof(*p->y));
	memcpy(p->y, w.data.label, 64 * sizeof(*p->y));
	p->held = p->x + p->ntrain * 144;
	p->held_y = p->y + p->ntrain;
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	if (w->p.own != NULL)
		w->p.cfg.method->release(&w->p);
	net_release(&w->p.h);
	net_release(&w->p.h0);
	dataset_release(&w->data);
	model_release(&w->model);
	arena_release(&w->p.arena);
	for (size_t i = 0; i < 2; i++)
		if (w->map[i].ptr != NULL)
			file_unmap(&w->map[i]);
	return 0;
}

/* A method with SGD, whose first step shows the gradient. */
static void
start_in(
    struct world *w, const struct method *m, size_t batch, enum batch_mode mode)
{
	struct purify_config *c = &w->p.cfg;
	struct err e;

	*c = (struct purify_config){.method = m,
	    .rounds = m->defaults.rounds,
	    .batch = batch,
	    .mode = mode,
	    .lambda_clean = m->defaults.lambda_clean,
	    .rho = m->defaults.rho,
	    .prune = m->defaults.prune,
	    .inner = spgd_defaults(),
	    .lambda_shared = m->defaults.lambda_shared,
	    .optim = {.kind = OPTIM_SGD, .momentum = 0.9f}};
	assert_ok(m->open(&w->p, &e), &e);
}

static void
start(struct world *w, const struct method *m, size_t batch)
{
	start_in(w, m, batch, m->defaults.mode);
}

static void
begin(struct world *w)
{
	struct err e;

	if (w->p.cfg.method->begin != NULL)
		assert_ok(w->p.cfg.method->begin(&w->p, 0, &e), &e);
}

static struct method_terms
step(struct world *w, size_t n, double rate)
{
	struct purification *p = &w->p;
	struct method_batch b = {
	    .x = p->x, .y = p->y, .n = n, .draw = p->draw++, .rate = rate};
	struct method_terms t = {0};
	struct err e;

	assert_ok(p->cfg.method->step(p, &b, &t, &e), &e);
	assert_int_equal(t.n, n);
	return t;
}

/* --- the linear net in double -------------------------------------------- */

/* Probabilities and logits' gradient of image i at x + d, goal g. */
static void
residual(const struct world *w, const double *wt, size_t i, const double *d,
    double smooth, double p[K], double res[K])
{
	double z[K], sum = 0.0;

	for (size_t k = 0; k < K; k++) {
		z[k] = wt[K * F + k];
		for (size_t f = 0; f < F; f++)
			z[k] +=
			    wt[k * F + f] * ((double)w->p.x[i * F + f] + d[f]);
		sum += exp(z[k]);
	}
	for (size_t k = 0; k < K; k++) {
		p[k] = exp(z[k]) / sum;
		res[k] = p[k] - ((int32_t)k == w->p.y[i] ? 1.0 - smooth
							 : smooth / (K - 1));
	}
}

/* Mean gradient over n images, the first m of them at x + d: of the weights,
 * and of d; returns the mean loss. */
static double
gradient(const struct world *w, const double *wt, size_t n, size_t m,
    const double *d, double smooth, double gw[W], double gd[F])
{
	static const double none[F];
	double loss = 0.0;

	memset(gw, 0, W * sizeof(*gw));
	memset(gd, 0, F * sizeof(*gd));
	for (size_t i = 0; i < n; i++) {
		const double *at = i < m ? d : none;
		double p[K], r[K];

		residual(w, wt, i, at, smooth, p, r);
		loss -= log(p[w->p.y[i]]) / (double)n;
		for (size_t k = 0; k < K; k++) {
			gw[K * F + k] += r[k] / (double)n;
			for (size_t f = 0; f < F; f++) {
				double x = (double)w->p.x[i * F + f] + at[f];

				gw[k * F + f] += r[k] * x / (double)n;
				if (i < m)
					gd[f] +=
					    r[k] * wt[k * F + f] / (double)n;
			}
		}
	}
	return loss;
}

static void
as_double(const float *from, size_t n, double *to)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (double)from[i];
}

static void
assert_weights(const struct world *w, const double *want, double tolerance)
{
	for (size_t i = 0; i < W; i++)
		if (!(fabs((double)w->p.h.weight[i] - want[i]) <= tolerance))
			fail_msg("weight %zu: %.9g, want %.9g", i,
			    (double)w->p.h.weight[i], want[i]);
}

/* --- tests --------------------------------------------------------------- */

static void
test_ft(void **state)
{
	struct world *w = *state;
	double wt[W], gw[W], gd[F], zero[F] = {0}, loss;
	struct method_terms t;

	start(w, &method_ft, B);
	as_double(w->p.h.weight, W, wt);
	loss = gradient(w, wt, B, 0, zero, 0.0, gw, gd);
	for (size_t i = 0; i < W; i++)
		wt[i] -= 0.5 * gw[i];
	t = step(w, B, 0.5);
	assert_near(t.loss / B, loss, 1e-6);
	assert_weights(w, wt, 1e-6);
}

static void
test_climb(void **state)
{
	float w[4] = {1.0f, -2.0f, 0.0f, 0.5f}, kept[4];
	float g[4] = {3.0f, 1.0f, 5.0f, -4.0f}, zero[4] = {0};
	/* |w g| = sqrt(9 + 4 + 0 + 4); T^-1 e has norm rho */
	double norm = sqrt(17.0), far = 0.0;

	(void)state;
	method_ft_sam_climb(4, 2.0, g, w, kept);
	assert_near(w[0], 1.0 + 2.0 * 3.0 / norm, 1e-6);
	assert_near(w[1], -2.0 + 2.0 * 4.0 / norm, 1e-6);
	assert_true(w[2] == 0.0f && kept[2] == 0.0f && kept[1] == -2.0f);
	for (size_t i = 0; i < 4; i++)
		if (kept[i] != 0.0f)
			far += pow(((double)w[i] - (double)kept[i]) /
				       fabs((double)kept[i]),
			    2.0);
	assert_near(sqrt(far), 2.0, 1e-6);
	method_ft_sam_climb(4, 2.0, zero, kept, w);
	assert_memory_equal(kept, w, sizeof(w));
}

static void
test_ft_sam(void **state)
{
	struct world *w = *state;
	double wt[W], up[W], gw[W], gd[F], zero[F] = {0}, norm = 0.0;

	start(w, &method_ft_sam, B);
	as_double(w->p.h.weight, W, wt);
	gradient(w, wt, B, 0, zero, 0.1, gw, gd);
	for (size_t i = 0; i < W; i++)
		norm += pow(wt[i] * gw[i], 2.0);
	for (size_t i = 0; i < W; i++)
		up[i] = wt[i] + 2.0 * wt[i] * wt[i] * gw[i] / sqrt(norm);
	gradient(w, up, B, 0, zero, 0.1, gw, gd);
	for (size_t i = 0; i < W; i++)
		wt[i] -= 0.5 * gw[i];
	step(w, B, 0.5);
	assert_weights(w, wt, 1e-5);
}

/* The statistics that count are those before the climb: fine-tuning's. */
static void
test_still(void **state)
{
	struct world *w = *state;
	struct purification *p = &w->p;
	float *was = need(w, p->h.nfixed, sizeof(*was));

	start(w, &method_ft, 32);
	step(w, 32, 0.0);
	memcpy(was, p->h.fixed, p->h.nfixed * sizeof(*was));
	method_ft.release(p);
	net_copy_weights(&p->h, &p->h0);
	assert_memory_not_equal(was, p->h.fixed, p->h.nfixed * sizeof(*was));
	p->draw = 0;
	start(w, &method_ft_sam, 32);
	step(w, 32, 0.0);
	assert_memory_equal(was, p->h.fixed, p->h.nfixed * sizeof(*was));
}

static double
norm(const float *w, size_t n)
{
	double sum = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += (double)w[i] * (double)w[i];
	return sqrt(sum);
}

/* One step from the random start: the norm of the weights is kept, the step
 * is that of the clean loss and of the distance. */
static void
test_d3(void **state)
{
	struct world *w = *state;
	const float *w0 = w->p.h0.weight;
	double to = norm(w0, K * F), far = 0.0, size = 0.0;
	double wt[W], gw[W], gd[F], zero[F] = {0};
	struct method_terms t;

	start(w, &method_d3, B);
	begin(w);
	assert_near(norm(w->p.h.weight, K * F), to, 1e-5);
	assert_memory_equal(w->p.h.weight + K * F, w0 + K * F, K * 4);
	as_double(w->p.h.weight, W, wt);
	/* every image's loss is above 0.1 */
	gradient(w, wt, B, 0, zero, 0.0, gw, gd);
	for (size_t i = 0; i < K * F; i++)
		far += pow(wt[i] - (double)w0[i], 2.0);
	far = sqrt(far);
	for (size_t i = 0; i < W; i++)
		wt[i] -= 0.1 *
			 (0.5 * gw[i] -
			     (i < K * F ? (wt[i] - (double)w0[i]) / far : 0.0));
	for (size_t i = 0; i < K * F; i++)
		size += wt[i] * wt[i];
	for (size_t i = 0; i < K * F; i++)
		wt[i] *= to / sqrt(size);
	t = step(w, B, 0.1);
	assert_weights(w, wt, 1e-5);
	assert_near(t.sum[1] / B, far, 1e-5);
	for (size_t i = 0; i < 50; i++)
		t = step(w, B, 0.1);
	assert_near(norm(w->p.h.weight, K * F), to, 1e-4);
	/* the farthest is the other side */
	assert_true(t.sum[1] / B > far && t.sum[1] / B <= 2.0 * to + 1e-4);
}

/* An image whose loss is below the floor has no gradient. */
static void
test_floor(void **state)
{
	struct world *w = *state;
	struct method_terms t;

	start(w, &method_d3, B);
	w->p.cfg.lambda_clean = 0.5;
	for (size_t i = 0; i < B; i++)
		w->p.y[i] = 1;
	w->p.h.weight[K * F + 1] += 50.0f;
	net_changed(&w->p.h);
	t = step(w, B, 0.0);
	assert_true(t.sum[0] == 0.0);
}

/* Hypergradient of the first batch after a round's climb, by the formulas of
 * the softmax: its Hessian is W' (diag p - p p') W. */
static void
ibau_climb(const struct world *w, const double *wt, double d[F])
{
	memset(d, 0, F * sizeof(*d));
	for (size_t at = 0; at < N / 2; at += B) {
		size_t n = MIN(B, N / 2 - at);
		double g[F] = {0}, zero[F] = {0};

		for (size_t i = at; i < at + n; i++) {
			double p[K], q[K], r[K];
			size_t own = 0;

			residual(w, wt, i, zero, 0.0, p, r);
			for (size_t k = 1; k < K; k++)
				own = p[k] > p[own] ? k : own;
			residual(w, wt, i, d, 0.0, q, r);
			for (size_t k = 0; k < K; k++)
				for (size_t f = 0; f < F; f++)
					g[f] +=
					    (q[k] - (k == own ? 1.0 : 0.0)) *
					    wt[k * F + f] / (double)n;
		}
		for (size_t f = 0; f < F; f++)
			d[f] += 10.0 * (g[f] - 0.002 * d[f]);
	}
}

/* Derivative along v of the inner gradients: of d into hd, of weights: hw. */
static void
ibau_along(const struct world *w, const double *wt, const double *d,
    const double *v, double hd[F], double hw[W])
{
	memset(hd, 0, F * sizeof(*hd));
	memset(hw, 0, W * sizeof(*hw));
	for (size_t i = 0; i < B; i++) {
		double p[K], r[K], u[K] = {0}, mean = 0.0;

		residual(w, wt, i, d, 0.0, p, r);
		for (size_t k = 0; k < K; k++) {
			for (size_t f = 0; f < F; f++)
				u[k] += wt[k * F + f] * v[f];
			mean += p[k] * u[k];
		}
		for (size_t k = 0; k < K; k++) {
			double j = p[k] * (u[k] - mean) / B;

			hw[K * F + k] += j;
			for (size_t f = 0; f < F; f++) {
				double x = (double)w->p.x[i * F + f] + d[f];

				hd[f] += j * wt[k * F + f];
				hw[k * F + f] += j * x + r[k] * v[f] / B;
			}
		}
	}
}

static void
test_ibau(void **state)
{
	struct world *w = *state;
	double wt[W], gw[W], gd[F], d[F], v[F], hd[F], hw[W], through = 0.0;
	struct method_terms t;

	start(w, &method_ibau, B);
	begin(w);
	as_double(w->p.h.weight, W, wt);
	ibau_climb(w, wt, d);
	gradient(w, wt, B, 1, d, 0.0, gw, gd);
	memcpy(v, gd, sizeof(v));
	for (size_t i = 1; i < 5; i++) {
		ibau_along(w, wt, d, v, hd, hw);
		for (size_t f = 0; f < F; f++)
			v[f] += 0.1 * (hd[f] - 0.002 * v[f]) + gd[f];
	}
	ibau_along(w, wt, d, v, hd, hw);
	for (size_t i = 0; i < W; i++) {
		through = fmax(through, fabs(0.1 * hw[i]));
		wt[i] -= gw[i] + 0.1 * hw[i];
	}
	t = step(w, B, 1.0);
	/* what comes through d is seen, and right */
	assert_true(through > 1e-2);
	assert_weights(w, wt, 1e-3 * through);
	for (size_t f = 0; f < F; f++)
		d[0] = f == 0 ? d[0] * d[0] : d[0] + d[f] * d[f];
	assert_near(t.sum[1] / B, sqrt(d[0]), 1e-4);
}

/* The features of the linear net are its pixels: the least go first. */
static void
test_fp(void **state)
{
	struct world *w = *state;
	double mean[F] = {0};
	size_t best = 0;

	start(w, &method_fp, B);
	w->p.cfg.prune = 1.0;
	for (size_t i = 0; i < N / 2; i++)
		for (size_t f = 0; f < F; f++)
			mean[f] += (double)w->p.x[i * F + f];
	for (size_t f = 1; f < F; f++)
		best = mean[f] > mean[best] ? f : best;
	begin(w);
	for (size_t round = 0; round < 2; round++) {
		for (size_t i = 0; i < K * F; i++)
			assert_true(
			    (w->p.h.weight[i] == 0.0f) == (i % F != best));
		step(w, B, 0.5);
	}
}

/* A bound of nothing prunes what costs nothing at most. */
static void
test_fp_bound(void **state)
{
	struct world *w = *state;
	double before, after;
	struct err e;

	start(w, &method_fp, B);
	assert_ok(rounds_accuracy(&w->p, &before, &e), &e);
	w->p.cfg.prune = 0.3;
	begin(w);
	assert_ok(rounds_accuracy(&w->p, &after, &e), &e);
	assert_true(before - after < 0.3 * before);
	assert_true(norm(w->p.h.weight, K * F) < norm(w->p.h0.weight, K * F));
}

/* --- neurons ------------------------------------------------------------- */

static double
clean_loss(
    void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	const struct purification *p = ctx;
	size_t k = p->h.classes;
	double sum = 0.0;

	memset(dlogits, 0, n * k * sizeof(*dlogits));
	for (size_t i = 0; i < n; i++)
		sum += loss_cross_entropy(k, logits + i * k,
		    (size_t)p->y[first + i], 1.0f, dlogits + i * k);
	return sum;
}

/* Gradients of factors against differences of the loss. */
static void
test_neurons(void **state)
{
	struct world *w = *state;
	struct purification *p = &w->p;
	float scale[12], shift[12], dscale[12] = {0}, dshift[12] = {0};
	float *g = need(w, p->h.nweight, sizeof(*g));
	struct neurons u;
	struct batch b;
	struct err e;

	assert_ok(neuron_list(&u, &p->h, &p->arena, &e), &e);
	assert_int_equal(u.nlayer, 2);
	assert_int_equal(u.n, 12);
	random_floats(scale, 12, 3, 0.3f);
	random_floats(shift, 12, 4, 0.3f);
	for (size_t i = 0; i < 12; i++) {
		scale[i] += 1.0f;
		shift[i] += 1.0f;
	}
	assert_ok(batch_init(&b, &p->h, 32, PLAN_WEIGHTS, BATCH_EVAL, &e), &e);
	neuron_scale(&u, p->h0.weight, scale, shift, p->h.weight);
	net_changed(&p->h);
	batch_step(&b, p->x, clean_loss, p, NULL, g);
	neuron_gradient(&u, p->h0.weight, g, 2.0, dscale, dshift);
	for (size_t i = 0; i < 24; i++) {
		float *at = i < 12 ? &scale[i] : &shift[i - 12], was = *at;
		float d = i < 12 ? dscale[i] : dshift[i - 12];
		double loss[2];

		for (size_t side = 0; side < 2; side++) {
			*at = was + (side == 0 ? -0.01f : 0.01f);
			neuron_scale(
			    &u, p->h0.weight, scale, shift, p->h.weight);
			net_changed(&p->h);
			loss[side] =
			    batch_step(&b, p->x, clean_loss, p, NULL, g);
		}
		*at = was;
		assert_near((double)d, 2.0 * (loss[1] - loss[0]) / 0.02,
		    0.05 * fabs((double)d) + 0.1);
	}
	batch_release(&b);
}

/* Masks stay in [0, 1]; what they prune is zero, all else as it was. */
static void
test_anp(void **state)
{
	struct world *w = *state;
	struct purification *p = &w->p;
	struct method_span span[METHOD_SPANS];
	size_t pruned = 0, inside = 0;
	struct method_terms t = {0};
	struct neurons u;
	const float *mask;
	struct err e;

	start(w, &method_anp, 32);
	assert_ok(neuron_list(&u, &p->h, &p->arena, &e), &e);
	method_anp.spans(p, span);
	mask = span[0].ptr;
	for (size_t i = 0; i < 40; i++)
		t = step(w, 32, 0.2);
	for (size_t l = 0; l < u.nlayer; l++)
		for (size_t k = 0; k < u.layer[l].n; k++) {
			size_t at = u.layer[l].at + k;
			float m = mask[u.layer[l].first + k];

			assert_true(m >= 0.0f && m <= 1.0f);
			inside += m < 1.0f;
			pruned += m <= 0.2f;
			assert_true(p->h.weight[at] ==
				    (m <= 0.2f ? 0.0f : p->h0.weight[at]));
		}
	assert_true(inside > 0);
	assert_near(t.sum[2] / 32.0, (double)pruned / 12.0, 1e-9);
	/* a threshold of 1 prunes all of them, and nothing else */
	p->cfg.prune = 1.0;
	step(w, 32, 0.2);
	for (size_t l = 0; l < u.nlayer; l++)
		for (size_t k = 0; k < u.layer[l].n; k++) {
			size_t at = u.layer[l].at + k;

			assert_true(p->h.weight[at] == 0.0f);
			p->h.weight[at] = p->h0.weight[at];
		}
	assert_memory_equal(p->h.weight, p->h0.weight, p->h.nweight * 4);
	assert_memory_equal(p->h.fixed, p->h0.fixed, p->h.nfixed * 4);
}

static void
test_head(void **state)
{
	struct world *w = *state;
	struct head h;
	struct err e;

	assert_ok(head_find(&h, &w->p.h, &e), &e);
	assert_int_equal(h.classes, 5);
	assert_int_equal(h.features, 72);
	assert_int_equal(h.n, 5 * 72);
	assert_int_equal(h.step[0], 72);
	/* and none in a net that ends otherwise */
	net_release(&w->p.h);
	w->model.nnode -= 1;
	w->model.output = w->model.node[w->model.nnode - 1].out[0];
	w->model.classes = 72;
	assert_ok(net_build(&w->p.h, &w->model, 0, 0, 0, &e), &e);
	assert_int_equal(head_find(&h, &w->p.h, &e), ERR_UNSUPPORTED);
}

/* --- attention ----------------------------------------------------------- */

/* The gradient against differences; no difference, no loss. */
static void
test_attention_loss(void **state)
{
	float a[6], goal[6], da[6] = {0};

	(void)state;
	random_floats(a, 6, 8, 1.0f);
	random_floats(goal, 6, 9, 1.0f);
	attention_normalise(6, goal, goal);
	attention_loss(6, a, goal, 3.0, da);
	for (size_t i = 0; i < 6; i++) {
		float none[6], was = a[i];
		double up, down;

		a[i] = was + 1e-3f;
		up = attention_loss(6, a, goal, 0.0, none);
		a[i] = was - 1e-3f;
		down = attention_loss(6, a, goal, 0.0, none);
		a[i] = was;
		assert_near(da[i], 3.0 * (up - down) / 2e-3, 2e-3);
	}
	attention_normalise(6, a, goal);
	assert_near(attention_loss(6, a, goal, 0.0, da), 0.0, 1e-12);
}

/* Logits, then sums of squares over the channels of what the last layer
 * reads, and of two larger maps. */
static void
test_attention(void **state)
{
	struct world *w = *state;
	struct purification *p = &w->p;
	float *all = need(w, 2 * (5 + 144 + 36 + 9), sizeof(*all));
	float *flat = need(w, 2 * 72, sizeof(*flat)), *z = need(w, 10, 4);
	struct attention a;
	struct net cut;
	struct err e;

	assert_ok(attention_init(&a, &p->h, &e), &e);
	assert_int_equal(a.nmap, 3);
	assert_int_equal(a.map[0].n, 144);
	assert_int_equal(a.map[1].n, 36);
	assert_int_equal(a.map[2].n, 9);
	assert_string_equal(a.map[2].name, "pool2");
	assert_int_equal(a.net.classes, 5 + 144 + 36 + 9);
	assert_ok(batch_logits(&a.net, p->x, 2, all, &e), &e);
	assert_ok(batch_logits(&p->h, p->x, 2, z, &e), &e);
	w->model.nnode -= 1;
	w->model.output = "flat";
	w->model.classes = 72;
	assert_ok(net_build(&cut, &w->model, 0, 0, 0, &e), &e);
	assert_ok(batch_logits(&cut, p->x, 2, flat, &e), &e);
	for (size_t i = 0; i < 2; i++) {
		const float *row = all + i * a.net.classes;

		assert_close(row, z + 5 * i, 5, 1e-5, 1e-6);
		for (size_t at = 0; at < 9; at++) {
			double sum = 0.0;

			for (size_t c = 0; c < 8; c++)
				sum +=
				    pow((double)flat[i * 72 + c * 9 + at], 2.0);
			assert_near(
			    row[a.map[2].at + at], sum, 1e-4 * (1.0 + sum));
		}
	}
	net_release(&cut);
	attention_release(&a);
}

/* A teacher that has learned nothing sees what the student sees; a student
 * that has lost its way falls along its gradient. */
static void
test_nad(void **state)
{
	struct world *w = *state;
	struct purification *p = &w->p;
	float *was = need(w, p->h.nweight, sizeof(*was));
	double size = 0.0, rate = 1e-6, before, after;
	struct method_terms t;

	start_in(w, &method_nad, 32, BATCH_EVAL);
	begin(w);
	t = step(w, 32, 0.0);
	assert_near(t.sum[1] / 32, 0.0, 1e-6);
	random_floats(was, p->h.nweight, 10, 0.3f);
	for (size_t i = 0; i < p->h.nweight; i++)
		p->h.weight[i] *= 1.0f + was[i];
	memcpy(was, p->h.weight, p->h.nweight * sizeof(*was));
	p->draw = 0;
	t = step(w, 32, rate);
	before = t.loss / 32;
	assert_true(t.sum[1] / 32 > 0.1);
	for (size_t i = 0; i < p->h.nweight; i++)
		size +=
		    pow(((double)was[i] - (double)p->h.weight[i]) / rate, 2.0);
	p->draw = 0;
	after = step(w, 32, 0.0).loss / 32;
	assert_near(before - after, rate * size, 0.1 * rate * size);
}

/* The teacher is fine-tuned, the student begins as it was. */
static void
test_teacher(void **state)
{
	struct world *w = *state;
	struct purification *p = &w->p;
	struct method_span span[METHOD_SPANS];

	start(w, &method_nad, 32);
	p->cfg.rate = 0.01;
	begin(w);
	method_nad.spans(p, span);
	assert_int_equal(span[0].size, p->h.nweight * 4);
	assert_memory_not_equal(span[0].ptr, p->h0.weight, span[0].size);
	assert_memory_equal(p->h.weight, p->h0.weight, p->h.nweight * 4);
	assert_memory_equal(p->h.fixed, p->h0.fixed, p->h.nfixed * 4);
}

/* Everything that changes from step to step: spans, weights, statistics. */
static size_t
state_of(struct world *w, struct method_span *span)
{
	struct purification *p = &w->p;
	size_t n = p->cfg.method->spans(p, span);

	assert_in_range(n, 1, METHOD_SPANS);
	span[n++] = (struct method_span){p->h.weight, p->h.nweight * 4};
	span[n++] = (struct method_span){p->h.fixed, p->h.nfixed * 4};
	span[n++] = (struct method_span){&p->draw, sizeof(p->draw)};
	return n;
}

/* From the same state the next step leads to the same state. */
static void
check_spans(struct world *w, const struct method *m)
{
	struct method_span span[METHOD_SPANS + 3];
	void *was[METHOD_SPANS + 3], *then[METHOD_SPANS + 3];
	size_t n;

	start(w, m, 32);
	begin(w);
	step(w, 32, 0.01);
	n = state_of(w, span);
	for (size_t i = 0; i < n; i++) {
		was[i] = need(w, span[i].size, 1);
		then[i] = need(w, span[i].size, 1);
		memcpy(was[i], span[i].ptr, span[i].size);
	}
	step(w, 32, 0.01);
	for (size_t i = 0; i < n; i++) {
		memcpy(then[i], span[i].ptr, span[i].size);
		memcpy(span[i].ptr, was[i], span[i].size);
	}
	net_changed(&w->p.h);
	step(w, 32, 0.01);
	for (size_t i = 0; i < n; i++)
		assert_memory_equal(span[i].ptr, then[i], span[i].size);
	m->release(&w->p);
	w->p.own = NULL;
}

static void
test_spans(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < method_count; i++) {
		if (method_table[i] == &method_guided)
			continue; /* it needs a scan */
		net_copy_weights(&w->p.h, &w->p.h0);
		check_spans(w, method_table[i]);
	}
}

int
main(void)
{
#define LINEAR(f) cmocka_unit_test_setup_teardown(f, setup_linear, teardown)
#define CONV(f)   cmocka_unit_test_setup_teardown(f, setup_conv, teardown)
	const struct CMUnitTest tests[] = {
	    LINEAR(test_ft),
	    cmocka_unit_test(test_climb),
	    LINEAR(test_ft_sam),
	    CONV(test_still),
	    LINEAR(test_d3),
	    LINEAR(test_floor),
	    LINEAR(test_ibau),
	    LINEAR(test_fp),
	    LINEAR(test_fp_bound),
	    CONV(test_neurons),
	    CONV(test_anp),
	    CONV(test_head),
	    cmocka_unit_test(test_attention_loss),
	    CONV(test_attention),
	    CONV(test_nad),
	    CONV(test_teacher),
	    CONV(test_spans),
	};
	struct err e;

	omp_set_num_threads(1); /* waiting for each other takes longer */
	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	return cmocka_run_group_tests_name("method", tests, NULL, NULL);
}
