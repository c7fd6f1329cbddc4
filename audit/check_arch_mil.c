/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_build.h"
#include "audit/check_arch_coreml.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/onnx_wire.h"

#include <math.h>

/* MIL.proto: DataType */
#define MIL_BOOL     1
#define MIL_FLOAT16  10
#define MIL_BFLOAT16 13

struct reader {
	struct check_arch_build b;
	size_t depth;
};

/* --- types and values ---------------------------------------------------- */

/* TensorType: dataType = 1, rank = 2, dimensions = 3: constant = 1: size = 1; as
 * ONNX's TensorProto.DataType, sizes in *t */
static int64_t
type_of(struct rd type, struct tensor *t)
{
	struct rd r = onnx_wire_last(type, 1);
	struct onnx_wire w, x;
	uint64_t of = MIL_FLOAT16;

	while (onnx_wire_step(&r, &w)) {
		struct rd size = onnx_wire_last(w.body, 1);
		uint64_t d = 1;

		if (w.number == 1 && w.type == ONNX_WIRE_VARINT)
			of = w.value;
		if (w.number != 3 || w.type != ONNX_WIRE_BYTES ||
		    t->rank == MODEL_MAX_RANK)
			continue;
		while (onnx_wire_step(&size, &x))
			d = x.number == 1 ? x.value : d;
		t->dim[t->rank++] = d == 0 || d >> 32 != 0 ? 1 : d;
	}
	if (of == MIL_BOOL)
		return 9;
	return of >= MIL_FLOAT16 && of <= MIL_BFLOAT16 ? 1 : 7;
}

static double
half(const uint8_t *p)
{
	unsigned bits = p[0] | (unsigned)p[1] << 8;
	unsigned exponent = bits >> 10 & 31, rest = bits & 1023;
	double v = exponent != 0 ? ldexp(1024 + rest, (int)exponent - 25)
				 : ldexp(rest, -24);

	return bits >> 15 ? -v : v;
}

/* Value: type = 2, immediateValue = 3: tensor = 1: floats = 1: values = 1, which are
 * packed; bytes = 7: values = 1, halves */
static const char *
value(struct reader *r, const char *name, struct rd v)
{
	struct tensor t = {0};
	struct rd tensor = onnx_wire_last(onnx_wire_last(v, 3), 1);
	struct rd floats = onnx_wire_last(onnx_wire_last(tensor, 1), 1);
	struct rd bytes = onnx_wire_last(onnx_wire_last(tensor, 7), 1);
	double n = (double)NAN;
	float one;

	(void)type_of(onnx_wire_last(v, 2), &t);
	if (floats.len == sizeof(one)) {
		memcpy(&one, floats.base, sizeof(one));
		n = (double)one;
	} else if (bytes.len == 2) {
		n = half(bytes.base);
	}
	return check_arch_build_constant(&r->b, name, &t, n);
}

/* --- operations ---------------------------------------------------------- */

