/* SPDX-License-Identifier: MIT
 * Each value has so many elements at least: inputs one for each unknown size.
 * Field numbers are those of onnx.proto, operators those of Operators.md.
 */
#include "audit/check_onnx_cost.h"

#include "audit/check_cost.h"
#include "base/text.h"
#include "formats/onnx_wire.h"

#include <inttypes.h>

#define TURNS 0x1p40 /* of a loop */

/* TensorProto.DataType */
enum {
	FLOAT = 1,
	INT32 = 6,
	INT64 = 7,
	BOOL = 9
};

enum verdict {
	AFFORDABLE,
	TOO_LARGE,
	ENDLESS
};

struct cost {
	struct check_cost at;
	enum verdict verdict; /* of the node that was looked at last */
	struct rd node;
	double elements; /* that it makes */
};

struct node {
	struct rd message, op;
	struct rd name[CHECK_COST_INPUTS]; /* of inputs; empty: left out */
	size_t n;
};

/* --- constants ----------------------------------------------------------- */

static bool
count_of(struct rd r, uint32_t number, enum onnx_wire_type type, size_t *n)
{
	struct err e;

	return onnx_wire_repeated(r, number, type, NULL, 8, n, &e) == 0 &&
	       *n != 0 && *n <= CHECK_COST_NUMBERS;
}

static bool
whole(struct rd tensor, uint32_t field, struct check_cost_value *v)
{
	uint8_t bytes[8 * CHECK_COST_NUMBERS] = {0};
	struct rd r = rd_mem(bytes, sizeof(bytes));
	struct err e;
	uint64_t u = 0;
	size_t n;

	if (!count_of(tensor, field, ONNX_WIRE_VARINT, &n) ||
	    onnx_wire_repeated(
		tensor, field, ONNX_WIRE_VARINT, bytes, 8, &n, &e) != 0)
		return false;
	for (v->n = 0; v->n < n && rd_u64le(&r, &u) == 0; v->n++)
		v->number[v->n] = (double)(int64_t)u;
	return true;
}

static double
read_raw(struct rd *r, uint64_t type)
{
	uint64_t u = 0;
	uint32_t small = 0;
	uint8_t byte = 0;
	float x;

	if (type == INT64)
		return rd_u64le(r, &u) == 0 ? (double)(int64_t)u : 0.0;
	if (type == BOOL)
		return rd_u8(r, &byte) == 0 ? byte : 0.0;
	if (rd_u32le(r, &small) != 0)
		return 0.0;
	if (type == INT32)
		return (double)(int32_t)small;
	memcpy(&x, &small, sizeof(x));
	return (double)x;
}

static void
raw(struct rd r, uint64_t type, struct check_cost_value *v)
{
	size_t width = type == INT64 ? 8 : type == BOOL ? 1 : 4;

	if (r.len == 0 || r.len % width != 0 ||
	    r.len / width > CHECK_COST_NUMBERS)
		return;
	for (v->n = 0; rd_left(&r) != 0; v->n++)
		v->number[v->n] = read_raw(&r, type);
}

static void
floats(struct rd tensor, struct check_cost_value *v)
{
	uint8_t bytes[4 * CHECK_COST_NUMBERS] = {0};
	struct err e;
	size_t n;

	if (count_of(tensor, 4, ONNX_WIRE_FIXED32, &n) &&
	    onnx_wire_repeated(
		tensor, 4, ONNX_WIRE_FIXED32, bytes, 4, &n, &e) == 0)
		raw(rd_mem(bytes, 4 * n), FLOAT, v);
}

/* Of a TensorProto: dims = 1, data_type = 2, float_data = 4, int32_data = 5,
 * int64_data = 7, raw_data = 9. */
static struct check_cost_value
constant(struct rd tensor)
{
	struct check_cost_value v = check_cost_unknown,
				dims = check_cost_unknown;
	uint64_t type = onnx_wire_number(tensor, 2, 0);

	if (whole(tensor, 1, &dims))
		for (size_t i = 0; i < dims.n; i++)
			v.elements *= MAX(dims.number[i], 0.0);
	if (type == INT64)
		(void)whole(tensor, 7, &v);
	else if (type == INT32 || type == BOOL)
		(void)whole(tensor, 5, &v);
	else if (type == FLOAT)
		floats(tensor, &v);
	else
		return v;
	if (v.n == 0)
		raw(onnx_wire_last(tensor, 9), type, &v);
	v.yes = type == BOOL && v.n == 1 && v.number[0] != 0.0;
	return v;
}

/* --- names --------------------------------------------------------------- */

