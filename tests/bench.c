/* SPDX-License-Identifier: MIT
 * For tests/bench.py: times the engine, round by round, so that the script
 * can take turns with PyTorch.
 *
 *     bench IMAGES
 *
 * First prints one line per case: name, images, multiply-adds of an image's
 * forward pass, and how many times those a case costs.  Then, for each line
 * on standard input, one line with the milliseconds of every case.
 */
#include "base/rng.h"
#include "engine/batch.h"
#include "engine/blas.h"
#include "engine/loss.h"
#include "engine/optim.h"
#include "fixtures/arch.h"
#include "formats/build.h"

#include <stdlib.h>
#include <time.h>

#define CLASSES 10

/* Pixels, channels and depth as assay-plant trains them by default. */
static const struct {
	const char *name;
	struct arch_config cfg;
} nets[] = {
    {"vgg", {28, 28, 1, CLASSES, 16, 1, 3}},
    {"preact", {32, 32, 3, CLASSES, 16, 1, 3}},
};

static const struct {
	const char *name;
	unsigned want;
	enum batch_mode mode;
	size_t passes; /* of the forward pass's work */
} cases[] = {
    {"logits", PLAN_FORWARD, BATCH_EVAL, 1},
    {"input gradient", PLAN_DATA, BATCH_EVAL, 2},
    {"training step", PLAN_WEIGHTS, BATCH_TRAIN, 3},
};

struct bench {
	struct model m;
	struct net net;
	struct batch batch[ARRAY_LEN(cases)];
	struct optim optim;
	float *x, *dx, *grad;
};

static struct arena arena;

static float *
noise(size_t n)
{
	float *p = arena_alloc(&arena, n + 1, sizeof(*p));
	struct rng r;

	if (p == NULL)
		BUG("out of memory");
	rng_init(&r, 3, n);
	for (size_t i = 0; i < n; i++)
		p[i] = rng_float(&r);
	return p;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static double
entropy(void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	double v = 0.0;

	(void)ctx;
	if (dlogits == NULL)
		return 0.0;
	memset(dlogits, 0, n * CLASSES * sizeof(*dlogits));
	for (size_t i = 0; i < n; i++)
		v += loss_cross_entropy(CLASSES, logits + i * CLASSES,
		    (first + i) % CLASSES, 0.01f, dlogits + i * CLASSES);
	return v;
}

static void
check(int rc, const struct err *e)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench: %s\n", e->msg);
	exit(2);
}

static void
open_bench(struct bench *b, size_t k, size_t n)
{
	const struct optim_config sgd = {.kind = OPTIM_SGD, .momentum = 0.9f};
	struct err e = {0};
	struct rng r;

	rng_init(&r, 1, k);
	arch_find(nets[k].name)->build(&b->m, &nets[k].cfg);
	check(net_build(&b->net, &b->m, 0, 0, 0, &e), &e);
	for (size_t i = 0; i < b->net.nweight; i++)
		b->net.weight[i] = 0.2f * (rng_float(&r) - 0.5f);
	for (size_t i = 0; i < b->net.nfixed; i++)
		b->net.fixed[i] = 1.0f; /* running statistics */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		check(batch_init(&b->batch[i], &b->net, n, cases[i].want,
			  cases[i].mode, &e),
		    &e);
		printf("%s, %s\t%zu\t%zu\t%zu\n", nets[k].name, cases[i].name,
		    n, b->net.macs, cases[i].passes);
	}
	b->x = noise(n * b->net.h * b->net.w * b->net.c);
	b->dx = noise(n * b->net.h * b->net.w * b->net.c);
	b->grad = noise(b->net.nweight);
	optim_init(&b->optim, &sgd, b->net.nweight, &arena);
}

static void
time_bench(struct bench *b)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		double from = now();
		bool data = cases[i].want == PLAN_DATA;
		bool train = cases[i].want == PLAN_WEIGHTS;

		batch_step(&b->batch[i], b->x, entropy, NULL,
		    data ? b->dx : NULL, train ? b->grad : NULL);
		if (train)
			optim_step(&b->optim, 0.001f, b->grad, b->net.weight);
		printf("%.4f ", now() - from);
	}
}

/* --- one convolution, fast and by plain loops ---------------------------- */

#define LAYER_IMAGES 8

static struct {
	struct model m;
	struct net net;
	struct run run;
	float *x, *out;
} layer;

static void
open_layer(void)
{
	size_t dim[] = {32, 16, 3, 3};
	struct err e = {0};
	const char *v;

	build_begin(&layer.m, 28, 28, 16);
	build_tensor(&layer.m, "w", 4, dim);
	v = build_node(
	    &layer.m, "Conv", "c", (const char *[]){"image", "w"}, 2);
	build_ints(&layer.m, "pads", 4, (int64_t[]){1, 1, 1, 1});
	v = build_node(&layer.m, "GlobalAveragePool", "p", &v, 1);
	v = build_node(&layer.m, "Flatten", "f", &v, 1);
	build_end(&layer.m, v, 32);
	check(net_build(&layer.net, &layer.m, 0, 0, 0, &e), &e);
	check(run_init(&layer.run, &layer.net, LAYER_IMAGES, PLAN_FORWARD, &e),
	    &e);
	memcpy(layer.net.weight, noise(layer.net.nweight),
	    layer.net.nweight * sizeof(float));
	layer.x = noise((size_t)LAYER_IMAGES * 28 * 28 * 16);
	layer.out = noise((size_t)LAYER_IMAGES * 28 * 28 * 32);
	printf("3x3 convolution 16 to 32, engine\t%d\t%zu\t1\n", LAYER_IMAGES,
	    layer.net.macs);
	printf("3x3 convolution 16 to 32, plain loops\t%d\t%zu\t1\n",
	    LAYER_IMAGES, layer.net.macs);
}

static void
time_layer(void)
{
	const struct step *s = &layer.net.step[0];
	const struct plan *p = &layer.run.plan;
	const struct shape *shape[] = {&p->shape[0], &p->shape[s->in[1]]};
	const float *in[] = {layer.x, layer.net.weight};
	struct op_call c = {.step = s,
	    .shape_in = shape,
	    .shape_out = &p->shape[s->out],
	    .in = in,
	    .out = layer.out,
	    .scratch = layer.run.mem + p->scratch};
	double from = now();

	s->op->forward(&c);
	printf("%.4f ", now() - from);
	from = now();
	s->op->reference(&c);
	printf("%.4f\n", now() - from);
}

int
main(int argc, char **argv)
{
	static struct bench bench[ARRAY_LEN(nets)];
	size_t n = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 0;
	struct err e = {0};
	char line[16];

	if (n == 0 || n > 4096) {
		fprintf(stderr, "usage: bench IMAGES\n");
		return 2;
	}
	check(blas_init(&e), &e);
	arena_init(&arena, (size_t)4 << 30);
	for (size_t i = 0; i < ARRAY_LEN(nets); i++)
		open_bench(&bench[i], i, n);
	open_layer();
	printf("\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		for (size_t i = 0; i < ARRAY_LEN(nets); i++)
			time_bench(&bench[i]);
		time_layer();
		fflush(stdout);
	}
	return 0;
}
