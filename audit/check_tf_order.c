/* SPDX-License-Identifier: MIT
 * Field numbers are those of graph.proto, node_def.proto, function.proto,
 * attr_value.proto, tensor.proto and meta_graph.proto (tensorflow/core).
 */
#include "audit/check_tf_order.h"

#include "audit/check_tf.h"
#include "base/limits.h"

#include <ctype.h>

/* TF_GRAPH_DEF_VERSION was 2,100 in 2025, one a day */
#define CONSUMER_MAX 10000
#define SAID         80 /* bytes of a name in a finding */

struct node {
	struct rd name, op, body;
	size_t input, n; /* in `input` of the net */
	bool back;       /* what it makes is used in the next turn of a loop */
};

struct net {
	struct check_tf_graph *g;
	struct map names; /* to places in `node`; arguments to none */
	struct node *node;
	size_t *input;
	size_t nnode, ninput;
	bool said;
};

static const char *
word(struct rd r)
{
	return r.len != 0 ? (const char *)r.base : "";
}

static int
said(struct rd name)
{
	return (int)MIN(name.len, SAID);
}

static void
fault(struct net *t, struct rd in, struct rd name, const char *what)
{
	if (!t->said)
		check_short(t->g->f, FINDING_TF_BROKEN, in.start, "'%.*s' %s",
		    said(name), word(name), what);
	t->said = true;
}

/* The next field that is a message or a string. */
static bool
next(struct rd *r, struct onnx_wire *w)
{
	while (onnx_wire_step(r, w))
		if (w->type == ONNX_WIRE_BYTES)
			return true;
	return false;
}

/* --- names --------------------------------------------------------------- */

/* IsValidNodeName(): letters, digits and _ > . \ / - */
static bool
is_name(struct rd r)
{
	for (size_t i = 0; i < r.len; i++)
		if (!isalnum(r.base[i]) &&
		    (r.base[i] == '\0' || strchr("_>.\\/-", r.base[i]) == NULL))
			return false;
	return r.len != 0;
}

static size_t
find(const struct net *t, struct rd name)
{
	return map_get_n(&t->names, word(name), name.len);
}

/* False: it was there. */
static bool
put(struct net *t, struct rd name, size_t place)
{
	int rc = map_put(&t->names, check_tf_graph_text(t->g, name), place);

	t->said = t->said || rc < 0;
	return rc != 0;
}

/* An input: "^name", "name", "name:0" or "name:output:0" */
static struct rd
source(struct rd r)
{
	const uint8_t *colon;

	if (r.len != 0 && r.base[0] == '^') {
		r.base++;
		r.len--;
	}
	colon = r.len != 0 ? memchr(r.base, ':', r.len) : NULL;
	if (colon != NULL)
		r.len = (size_t)(colon - r.base);
	return r;
}

/* NodeDef: name = 1, op = 2, input = 3 */
static void
nodes(struct net *t, struct rd body, uint32_t field)
{
	struct onnx_wire w, in;

	while (!t->said && next(&body, &w)) {
		struct node *n = &t->node[t->nnode];
		struct rd r = w.body;

		if (w.number != field)
			continue;
		*n = (struct node){.body = w.body,
		    .name = onnx_wire_last(w.body, 1),
		    .op = onnx_wire_last(w.body, 2),
		    .input = t->ninput};
		n->back = rd_is(n->op, "NextIteration") ||
			  rd_is(n->op, "RefNextIteration");
		while (next(&r, &in))
			n->n += in.number == 3;
		t->ninput += n->n;
		if (!is_name(n->name))
			fault(t, w.body, n->name, "is no name of a node");
		else if (!put(t, n->name, t->nnode))
			fault(t, w.body, n->name, "is the name of two nodes");
		t->nnode++;
	}
}

