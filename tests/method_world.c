/* SPDX-License-Identifier: MIT */
#include "tests/method_world.h"

#include "base/rng.h"
#include "formats/neutral.h"

void
random_floats(float *to, size_t n, uint64_t seed, float scale)
{
	struct rng r;

	rng_init(&r, seed, 1);
	for (size_t i = 0; i < n; i++)
		to[i] = scale * (2.0f * rng_float(&r) - 1.0f);
}

void *
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

int
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
	p->hit = need(&w, p->nheld, sizeof(*p->hit));
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

int
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
	p->hit = need(&w, p->nheld, sizeof(*p->hit));
	p->held = p->x + p->ntrain * 144;
	p->held_y = p->y + p->ntrain;
	*state = &w;
	return 0;
}

int
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

void
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

void
start(struct world *w, const struct method *m, size_t batch)
{
	start_in(w, m, batch, m->defaults.mode);
}

void
begin(struct world *w)
{
	struct err e;

	if (w->p.cfg.method->begin != NULL)
		assert_ok(w->p.cfg.method->begin(&w->p, 0, &e), &e);
}

struct method_terms
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
