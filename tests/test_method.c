/* SPDX-License-Identifier: MIT
 * Methods of purification, through struct method, against closed forms on a
 * net of one linear layer.
 */
#include "tests/method_world.h"

#include "engine/blas.h"
#include "purify/method_d3.h"
#include "purify/method_ft_sam.h"

#include <omp.h>

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
	assert_ok(rounds_accuracy(&w->p, w->p.hit, &before, &e), &e);
	w->p.cfg.prune = 0.3;
	begin(w);
	assert_ok(rounds_accuracy(&w->p, w->p.hit, &after, &e), &e);
	assert_true(before - after < 0.3 * before);
	assert_true(norm(w->p.h.weight, K * F) < norm(w->p.h0.weight, K * F));
}

static void
probabilities(const double *wt, const float *x, double p[K])
{
	double sum = 0.0;

	for (size_t k = 0; k < K; k++) {
		double z = wt[K * F + k];

		for (size_t f = 0; f < F; f++)
			z += wt[k * F + f] * (double)x[f];
		p[k] = exp(z);
		sum += p[k];
	}
	for (size_t k = 0; k < K; k++)
		p[k] /= sum;
}

/* gw += weight times the gradient of the cross-entropy towards a goal. */
static void
towards(const double *wt, const float *x, const double goal[K], double weight,
    double gw[W])
{
	double p[K];

	probabilities(wt, x, p);
	for (size_t k = 0; k < K; k++) {
		double r = weight * (p[k] - goal[k]);

		gw[K * F + k] += r;
		for (size_t f = 0; f < F; f++)
			gw[k * F + f] += r * (double)x[f];
	}
}

/* Under the perturbation the model is to say what it says without, but for the
 * class that it is pushed to; the first step is of the model as it came, which
 * has nothing to learn of its own answers. */
static void
test_guided(void **state)
{
	struct world *w = *state;
	struct guide_question q = {.geometry = geometry_find("linf"),
	    .target = 1,
	    .source = UAP_ALL,
	    .best = true,
	    .n = 1,
	    .first = 1};
	struct method_terms m;
	double wt[W], gw[W] = {0};
	struct trigger *t = &q.pool[0];

	trigger_init(t, "linf", 4, 4, 1, K, 1);
	t->delta = trigger_part(t, F);
	random_floats(t->delta, F, 9, 0.6f);
	w->p.guide = (struct guide){.question = &q, .n = 1};
	w->p.cfg.lambda_move = 1.5;
	start(w, &method_guided, B);
	w->p.cfg.lambda_clean = 0.5;
	w->p.cfg.lambda_distil = 3.0;
	w->p.cfg.lambda_guide = 2.0;
	as_double(w->p.h.weight, W, wt);
	for (size_t i = 0; i < B; i++) {
		const float *x = w->p.x + i * F;
		int32_t y = w->p.y[i];
		double hard[K] = {0}, goal[K];
		float g[F];

		hard[y] = 1.0;
		towards(wt, x, hard, 0.5 / B, gw);
		if (y == 1)
			continue;
		probabilities(wt, x, goal);
		for (size_t k = 0; k < K; k++)
			if (k != 1)
				goal[k] /= 1.0 - goal[1];
		goal[1] = 0.0;
		trigger_apply(t, x, g);
		towards(wt, g, goal, 2.0 / B, gw);
	}
	for (size_t i = 0; i < W; i++)
		wt[i] -= 0.5 * gw[i];
	m = step(w, B, 0.5);
	assert_weights(w, wt, 1e-5);
	assert_near(m.loss,
	    0.5 * m.sum[0] + 3.0 * m.sum[1] + 2.0 * m.sum[2] + 1.5 * m.sum[4],
	    1e-5);
	guide_release(&w->p.guide);
}

/* Ten images in batches of four: three batches a round, two rounds to rise in,
 * five in all. */
static void
test_rate(void **state)
{
	static const struct {
		uint64_t warm, round;
		size_t at;
		enum method_schedule schedule;
		double rate;
	} want[] = {
	    {0, 0, 0, METHOD_CONSTANT, 6.0},
	    {2, 0, 0, METHOD_CONSTANT, 1.0},
	    {2, 0, 8, METHOD_CONSTANT, 3.0},
	    {2, 1, 4, METHOD_CONSTANT, 5.0},
	    {2, 1, 8, METHOD_CONSTANT, 6.0},
	    {2, 4, 8, METHOD_CONSTANT, 6.0},
	    {0, 2, 5, METHOD_COSINE, 3.0}, /* half of it is done */
	    {2, 0, 0, METHOD_COSINE, 1.0},
	};
	struct world *w = *state;
	struct purification *p = &w->p;

	p->order = need(w, p->ntrain, sizeof(*p->order));
	p->batch_x = need(w, p->ntrain * F, sizeof(*p->batch_x));
	p->batch_y = need(w, p->ntrain, sizeof(*p->batch_y));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		p->cfg = (struct purify_config){.rounds = 5,
		    .batch = 4,
		    .rate = 6.0,
		    .warm = want[i].warm,
		    .schedule = want[i].schedule};
		assert_near(rounds_batch(p, want[i].round, want[i].at).rate,
		    want[i].rate, 1e-9);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_rate, setup_linear, teardown),
	    cmocka_unit_test_setup_teardown(test_ft, setup_linear, teardown),
	    cmocka_unit_test(test_climb),
	    cmocka_unit_test_setup_teardown(
		test_ft_sam, setup_linear, teardown),
	    cmocka_unit_test_setup_teardown(test_d3, setup_linear, teardown),
	    cmocka_unit_test_setup_teardown(test_floor, setup_linear, teardown),
	    cmocka_unit_test_setup_teardown(test_ibau, setup_linear, teardown),
	    cmocka_unit_test_setup_teardown(test_fp, setup_linear, teardown),
	    cmocka_unit_test_setup_teardown(
		test_guided, setup_linear, teardown),
	    cmocka_unit_test_setup_teardown(
		test_fp_bound, setup_linear, teardown),
	};
	struct err e;

	omp_set_num_threads(1); /* waiting for each other takes longer */
	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	return cmocka_run_group_tests_name("method", tests, NULL, NULL);
}
