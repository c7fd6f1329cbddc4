/* SPDX-License-Identifier: MIT
 * The architecture without the weights: batch-norms come back where an
 * exporter folded them (this file folds them itself, and shows that it does so
 * rightly), nothing else changes, and no weight of the model is left.
 */
#include "engine/batch.h"
#include "engine/regrow.h"
#include "engine/train.h"
#include "fixtures/arch.h"
#include "formats/build.h"
#include "tests/test.h"

#define SIDE   8
#define IMAGES 3

static size_t
count(const struct model *m, const char *op)
{
	size_t n = 0;

	for (size_t i = 0; i < m->nnode; i++)
		n += strcmp(m->node[i].op, op) == 0;
	return n;
}

static float *
numbers(const struct model *m, const char *name)
{
	/* of models that build_* made: ours to change */
	return (float *)(uintptr_t)model_tensor(m, name)->data;
}

/* Numbers that are all different and none of them special. */
static void
scatter(const struct model *m, uint64_t seed)
{
	uint64_t s = seed * 2 + 1;

	for (size_t i = 0; i < m->ntensor; i++)
		for (size_t k = 0; k < m->tensor[i].size / 4; k++) {
			s = s * 6364136223846793005u + 1442695040888963407u;
			numbers(m, m->tensor[i].name)[k] =
			    0.1f + 0.4f * (float)(s >> 40) / (float)(1 << 24);
		}
}

static void
logits(const struct model *m, float *out)
{
	float x[IMAGES * SIDE * SIDE];
	struct net net;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		x[i] = (float)(i * 7 % 11) / 11.0f;
	assert_ok(net_build(&net, m, 0, 0, 0, &e), &e);
	assert_ok(batch_logits(&net, x, IMAGES, out, &e), &e);
	net_release(&net);
}

/* --- folding ------------------------------------------------------------- */

static size_t
uses(const struct model *m, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < m->nnode; i++)
		for (size_t k = 0; k < m->node[i].nin; k++)
			n += strcmp(m->node[i].in[k], name) == 0;
	return n;
}

/* w' = w g / sqrt(v + eps), b' = b - mean g / sqrt(v + eps) */
static void
fold(struct model *m, struct node *conv, const struct node *norm)
{
	const struct tensor *w = model_tensor(m, conv->in[1]);
	const float *g = numbers(m, norm->in[1]), *b = numbers(m, norm->in[2]);
	const float *mean = numbers(m, norm->in[3]);
	const float *var = numbers(m, norm->in[4]);
	size_t c = (size_t)w->dim[0], each = w->size / 4 / c;
	const char **in = arena_alloc(&m->arena, 3, sizeof(*in));
	char *name = arena_printf(&m->arena, "%s.folded", conv->name);
	float *bias = build_tensor(m, name, 1, &c);

	for (size_t i = 0; i < c; i++) {
		float s = g[i] / sqrtf(var[i] + 1e-5f);

		bias[i] = b[i] - mean[i] * s;
		for (size_t k = 0; k < each; k++)
			numbers(m, conv->in[1])[i * each + k] *= s;
	}
	assert_non_null(in);
	in[0] = conv->in[0];
	in[1] = conv->in[1];
	in[2] = name;
	conv->in = in;
	conv->nin = 3;
	conv->out = norm->out;
}

/* As exporters do: where nothing but the norm reads the convolution. */
static size_t
fold_all(struct model *m)
{
	size_t folded = 0, n = 0;

	for (size_t i = 0; i < m->nnode; i++) {
		struct node *conv = NULL;

		if (strcmp(m->node[i].op, "BatchNormalization") == 0)
			for (size_t k = 0; k < n; k++)
				if (strcmp(m->node[k].op, "Conv") == 0 &&
				    strcmp(m->node[k].out[0],
					m->node[i].in[0]) == 0 &&
				    uses(m, m->node[i].in[0]) == 1)
					conv = &m->node[k];
		if (conv != NULL) {
			fold(m, conv, &m->node[i]);
			folded++;
		} else {
			m->node[n++] = m->node[i];
		}
	}
	m->nnode = n;
	return folded;
}

static void
plant(struct model *m, const char *arch, uint64_t seed)
{
	arch_find(arch)->build(m, &(struct arch_config){.h = SIDE,
				      .w = SIDE,
				      .c = 1,
				      .classes = 4,
				      .width = 2,
				      .depth = 2,
				      .stages = 2});
	scatter(m, seed);
}

static void
regrow(const struct model *m, struct arena *a, struct model *out,
    struct regrow *note)
{
	struct err e;

