/* SPDX-License-Identifier: MIT
 * What a net starts its training with (train_reset): each kind of parameter of
 * a small vision transformer, among them one behind a transposition; and by how
 * much its layers move (layer_rates).
 */
#include "engine/layer.h"
#include "engine/regrow.h"
#include "engine/train.h"
#include "formats/build.h"
#include "tests/test.h"

#define SIDE   16
#define WIDTH  32
#define TOKENS 16
#define HIDDEN 64

static const char *
tensor(struct model *m, const char *name, size_t a, size_t b, size_t c)
{
	size_t dim[3] = {a, b, c}, rank = c != 0 ? 3 : b != 0 ? 2 : 1, n = a;
	float *x = build_tensor(m, name, rank, dim);

	n *= (b != 0 ? b : 1) * (c != 0 ? c : 1);
	for (size_t i = 0; i < n; i++)
		x[i] = 5.0f + (float)i; /* the suspect's */
	return name;
}

static const char *
node(struct model *m, const char *op, const char *name, const char *x,
    const char *y)
{
	return build_node(
	    m, op, name, (const char *[]){x, y}, y != NULL ? 2 : 1);
}

static const char *
tokens(struct model *m)
{
	const char *v;
	float *w = build_tensor(m, "patch", 4, (size_t[]){WIDTH, 1, 4, 4});

	for (size_t i = 0; i < WIDTH * 16; i++)
		w[i] = 5.0f;
	v = build_node(m, "Conv", "embed",
	    (const char *[]){"image", "patch", tensor(m, "bias", WIDTH, 0, 0)},
	    3);
	build_ints(m, "strides", 2, (int64_t[]){4, 4});
	v = node(m, "Reshape", "rows", v, NULL);
	build_ints(m, "shape", 3, (int64_t[]){0, WIDTH, TOKENS});
	v = node(m, "Transpose", "tokens", v, NULL);
	build_ints(m, "perm", 3, (int64_t[]){0, 2, 1});
	/* two images at a time, as an exporter writes the class token */
	v = node(m, "Concat", "with", tensor(m, "class", 2, 1, WIDTH), v);
	build_int(m, "axis", 1);
	return node(
	    m, "Add", "placed", v, tensor(m, "place", 1, TOKENS + 1, WIDTH));
}

static void
transformer(struct model *m)
{
	const char *v, *x;

	build_begin(m, SIDE, SIDE, 1);
	m->shape[0] = 2;
	x = tokens(m);
	v = build_node(m, "LayerNormalization", "norm",
	    (const char *[]){x, tensor(m, "scale", WIDTH, 0, 0),
		tensor(m, "shift", WIDTH, 0, 0)},
	    3);
	v = node(m, "MatMul", "up", v, tensor(m, "up.w", WIDTH, HIDDEN, 0));
	v = node(m, "Add", "up.b", v, tensor(m, "up.bias", HIDDEN, 0, 0));
	v = node(m, "PRelu", "act", v, tensor(m, "slope", HIDDEN, 0, 0));
	node(m, "Transpose", "turned", tensor(m, "down.w", WIDTH, HIDDEN, 0),
	    NULL);
	build_ints(m, "perm", 2, (int64_t[]){1, 0});
	v = node(m, "MatMul", "down", v, "turned");
	v = node(m, "Mul", "scaled", v, tensor(m, "gamma", WIDTH, 0, 0));
	v = node(m, "Add", "sum", v, x);
	v = node(m, "ReduceMean", "mean", v, NULL);
	build_ints(m, "axes", 1, (int64_t[]){1});
	build_int(m, "keepdims", 0);
	v = node(m, "MatMul", "logits", v, tensor(m, "head", WIDTH, 4, 0));
	build_end(m, v, 4);
}

struct whole {
	struct model m, grown;
	struct regrow note;
	struct arena arena;
	struct net net;
};

static int
setup(void **state)
{
	static struct whole w;
	struct err e;

	transformer(&w.m);
	arena_init(&w.arena, (size_t)1 << 26);
	assert_ok(regrow_model(&w.m, &w.arena, &w.grown, &w.note, &e), &e);
	assert_int_equal(w.note.norms, 0);
	assert_true(w.note.layer_norm);
	assert_ok(net_build(&w.net, &w.grown, 0, 0, 0, &e), &e);
	assert_int_equal(w.net.batch, 2);
	train_reset(&w.net, 1);
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct whole *w = *state;

	net_release(&w->net);
	arena_release(&w->arena);
	model_release(&w->m);
	return 0;
}

/* The tensor that a node of the grown model has at an input. */
struct want {
	const char *name;
	size_t node, input;
	double mean, sd;
};

