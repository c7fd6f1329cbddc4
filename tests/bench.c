/* SPDX-License-Identifier: MIT
 * For tests/bench.py: times the engine pass by pass, so that the script can
 * take turns with its peers.  Threads as OMP_NUM_THREADS says.
 *
 *     bench logits|gradient|train MODEL DATA N
 *     bench sau MODEL DATA N SUSPECT
 *     bench peak
 *
 * MODEL and SUSPECT are neutral; DATA holds N images (NHWC floats), then N
 * labels (32-bit).  Prints "ready MULTIPLY-ADDS" (of one image's forward
 * pass); then, for each line on standard input, the milliseconds of one pass,
 * for sau also the images that came out shared; at the end "memory KIB", by
 * how much the passes raised the resident set.  "peak" prints GFLOP/s of the
 * matrix product instead of milliseconds.
 */
#include "engine/batch.h"
#include "engine/blas.h"
#include "engine/loss.h"
#include "engine/optim.h"
#include "engine/start.h"
#include "formats/neutral.h"
#include "purify/sau.h"

#include <omp.h>
#include <stdlib.h>
#include <time.h>

#define PEAK_SIDE 768

struct bench {
	struct arena arena;
	struct file_map data;
	struct net net, suspect;
	struct batch batch;
	struct optim optim;
	struct sau sau;
	bool train;
	size_t n;
	const float *x;
	const int32_t *y;
	float *dx, *grad; /* NULL where not asked for */
};

static void
check(int rc, const struct err *e)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s\n", e->msg);
	exit(2);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static float *
floats(struct bench *b, size_t n)
{
	float *p = arena_alloc(&b->arena, n + 1, sizeof(*p));

	if (p == NULL)
		BUG("out of memory");
	return p;
}

/* A field of /proc/self/status, in KiB.  ru_maxrss would do, were it not
 * inherited over exec. */
static long
status(const char *field)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];
	long v = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, field, strlen(field)) == 0)
			v = strtol(line + strlen(field) + 1, NULL, 10);
	if (f != NULL)
		fclose(f);
	return v;
}

static void
forget_peak(void)
{
	FILE *f = fopen("/proc/self/clear_refs", "we");

	if (f == NULL)
		return;
	fputs("5", f);
	fclose(f);
}

static double
entropy(void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	const struct bench *b = ctx;
	size_t k = b->net.classes;
	double v = 0.0;

	if (dlogits == NULL)
		return 0.0;
	memset(dlogits, 0, n * k * sizeof(*dlogits));
	for (size_t i = 0; i < n; i++)
		v += loss_cross_entropy(k, logits + i * k,
		    (size_t)b->y[first + i], 1.0f / (float)b->n,
		    dlogits + i * k);
	return v;
}

/* --- cases --------------------------------------------------------------- */

/* The model stays mapped for as long as the program runs. */
static void
open_net(struct net *net, const char *path)
{
	static struct file_map map[2];
	static struct model model[2];
	static size_t used;
	struct err e = {0};
	struct rd r;

	check(file_map(path, UINT32_MAX, &map[used], &e), &e);
	r = rd_mem(map[used].ptr, map[used].len);
	check(neutral_parse(&r, &model[used], &e), &e);
	check(net_build(net, &model[used], 0, 0, 0, &e), &e);
	used++;
}

static void
open_data(struct bench *b, const char *path)
{
	size_t image = b->net.h * b->net.w * b->net.c;
	struct err e = {0};

	check(file_map(path, UINT32_MAX, &b->data, &e), &e);
	if (b->data.len != b->n * (image * sizeof(*b->x) + sizeof(*b->y)))
		BUG("data of another size");
	b->x = (const float *)(const void *)b->data.ptr;
	b->y = (const int32_t *)(const void *)(b->x + b->n * image);
}

static void
open_step(struct bench *b, const char *name)
{
	const struct optim_config sgd = {.kind = OPTIM_SGD, .momentum = 0.9f};
	unsigned want = PLAN_FORWARD;
	struct err e = {0};

	if (strcmp(name, "gradient") == 0) {
		want = PLAN_DATA;
		b->dx = floats(b, b->n * b->net.h * b->net.w * b->net.c);
	}
	if (strcmp(name, "train") == 0) {
		want = PLAN_WEIGHTS;
		b->train = true;
		b->grad = floats(b, b->net.nweight);
		check(
		    optim_init(&b->optim, &sgd, b->net.nweight, &b->arena, &e),
		    &e);
	}
	check(batch_init(&b->batch, &b->net, b->n, want,
		  b->train ? BATCH_TRAIN : BATCH_EVAL, &e),
	    &e);
}

static void
pass(struct bench *b)
{
	double from = now();

	batch_step(&b->batch, b->x, entropy, b, b->dx, b->grad);
	if (b->train) {
		optim_step(&b->optim, 0.001f, b->grad, b->net.weight);
		batch_update_statistics(&b->batch, &b->net, 0.1f);
	}
	printf("%.4f\n", now() - from);
}

static void
open_sau(struct bench *b)
{
	struct sau_config cfg = sau_defaults();
	struct err e = {0};

	cfg.batch = b->n;
	check(sau_init(&b->sau, &cfg, &b->net, &b->suspect, b->n, &e), &e);
}

static void
pass_sau(struct bench *b)
{
	struct sau_terms t = {0};
	double from = now();
	struct err e = {0};

	check(sau_step(&b->sau, b->x, b->y, b->n, &t, &e), &e);
	printf("%.4f %" PRIu64 "\n", now() - from, t.nshared);
}

/* Every thread multiplies matrices of its own. */
static void
pass_peak(struct bench *b)
{
	const size_t k = PEAK_SIDE, threads = (size_t)omp_get_max_threads();
	double from, flop = 2.0 * (double)(k * k * k) * (double)threads;

	if (b->grad == NULL)
		b->grad = floats(b, 3 * k * k * threads);
	from = now();
#pragma omp parallel for schedule(static, 1)
	for (size_t i = 0; i < threads; i++) {
		float *m = b->grad + 3 * k * k * i;
		struct blas_matrix p = {m, k}, q = {m + k * k, k};

		blas_nn(k, k, k, p, q, 0.0f, m + 2 * k * k, k);
	}
	printf("%.1f\n", 1e-6 * flop / (now() - from));
}

int
main(int argc, char **argv)
{
	static struct bench b;
	const char *name = argc > 1 ? argv[1] : "";
	bool peak = strcmp(name, "peak") == 0, sau = strcmp(name, "sau") == 0;
	struct err e = {0};
	char line[16];
	long before;

	start_environment(argv);
	if (!peak && argc < (sau ? 6 : 5)) {
		fprintf(stderr, "usage: bench CASE MODEL DATA N [SUSPECT]\n");
		return 2;
	}
	check(start_engine(0, &e), &e);
	arena_init(&b.arena, (size_t)16 << 30);
	if (!peak) {
		b.n = (size_t)strtoul(argv[4], NULL, 10);
		open_net(&b.net, argv[2]);
		if (sau)
			open_net(&b.suspect, argv[5]);
		open_data(&b, argv[3]);
	}
	forget_peak();
	before = status("VmRSS:");
	if (sau)
		open_sau(&b);
	else if (!peak)
		open_step(&b, name);
	printf("ready %zu\n", b.net.macs);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		peak ? pass_peak(&b) : sau ? pass_sau(&b) : pass(&b);
		fflush(stdout);
	}
	printf("memory %ld\n", status("VmHWM:") - before);
	return 0;
}
