/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_coreml.h"

#include "audit/check_arch_build.h"
#include "base/limits.h"
#include "formats/onnx_wire.h"

#include <math.h>

/* fields of NeuralNetworkLayer */
#define CONVOLUTION 100
#define ACTIVATION  130
#define INNER       140
#define UNARY       220
#define ADD         230
#define MULTIPLY    231
#define SCALE       245
#define REDUCE      280
#define CONSTANT    290
#define BRANCH      605
#define LOOP        615
#define MATMUL      1045
#define CONSTANT_ND 1070
#define FIRST_LAYER 100

#define ARGMAX    9 /* ReduceLayerParams.ReduceOperation */
#define THRESHOLD 7 /* UnaryFunctionLayerParams.Operation */
#define INT32     131104
#define IMAGE     4 /* rank */
#define SIDE      8 /* of weights of which nothing is known */

struct reader {
	struct check_arch_build b;
	size_t depth;
};

/* --- what goes in and comes out ------------------------------------------ */

/* FeatureType: imageType = 4; multiArrayType = 5: shape = 1, dataType = 2 */
static void
input(struct reader *r, const char *name, struct rd type)
{
	struct rd array = onnx_wire_last(type, 5);
	struct onnx_wire w;
	size_t rank = 0;
	int64_t of = onnx_wire_number(array, 2, 0) == INT32 ? 7 : 1;

	for (struct rd at = type; onnx_wire_step(&at, &w);)
		rank = w.number == 4 ? IMAGE : rank;
	while (rank != IMAGE && onnx_wire_step(&array, &w)) {
		uint64_t d;

		if (w.number != 1)
			continue;
		rank += w.type != ONNX_WIRE_BYTES;
		while (w.type == ONNX_WIRE_BYTES && rank < IMAGE &&
		       rd_left(&w.body) != 0 && rd_varint(&w.body, &d) == 0)
			rank++;
	}
	/* channels, height and width: the others are left out */
	check_arch_build_input(&r->b, check_arch_build_set(&r->b, name), of,
	    rank + 1 >= IMAGE ? IMAGE : rank);
}

/* ModelDescription: input = 1, output = 10; FeatureDescription: name = 1, type = 3 */
static void
ends(struct reader *r, struct rd description, bool in)
{
	struct onnx_wire w;

	while (onnx_wire_step(&description, &w)) {
		const char *name;

		if (w.type != ONNX_WIRE_BYTES || w.number != (in ? 1 : 10))
			continue;
		name = check_arch_build_bytes(&r->b, onnx_wire_last(w.body, 1));
		if (in)
			input(r, name, onnx_wire_last(w.body, 3));
		else
			check_arch_build_output(
			    &r->b, check_arch_build_get(&r->b, name), 0);
	}
}

/* --- layers -------------------------------------------------------------- */

static const char *
op_of(uint32_t field)
{
	static const struct {
		uint32_t field;
		const char *op;
	} ops[] = {
#define ARCH_COREML(field, op) {field, op},
#include "audit/check_arch_coreml.def"
#undef ARCH_COREML
	};

	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (ops[i].field == field)
			return ops[i].op;
	return "Other";
}

static void
constant(struct reader *r, struct check_arch_list *in, const struct tensor *t,
    double v)
{
	check_arch_build_add(
	    &r->b, in, check_arch_build_constant(&r->b, "", t, v));
}

static void
factor(struct reader *r, struct check_arch_list *in, double v)
{
	constant(r, in, &(struct tensor){0}, v);
}

static uint64_t
size(struct rd p, uint32_t field)
{
	uint64_t n = onnx_wire_number(p, field, 1);

	return n == 0 || n >> 32 != 0 ? 1 : n;
}

/* ConvolutionLayerParams: outputChannels = 1, kernelChannels = 2, kernelSize = 20;
 * InnerProductLayerParams: inputChannels = 1, outputChannels = 2 */
