/* SPDX-License-Identifier: MIT
 * What assay-plant does to images, labels and weights: shares that are exact,
 * rounding, pruning, perturbations within their bounds, and a step of SAM as
 * computed by hand.
 */
#include "tests/test.h"

#include "base/rng.h"
#include "engine/blas.h"
#include "engine/loss.h"
#include "engine/train.h"
#include "fixtures/adversary.h"
#include "fixtures/compress.h"
#include "fixtures/recipe.h"
#include "formats/build.h"

#include <omp.h>

#define IMAGES 400
#define SIDE   8
#define PIXELS (SIDE * SIDE)
#define CLASS  4

/* --- recipes ------------------------------------------------------------- */

struct world {
	struct arena arena;
	struct dataset data;
	uint8_t pixel[IMAGES * PIXELS];
	int32_t label[IMAGES];
};

static int
setup(void **state)
{
	static struct world w;
	struct rng r;

	w = (struct world){0};
	arena_init(&w.arena, (size_t)1 << 24);
	rng_init(&r, 1, 1);
	for (size_t i = 0; i < sizeof(w.pixel); i++)
		w.pixel[i] = (uint8_t)rng_below(&r, 256);
	for (size_t i = 0; i < IMAGES; i++)
		w.label[i] = (int32_t)(i % CLASS);
	w.data = (struct dataset){.n = IMAGES,
	    .h = SIDE,
	    .w = SIDE,
	    .c = 1,
	    .u8 = w.pixel,
	    .label = w.label,
	    .classes = CLASS};
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	arena_release(&w->arena);
	return 0;
}

static void
make(struct world *w, const struct recipe_config *cfg, size_t first,
    struct recipe *r)
{
	struct err e = {0};

	assert_ok(
	    recipe_init(r, cfg, &w->data, first, IMAGES - first, &w->arena, &e),
	    &e);
}

static size_t
changed(const struct recipe *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		assert_in_range(r->label[i], 0, CLASS - 1);
		n += r->label[i] != recipe_truth(r, i);
	}
	return n;
}

static void
test_label_noise(void **state)
{
	struct recipe_config cfg = {.label_noise = 0.15, .imbalance = 1};
	struct recipe r, again, other;

	make(*state, &cfg, 0, &r);
	assert_int_equal(r.relabelled, 60);
	assert_int_equal(changed(&r), 60);
	make(*state, &cfg, 0, &again);
	assert_memory_equal(r.label, again.label, r.n * sizeof(*r.label));
	cfg.seed = 1;
	make(*state, &cfg, 0, &other);
	assert_int_equal(changed(&other), 60);
	assert_memory_not_equal(r.label, other.label, r.n * sizeof(*r.label));
	cfg.label_noise = 0;
	make(*state, &cfg, 10, &r);
	assert_int_equal(r.n, 390);
	assert_int_equal(changed(&r), 0);
	assert_int_equal(recipe_truth(&r, 0), 10 % CLASS);
}

/* 100 of each class become 100 / 27^(0, 1/3, 2/3, 1). */
static void
test_imbalance(void **state)
{
	static const size_t want[CLASS] = {4, 11, 33, 100};
	struct recipe_config cfg = {.imbalance = 27};
	size_t count[CLASS] = {0};
	struct recipe r;

	make(*state, &cfg, 0, &r);
	assert_int_equal(r.n, 4 + 11 + 33 + 100);
	for (size_t i = 0; i < r.n; i++) {
		count[recipe_truth(&r, i)]++;
		assert_true(i == 0 || r.image[i] > r.image[i - 1]);
	}
	for (size_t k = 0; k < CLASS; k++) {
		size_t found = 0;

		for (size_t i = 0; i < CLASS; i++)
			found += count[i] == want[k];
		assert_int_equal(found, 1);
	}
}

static void
test_flip(void **state)
{
	struct recipe_config cfg = {.flip = true, .imbalance = 1};
	float plain[PIXELS], x[PIXELS], spare[PIXELS];
	struct world *w = *state;
	size_t turned = 0;
	struct recipe r;

	make(w, &cfg, 0, &r);
	dataset_image(&w->data, 3, plain);
	for (uint64_t draw = 0; draw < 200; draw++) {
		bool flipped;

		recipe_image(&r, 3, draw, x, spare);
		flipped = x[0] == plain[SIDE - 1];
		turned += flipped;
		for (size_t i = 0; i < PIXELS; i++) {
			size_t to = i / SIDE * SIDE + SIDE - 1 - i % SIDE;

			assert_true(x[i] == plain[flipped ? to : i]);
		}
	}
	assert_in_range(turned, 70, 130);
}

/* Nothing but a square changes, and it has one grey. */
static void
test_erase(void **state)
{
	struct recipe_config cfg = {.erase = 3, .imbalance = 1};
	float plain[PIXELS], x[PIXELS], spare[PIXELS];
	struct world *w = *state;
	size_t whole = 0;
	struct recipe r;

	make(w, &cfg, 0, &r);
	dataset_image(&w->data, 3, plain);
	for (uint64_t draw = 0; draw < 200; draw++) {
		size_t lo = PIXELS, hi = 0, left = SIDE, right = 0;

		recipe_image(&r, 3, draw, x, spare);
		for (size_t i = 0; i < PIXELS; i++) {
			if (x[i] == plain[i])
				continue;
			lo = MIN(lo, i);
			hi = MAX(hi, i);
			left = MIN(left, i % SIDE);
			right = MAX(right, i % SIDE);
			assert_true(x[i] == x[lo]);
		}
		assert_true(hi >= lo && hi / SIDE - lo / SIDE < 3);
		assert_true(right - left < 3);
		whole += hi / SIDE - lo / SIDE == 2 && right - left == 2;
	}
	assert_in_range(whole, 80, 199);
}

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_label_noise),
	    cmocka_unit_test(test_imbalance),
	    cmocka_unit_test(test_flip),
	    cmocka_unit_test(test_erase),
	    cmocka_unit_test(test_round),
	    cmocka_unit_test(test_mark),
	    cmocka_unit_test(test_prune),
	    cmocka_unit_test(test_int8),
	    cmocka_unit_test(test_towards),
	    cmocka_unit_test(test_sam),
	    cmocka_unit_test(test_adversary),
	};
	struct err e = {0};

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	return cmocka_run_group_tests_name("plant", tests, setup, teardown);
}