static const char *
op_of(const char *type)
{
	static const struct {
		const char *from, *to;
	} ops[] = {{"conv", "Conv"}, {"conv_transpose", "ConvTranspose"},
	    {"linear", "Gemm"}, {"matmul", "MatMul"}, {"einsum", "Einsum"},
	    {"lstm", "LSTM"}, {"gru", "GRU"}, {"rnn", "RNN"},
	    {"equal", "Equal"}, {"not_equal", "Equal"}, {"greater", "Greater"},
	    {"greater_equal", "GreaterOrEqual"}, {"less", "Less"},
	    {"less_equal", "LessOrEqual"}, {"logical_and", "And"},
	    {"logical_or", "Or"}, {"logical_xor", "Xor"},
	    {"logical_not", "Not"}, {"sign", "Sign"}, {"round", "Round"},
	    {"floor", "Floor"}, {"ceil", "Ceil"}, {"floor_div", "Floor"},
	    {"mod", "Mod"}, {"non_zero", "NonZero"},
	    {"reduce_argmax", "ArgMax"}, {"reduce_argmin", "ArgMin"},
	    {"thresholded_relu", "ThresholdedRelu"}, {"select", "Where"},
	    {"add", "Add"}, {"sub", "Sub"}, {"mul", "Mul"}, {"real_div", "Div"},
	    {"pow", "Pow"}, {"maximum", "Max"}, {"minimum", "Min"},
	    {"concat", "Concat"}, {"stack", "Concat"}, {"scatter", "Scatter"},
	    {"scatter_nd", "ScatterND"},
	    {"scatter_along_axis", "ScatterElements"},
	    {"slice_update", "ScatterND"}, {"reduce_sum", "ReduceSum"},
	    {"reduce_mean", "ReduceMean"}, {"reduce_max", "ReduceMax"},
	    {"reduce_min", "ReduceMin"}, {"reduce_prod", "ReduceProd"},
	    {"reduce_l1_norm", "ReduceL1"}, {"reduce_l2_norm", "ReduceL2"},
	    {"reduce_log_sum", "ReduceSum"},
	    {"reduce_log_sum_exp", "ReduceSum"},
	    {"reduce_sum_square", "ReduceSum"}, {"slice_by_index", "Slice"},
	    {"slice_by_size", "Slice"}, {"crop", "Crop"},
	    {"crop_resize", "Crop"}, {"gather", "Gather"},
	    {"gather_nd", "GatherND"}, {"gather_along_axis", "Gather"},
	    {"max_pool", "MaxPool"}, {"avg_pool", "AveragePool"},
	    {"l2_pool", "LpPool"}, {"split", "Split"}, {"topk", "TopK"},
	    {"sigmoid", "Sigmoid"}, {"sigmoid_hard", "HardSigmoid"},
	    {"tanh", "Tanh"}, {"scaled_tanh", "Tanh"}, {"relu", "Relu"},
	    {"relu6", "Clip"}, {"clip", "Clip"}, {"clamped_relu", "Clip"},
	    {"threshold", "Clip"}, {"cast", "Cast"}, {"identity", "Identity"},
	    {"reshape", "Reshape"}, {"squeeze", "Squeeze"},
	    {"expand_dims", "Unsqueeze"}, {"tile", "Expand"},
	    {"shape", "Shape"}, {"fill_like", "Shape"}};

	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (strcmp(ops[i].from, type) == 0)
			return ops[i].to;
	return "Other";
}

/* What decides, and what is divided, before the rest: a map has no order. */
static int
rank_of(struct rd key)
{
	static const char *const decides[] = {"cond", "pred"};
	static const char *const first[] = {"x", "data"};
	const char *s = (const char *)key.base;

	if (text_is_among(s, key.len, decides, ARRAY_LEN(decides)))
		return 0;
	return text_is_among(s, key.len, first, ARRAY_LEN(first)) ? 1 : 2;
}

/* Argument: arguments = 1: Binding: name = 1, value = 2 */
static void
bindings(struct reader *r, struct rd argument, struct check_arch_list *to)
{
	struct onnx_wire w, x;

	while (!r->b.full && onnx_wire_step(&argument, &w)) {
		if (w.number != 1 || w.type != ONNX_WIRE_BYTES)
			continue;
		while (onnx_wire_step(&w.body, &x)) {
			if (x.type != ONNX_WIRE_BYTES)
				continue;
			check_arch_build_add(&r->b, to,
			    x.number == 1
				? check_arch_build_get(&r->b,
				      check_arch_build_bytes(&r->b, x.body))
				: value(r, "", x.body));
		}
	}
}

/* inputs = 2, a map; of while_loop only what goes round, in its order */
static void
inputs(struct reader *r, struct rd op, struct check_arch_list *to)
{
	for (int pass = 0; pass < 3; pass++) {
		struct rd at = op;
		struct onnx_wire w;

		while (!r->b.full && onnx_wire_step(&at, &w))
			if (w.number == 2 && w.type == ONNX_WIRE_BYTES &&
			    rank_of(onnx_wire_last(w.body, 1)) == pass)
				bindings(r, onnx_wire_last(w.body, 2), to);
	}
}