static const struct check_cost_value *
input(const struct cost *c, const struct node *n, size_t i)
{
	return i < n->n ? check_cost_find(&c->at, n->name[i])
			: &check_cost_unknown;
}

/* The i-th occurrence of a field of bytes; empty: there are not as many. */
static struct rd
nth(struct rd r, uint32_t number, size_t i)
{
	struct onnx_wire f;

	while (onnx_wire_step(&r, &f))
		if (f.number == number && f.type == ONNX_WIRE_BYTES && i-- == 0)
			return f.body;
	return rd_mem("", 0);
}

/* What a node's attribute of that name has in that field. */
static struct rd
attribute(const struct node *n, const char *name, uint32_t field)
{
	struct rd r = n->message;
	struct onnx_wire f;

	while (onnx_wire_step(&r, &f))
		if (f.number == 5 && f.type == ONNX_WIRE_BYTES &&
		    rd_is(onnx_wire_last(f.body, 1), name))
			return onnx_wire_last(f.body, field);
	return rd_mem("", 0);
}

/* --- operators ----------------------------------------------------------- */

/* X, roi, scales, sizes; X, scales in version 10.  A roi has numbers up to one. */
static double
resized(const struct check_cost_value *const in[])
{
	const struct check_cost_value *scales = in[in[2]->n != 0 ? 2 : 1];

	return MAX(in[0]->elements *
		       (scales->n != 0 ? check_cost_product(scales) : 1.0),
	    check_cost_product(in[3]));
}

/* All that is added before the axes, and then all behind; each axis has one
 * element or more. */
static double
padded(const struct check_cost_value *const in[])
{
	const struct check_cost_value *pads = in[1];
	double p = 1.0;

	for (size_t i = 0; 2 * i < pads->n; i++)
		p *= 1.0 + MAX(pads->number[i], 0.0) +
		     MAX(pads->number[i + pads->n / 2], 0.0);
	return MAX(p, in[0]->elements);
}

static const struct check_cost_op makers[] = {
    {"ConstantOfShape", check_cost_first},
    {"Expand", check_cost_expanded},
    {"OneHot", check_cost_hot},
    {"Pad", padded},
    {"Range", check_cost_ranged},
    {"Resize", resized},
    {"Tile", check_cost_tiled},
    {"Upsample", check_cost_tiled},
};

/* They have as many as the largest of what they are given. */
static const char *const keepers[] = {"Abs", "Add", "Cast", "Clip", "Concat",
    "Div", "Dropout", "Elu", "Erf", "Exp", "Flatten", "Gelu", "HardSwish",
    "Identity", "LeakyRelu", "Log", "Max", "Min", "Mul", "Neg", "Not", "Or",
    "Pow", "Relu", "Reshape", "Sigmoid", "Softmax", "Sqrt", "Squeeze", "Sub",
    "Sum", "Tanh", "Transpose", "Unsqueeze", "Where"};

static struct check_cost_value
made(const struct cost *c, const struct node *n)
{
	struct check_cost_value v = check_cost_unknown;
	const struct check_cost_value *in[CHECK_COST_INPUTS];

	for (size_t i = 0; i < CHECK_COST_INPUTS; i++)
		in[i] = input(c, n, i);
	if (rd_is(n->op, "Constant"))
		return constant(attribute(n, "value", 5));
	if (rd_is(n->op, "Identity"))
		return *in[0];
	if (rd_is(n->op, "Or"))
		v.yes = in[0]->yes || in[1]->yes;
	v.elements =
	    text_is_among((const char *)n->op.base, n->op.len, keepers,
		ARRAY_LEN(keepers))
		? check_cost_largest(in)
		: check_cost_made(n->op, makers, ARRAY_LEN(makers), in);
	return v;
}

/* --- graphs -------------------------------------------------------------- */

static void
open(struct cost *c, struct rd graph)
{
	static const uint32_t fields[] = {1, 5, 11};
	struct err e;
	size_t n, room = 0;

	*c = (struct cost){0};
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (onnx_wire_count(graph, fields[i], &n, &e) == 0)
			room += n;
	check_cost_open(&c->at, room);
}

static struct node
parts(struct rd message)
{
	struct node n = {.message = message, .op = onnx_wire_last(message, 4)};
	struct onnx_wire f;

	while (onnx_wire_step(&message, &f))
		if (f.number == 1 && f.type == ONNX_WIRE_BYTES &&
		    n.n < CHECK_COST_INPUTS)
			n.name[n.n++] = f.body;
	return n;
}