static void
weights(
    struct reader *r, uint32_t field, struct rd p, struct check_arch_list *in)
{
	struct tensor t = {.rank = 2, .dim = {size(p, 1), size(p, 2)}};
	struct onnx_wire w;
	uint64_t d;

	if (field != CONVOLUTION && field != INNER)
		t.dim[0] = t.dim[1] = SIDE;
	while (field == CONVOLUTION && onnx_wire_step(&p, &w)) {
		if (w.number != 20)
			continue;
		if (w.type != ONNX_WIRE_BYTES && t.rank < IMAGE)
			t.dim[t.rank++] =
			    MAX(w.value >> 32 ? 1 : w.value, (uint64_t)1);
		while (w.type == ONNX_WIRE_BYTES && t.rank < IMAGE &&
		       rd_left(&w.body) != 0 && rd_varint(&w.body, &d) == 0)
			t.dim[t.rank++] = MAX(d >> 32 ? 1 : d, (uint64_t)1);
	}
	constant(r, in, &t, (double)NAN);
}

/* ScaleLayerParams: scale = 2: floatValue = 1, which is packed */
static void
scale(struct reader *r, struct rd p, struct check_arch_list *in)
{
	struct rd v = onnx_wire_last(onnx_wire_last(p, 2), 1);
	float one;

	if (v.len == sizeof(one)) {
		memcpy(&one, v.base, sizeof(one));
		factor(r, in, (double)one);
	} else {
		weights(r, SCALE, p, in);
	}
}

/* A product with a number, which the next layer takes. */
static void
scaled(struct reader *r, struct check_arch_list *in, double v)
{
	struct check_arch_list out = {0};

	factor(r, in, v);
	check_arch_build_add(
	    &r->b, &out, check_arch_build_set(&r->b, "a factor"));
	if (r->b.full)
		return;
	check_arch_build_node(&r->b, "Mul", "", in, &out, 0);
	*in = out;
}

/* ActivationParams: which one is which field it has. */
static const char *
activation(struct reader *r, struct rd p, struct check_arch_list *in)
{
	struct onnx_wire w;
	const char *op = "Other";

	while (onnx_wire_step(&p, &w)) {
		if (w.type != ONNX_WIRE_BYTES)
			continue;
		switch (w.number) {
		case 5: /* linear: alpha = 1 */
			factor(r, in, onnx_wire_real(w.body, 1, 0));
			return "Mul";
		case 10:
			op = "Relu";
			break;
		case 20:
			op = "ThresholdedRelu";
			break;
		case 31: /* scaled: beta = 2 */
			scaled(r, in, onnx_wire_real(w.body, 2, 0));
			return "Tanh";
		case 30:
			op = "Tanh";
			break;
		case 40:
			op = "Sigmoid";
			break;
		case 41: /* hard: alpha = 1 */
			scaled(r, in, onnx_wire_real(w.body, 1, 0));
			return "HardSigmoid";
		default:
			break;
		}
	}
	return op;
}

/* UnaryFunctionLayerParams: type = 1, scale = 5 */
static const char *
unary(struct reader *r, struct rd p, struct check_arch_list *in)
{
	scaled(r, in, onnx_wire_real(p, 5, 1));
	return onnx_wire_number(p, 1, 0) == THRESHOLD ? "Clip" : "Other";
}

/* The operator, and what a layer has of its own beside what it is given. */
static const char *
own(struct reader *r, uint32_t field, struct rd p, struct check_arch_list *in)
{
	switch (field) {
	case ACTIVATION:
		return activation(r, p, in);
	case UNARY:
		return unary(r, p, in);
	case SCALE:
		scale(r, p, in);
		break;
	case ADD:
	case MULTIPLY: /* alpha = 1 */
		if (in->n == 1)
			factor(r, in, onnx_wire_real(p, 1, 0));
		break;
	case REDUCE: /* mode = 1 */
		if (onnx_wire_number(p, 1, 0) == ARGMAX)
			return "ArgMax";
		break;
	case MATMUL: /* its own matrix only when nothing else is given */
		if (in->n == 1)
			weights(r, field, p, in);
		break;
	case CONVOLUTION:
	case INNER:
	case 400:
	case 410:
	case 420:
	case 430:
		weights(r, field, p, in);
		break;
	default:
		break;
	}
	return op_of(field);
}

