/* SPDX-License-Identifier: MIT
 * Each value has so many elements at least: what comes from outside one.
 * Field numbers are those of node_def.proto, attr_value.proto, tensor.proto and
 * function.proto (tensorflow/core/framework), operators those of
 * tensorflow/core/ops.
 */
#include "audit/check_tf_cost.h"

#include "audit/check_cost.h"
#include "base/text.h"
#include "formats/onnx_wire.h"

#define LOOPS 64 /* of a graph whose condition is looked for */

/* types.proto */
enum {
	FLOAT = 1,
	INT32 = 3,
	INT64 = 9,
	BOOL = 10
};

struct node {
	struct rd name, op, message;
	struct rd input[CHECK_COST_INPUTS];
	size_t n;
};

/* --- constants ----------------------------------------------------------- */

static void
add(struct check_cost_value *v, double x)
{
	if (v->n < CHECK_COST_NUMBERS)
		v->number[v->n] = x;
	v->n++;
}

/* int_val = 7, int64_val = 10, bool_val = 11, packed or not */
static void
whole(struct rd tensor, uint32_t number, struct check_cost_value *v)
{
	struct onnx_wire f;
	uint64_t u;

	while (onnx_wire_step(&tensor, &f)) {
		if (f.number != number)
			continue;
		if (f.type == ONNX_WIRE_VARINT)
			add(v, (double)(int64_t)f.value);
		while (f.type == ONNX_WIRE_BYTES && rd_left(&f.body) != 0 &&
		       rd_varint(&f.body, &u) == 0)
			add(v, (double)(int64_t)u);
	}
}

/* tensor_content = 4: numbers as they are in memory */
static void
content(struct rd r, uint64_t type, struct check_cost_value *v)
{
	uint64_t wide = 0;
	uint32_t narrow = 0;
	uint8_t byte = 0;

	while (rd_left(&r) != 0 && v->n < CHECK_COST_NUMBERS) {
		if (type == INT64 && rd_u64le(&r, &wide) == 0)
			add(v, (double)(int64_t)wide);
		else if (type == INT32 && rd_u32le(&r, &narrow) == 0)
			add(v, (double)(int32_t)narrow);
		else if (type == BOOL && rd_u8(&r, &byte) == 0)
			add(v, byte);
		else
			return;
	}
	if (rd_left(&r) != 0)
		v->n = 0;
}

/* TensorShapeProto: dim = 2, of size = 1 */
static double
shape_elements(struct rd shape)
{
	struct onnx_wire dim, f;
	double n = 1.0;

	while (onnx_wire_step(&shape, &dim)) {
		double size = 1.0;

		while (dim.number == 2 && dim.type == ONNX_WIRE_BYTES &&
		       onnx_wire_step(&dim.body, &f))
			if (f.number == 1 && f.type == ONNX_WIRE_VARINT)
				size = (double)(int64_t)f.value;
		n *= MAX(size, 0.0);
	}
	return n;
}

/* TensorProto: dtype = 1, tensor_shape = 2.  The last number
 * stands for all that are not there. */
static struct check_cost_value
constant(struct rd tensor)
{
	struct check_cost_value v = check_cost_unknown;
	uint64_t type = onnx_wire_number(tensor, 1, 0);

	v.elements = shape_elements(onnx_wire_last(tensor, 2));
	content(onnx_wire_last(tensor, 4), type, &v);
	if (v.n == 0 && type == INT32)
		whole(tensor, 7, &v);
	else if (v.n == 0 && type == INT64)
		whole(tensor, 10, &v);
	else if (v.n == 0 && type == BOOL)
		whole(tensor, 11, &v);
	while (v.n != 0 && (double)v.n < v.elements && v.n < CHECK_COST_NUMBERS)
		add(&v, v.number[v.n - 1]);
	if (v.n > CHECK_COST_NUMBERS || (double)v.n < v.elements)
		v.n = 0;
	v.yes = type == BOOL && v.n == 1 && v.number[0] != 0.0;
	return v;
}

/* --- nodes --------------------------------------------------------------- */

/* NodeDef: name = 1, op = 2, input = 3 */
static struct node
parts(struct rd message)
{
	struct node n = {.message = message};
	struct onnx_wire f;

	while (onnx_wire_step(&message, &f)) {
		if (f.type != ONNX_WIRE_BYTES)
			continue;
		if (f.number == 1)
			n.name = f.body;
		else if (f.number == 2)
			n.op = f.body;
		else if (f.number == 3 && n.n < CHECK_COST_INPUTS &&
			 f.body.len != 0 && f.body.base[0] != '^')
			n.input[n.n++] = f.body;
	}
	return n;
}