	arena_init(a, (size_t)1 << 26);
	assert_ok(regrow_model(m, a, out, note, &e), &e);
	assert_int_equal(count(out, "BatchNormalization"),
	    count(m, "BatchNormalization") + note->norms);
	assert_int_equal(out->nnode, m->nnode + note->norms);
}

struct arch_row {
	const char *name;
	size_t norms, folded;
};

/* preact: the stem and what is added have norms that cannot be folded */
static const struct arch_row arch_rows[] = {
    {"vgg", 4, 4},
    {"preact", 9, 4},
};

static void
test_folded(void **state)
{
	const struct arch_row *row = *state;
	float want[IMAGES * 4], got[IMAGES * 4];
	struct model m, out;
	struct regrow note;
	struct arena a;
	struct net net;
	struct err e;

	plant(&m, row->name, 1);
	assert_int_equal(count(&m, "BatchNormalization"), row->norms);
	logits(&m, want);
	assert_int_equal(fold_all(&m), row->folded);
	assert_int_equal(
	    count(&m, "BatchNormalization"), row->norms - row->folded);
	logits(&m, got);
	assert_close(got, want, ARRAY_LEN(want), 1e-3, 1e-3);

	regrow(&m, &a, &out, &note);
	assert_int_equal(note.norms, row->folded);
	assert_int_equal(note.kept, 0);
	assert_false(note.layer_norm);
	for (size_t i = 0; i < out.nnode; i++)
		if (strcmp(out.node[i].op, "Conv") == 0)
			assert_int_equal(out.node[i].nin, 2);
	assert_ok(net_build(&net, &out, 0, 0, 0, &e), &e);
	train_reset(&net, 5);
	net_release(&net);
	logits(&out, got);
	for (size_t i = 0; i < ARRAY_LEN(got); i++)
		assert_true(isfinite(got[i]));
	arena_release(&a);
	model_release(&m);
}

/* Batch-norms that are there stay, and get no company. */
static void
test_unfolded(void **state)
{
	const struct arch_row *row = *state;
	struct model m, out;
	struct regrow note;
	struct arena a;

	plant(&m, row->name, 1);
	regrow(&m, &a, &out, &note);
	assert_int_equal(note.norms, 0);
	arena_release(&a);
	model_release(&m);
}

/* The same for any weights and names; another for another architecture. */
static void
test_key(void **state)
{
	const struct arch_row *row = *state;
	struct model m[2], out[2];
	struct regrow note[2];
	struct arena a[2];

	for (size_t i = 0; i < 2; i++) {
		plant(&m[i], row->name, i);
		fold_all(&m[i]);
		if (i == 1)
			for (size_t k = 0; k < m[i].nnode; k++)
				m[i].node[k].name = "";
		regrow(&m[i], &a[i], &out[i], &note[i]);
		for (size_t k = 0; k < out[i].ntensor; k++)
			for (size_t b = 0; b < out[i].tensor[k].size; b++)
				assert_int_equal(out[i].tensor[k].data[b], 0);
	}
	assert_true(digest_equal(&note[0].key, &note[1].key));
	out[0].shape[2]++;
	regrow_key(&out[0], &note[0].key);
	assert_false(digest_equal(&note[0].key, &note[1].key));
	/* what was regrown shares names and attributes with the model */
	for (size_t i = 0; i < 2; i++) {
		model_release(&m[i]);
		arena_release(&a[i]);
	}
}

/* --- graphs -------------------------------------------------------------- */

static const char *
vector(struct model *m, const char *name, size_t n)
{
	(void)build_tensor(m, name, 1, &n);
	return name;
}

static const char *
conv(struct model *m, const char *name, const char *x, size_t in, size_t out,
    bool bias)
{
	char w[64], b[64];
	const char *args[3] = {x, w, b};

	snprintf(w, sizeof(w), "%s.w", name);
	snprintf(b, sizeof(b), "%s.b", name);
	(void)build_tensor(m, w, 4, (size_t[]){out, in, 1, 1});
	if (bias)
		vector(m, b, out);
	return build_node(m, "Conv", name, args, bias ? 3 : 2);
}

static const char *
one(struct model *m, const char *op, const char *name, const char *x)
{
	return build_node(m, op, name, &x, 1);
}

static const char *
two(struct model *m, const char *op, const char *name, const char *x,
    const char *y)
{
	return build_node(m, op, name, (const char *[]){x, y}, 2);
}

