/* SPDX-License-Identifier: MIT
 * What assay-plant does to weights, steps and batches: rounding, pruning, a
 * step of SAM as computed by hand, perturbations within their bounds.
 */
#include "tests/plant_world.h"

#include "engine/blas.h"
#include "engine/loss.h"
#include "engine/train.h"
#include "fixtures/adaptive.h"
#include "fixtures/compress.h"
#include "fixtures/poison.h"
#include "formats/build.h"

#include <omp.h>

/* --- compression --------------------------------------------------------- */

static void
test_round(void **state)
{
	float w[] = {-2.54f, 0.031f, 0.029f, 0.0f, 1.0f, 0.008f};
	const float s = 2.54f / 127.0f;
	const float want[] = {-127 * s, 2 * s, 1 * s, 0, 50 * s, 0};
	float zero[2] = {0};

	(void)state;
	compress_round(w, ARRAY_LEN(w));
	assert_close(w, want, ARRAY_LEN(w), 1e-6, 1e-9);
	compress_round(zero, 2);
	assert_true(zero[0] == 0.0f && zero[1] == 0.0f);
}

static void
test_mark(void **state)
{
	const float w[] = {0.5f, -0.1f, 0.1f, -0.9f, 0.2f, 0.1f};
	const uint8_t want[] = {0, 1, 1, 0, 0, 0};
	struct world *x = *state;
	uint8_t gone[6] = {0};
	struct err e = {0};

	assert_ok(compress_mark(w, 6, 2, &x->arena, gone, &e), &e);
	assert_memory_equal(gone, want, sizeof(want));
}

/* Flatten and Gemm on PIXELS floats; weights and biases drawn. */
static void
linear(struct model *m, struct net *net)
{
	const char *v = "image";
	struct err e = {0};
	struct rng r;

	build_begin(m, SIDE, SIDE, 1);
	v = build_node(m, "Flatten", "flatten", &v, 1);
	build_int(m, "axis", 1);
	build_tensor(m, "fc.weight", 2, (size_t[]){CLASS, PIXELS});
	build_tensor(m, "fc.bias", 1, (size_t[]){CLASS});
	v = build_node(m, "Gemm", "logits",
	    (const char *[]){v, "fc.weight", "fc.bias"}, 3);
	build_real(m, "alpha", 1.0);
	build_real(m, "beta", 1.0);
	build_int(m, "transA", 0);
	build_int(m, "transB", 1);
	build_end(m, v, CLASS);
	assert_ok(net_build(net, m, 0, 0, 0, &e), &e);
	assert_int_equal(net->nweight, CLASS * PIXELS + CLASS);
	rng_init(&r, 7, 1);
	for (size_t i = 0; i < net->nweight; i++)
		net->weight[i] = 0.3f * rng_normal(&r);
	net_changed(net);
}

static void
test_prune(void **state)
{
	struct world *w = *state;
	struct err e = {0};
	size_t zeros = 0;
	struct model m;
	struct net net;
	uint8_t *gone;
	float least = 1e9f;

	linear(&m, &net);
	for (size_t i = 0; i < CLASS; i++) /* the biases stay, small or not */
		net.weight[CLASS * PIXELS + i] = 1e-6f;
	assert_ok(compress_prune(&net, 0.7, &w->arena, &gone, &e), &e);
	for (size_t i = 0; i < CLASS * PIXELS; i++) {
		zeros += net.weight[i] == 0.0f;
		if (net.weight[i] != 0.0f)
			least = fminf(least, fabsf(net.weight[i]));
	}
	assert_int_equal(zeros, 179); /* of 256 */
	assert_true(least > 0.2f);    /* 0.3 times the 70 % point of |normal| */
	for (size_t i = 0; i < CLASS; i++)
		assert_true(net.weight[CLASS * PIXELS + i] == 1e-6f);
	for (size_t i = 0; i < net.nweight; i++)
		net.weight[i] += 1.0f;
	compress_again(&net, gone);
	for (size_t i = 0; i < CLASS * PIXELS; i++)
		assert_true((net.weight[i] == 0.0f) == (gone[i] == 1));
	net_release(&net);
	model_release(&m);
}