/* attr = 5: a map of key = 1, value = 2 (AttrValue) */
static struct rd
attribute(const struct node *n, const char *key)
{
	struct rd r = n->message, found = rd_mem("", 0);
	struct onnx_wire f;

	while (onnx_wire_step(&r, &f))
		if (f.number == 5 && f.type == ONNX_WIRE_BYTES &&
		    rd_is(onnx_wire_last(f.body, 1), key))
			found = onnx_wire_last(f.body, 2);
	return found;
}

/* "name", "name:0" (graphs), "name:output:0" (functions): outputs of a node are
 * not told apart. */
static struct rd
base_name(struct rd r)
{
	const uint8_t *colon = r.len != 0 ? memchr(r.base, ':', r.len) : NULL;

	return rd_mem(r.base, colon != NULL ? (size_t)(colon - r.base) : r.len);
}

static const struct check_cost_value *
input(const struct check_cost *c, const struct node *n, size_t i)
{
	return i < n->n ? check_cost_find(c, base_name(n->input[i]))
			: &check_cost_unknown;
}

/* --- operators ----------------------------------------------------------- */

static const struct check_cost_op makers[] = {
    {"BroadcastTo", check_cost_expanded},
    {"Fill", check_cost_first},
    {"LinSpace", check_cost_third},
    {"MirrorPad", check_cost_padded},
    {"OneHot", check_cost_hot},
    {"Pad", check_cost_padded},
    {"PadV2", check_cost_padded},
    {"ParameterizedTruncatedNormal", check_cost_first},
    {"RandomGamma", check_cost_first},
    {"RandomStandardNormal", check_cost_first},
    {"RandomUniform", check_cost_first},
    {"RandomUniformInt", check_cost_first},
    {"Range", check_cost_ranged},
    {"ResizeArea", check_cost_second},
    {"ResizeBicubic", check_cost_second},
    {"ResizeBilinear", check_cost_second},
    {"ResizeNearestNeighbor", check_cost_second},
    {"ScatterNd", check_cost_third},
    {"SparseToDense", check_cost_second},
    {"StatelessRandomNormal", check_cost_first},
    {"StatelessRandomNormalV2", check_cost_first},
    {"StatelessRandomUniform", check_cost_first},
    {"StatelessRandomUniformV2", check_cost_first},
    {"Tile", check_cost_tiled},
    {"TruncatedNormal", check_cost_first},
};

/* They have as many as the largest of what they are given. */
static const char *const keepers[] = {"Abs", "Add", "AddN", "AddV2", "BiasAdd",
    "Cast", "ConcatV2", "Div", "Elu", "Erf", "Exp", "Identity", "LeakyRelu",
    "Log", "Maximum", "Minimum", "Mul", "Neg", "OnesLike", "Pow", "RealDiv",
    "Relu", "Relu6", "Reshape", "Select", "SelectV2", "Sigmoid", "Softmax",
    "Sqrt", "Square", "Squeeze", "Sub", "Tanh", "Transpose", "ZerosLike"};
static const char *const passers[] = {
    "Enter", "Identity", "StopGradient", "NextIteration", "PreventGradient"};

static bool
is_of(struct rd op, const char *const *list, size_t n)
{
	return op.len != 0 &&
	       text_is_among((const char *)op.base, op.len, list, n);
}

static struct check_cost_value
made(const struct check_cost *c, const struct node *n)
{
	struct check_cost_value v = check_cost_unknown;
	const struct check_cost_value *in[CHECK_COST_INPUTS];

	for (size_t i = 0; i < CHECK_COST_INPUTS; i++)
		in[i] = input(c, n, i);
	if (rd_is(n->op, "Const")) /* AttrValue: tensor = 8 */
		return constant(onnx_wire_last(attribute(n, "value"), 8));
	if (is_of(n->op, passers, ARRAY_LEN(passers)))
		return *in[0];
	if (rd_is(n->op, "LogicalOr"))
		v.yes = in[0]->yes || in[1]->yes;
	v.elements =
	    is_of(n->op, keepers, ARRAY_LEN(keepers))
		? check_cost_largest(in)
		: check_cost_made(n->op, makers, ARRAY_LEN(makers), in);
	return v;
}

/* --- loops --------------------------------------------------------------- */