static const char *
gemm(struct model *m, const char *name, const char *x, size_t in, size_t out)
{
	char w[64], b[64];

	snprintf(w, sizeof(w), "%s.w", name);
	snprintf(b, sizeof(b), "%s.b", name);
	(void)build_tensor(m, w, 2, (size_t[]){in, out});
	vector(m, b, out);
	return build_node(m, "Gemm", name, (const char *[]){x, w, b}, 3);
}

static const char *
pool(struct model *m, const char *x)
{
	x = one(m, "GlobalAveragePool", "pool", x);
	x = one(m, "Flatten", "flat", x);
	build_int(m, "axis", 1);
	return x;
}

static const char *
plain(struct model *m)
{
	const char *v = conv(m, "a", "image", 1, 3, false);

	v = one(m, "Relu", "r", v);
	return gemm(m, "fc", pool(m, v), 3, 4);
}

static const char *
plain_hidden(struct model *m)
{
	const char *v = conv(m, "a", "image", 1, 3, true);

	v = one(m, "Relu", "r", v);
	v = gemm(m, "hidden", pool(m, v), 3, 6);
	v = one(m, "Relu", "r2", v);
	return gemm(m, "fc", v, 6, 4);
}

/* x * sigmoid(a), residual sum, a convolution straight behind another */
static const char *
residual(struct model *m)
{
	const char *v = conv(m, "a", "image", 1, 3, true), *s;

	v = two(m, "Mul", "silu", v, one(m, "Sigmoid", "s", v));
	s = conv(m, "b", v, 3, 5, true);
	s = conv(m, "c", s, 5, 3, true);
	v = two(m, "Add", "sum", v, s);
	return gemm(m, "fc", pool(m, v), 3, 4);
}

static const char *
squeeze(struct model *m)
{
	const char *v = conv(m, "a", "image", 1, 3, true), *s;

	v = one(m, "Relu", "r", v);
	s = one(m, "GlobalAveragePool", "squeeze", v);
	s = one(m, "Relu", "sr", conv(m, "s1", s, 3, 2, true));
	s = one(m, "Sigmoid", "sg", conv(m, "s2", s, 2, 3, true));
	v = two(m, "Mul", "scaled", v, s);
	return gemm(m, "fc", pool(m, v), 3, 4);
}

static const char *
all_conv(struct model *m)
{
	const char *v = conv(m, "a", "image", 1, 3, true);

	v = one(m, "Relu", "r", v);
	v = conv(m, "last", v, 3, 4, true);
	return pool(m, one(m, "Relu", "r2", v));
}

/* The bias is an Add, as other exporters write it; one norm is left. */
static const char *
added_bias(struct model *m)
{
	const char *v = conv(m, "a", "image", 1, 3, false);
	const char *names[5];

	(void)build_tensor(m, "bias", 4, (size_t[]){1, 3, 1, 1});
	v = one(m, "Relu", "r", two(m, "Add", "biased", v, "bias"));
	v = conv(m, "b", v, 3, 3, false);
	names[0] = v;
	names[1] = vector(m, "g", 3);
	names[2] = vector(m, "h", 3);
	names[3] = vector(m, "i", 3);
	names[4] = vector(m, "j", 3);
	v = build_node(m, "BatchNormalization", "norm", names, 5);
	return gemm(m, "fc", pool(m, v), 3, 4);
}

static const char *
layer_normed(struct model *m)
{
	const char *v = conv(m, "patch", "image", 1, 3, true);
	const char *names[3] = {NULL, "g", "h"};

	v = one(m, "Transpose", "t", v);
	build_ints(m, "perm", 4, (int64_t[]){0, 2, 3, 1});
	names[0] = v;
	vector(m, "g", 3);
	vector(m, "h", 3);
	v = build_node(m, "LayerNormalization", "norm", names, 3);
	v = one(m, "Transpose", "back", v);
	build_ints(m, "perm", 4, (int64_t[]){0, 3, 1, 2});
	v = one(m, "Relu", "r", conv(m, "b", v, 3, 3, true));
	v = gemm(m, "hidden", pool(m, v), 3, 3);
	return gemm(m, "fc", one(m, "Relu", "r2", v), 3, 4);
}

static const struct graph_row {
	const char *name;
	const char *(*make)(struct model *);
	const char *norms; /* the nodes that get one, in order */
} graph_rows[] = {
    {"without bias or norm", plain, "a"},
    {"hidden layer", plain_hidden, "a hidden"},
    {"residual sum, silu, no activation", residual, "a b c"},
    {"squeeze and excitation", squeeze, "a"},
    {"logits by a convolution", all_conv, "a"},
    {"bias by an Add", added_bias, "a"},
    {"layer norm", layer_normed, "b"},
};