/* He: sqrt(2 / inputs) */
static const struct want wants[] = {
    {"convolution", 0, 1, 0.0, 0.35355},
    {"bias of it", 0, 2, 0.0, 0.0},
    {"class token", 3, 0, 0.0, 0.02},
    {"positions", 4, 1, 0.0, 0.02},
    {"scale of layer norm", 5, 1, 1.0, 0.0},
    {"shift of layer norm", 5, 2, 0.0, 0.0},
    {"product", 6, 1, 0.0, 0.25},
    {"added bias", 7, 1, 0.0, 0.0},
    {"slope", 8, 1, 0.25, 0.0},
    {"product, transposed", 9, 0, 0.0, 0.17678},
    {"layer scale", 11, 1, 0.1, 0.0},
    {"logits", 14, 1, 0.0, 0.25},
};

static void
check(const struct net *net, const struct model *m, const struct want *want)
{
	const char *name = m->node[want->node].in[want->input];
	double mean = 0.0, square = 0.0;
	size_t n = 0;

	for (size_t p = 0; p < net->nparam; p++) {
		const float *x = net_param(net, p);

		if (strcmp(net->param[p].tensor->name, name) != 0)
			continue;
		n = net->param[p].n;
		for (size_t i = 0; i < n; i++) {
			mean += (double)x[i] / (double)n;
			square += (double)x[i] * (double)x[i] / (double)n;
		}
	}
	if (n == 0)
		fail_msg("%s: no parameter '%s'", want->name, name);
	/* within three or more standard errors of what it is drawn from */
	if (fabs(mean - want->mean) > 1e-6 + 4.0 * want->sd / sqrt((double)n) ||
	    fabs(sqrt(fmax(square - mean * mean, 0.0)) - want->sd) >
		1e-3 + 0.25 * want->sd)
		fail_msg("%s: mean %g, deviation %g, want %g and %g",
		    want->name, mean, sqrt(square - mean * mean), want->mean,
		    want->sd);
}

static void
test_start(void **state)
{
	const struct whole *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(wants); i++)
		check(&w->net, &w->grown, &wants[i]);
	assert_int_equal(w->note.kept, 0);
}

/* Every number that training changes has been set: none is the suspect's
 * when its own model is reset. */
static void
test_all_set(void **state)
{
	const struct whole *w = *state;
	struct net net;
	struct err e;

	assert_ok(net_build(&net, &w->m, 0, 0, 0, &e), &e);
	for (size_t i = 0; i < net.nweight; i++)
		assert_true(net.weight[i] >= 5.0f);
	train_reset(&net, 2);
	for (size_t i = 0; i < net.nweight; i++)
		assert_true(net.weight[i] < 5.0f);
	net_release(&net);
}

static void
test_seed(void **state)
{
	const struct whole *w = *state;
	struct net a, b;
	struct err e;

	assert_ok(net_build(&a, &w->m, 0, 0, 0, &e), &e);
	assert_ok(net_build(&b, &w->grown, 0, 0, 0, &e), &e);
	train_reset(&a, 3);
	train_reset(&b, 3);
	assert_memory_equal(a.weight, b.weight, a.nweight * sizeof(float));
	train_reset(&b, 4);
	assert_memory_not_equal(a.weight, b.weight, a.nweight * sizeof(float));
	net_release(&a);
	net_release(&b);
}

/* Layers of more than 20 inputs move less, each by its own; what does not
 * multiply by its weights does not. */
static void
test_rates(void **state)
{
	static const struct {
		const char *name;
		float factor;
	} want[] = {{"up.w", 20.0f / WIDTH}, {"down.w", 20.0f / HIDDEN},
	    {"head", 20.0f / WIDTH}};
	const struct whole *w = *state;
	struct optim_part *part;
	struct arena a;
	struct net net;
	size_t n, seen = 0;
	struct err e;

	arena_init(&a, (size_t)1 << 20);
	assert_ok(net_build(&net, &w->m, 0, 0, 0, &e), &e);
	assert_ok(layer_rates(&net, 20, &a, &part, &n, &e), &e);
	assert_int_equal(n, ARRAY_LEN(want));
	for (size_t i = 0; i < n; i++) {
		assert_true(i == 0 || part[i].from >= part[i - 1].to);
		for (size_t p = 0; p < net.nparam; p++)
			for (size_t k = 0; k < ARRAY_LEN(want); k++)
				seen += net.param[p].trainable &&
					net.param[p].at == part[i].from &&
					net.param[p].n ==
					    part[i].to - part[i].from &&
					strcmp(net.param[p].tensor->name,
					    want[k].name) == 0 &&
					part[i].factor == want[k].factor;
	}
	assert_int_equal(seen, n);
	assert_ok(layer_rates(&net, HIDDEN, &a, &part, &n, &e), &e);
	assert_int_equal(n, 0);
	net_release(&net);
	arena_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_start),
	    cmocka_unit_test(test_all_set),
	    cmocka_unit_test(test_seed),
	    cmocka_unit_test(test_rates),
	};

	return cmocka_run_group_tests_name("reset", tests, setup, teardown);
}