static void
open(struct check_cost *c, struct rd body, uint32_t field)
{
	struct err e;
	size_t n;

	if (onnx_wire_count(body, field, &n, &e) != 0)
		n = 0;
	check_cost_open(c, n);
}

/* Nodes may stand in any order; constants, of which all is made, are known
 * first. */
static void
constants(struct check_cost *c, struct rd body, uint32_t field)
{
	struct onnx_wire f;

	while (onnx_wire_step(&body, &f)) {
		struct node n;

		if (f.number != field || f.type != ONNX_WIRE_BYTES)
			continue;
		n = parts(f.body);
		if (rd_is(n.op, "Const"))
			check_cost_keep(c, n.name, made(c, &n));
	}
}

/* FunctionDefLibrary: GraphDef 2, function = 1; signature = 1, of name = 1 */
static struct rd
function(struct rd graph, struct rd name)
{
	struct onnx_wire f;

	while (onnx_wire_step(&graph, &f)) {
		struct onnx_wire of;

		while (f.number == 2 && f.type == ONNX_WIRE_BYTES &&
		       onnx_wire_step(&f.body, &of)) {
			struct rd own =
			    of.number == 1 && of.type == ONNX_WIRE_BYTES
				? onnx_wire_last(onnx_wire_last(of.body, 1), 1)
				: rd_mem("", 0);

			if (own.len != 0 && own.len == name.len &&
			    memcmp(own.base, name.base, own.len) == 0)
				return of.body;
		}
	}
	return rd_mem("", 0);
}

/* Whether a function says yes, whatever it is asked: ret = 4 (key = 1, value =
 * 2) of nodes = 3. */
static bool
always(struct rd body)
{
	struct rd ret = onnx_wire_last(onnx_wire_last(body, 4), 2), r = body;
	struct onnx_wire f;
	struct check_cost in;
	bool yes;

	if (ret.len == 0)
		return false;
	open(&in, body, 3);
	constants(&in, body, 3);
	while (onnx_wire_step(&r, &f)) {
		struct node n;

		if (f.number != 3 || f.type != ONNX_WIRE_BYTES)
			continue;
		n = parts(f.body);
		check_cost_keep(&in, n.name, made(&in, &n));
	}
	yes = check_cost_find(&in, base_name(ret))->yes;
	check_cost_close(&in);
	return yes;
}

/* Of TensorFlow 2 a function decides, AttrValue: func = 10, name = 1; of
 * TensorFlow 1 a value. */
static bool
endless(
    struct check_tf_graph *g, const struct check_cost *c, const struct node *n)
{
	struct rd cond;

	if (rd_is(n->op, "LoopCond"))
		return input(c, n, 0)->yes;
	if ((!rd_is(n->op, "While") && !rd_is(n->op, "StatelessWhile")) ||
	    g->loops++ >= LOOPS)
		return false;
	cond = onnx_wire_last(onnx_wire_last(attribute(n, "cond"), 10), 1);
	return cond.len != 0 && always(function(g->graph, cond));
}

/* --- graphs -------------------------------------------------------------- */

static bool
say(const struct check_file *f, const struct node *n, double elements)
{
	int k = (int)MIN(n->name.len, 80), o = (int)MIN(n->op.len, 40);

	if (elements > CHECK_COST_ELEMENTS)
		check_find(f, FINDING_TF_COST, n->message.start,
		    "'%.*s' (%.*s) makes %.1e elements or more", k,
		    (const char *)n->name.base, o, (const char *)n->op.base,
		    elements);
	else
		check_find(f, FINDING_TF_COST, n->message.start,
		    "'%.*s' (%.*s) never ends", k, (const char *)n->name.base,
		    o, (const char *)n->op.base);
	return true;
}

void
check_tf_cost(struct check_tf_graph *g, struct rd body, uint32_t field)
{
	struct rd r = body;
	struct onnx_wire w;
	struct check_cost c;
	bool said = false;

	open(&c, body, field);
	constants(&c, body, field);
	while (!said && onnx_wire_step(&r, &w)) {
		struct check_cost_value v;
		struct node n;

		if (w.number != field || w.type != ONNX_WIRE_BYTES)
			continue;
		n = parts(w.body);
		v = made(&c, &n);
		check_cost_keep(&c, n.name, v);
		if (v.elements > CHECK_COST_ELEMENTS || endless(g, &c, &n))
			said = say(g->f, &n, v.elements);
	}
	check_cost_close(&c);
}