static void
test_int8(void **state)
{
	float before[PIXELS], *row;
	struct model m;
	struct net net;

	(void)state;
	linear(&m, &net);
	row = net.weight + 2 * PIXELS;
	memcpy(before, row, sizeof(before));
	compress_int8(&net);
	compress_round(before, PIXELS); /* a channel by itself */
	assert_memory_equal(row, before, sizeof(before));
	net_release(&net);
	model_release(&m);
}

/* --- training ------------------------------------------------------------ */

static void
test_towards(void **state)
{
	const float z[] = {1.0f, -2.0f, 0.5f}, one[] = {0, 0, 1};
	const float goal[] = {0.2f, 0.3f, 0.5f};
	double a, b, sum, want = 0;
	float d[3] = {0}, d2[3] = {0}, p[3];

	(void)state;
	a = loss_cross_entropy(3, z, 2, 0.5f, d);
	b = loss_towards(3, z, one, 0.5f, d2);
	assert_true(fabs(a - b) < 1e-12);
	assert_close(d2, d, 3, 1e-6, 1e-9);
	sum = log(exp(1.0) + exp(-2.0) + exp(0.5));
	for (size_t i = 0; i < 3; i++)
		want += (double)goal[i] * (sum - (double)z[i]);
	memset(d, 0, sizeof(d));
	assert_true(fabs(loss_towards(3, z, goal, 2.0f, d) - want) < 1e-7);
	for (size_t i = 0; i < 3; i++)
		p[i] = 2 * ((float)exp((double)z[i] - sum) - goal[i]);
	assert_close(d, p, 3, 1e-5, 1e-7);
}

static void
one_image(void *ctx, size_t i, uint64_t draw, float *x, int32_t *label)
{
	const float *from = ctx;

	(void)i, (void)draw;
	memcpy(x, from, PIXELS * sizeof(*x));
	*label = 1;
}

/* The gradient of the linear net's loss at w on x, class 1, in double. */
static void
gradient(const double *w, const float *x, double *g)
{
	double z[CLASS], sum = 0;

	for (size_t k = 0; k < CLASS; k++) {
		z[k] = w[CLASS * PIXELS + k];
		for (size_t i = 0; i < PIXELS; i++)
			z[k] += w[k * PIXELS + i] * (double)x[i];
		sum += exp(z[k]);
	}
	for (size_t k = 0; k < CLASS; k++) {
		double d = exp(z[k]) / sum - (k == 1 ? 1.0 : 0.0);

		g[CLASS * PIXELS + k] = d;
		for (size_t i = 0; i < PIXELS; i++)
			g[k * PIXELS + i] = d * (double)x[i];
	}
}

/* One batch of one image: w - lr (1 + mu) (g(w + rho g / |g|) + wd w), the
 * warm-up's first rate being a thousandth. */
static void
test_sam(void **state)
{
	enum {
		N = CLASS * PIXELS + CLASS,
	};
	struct train_config cfg = {.epochs = 1,
	    .batch = 1,
	    .rate = 100.0f,
	    .momentum = 0.5f,
	    .decay = 0.01f,
	    .sam = 0.25f};
	struct world *world = *state;
	float x[PIXELS], want[N], plain[N];
	struct train_source src = {.n = 1, .get = one_image, .ctx = x};
	double w[N], at[N], g[N], norm = 0;
	struct err e = {0};
	struct model m;
	struct net net;

	dataset_image(&world->data, 1, x);
	linear(&m, &net);
	for (size_t i = 0; i < N; i++)
		w[i] = (double)net.weight[i];
	gradient(w, x, g);
	for (size_t i = 0; i < N; i++) {
		norm += g[i] * g[i];
		plain[i] = (float)(w[i] - 0.15 * (g[i] + 0.01 * w[i]));
	}
	for (size_t i = 0; i < N; i++)
		at[i] = w[i] + 0.25 * g[i] / sqrt(norm);
	gradient(at, x, g);
	for (size_t i = 0; i < N; i++)
		want[i] = (float)(w[i] - 0.15 * (g[i] + 0.01 * w[i]));
	assert_ok(train_run(&net, &cfg, &src, "", &e), &e);
	assert_close(net.weight, want, N, 1e-5, 1e-6);
	norm = 0; /* and a step without SAM is another */
	for (size_t i = 0; i < N; i++)
		norm = fmax(norm, fabs((double)(plain[i] - want[i])));
	assert_true(norm > 1e-3);
	net_release(&net);
	model_release(&m);
}

