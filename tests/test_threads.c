/* SPDX-License-Identifier: MIT
 * The same bytes for any number of threads: logits, gradients, shared PGD and
 * rounds of SAU, on nets of every kind of kernel, with a smaller last chunk.
 */
#include "tests/test.h"

#include "base/file.h"
#include "base/rng.h"
#include "engine/blas.h"
#include "engine/loss.h"
#include "formats/neutral.h"
#include "purify/sau.h"

#include <omp.h>

#define IMAGES 61 /* seven chunks of eight and one of five */
#define CHUNK  8

static const char *const nets[] = {
    "convolutions",   /* grouped, dilated, depthwise, batch-norm */
    "grad-attention", /* MatMul, Softmax, LayerNormalization, Erf */
    "grad-depthwise",
    "grad-winograd-train", /* with batch-norm and a residual block */
};

static const int threads[] = {1, 2, 3, 8};

struct world {
	struct file_map file;
	struct model m;
	struct net net;
	struct arena a;
	float *x;
	int32_t label[IMAGES];
	float *logits; /* what entropy_loss saw */
};

static float *
floats(struct world *w, size_t n)
{
	float *p = arena_alloc(&w->a, n + 1, sizeof(*p));

	assert_non_null(p);
	return p;
}

static size_t
image_floats(const struct world *w)
{
	return w->net.h * w->net.w * w->net.c;
}

static void
world_open(struct world *w, const char *name)
{
	char path[128];
	struct err e = {0};
	struct rng g;
	struct rd r;

	*w = (struct world){0};
	arena_init(&w->a, (size_t)1 << 30);
	snprintf(path, sizeof(path), "fixtures/engine/%s.safetensors", name);
	assert_ok(file_map(path, 1 << 20, &w->file, &e), &e);
	r = rd_mem(w->file.ptr, w->file.len);
	assert_ok(neutral_parse(&r, &w->m, &e), &e);
	assert_ok(net_build(&w->net, &w->m, 0, 0, 0, &e), &e);
	w->net.chunk = CHUNK;
	w->x = floats(w, IMAGES * image_floats(w));
	w->logits = floats(w, IMAGES * w->net.classes);
	rng_init(&g, 5, 1);
	for (size_t i = 0; i < IMAGES * image_floats(w); i++)
		w->x[i] = rng_float(&g);
	for (size_t i = 0; i < IMAGES; i++)
		w->label[i] = (int32_t)rng_below(&g, w->net.classes);
}

static void
world_close(struct world *w)
{
	omp_set_num_threads(2);
	net_release(&w->net);
	model_release(&w->m);
	file_unmap(&w->file);
	arena_release(&w->a);
}

/* --- steps --------------------------------------------------------------- */

static double
entropy_loss(
    void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	struct world *w = ctx;
	size_t k = w->net.classes;
	double sum = 0.0;

	memcpy(w->logits + first * k, logits, n * k * sizeof(*logits));
	memset(dlogits, 0, n * k * sizeof(*dlogits));
	for (size_t i = 0; i < n; i++)
		sum += loss_cross_entropy(k, logits + i * k,
		    (size_t)w->label[first + i], 1.0f / IMAGES,
		    dlogits + i * k);
	return sum;
}

static void
step_same(const char *name, enum batch_mode mode)
{
	size_t nx, ny;
	struct world w;
	double loss = 0.0;
	float *first[3], *now[3];

	world_open(&w, name);
	nx = IMAGES * image_floats(&w);
	ny = IMAGES * w.net.classes;
	for (size_t k = 0; k < 2; k++) {
		float **to = k == 0 ? first : now;

		to[0] = floats(&w, nx);
		to[1] = floats(&w, w.net.nweight);
		to[2] = floats(&w, ny);
	}
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		float **to = i == 0 ? first : now;
		struct err e = {0};
		struct batch b;
		double sum;

		omp_set_num_threads(threads[i]);
		assert_ok(batch_init(&b, &w.net, IMAGES,
			      PLAN_DATA | PLAN_WEIGHTS, mode, &e),
		    &e);
		assert_int_equal(b.nchunk, 8);
		sum = batch_step(&b, w.x, entropy_loss, &w, to[0], to[1]);
		batch_release(&b);
		memcpy(to[2], w.logits, ny * sizeof(float));
		if (i == 0)
			loss = sum;
		assert_memory_equal(&sum, &loss, sizeof(sum));
		assert_memory_equal(to[0], first[0], nx * sizeof(float));
		assert_memory_equal(
		    to[1], first[1], w.net.nweight * sizeof(float));
		assert_memory_equal(to[2], first[2], ny * sizeof(float));
	}
	assert_true(loss > 0.0);
	world_close(&w);
}

