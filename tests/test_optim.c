/* SPDX-License-Identifier: MIT
 * Optimisers against what PyTorch made of the same numbers (fixtures/engine,
 * made by fixtures/gen/engine.py), and parts of weights with rates of their own.
 */
#include "tests/test.h"

#include "base/file.h"
#include "engine/optim.h"
#include "formats/safetensors.h"

#include <math.h>

#define OPTIM_STEPS 5
#define ADAM        .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f

static const struct {
	const char *name;
	struct optim_config cfg;
} optims[] = {
    {"sgd", {.kind = OPTIM_SGD}},
    {"momentum", {.kind = OPTIM_SGD, .momentum = 0.9f}},
    {"nesterov", {.kind = OPTIM_SGD,
		     .momentum = 0.9f,
		     .nesterov = true,
		     .decay = 0.05f}},
    {"adam", {.kind = OPTIM_ADAM, ADAM}},
    {"adam-decay", {.kind = OPTIM_ADAM, ADAM, .decay = 0.05f}},
    {"amsgrad", {.kind = OPTIM_ADAM, ADAM, .amsgrad = true}},
    {"adamw", {.kind = OPTIM_ADAMW, ADAM, .decay = 0.05f}},
};

static const float *
find(const struct safetensors *s, const char *name, float *to)
{
	for (size_t i = 0; i < s->ntensor; i++)
		if (strcmp(s->tensor[i].name, name) == 0) {
			assert_true(s->tensor[i].size <= 512 * sizeof(*to));
			memcpy(to, s->tensor[i].data, s->tensor[i].size);
			return to;
		}
	fail_msg("no tensor '%s'", name);
	return NULL;
}

static void
test_optim(void **state)
{
	size_t row = (size_t)(uintptr_t)*state, n = 17;
	static float w[512], g[512], want[512];
	struct safetensors s;
	struct file_map f;
	struct arena a;
	struct optim o;
	struct err e = {0};
	struct rd r;

	arena_init(&a, (size_t)1 << 20);
	assert_ok(
	    file_map("fixtures/engine/optim.safetensors", 1 << 20, &f, &e), &e);
	r = rd_mem(f.ptr, f.len);
	assert_ok(safetensors_parse(&r, &a, &s, &e), &e);
	find(&s, "weights", w);
	find(&s, "gradients", g);
	find(&s, optims[row].name, want);
	assert_ok(optim_init(&o, &optims[row].cfg, n, &a, &e), &e);
	for (size_t k = 0; k < OPTIM_STEPS; k++) {
		optim_step(&o, 0.1f, g + k * n, w);
		assert_close(w, want + k * n, n, 2e-6, 1e-6);
	}
	safetensors_release(&s);
	file_unmap(&f);
	arena_release(&a);
}

/* Parts that move by less, across what one thread takes: as an optimiser with
 * that rate moves them. */
static void
test_optim_parts(void **state)
{
	enum {
		N = 50000,
		STEPS = 3
	};
	static const struct optim_part parts[] = {
	    {7, 20000, 0.5f}, {20000, 20001, 0.25f}, {30000, N, 0.5f}};
	static const float rates[] = {1.0f, 0.5f, 0.25f};
	static float g[N], w[ARRAY_LEN(rates) + 1][N];
	struct arena a;
	struct err e;

	(void)state;
	for (size_t i = 0; i < N; i++)
		g[i] = sinf((float)i) + 2.0f;
	for (size_t r = 0; r <= ARRAY_LEN(rates); r++) {
		struct optim_config cfg = optim_adam(true);
		struct optim o;

		arena_init(&a, (size_t)1 << 24);
		assert_ok(optim_init(&o, &cfg, N, &a, &e), &e);
		if (r == ARRAY_LEN(rates)) {
			o.part = parts;
			o.nparts = ARRAY_LEN(parts);
		}
		for (size_t k = 0; k < STEPS; k++)
			optim_step(&o,
			    0.1f * (r < ARRAY_LEN(rates) ? rates[r] : 1.0f), g,
			    w[r]);
		arena_release(&a);
	}
	for (size_t i = 0; i < N; i++) {
		size_t r = i == 20000                          ? 2
			   : i < 7 || (i > 20000 && i < 30000) ? 0
							       : 1;

		assert_true(w[ARRAY_LEN(rates)][i] == w[r][i]);
		assert_true(w[r][i] < 0.0f);
	}
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(optims) + 1];
	static char name[ARRAY_LEN(optims)][80];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(optims); i++, n++) {
		snprintf(name[n], sizeof(name[n]), "%s as PyTorch has it",
		    optims[i].name);
		tests[n] = (struct CMUnitTest){
		    name[n], test_optim, NULL, NULL, (void *)(uintptr_t)i};
	}
	tests[n++] = (struct CMUnitTest){
	    "parts that move by less", test_optim_parts, NULL, NULL, NULL};
	return _cmocka_run_group_tests("optim", tests, n, NULL, NULL);
}
