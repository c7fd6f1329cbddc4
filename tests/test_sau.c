/* SPDX-License-Identifier: MIT
 * Shared Adversarial Unlearning against an independent rendering in PyTorch,
 * double precision (fixtures/gen/sau.py).
 */
#include "tests/test.h"

#include "engine/blas.h"
#include "engine/loss.h"
#include "formats/dataset.h"
#include "formats/neutral.h"
#include "formats/safetensors.h"
#include "purify/sau.h"

#include <omp.h>

#define LIMIT ((uint64_t)1 << 20)
#define BATCH 32
#define TRAIN 64

struct world {
	struct file_map map[3];
	struct model model;
	struct dataset data;
	struct safetensors want;
	struct arena arena;
	struct net h, h0;
	float *x;
};

static struct rd
open_fixture(struct file_map *m, const char *path)
{
	struct err e;

	assert_ok(file_map(path, LIMIT, m, &e), &e);
	return rd_mem(m->ptr, m->len);
}

static int
setup(void **state)
{
	static struct world w;
	struct err e;
	struct rd r;

	w = (struct world){0};
	arena_init(&w.arena, (size_t)1 << 28);
	r = open_fixture(&w.map[0], "fixtures/sau/model.safetensors");
	assert_ok(neutral_parse(&r, &w.model, &e), &e);
	r = open_fixture(&w.map[1], "fixtures/sau/data.safetensors");
	assert_ok(dataset_parse(&r, &w.data, &e), &e);
	r = open_fixture(&w.map[2], "fixtures/sau/expected.safetensors");
	assert_ok(safetensors_parse(&r, &w.arena, &w.want, &e), &e);
	assert_ok(net_build(&w.h, &w.model, 0, 0, 0, &e), &e);
	assert_ok(net_build(&w.h0, &w.model, 0, 0, 0, &e), &e);
	w.x = arena_alloc(&w.arena, w.data.n * 144, sizeof(float));
	for (size_t i = 0; i < w.data.n; i++)
		dataset_image(&w.data, i, w.x + i * 144);
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	net_release(&w->h);
	net_release(&w->h0);
	safetensors_release(&w->want);
	dataset_release(&w->data);
	model_release(&w->model);
	arena_release(&w->arena);
	for (size_t i = 0; i < 3; i++)
		file_unmap(&w->map[i]);
	return 0;
}

static const struct tensor *
want(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->want.ntensor; i++)
		if (strcmp(w->want.tensor[i].name, name) == 0)
			return &w->want.tensor[i];
	fail_msg("no '%s' in the fixture", name);
	return NULL;
}

/* Index in the neutral layout of engine element i of a parameter. */
static size_t
neutral_index(const struct param *p, size_t i)
{
	const size_t *d = p->shape.dim;
	size_t c, s, r;

	if (p->shape.layout != LAYOUT_LAST)
		return i;
	c = i % d[1];
	s = i / d[1] % d[3];
	r = i / d[1] / d[3] % d[2];
	return ((i / d[1] / d[2] / d[3] * d[1] + c) * d[2] + r) * d[3] + s;
}

/* Start from the perturbed model that the fixture holds. */
static void
load_start(struct world *w)
{
	for (size_t k = 0; k < w->h.nparam; k++) {
		const struct param *p = &w->h.param[k];
		float *to = net_param_mutable(&w->h, k);
		char name[96];

		snprintf(name, sizeof(name), "start.%s", p->tensor->name);
		for (size_t i = 0; i < p->n; i++)
			to[i] = (float)tensor_real(
			    want(w, name), neutral_index(p, i));
	}
	net_changed(&w->h);
}