static void
start(struct model *m, const char *(*make)(struct model *))
{
	build_begin(m, SIDE, SIDE, 1);
	build_end(m, make(m), 4);
}

static void
test_graph(void **state)
{
	const struct graph_row *row = *state;
	char names[128] = "";
	struct model m, out;
	struct regrow note;
	struct arena a;
	struct net net;
	struct err e;
	size_t at = 0;

	start(&m, row->make);
	regrow(&m, &a, &out, &note);
	/* the nodes are those of m, in order, with the new ones between */
	for (size_t i = 0; i < out.nnode; i++) {
		const struct node *n = &out.node[i];

		if (strstr(n->name, ".norm") == NULL) {
			assert_string_equal(n->op, m.node[at++].op);
			continue;
		}
		assert_string_equal(n->op, "BatchNormalization");
		assert_string_equal(n->in[0], out.node[i - 1].out[0]);
		snprintf(names + strlen(names), sizeof(names) - strlen(names),
		    "%s%s", *names != '\0' ? " " : "", m.node[at - 1].name);
	}
	assert_int_equal(at, m.nnode);
	assert_string_equal(names, row->norms);
	assert_ok(net_build(&net, &out, 0, 0, 0, &e), &e);
	net_release(&net);
	arena_release(&a);
	model_release(&m);
}

/* --- what stays, what cannot be ------------------------------------------ */

static const char *
normalised(struct model *m)
{
	const char *v;

	(void)build_tensor(m, "mean", 4, (size_t[]){1, 1, SIDE, 1});
	(void)build_tensor(m, "sd", 4, (size_t[]){1, 1, SIDE, 1});
	v = two(m, "Sub", "centred", "image", "mean");
	v = two(m, "Div", "scaled", v, "sd");
	v = conv(m, "a", v, 1, 3, true);
	(void)build_tensor(m, "half", 0, NULL);
	v = two(m, "Mul", "halved", one(m, "Relu", "r", v), "half");
	return gemm(m, "fc", pool(m, v), 3, 4);
}

static void
test_kept(void **state)
{
	const struct model *in;
	struct model m, out;
	struct regrow note;
	struct arena a;

	(void)state;
	start(&m, normalised);
	scatter(&m, 3);
	in = &m;
	regrow(in, &a, &out, &note);
	assert_int_equal(note.kept, 2 * SIDE + 1);
	assert_memory_equal(model_tensor(&out, out.node[0].in[1])->data,
	    numbers(in, "mean"), SIDE * 4);
	assert_memory_equal(model_tensor(&out, out.node[1].in[1])->data,
	    numbers(in, "sd"), SIDE * 4);
	assert_int_equal(note.weights, 3 + 4 * 3 + 3 * 4 + 4);
	arena_release(&a);
	model_release(&m);
}

/* The numbers that multiply cannot be told from the weights. */
static const char *
computed(struct model *m)
{
	const char *v =
	    gemm(m, "b", pool(m, conv(m, "a", "image", 1, 3, true)), 3, 6);

	(void)build_tensor(m, "w", 2, (size_t[]){6, 4});
	(void)build_tensor(m, "times", 2, (size_t[]){6, 4});
	return two(m, "MatMul", "fc", v, two(m, "Mul", "p", "w", "times"));
}

static const char *
weightless(struct model *m)
{
	return pool(m, "image");
}

static const struct bad_row {
	const char *name;
	const char *(*make)(struct model *);
	const char *message;
} bad_rows[] = {
    {"computed weight", computed,
	"tensor 'w' is a layer's weight that training cannot change"},
    {"no weights", weightless, "the model has no weights"},
};

static void
test_bad(void **state)
{
	const struct bad_row *row = *state;
	struct model m, out;
	struct regrow note;
	struct arena a;
	struct err e;

	start(&m, row->make);
	arena_init(&a, (size_t)1 << 26);
	assert_int_equal(
	    regrow_model(&m, &a, &out, &note, &e), ERR_UNSUPPORTED);
	assert_string_equal(e.msg, row->message);
	arena_release(&a);
	model_release(&m);
}

int
main(void)
{
	struct CMUnitTest tests[32];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(arch_rows); i++) {
		tests[n++] = (struct CMUnitTest)ROW(test_folded, arch_rows[i]);
		tests[n++] =
		    (struct CMUnitTest)ROW(test_unfolded, arch_rows[i]);
		tests[n++] = (struct CMUnitTest)ROW(test_key, arch_rows[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(graph_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_graph, graph_rows[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_kept);
	for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_bad, bad_rows[i]);
	return _cmocka_run_group_tests("regrow", tests, n, NULL, NULL);
}