/* The number of a parameter of a decision: sigmoid_hard's alpha, scaled_tanh's beta. */
static void
steepness(struct reader *r, const char *type, struct rd op,
    struct check_arch_list *in)
{
	const char *key = strcmp(type, "sigmoid_hard") == 0  ? "alpha"
			  : strcmp(type, "scaled_tanh") == 0 ? "beta"
							     : NULL;
	struct check_arch_list of = {0}, out = {0};
	struct onnx_wire w;

	while (key != NULL && in->n != 0 && onnx_wire_step(&op, &w))
		if (w.number == 2 && w.type == ONNX_WIRE_BYTES &&
		    rd_is(onnx_wire_last(w.body, 1), key))
			bindings(r, onnx_wire_last(w.body, 2), &of);
	if (of.n == 0 || r->b.full)
		return;
	check_arch_build_add(&r->b, &of, in->name[0]);
	check_arch_build_add(
	    &r->b, &out, check_arch_build_set(&r->b, "a factor"));
	if (r->b.full)
		return;
	check_arch_build_node(&r->b, "Mul", type, &of, &out, 0);
	in->name[0] = out.name[0];
}

/* --- blocks -------------------------------------------------------------- */

static void operations(struct reader *, struct rd block);

/* Block: inputs = 1, which are called so here; what it gives back, outputs = 2.  Names
 * of what is within end with it. */
static struct check_arch_list
within(struct reader *r, struct rd block, const struct check_arch_list *in)
{
	struct check_arch_mark before = check_arch_build_mark(&r->b);
	struct check_arch_list out = {0};
	struct onnx_wire w;
	size_t n = 0;

	for (struct rd at = block; !r->b.full && onnx_wire_step(&at, &w);)
		if (w.number == 1 && w.type == ONNX_WIRE_BYTES && in != NULL &&
		    n < in->n)
			check_arch_build_put(&r->b,
			    check_arch_build_bytes(
				&r->b, onnx_wire_last(w.body, 1)),
			    in->name[n++]);
	operations(r, block);
	while (!r->b.full && onnx_wire_step(&block, &w))
		if (w.number == 2 && w.type == ONNX_WIRE_BYTES)
			check_arch_build_add(&r->b, &out,
			    check_arch_build_get(
				&r->b, check_arch_build_bytes(&r->b, w.body)));
	check_arch_build_back(&r->b, &before);
	return out;
}

/* cond: two blocks; while_loop: one that decides and one that goes round; blocks = 4 */
static void
control(struct reader *r, bool loops, struct rd op,
    const struct check_arch_list *in, const struct check_arch_list *out)
{
	struct check_arch_list part[2] = {{0}, {0}};
	const char *decides = "";
	struct onnx_wire w;
	size_t n = 0;

	while (!r->b.full && onnx_wire_step(&op, &w))
		if (w.number == 4 && w.type == ONNX_WIRE_BYTES && n < 2)
			part[n++] = within(r, w.body, loops ? in : NULL);
	if (loops) {
		decides = part[0].n != 0 ? part[0].name[0] : "";
		part[0] = *in;
	} else if (in->n != 0) {
		decides = in->name[0];
	}
	for (size_t i = 0; i < out->n && !r->b.full; i++)
		check_arch_build_choose(&r->b, out->name[i], decides,
		    i < part[0].n ? part[0].name[i] : "",
		    i < part[1].n ? part[1].name[i] : "");
}

/* A constant, whatever is done to get it: const, constexpr_lut_to_dense */
static bool
is_constant(const char *type)
{
	return strncmp(type, "const", 5) == 0;
}

/* attributes = 5, a map: "val" */
static struct rd
val(struct rd op)
{
	struct onnx_wire w;
	struct rd v = {0};

	while (onnx_wire_step(&op, &w))
		if (w.number == 5 && w.type == ONNX_WIRE_BYTES &&
		    rd_is(onnx_wire_last(w.body, 1), "val"))
			v = onnx_wire_last(w.body, 2);
	return v;
}