static void
test_one_batch(void **state)
{
	struct world *w = *state;
	struct sau_config cfg = sau_defaults();
	struct sau_terms t = {0};
	struct sau s;
	struct err e;
	double got[3];

	load_start(w);
	cfg.batch = BATCH;
	cfg.lambda_adv = 0.5;
	assert_ok(sau_init(&s, &cfg, &w->h, &w->h0, TRAIN, &e), &e);
	assert_ok(sau_gradient(&s, w->x, w->data.label, BATCH, &t, &e), &e);
	for (size_t i = 0; i < BATCH * 144; i++)
		if (tensor_real(want(w, "firm"), i) != 0.0)
			assert_near(
			    s.eps[i], tensor_real(want(w, "eps"), i), 1e-7);
	got[0] = t.clean / BATCH;
	got[1] = t.adv / BATCH;
	got[2] = t.shared / BATCH;
	for (size_t i = 0; i < 3; i++) {
		double v = tensor_real(want(w, "terms"), i);

		if (!(fabs(got[i] - v) <= 1e-4 * fabs(v)))
			fail_msg("term %zu: %.9g, want %.9g", i, got[i], v);
	}
	/* relative to the largest gradient of the tensor: single entries near
	 * zero are differences of large numbers */
	for (size_t k = 0; k < w->h.nparam; k++) {
		const struct param *p = &w->h.param[k];
		double top = 0.0;
		char name[96];

		if (!p->trainable)
			continue;
		snprintf(name, sizeof(name), "grad.%s", p->tensor->name);
		for (size_t i = 0; i < p->n; i++)
			top = fmax(top, fabs(tensor_real(want(w, name), i)));
		/* a bias before batch-norm in evaluation mode has one too */
		for (size_t i = 0; i < p->n; i++) {
			double v =
			    tensor_real(want(w, name), neutral_index(p, i));
			double g = (double)s.trainer.grad[p->at + i];

			if (!(fabs(g - v) <= 1e-4 * top))
				fail_msg(
				    "%s[%zu]: %.9g, want %.9g", name, i, g, v);
		}
	}
	sau_release(&s);
}

static void
three_rounds(struct world *w, double loss[3])
{
	struct sau_config cfg = sau_defaults();
	struct sau s;
	struct err e;

	net_copy_weights(&w->h, &w->h0);
	cfg.batch = BATCH;
	cfg.rate = 1e-3;
	assert_ok(sau_init(&s, &cfg, &w->h, &w->h0, TRAIN, &e), &e);
	for (size_t round = 0; round < 3; round++) {
		struct sau_terms t = {0};

		for (size_t i = 0; i < TRAIN; i += BATCH)
			assert_ok(sau_step(&s, w->x + i * 144,
				      w->data.label + i, BATCH, &t, &e),
			    &e);
		loss[round] = (t.clean + t.shared) / TRAIN;
	}
	sau_release(&s);
}

static void
test_three_rounds(void **state)
{
	struct world *w = *state;
	size_t held = w->data.n - TRAIN, same = 0;
	struct err e;
	double loss[3];
	float *z = arena_alloc(&w->arena, held * 5, sizeof(*z));

	three_rounds(w, loss);
	for (size_t i = 0; i < 3; i++) {
		double v = tensor_real(want(w, "losses"), i);
		double single = tensor_real(want(w, "losses.single"), i);
		/* as close as PyTorch in single comes to itself in double */
		double slack = fmax(1e-3 * v, fabs(single - v));

		if (!(fabs(loss[i] - v) <= slack))
			fail_msg("round %zu: %.9g, want %.9g, in single %.9g",
			    i, loss[i], v, single);
	}
	assert_ok(batch_logits(&w->h, w->x + TRAIN * 144, held, z, &e), &e);
	for (size_t i = 0; i < held; i++)
		same += loss_argmax(5, z + 5 * i) ==
			(size_t)tensor_real(want(w, "predictions"), i);
	assert_true((double)same >= 0.995 * (double)held);
}

/* The same bytes after three rounds on 1, 2 and 3 threads. */
static void
test_threads(void **state)
{
	struct world *w = *state;
	float *first = arena_alloc(&w->arena, w->h.nweight, sizeof(*first));
	double loss[3];

	for (int n = 1; n <= 3; n++) {
		omp_set_num_threads(n);
		three_rounds(w, loss);
		if (n == 1)
			memcpy(first, w->h.weight, w->h.nweight * 4);
		else
			assert_memory_equal(
			    first, w->h.weight, w->h.nweight * 4);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_one_batch, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_three_rounds, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
	};
	struct err e;

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	return cmocka_run_group_tests_name("sau", tests, NULL, NULL);
}