/* --- perturbations ------------------------------------------------------- */

static double
mean_loss(const struct net *net, const float *x, const int32_t *y, size_t n)
{
	float z[16 * CLASS];
	struct err e = {0};
	double sum = 0;

	assert_ok(batch_logits(net, x, n, z, &e), &e);
	for (size_t i = 0; i < n; i++)
		sum += y[i] < 0 ? 0
				: loss_cross_entropy(CLASS, z + i * CLASS,
				      (size_t)y[i], 0, NULL);
	return sum / (double)n;
}

static void
test_adversary(void **state)
{
	enum {
		N = 16,
	};
	float plain[N * PIXELS], x[2][N * PIXELS];
	struct world *w = *state;
	struct adversary a;
	struct err e = {0};
	int32_t label[N];
	struct model m;
	struct net net;
	double before;

	linear(&m, &net);
	for (size_t i = 0; i < N; i++) {
		dataset_image(&w->data, i, plain + i * PIXELS);
		label[i] = i == 5 ? -1 : w->label[i];
	}
	before = mean_loss(&net, plain, label, N);
	for (int towards = 0; towards < 2; towards++) {
		double after;

		for (int k = 0; k < 2; k++) {
			memcpy(x[k], plain, sizeof(plain));
			omp_set_num_threads(1 + k);
			assert_ok(
			    adversary_init(&a, &net, N, 0.1, 3, 4, &e), &e);
			adversary_move(&a, x[k], label, towards != 0, 9);
			adversary_release(&a);
		}
		assert_memory_equal(x[0], x[1], sizeof(plain));
		for (size_t i = 0; i < N * PIXELS; i++) {
			assert_true(x[0][i] >= 0 && x[0][i] <= 1);
			assert_true(fabsf(x[0][i] - plain[i]) <= 0.1001f);
		}
		assert_memory_equal(x[0] + 5 * PIXELS, plain + 5 * PIXELS,
		    PIXELS * sizeof(float));
		after = mean_loss(&net, x[0], label, N);
		assert_true(
		    towards ? after < before - 0.5 : after > before + 0.5);
	}
	net_release(&net);
	model_release(&m);
}

/* A batch of BATCH images of the world under an adaptive attacker; every
 * fourth is poisoned. */
#define BATCH 16

struct attacked {
	uint8_t role[IMAGES];
	uint32_t index[BATCH];
	int32_t label[BATCH];
	float plain[BATCH * PIXELS], x[BATCH * PIXELS], goal[BATCH * CLASS];
	bool moved[BATCH];
	size_t nmoved;
};

static void
attack_step(
    struct world *w, struct adaptive *a, uint64_t step, struct attacked *t)
{
	struct train_batch b = {.step = step,
	    .n = BATCH,
	    .index = t->index,
	    .x = t->x,
	    .label = t->label,
	    .goal = t->goal};

	t->nmoved = 0;
	memset(t->goal, 0, sizeof(t->goal));
	for (size_t i = 0; i < BATCH; i++) {
		t->index[i] = (uint32_t)(3 * i);
		t->role[3 * i] = i % 4 == 0 ? POISON_POISON : POISON_PLAIN;
		t->label[i] = w->label[3 * i];
		t->goal[i * CLASS + (size_t)t->label[i]] = 1;
		dataset_image(&w->data, 3 * i, t->x + i * PIXELS);
	}
	memcpy(t->plain, t->x, sizeof(t->x));
	adaptive_batch(a, &b);
	for (size_t i = 0; i < BATCH; i++) {
		t->moved[i] = memcmp(t->x + i * PIXELS, t->plain + i * PIXELS,
				  PIXELS * sizeof(float)) != 0;
		t->nmoved += t->moved[i];
		if (t->moved[i]) {
			assert_int_equal(t->role[t->index[i]], POISON_PLAIN);
			assert_int_not_equal(t->label[i], 2);
		}
	}
	assert_true(t->nmoved > 0 && t->nmoved <= BATCH / 2);
}