static void
inputs(struct net *t)
{
	for (size_t i = 0; i < t->nnode && !t->said; i++) {
		struct node *n = &t->node[i];
		size_t at = n->input;
		struct rd r = n->body;
		struct onnx_wire in;

		while (!t->said && next(&r, &in)) {
			if (in.number != 3)
				continue;
			t->input[at] = find(t, source(in.body));
			if (t->input[at++] == SIZE_MAX)
				fault(t, n->body, in.body,
				    "is an input that no node makes");
		}
	}
}

/* --- cycles -------------------------------------------------------------- */

enum colour {
	NEW,
	OPEN,
	DONE
};

struct step {
	size_t node, input;
};

/* From one node to all that it needs; "open" are those on the way to it. */
static void
follow(struct net *t, size_t from, uint8_t *colour, struct step *way)
{
	size_t depth = 1;

	way[0] = (struct step){from, 0};
	colour[from] = OPEN;
	while (depth != 0 && !t->said) {
		struct step *s = &way[depth - 1];
		const struct node *n = &t->node[s->node];
		size_t to;

		if (s->input == n->n || n->back) {
			colour[s->node] = DONE;
			depth--;
			continue;
		}
		to = t->input[n->input + s->input++];
		if (to >= t->nnode || colour[to] == DONE)
			continue;
		if (colour[to] == OPEN) {
			fault(t, n->body, n->name, "needs itself");
			continue;
		}
		colour[to] = OPEN;
		way[depth++] = (struct step){to, 0};
	}
}

static void
cycles(struct net *t)
{
	struct arena *a = t->g->arena;
	uint8_t *colour = arena_alloc(a, t->nnode + 1, 1);
	struct step *way = arena_alloc(a, t->nnode + 1, sizeof(*way));

	for (size_t i = 0; colour != NULL && way != NULL && i < t->nnode; i++)
		if (colour[i] == NEW && !t->said)
			follow(t, i, colour, way);
}

/* --- what nodes hold ----------------------------------------------------- */

/* NameAttrList: name = 1.  Of SymbolicGradient it may be an operator's. */
static void
call(struct net *t, const struct node *n, struct rd list)
{
	struct rd name = onnx_wire_last(list, 1);
	struct check_tf_graph *g = t->g;

	if (name.len != 0 && !rd_is(n->op, "SymbolicGradient") &&
	    map_get_n(&g->functions, word(name), name.len) == SIZE_MAX &&
	    check_tf_op((struct slice){name.base, name.len}) ==
		CHECK_TF_UNKNOWN)
		fault(t, n->body, name, "is called and not there");
}

/* DataType, in bytes: 1 DT_FLOAT to 25 DT_FLOAT8_E4M3FN; 0: none of numbers */
static size_t
width(uint64_t type)
{
	static const uint8_t bytes[] = {0, 4, 8, 4, 1, 2, 1, 0, 8, 8, 1, 1, 1,
	    4, 2, 2, 2, 2, 16, 2, 0, 0, 4, 8, 1, 1};

	return type < ARRAY_LEN(bytes) ? bytes[type] : 0;
}

/* TensorProto: dtype = 1, tensor_shape = 2 (dim = 2 of size = 1),
 * tensor_content = 4 */
static void
constant(struct net *t, const struct node *n, struct rd tensor)
{
	struct rd shape = onnx_wire_last(tensor, 2),
		  content = onnx_wire_last(tensor, 4);
	size_t size = width(onnx_wire_number(tensor, 1, 0));
	uint64_t count = size;
	struct onnx_wire w;
	bool large = false;

	while (next(&shape, &w))
		if (w.number == 2)
			large = ckd_mul(&count, count,
				    onnx_wire_number(w.body, 1, 0)) ||
				large;
	if (content.len != 0 && size != 0 && (large || count != content.len))
		fault(t, n->body, n->name,
		    "is a constant of another number of bytes than its shape");
}

static bool
is_call(struct rd op)
{
	return rd_is(op, "PartitionedCall") ||
	       rd_is(op, "StatefulPartitionedCall");
}

/* NodeDef: attr = 5 (key = 1, value = 2); AttrValue: list = 1 (func = 9), tensor = 8,
 * func = 10 */