static void
test_eval(void **state)
{
	step_same(*state, BATCH_EVAL);
}

static void
test_train(void **state)
{
	step_same(*state, BATCH_TRAIN);
}

/* --- attacks ------------------------------------------------------------- */

/* Another net of the same model, a little apart. */
static void
second_net(struct world *w, struct net *h0)
{
	struct err e = {0};
	struct rng g;

	assert_ok(net_build(h0, &w->m, 0, 0, 0, &e), &e);
	h0->chunk = CHUNK;
	rng_init(&g, 6, 1);
	for (size_t i = 0; i < h0->nweight; i++)
		h0->weight[i] *= 0.9f + 0.2f * rng_float(&g);
	net_changed(h0);
}

static void
test_spgd(void **state)
{
	struct spgd_config cfg = spgd_defaults();
	struct world w;
	struct net h0;
	float *eps[2];
	static int32_t c[2][4][IMAGES];

	world_open(&w, *state);
	second_net(&w, &h0);
	cfg.init = SPGD_RANDOM;
	eps[0] = floats(&w, IMAGES * image_floats(&w));
	eps[1] = floats(&w, IMAGES * image_floats(&w));
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		size_t k = i != 0;
		struct spgd_result r = {
		    eps[k], c[k][0], c[k][1], c[k][2], c[k][3]};
		struct err e = {0};
		struct spgd s;

		omp_set_num_threads(threads[i]);
		assert_ok(spgd_init(&s, &cfg, &w.net, &h0, IMAGES, &e), &e);
		spgd_attack(&s, w.x, w.label, IMAGES, 3, &r);
		spgd_release(&s);
		assert_memory_equal(
		    eps[k], eps[0], IMAGES * image_floats(&w) * sizeof(float));
		assert_memory_equal(c[k], c[0], sizeof(c[0]));
	}
	net_release(&h0);
	world_close(&w);
}

/* One round: batches of 24, 24 and 13 images. */
static void
sau_round(struct world *w, const struct net *h0, struct sau_terms *t)
{
	struct sau_config cfg = sau_defaults();
	struct err e = {0};
	struct sau s;

	cfg.batch = 24;
	cfg.rate = 1e-2;
	assert_ok(sau_init(&s, &cfg, &w->net, h0, IMAGES, &e), &e);
	for (size_t i = 0; i < IMAGES; i += cfg.batch)
		assert_ok(sau_step(&s, w->x + i * image_floats(w), w->label + i,
			      MIN(cfg.batch, IMAGES - i), t, &e),
		    &e);
	sau_release(&s);
}

static void
test_sau(void **state)
{
	struct world w;
	struct net h0;
	struct sau_terms first = {0};
	float *start, *after;
	size_t size;

	world_open(&w, *state);
	second_net(&w, &h0);
	size = w.net.nweight * sizeof(float);
	start = floats(&w, w.net.nweight);
	after = floats(&w, w.net.nweight);
	memcpy(start, w.net.weight, size);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		struct sau_terms t = {0};

		omp_set_num_threads(threads[i]);
		memcpy(w.net.weight, start, size);
		net_changed(&w.net);
		sau_round(&w, &h0, &t);
		if (i == 0) {
			first = t;
			memcpy(after, w.net.weight, size);
		}
		assert_memory_equal(&t, &first, sizeof(t));
		assert_memory_equal(w.net.weight, after, size);
	}
	assert_memory_not_equal(start, after, size);
	net_release(&h0);
	world_close(&w);
}

int
main(void)
{
	static const struct {
		const char *what;
		void (*fn)(void **);
	} kind[] = {{"evaluation", test_eval}, {"training", test_train},
	    {"shared PGD", test_spgd}, {"a round of SAU", test_sau}};
	struct CMUnitTest tests[ARRAY_LEN(nets) * ARRAY_LEN(kind)];
	static char name[ARRAY_LEN(nets) * ARRAY_LEN(kind)][80];
	struct err e = {0};
	size_t n = 0;

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(nets); i++)
		for (size_t k = 0; k < ARRAY_LEN(kind); k++, n++) {
			snprintf(name[n], sizeof(name[n]), "%s: %s", nets[i],
			    kind[k].what);
			tests[n] = (struct CMUnitTest){name[n], kind[k].fn,
			    NULL, NULL, (void *)(uintptr_t)nets[i]};
		}
	return _cmocka_run_group_tests("threads", tests, n, NULL, NULL);
}