/* Weights before nodes, wherever they stand. */
static void
weights(struct cost *c, struct rd graph)
{
	struct onnx_wire f;

	while (onnx_wire_step(&graph, &f))
		if (f.number == 5 && f.type == ONNX_WIRE_BYTES)
			check_cost_keep(&c->at, onnx_wire_last(f.body, 8),
			    constant(f.body));
}

/* Of a ValueInfoProto: type = 2, tensor_type = 1, shape = 2, dim = 1, dim_value
 * = 1; a size that is not known is one. */
static struct check_cost_value
declared(struct rd info)
{
	struct rd shape =
	    onnx_wire_last(onnx_wire_last(onnx_wire_last(info, 2), 1), 2);
	struct check_cost_value v = check_cost_unknown;
	struct onnx_wire dim, f;

	while (onnx_wire_step(&shape, &dim))
		while (dim.number == 1 && dim.type == ONNX_WIRE_BYTES &&
		       onnx_wire_step(&dim.body, &f))
			if (f.number == 1 && f.type == ONNX_WIRE_VARINT &&
			    (int64_t)f.value > 0)
				v.elements *= (double)f.value;
	return v;
}

static void
inputs(struct cost *c, struct rd graph)
{
	struct onnx_wire f;

	while (onnx_wire_step(&graph, &f))
		if (f.number == 11 && f.type == ONNX_WIRE_BYTES)
			check_cost_keep(&c->at, onnx_wire_last(f.body, 1),
			    declared(f.body));
}

static bool endless(const struct cost *, const struct node *);

static void
nodes(struct cost *c, struct rd graph, bool within)
{
	struct onnx_wire f;

	while (c->verdict == AFFORDABLE && onnx_wire_step(&graph, &f)) {
		struct check_cost_value v;
		struct node n;

		if (f.number != 1 || f.type != ONNX_WIRE_BYTES)
			continue;
		n = parts(f.body);
		v = made(c, &n);
		check_cost_keep(&c->at, onnx_wire_last(f.body, 2), v);
		if (within)
			continue;
		c->node = f.body;
		c->elements = v.elements;
		if (v.elements > CHECK_COST_ELEMENTS)
			c->verdict = TOO_LARGE;
		else if (rd_is(n.op, "Loop") && endless(c, &n))
			c->verdict = ENDLESS;
	}
}

/*
 * Loop: no trip count, or one that is never reached, and a condition that is
 * true and stays so: the body passes it on, or has a constant.
 */
static bool
endless(const struct cost *c, const struct node *n)
{
	const struct check_cost_value *turns = input(c, n, 0);
	struct rd body = attribute(n, "body", 6);
	struct check_cost_value yes = check_cost_unknown;
	struct cost in;
	bool never;

	if (nth(body, 12, 0).len == 0) /* no body, or none that is valid */
		return false;
	if (n->n != 0 && n->name[0].len != 0 &&
	    !(turns->n == 1 && turns->number[0] > TURNS))
		return false;
	if (n->n < 2 || n->name[1].len == 0) /* nothing is asked */
		return true;
	if (!input(c, n, 1)->yes)
		return false;
	open(&in, body);
	yes.yes = true;
	check_cost_keep(&in.at, onnx_wire_last(nth(body, 11, 1), 1), yes);
	weights(&in, body);
	nodes(&in, body, true);
	never =
	    check_cost_find(&in.at, onnx_wire_last(nth(body, 12, 0), 1))->yes;
	check_cost_close(&in.at);
	return never;
}

static void
say(const struct check_file *f, const struct cost *c)
{
	struct rd name = onnx_wire_last(c->node, 3),
		  op = onnx_wire_last(c->node, 4);
	int n = (int)MIN(name.len, 80), k = (int)MIN(op.len, 40);

	if (c->verdict == ENDLESS)
		check_find(f, FINDING_ONNX_COST, c->node.start,
		    "node '%.*s' (%.*s) never ends", n, (const char *)name.base,
		    k, (const char *)op.base);
	if (c->verdict == TOO_LARGE)
		check_find(f, FINDING_ONNX_COST, c->node.start,
		    "node '%.*s' (%.*s) makes %.1e elements or more", n,
		    (const char *)name.base, k, (const char *)op.base,
		    c->elements);
}

void
check_onnx_cost(const struct check_file *f, struct rd graph)
{
	struct cost c;

	open(&c, graph);
	inputs(&c, graph);
	weights(&c, graph); /* an input's default counts, not its type */
	nodes(&c, graph, false);
	say(f, &c);
	check_cost_close(&c.at);
}