static void
attributes(struct net *t, const struct node *n)
{
	struct rd r = n->body;
	struct onnx_wire w, part, of;

	while (!t->said && next(&r, &w)) {
		struct rd value = onnx_wire_last(w.body, 2);

		if (w.number != 5)
			continue;
		if (is_call(n->op) && rd_is(onnx_wire_last(w.body, 1), "f") &&
		    onnx_wire_last(value, 10).len == 0)
			fault(t, n->body, n->name, "calls no function");
		while (!t->said && next(&value, &part)) {
			if (part.number == 10)
				call(t, n, part.body);
			if (part.number == 8 && rd_is(n->op, "Const"))
				constant(t, n, part.body);
			while (part.number == 1 && next(&part.body, &of))
				if (of.number == 9)
					call(t, n, of.body);
		}
	}
}

/* --- graphs and functions ------------------------------------------------ */

/* Room for all nodes of a message, which are its field `field`, and their inputs. */
static bool
room(struct net *t, struct rd body, uint32_t field)
{
	struct arena *a = t->g->arena;
	size_t n = 0, in = 0;
	struct onnx_wire w, f;

	while (next(&body, &w)) {
		if (w.number != field)
			continue;
		n++;
		while (next(&w.body, &f))
			in += f.number == 3;
	}
	map_init(&t->names, a);
	t->node = arena_alloc(a, n + 1, sizeof(*t->node));
	t->input = arena_alloc(a, in + 1, sizeof(*t->input));
	return t->node != NULL && t->input != NULL;
}

static void
net(struct net *t)
{
	inputs(t);
	for (size_t i = 0; i < t->nnode && !t->said; i++)
		attributes(t, &t->node[i]);
	if (!t->said)
		cycles(t);
}

/* FunctionDef: signature = 1 (OpDef: input_arg = 2, of name = 1), node_def = 3 */
static void
function(struct check_tf_graph *g, struct rd r, bool *said_one)
{
	struct net t = {.g = g, .said = *said_one};
	struct rd signature = onnx_wire_last(r, 1);
	struct onnx_wire w;

	if (!room(&t, r, 3))
		return;
	while (next(&signature, &w))
		if (w.number == 2)
			(void)put(&t, onnx_wire_last(w.body, 1), SIZE_MAX - 1);
	nodes(&t, r, 3);
	net(&t);
	*said_one = t.said;
}

/* SignatureDef: inputs = 1, outputs = 2, maps of key = 1, value = 2 (TensorInfo:
 * name = 1, or a coding of several) */
static void
signature(struct net *t, struct rd r)
{
	struct onnx_wire w;

	while (!t->said && next(&r, &w)) {
		struct rd name = onnx_wire_last(onnx_wire_last(w.body, 2), 1);

		if ((w.number == 1 || w.number == 2) && name.len != 0 &&
		    find(t, source(name)) == SIZE_MAX)
			fault(t, w.body, name,
			    "is of a signature, and no node makes it");
	}
}

/* GraphDef: versions = 4 (min_consumer = 2) */
static void
version(struct net *t, struct rd graph)
{
	struct rd v = onnx_wire_last(graph, 4);

	if (onnx_wire_number(v, 2, 0) > CONSUMER_MAX)
		fault(t, v, rd_mem((const uint8_t *)"min_consumer", 12),
		    "is no version of TensorFlow");
}

void
check_tf_order(struct check_tf_graph *g, struct rd graph, struct rd meta)
{
	struct net t = {.g = g};
	struct onnx_wire w, f;
	struct rd r = graph;

	if (g->rc != 0 || !room(&t, graph, 1))
		return;
	version(&t, graph);
	nodes(&t, graph, 1);
	net(&t);
	while (next(&meta, &w)) /* signature_def = 5 */
		if (w.number == 5)
			signature(&t, onnx_wire_last(w.body, 2));
	while (next(&r, &w)) /* library = 2, of function = 1 */
		while (w.number == 2 && next(&w.body, &f))
			if (f.number == 1)
				function(g, f.body, &t.said);
}