static void network(struct reader *, struct rd);

/* BranchLayerParams: ifBranch = 1, elseBranch = 2 */
static void
branch(struct reader *r, struct rd p, const struct check_arch_list *in)
{
	struct check_arch_mark before = check_arch_build_mark(&r->b), after;

	network(r, onnx_wire_last(p, 1));
	after = check_arch_build_mark(&r->b);
	check_arch_build_back(&r->b, &before);
	network(r, onnx_wire_last(p, 2));
	check_arch_build_join(&r->b, in->n != 0 ? in->name[0] : "", &after);
}

/* LoopLayerParams: conditionVar = 2, conditionNetwork = 3, bodyNetwork = 4 */
static void
loop(struct reader *r, struct rd p)
{
	struct check_arch_mark before, after;
	const char *name;

	network(r, onnx_wire_last(p, 3));
	name = check_arch_build_get(
	    &r->b, check_arch_build_bytes(&r->b, onnx_wire_last(p, 2)));
	before = check_arch_build_mark(&r->b);
	network(r, onnx_wire_last(p, 4));
	after = check_arch_build_mark(&r->b);
	check_arch_build_back(&r->b, &before);
	check_arch_build_join(&r->b, name, &after);
}

/* NeuralNetworkLayer: name = 1, input = 2, output = 3, and the layer's own field */
static void
layer(struct reader *r, struct rd l)
{
	struct check_arch_list in = {0}, out = {0};
	struct onnx_wire w;
	struct rd p = {0};
	uint32_t field = 0;
	const char *op;

	for (struct rd at = l; onnx_wire_step(&at, &w);) {
		if (w.type != ONNX_WIRE_BYTES)
			continue;
		if (w.number == 2)
			check_arch_build_add(&r->b, &in,
			    check_arch_build_get(
				&r->b, check_arch_build_bytes(&r->b, w.body)));
		else if (w.number == 3)
			check_arch_build_add(
			    &r->b, &out, check_arch_build_bytes(&r->b, w.body));
		else if (w.number >= FIRST_LAYER) {
			field = w.number;
			p = w.body;
		}
	}
	if (r->b.full)
		return;
	if (field == BRANCH) {
		branch(r, p, &in);
		return;
	}
	if (field == LOOP) {
		loop(r, p);
		return;
	}
	if (field == CONSTANT || field == CONSTANT_ND) {
		for (size_t i = 0; i < out.n && !r->b.full; i++)
			(void)check_arch_build_constant(&r->b, out.name[i],
			    &(struct tensor){0}, (double)NAN);
		return;
	}
	op = own(r, field, p, &in);
	for (size_t i = 0; i < out.n && !r->b.full; i++)
		out.name[i] = check_arch_build_set(&r->b, out.name[i]);
	if (!r->b.full)
		check_arch_build_node(&r->b, op,
		    check_arch_build_bytes(&r->b, onnx_wire_last(l, 1)), &in,
		    &out, 0);
}

/* NeuralNetwork and its kinds: layers = 1 */
static void
network(struct reader *r, struct rd n)
{
	struct onnx_wire w;

	if (r->depth == LIMIT_ONNX_DEPTH) {
		r->b.full = true;
		return;
	}
	r->depth++;
	while (!r->b.full && onnx_wire_step(&n, &w))
		if (w.number == 1 && w.type == ONNX_WIRE_BYTES)
			layer(r, w.body);
	r->depth--;
}

void
check_arch_coreml(struct rd n, struct rd description, struct arena *a,
    struct onnx_file *x, struct err *e)
{
	struct reader r = {0};

	check_arch_build_init(&r.b, a, x);
	ends(&r, description, true);
	network(&r, n);
	ends(&r, description, false);
	check_arch_build_ends(&r.b);
	check_arch_build_end(&r.b, e);
}