/* Operation: type = 1, inputs = 2, outputs = 3, blocks = 4, attributes = 5 */
static void
operation(struct reader *r, struct rd op)
{
	const char *type = check_arch_build_bytes(&r->b, onnx_wire_last(op, 1));
	struct check_arch_list in = {0}, out = {0};
	struct tensor t = {0};
	struct onnx_wire w;
	int64_t of = 1;

	for (struct rd at = op; !r->b.full && onnx_wire_step(&at, &w);) {
		if (w.number != 3 || w.type != ONNX_WIRE_BYTES)
			continue;
		check_arch_build_add(&r->b, &out,
		    check_arch_build_bytes(&r->b, onnx_wire_last(w.body, 1)));
		t = (struct tensor){0};
		of = type_of(onnx_wire_last(w.body, 2), &t);
	}
	if (r->b.full || out.n == 0)
		return;
	if (strcmp(type, "const") == 0) {
		(void)value(r, out.name[0], val(op));
		return;
	}
	if (is_constant(type)) {
		(void)check_arch_build_constant(
		    &r->b, out.name[0], &t, (double)NAN);
		return;
	}
	inputs(r, op, &in);
	if (strcmp(type, "cond") == 0 || strcmp(type, "while_loop") == 0) {
		control(r, *type == 'w', op, &in, &out);
		return;
	}
	steepness(r, type, op, &in);
	for (size_t i = 0; i < out.n && !r->b.full; i++)
		out.name[i] = check_arch_build_set(&r->b, out.name[i]);
	if (!r->b.full)
		check_arch_build_node(&r->b, op_of(type), out.name[0], &in,
		    &out, strcmp(type, "cast") == 0 ? of : 0);
}

/* Block: operations = 3 */
static void
operations(struct reader *r, struct rd block)
{
	struct onnx_wire w;

	if (r->depth == LIMIT_ONNX_DEPTH) {
		r->b.full = true;
		return;
	}
	r->depth++;
	while (!r->b.full && onnx_wire_step(&block, &w))
		if (w.number == 3 && w.type == ONNX_WIRE_BYTES)
			operation(r, w.body);
	r->depth--;
}

/* --- functions ----------------------------------------------------------- */

/* Function: inputs = 1, block_specializations = 3, a map to Block */
static void
function(struct reader *r, struct rd f)
{
	struct onnx_wire w;

	for (struct rd at = f; !r->b.full && onnx_wire_step(&at, &w);) {
		struct tensor t = {0};
		const char *name;
		int64_t of;

		if (w.number != 1 || w.type != ONNX_WIRE_BYTES)
			continue;
		name = check_arch_build_bytes(&r->b, onnx_wire_last(w.body, 1));
		of = type_of(onnx_wire_last(w.body, 2), &t);
		check_arch_build_input(
		    &r->b, check_arch_build_set(&r->b, name), of, t.rank);
	}
	/* each is the same function for another version of the runtime */
	while (!r->b.full && onnx_wire_step(&f, &w)) {
		struct check_arch_list out;

		if (w.number != 3 || w.type != ONNX_WIRE_BYTES)
			continue;
		out = within(r, onnx_wire_last(w.body, 2), NULL);
		for (size_t i = 0; i < out.n; i++)
			check_arch_build_output(&r->b, out.name[i], 0);
	}
}

/* Program: functions = 2, a map */
void
check_arch_mil(
    struct rd program, struct arena *a, struct onnx_file *x, struct err *e)
{
	struct reader r = {0};
	struct onnx_wire w;

	check_arch_build_init(&r.b, a, x);
	while (!r.b.full && onnx_wire_step(&program, &w))
		if (w.number == 2 && w.type == ONNX_WIRE_BYTES)
			function(&r, onnx_wire_last(w.body, 2));
	check_arch_build_end(&r.b, e);
}