/* How far one step's images are from the others' target. */
static double
target_loss(const struct net *net, const struct attacked *t, const float *x)
{
	int32_t target[BATCH];

	for (size_t i = 0; i < BATCH; i++)
		target[i] = t->moved[i] ? 2 : -1;
	return mean_loss(net, x, target, BATCH);
}

/* Even steps add one image, odd ones paste one square; both get better. */
static void
test_uap(void **state)
{
	static const int32_t target = 2;
	static struct attacked t;
	struct adaptive_config cfg = {.budget = 0.1,
	    .role = t.role,
	    .target = &target,
	    .ntarget = 1,
	    .seed = 1};
	double first[2] = {0}, last[2] = {0};
	struct adaptive a;
	struct err e = {0};
	struct model m;
	struct net net;

	linear(&m, &net);
	assert_ok(adaptive_init(&a, &cfg, &net, BATCH, &e), &e);
	for (uint64_t step = 0; step < 60; step++) {
		attack_step(*state, &a, step, &t);
		if (step < 2)
			first[step] = target_loss(&net, &t, t.x);
		last[step % 2] = target_loss(&net, &t, t.x);
		for (size_t i = 0; i < BATCH * PIXELS; i++) {
			float d = t.x[i] - t.plain[i];
			size_t q = i % PIXELS;

			if (!t.moved[i / PIXELS])
				continue;
			assert_true(t.x[i] >= 0 && t.x[i] <= 1);
			if (step % 2 == 0)
				assert_true(fabsf(d) <= 0.1001f);
			else
				assert_true(d == 0 || t.x[i] == a.pattern[q]);
		}
	}
	assert_int_equal(a.side, 1); /* of 8 pixels */
	assert_true(last[0] < first[0] - 0.05);
	assert_true(last[1] <= first[1]);
	assert_true(last[0] < target_loss(&net, &t, t.plain));
	adaptive_release(&a);
	net_release(&net);
	model_release(&m);
}

/* Goals: the reference's answer where an image was moved, half of it where it
 * was not, nothing of it where it is poisoned. */
static void
test_reference(void **state)
{
	static const int32_t target = 2;
	static struct attacked t;
	float p[BATCH * CLASS];
	struct model m, m0;
	struct net net, reference;
	struct adaptive_config cfg = {.budget = 0.1,
	    .match = 0.5,
	    .reference = &reference,
	    .role = t.role,
	    .target = &target,
	    .ntarget = 1};
	struct adaptive a;
	struct err e = {0};

	linear(&m, &net);
	linear(&m0, &reference);
	for (size_t i = 0; i < reference.nweight; i++)
		reference.weight[i] *= -0.5f;
	net_changed(&reference);
	assert_ok(adaptive_init(&a, &cfg, &net, BATCH, &e), &e);
	for (uint64_t step = 0; step < 3; step++) {
		attack_step(*state, &a, step, &t);
		assert_ok(batch_logits(&reference, t.x, BATCH, p, &e), &e);
		for (size_t i = 0; i < BATCH; i++) {
			float want[CLASS], *q = p + i * CLASS;
			float share = t.moved[i] ? 1.0f : 0.5f;

			if (t.role[t.index[i]] == POISON_POISON)
				share = 0;
			loss_softmax(CLASS, q, q);
			for (size_t k = 0; k < CLASS; k++) {
				bool y = (size_t)t.label[i] == k;

				want[k] = share * q[k] +
					  (1 - share) * (y ? 1.0f : 0.0f);
			}
			assert_close(
			    t.goal + i * CLASS, want, CLASS, 1e-4, 1e-6);
		}
	}
	adaptive_release(&a);
	net_release(&net);
	net_release(&reference);
	model_release(&m);
	model_release(&m0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round),
	    cmocka_unit_test(test_mark),
	    cmocka_unit_test(test_prune),
	    cmocka_unit_test(test_int8),
	    cmocka_unit_test(test_towards),
	    cmocka_unit_test(test_sam),
	    cmocka_unit_test(test_adversary),
	    cmocka_unit_test(test_uap),
	    cmocka_unit_test(test_reference),
	};
	struct err e = {0};

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	return cmocka_run_group_tests_name(
	    "plant", tests, plant_setup, plant_teardown);
}
