/* SPDX-License-Identifier: MIT */
#include "audit/check_tf_graph.h"

#include "audit/check_path.h"
#include "audit/check_tf.h"
#include "audit/check_tf_cost.h"
#include "base/limits.h"
#include "formats/onnx_wire.h"

#define INPUTS 2 /* that may name a file */
#define HOPS   8

struct node {
	struct rd name, op, body;
	struct rd input[INPUTS];
	size_t ninput;
	uint64_t at;
};

/* Nodes of a graph or function body that a file name may come from. */
struct origin {
	struct rd text;  /* of a constant; base NULL: none */
	struct rd input; /* else what it passes on */
};

struct scope {
	struct check_tf_graph *g;
	struct rd body;
	uint32_t field; /* of its nodes */
	struct map names;
	struct origin *origin;
	size_t n;
};

void
check_tf_graph_init(struct check_tf_graph *g, const struct check_file *f,
    struct arena *a, struct err *e)
{
	*g = (struct check_tf_graph){.f = f, .arena = a, .e = e};
	map_init(&g->said, a);
	map_init(&g->functions, a);
	map_init(&g->assets, a);
}

void
check_tf_graph_fail(
    struct check_tf_graph *g, int code, uint64_t at, const char *what)
{
	if (g->rc == 0)
		g->rc = err_set(g->e, code, at, "%s", what);
}

/* Names that are not kept are all alike: one could pass for another. */
const char *
check_tf_graph_text(struct check_tf_graph *g, struct rd r)
{
	const char *s = r.len <= LIMIT_NAME ? arena_strdup(g->arena,
						  (const char *)r.base, r.len)
					    : NULL;

	if (s == NULL)
		check_tf_graph_fail(
		    g, ERR_LIMIT, r.start, "a name without end");
	return s != NULL ? s : "";
}

static void
full(struct check_tf_graph *g)
{
	check_tf_graph_fail(g, ERR_LIMIT, ERR_NOWHERE, "a graph without end");
}

bool
check_tf_graph_next(struct check_tf_graph *g, struct rd *r, struct onnx_wire *w)
{
	struct err e = {.off = ERR_NOWHERE};
	int rc = onnx_wire_next(r, w, &e);

	if (rc >= 0)
		return rc > 0;
	check_tf_graph_fail(g, e.code, e.off, e.msg);
	return w->type == ONNX_WIRE_BYTES && rd_left(r) != 0 &&
	       rd_sub(r, rd_left(r), &w->body) == 0;
}

static struct slice
bytes(struct rd r)
{
	return (struct slice){r.base, r.len};
}

/* --- one node ------------------------------------------------------------ */

/* NodeDef: name = 1, op = 2, input = 3, device = 4, attr = 5 */
static void
read_node(struct check_tf_graph *g, struct rd r, struct node *n)
{
	struct onnx_wire w;

	*n = (struct node){.body = r, .at = r.start};
	while (check_tf_graph_next(g, &r, &w)) {
		if (w.type != ONNX_WIRE_BYTES)
			continue;
		if (w.number == 1)
			n->name = w.body;
		else if (w.number == 2)
			n->op = w.body;
		else if (w.number == 3 && n->ninput < INPUTS &&
			 w.body.len != 0 && w.body.base[0] != '^')
			n->input[n->ninput++] = w.body;
	}
}

/* attr = 5: a map of key = 1, value = 2 (AttrValue) */
static struct rd
attribute(const struct node *n, const char *key)
{
	struct rd r = n->body, found = {0};
	struct onnx_wire w;
	struct err ignored;

	while (onnx_wire_next(&r, &w, &ignored) > 0)
		if (w.number == 5 && w.type == ONNX_WIRE_BYTES &&
		    rd_is(onnx_wire_last(w.body, 1), key))
			found = onnx_wire_last(w.body, 2);
	return found;
}

/* The text of a constant: attr "value", tensor = 8, string_val = 8. */
static struct rd
constant(const struct node *n)
{
	return onnx_wire_last(onnx_wire_last(attribute(n, "value"), 8), 8);
}

/* --- where a file name comes from ---------------------------------------- */

/* "name", "name:0" (graphs), "name:output:0" (functions) */
static struct rd
base_name(struct rd r)
{
	const uint8_t *colon = r.len != 0 ? memchr(r.base, ':', r.len) : NULL;

	if (colon != NULL)
		r.len = (size_t)(colon - r.base);
	return r;
}

static bool
passes_on(struct rd op)
{
	return rd_is(op, "Identity") || rd_is(op, "PlaceholderWithDefault") ||
	       rd_is(op, "StringJoin") || rd_is(op, "Reshape") ||
	       rd_is(op, "ExpandDims") || rd_is(op, "Pack");
}

/* The names of all constants and of what passes on. */
static void
index_scope(struct scope *s)
{
	struct rd r = s->body;
	struct onnx_wire w;
	struct node n;

	map_init(&s->names, s->g->arena);
	while (check_tf_graph_next(s->g, &r, &w)) {
		struct origin *o = &s->origin[s->n];

		if (w.number != s->field || w.type != ONNX_WIRE_BYTES)
			continue;
		read_node(s->g, w.body, &n);
		if (!rd_is(n.op, "Const") && !passes_on(n.op))
			continue;
		if (rd_is(n.op, "Const"))
			o->text = constant(&n);
		else if (n.ninput != 0)
			o->input = base_name(n.input[0]);
		if (map_put(&s->names, check_tf_graph_text(s->g, n.name),
			s->n) == ERR_LIMIT)
			full(s->g);
		s->n++;
	}
}

/* base NULL: it comes from somewhere else.  *asset: the loader sets it. */
static struct rd
trace(struct scope *s, struct rd input, bool *asset)
{
	struct rd name = base_name(input);

	for (unsigned hop = 0; hop < HOPS && name.base != NULL; hop++) {
		const char *key = check_tf_graph_text(s->g, name);
		size_t i = map_get(&s->names, key);

		*asset = *asset || map_get(&s->g->assets, key) != SIZE_MAX;
		if (i == SIZE_MAX)
			break;
		if (s->origin[i].text.base != NULL)
			return s->origin[i].text;
		name = s->origin[i].input;
	}
	return (struct rd){0};
}

/* --- what is said -------------------------------------------------------- */

static void
say_path(struct scope *s, const struct node *n, enum check_tf_class class)
{
	size_t last =
	    class == CHECK_TF_SAVER && !rd_is(n->op, "MergeV2Checkpoints")
		? 1
		: INPUTS;

	for (size_t i = class == CHECK_TF_CACHE; i < MIN(n->ninput, last);
	     i++) {
		bool asset = false;
		struct rd path = trace(s, n->input[i], &asset);
		const char *why = check_path_escape(bytes(path));
		bool any = class == CHECK_TF_READ || class == CHECK_TF_WRITE ||
			   (class == CHECK_TF_CACHE && path.len != 0);

		if (path.base == NULL || asset || (why == NULL && !any))
			continue;
		check_find(s->g->f, check_tf_finding(class), n->at,
		    "'%.100s' (%.60s) %s: '%.200s'%s%s",
		    check_tf_graph_text(s->g, n->name),
		    check_tf_graph_text(s->g, n->op), check_tf_text(class),
		    check_tf_graph_text(s->g, path),
		    why != NULL ? ", which " : "", why != NULL ? why : "");
	}
}

/* Each operator once: a graph has it in thousands of nodes, or in one. */
static void
say_op(
    struct check_tf_graph *g, const struct node *n, enum check_tf_class class)
{
	const char *op = check_tf_graph_text(g, n->op);
	int rc = map_put(&g->said, op, 1);

	if (rc < 0)
		full(g);
	if (rc > 0)
		check_find(g->f, check_tf_finding(class), n->at,
		    "'%.100s' is of operator '%.100s', which %s",
		    check_tf_graph_text(g, n->name), op,
		    rd_is(n->op, "Abort") ? "ends the process that runs it"
					  : check_tf_text(class));
}

/* The next field of a message that is one itself, or a string. */
static bool
next_bytes(struct rd *r, struct onnx_wire *w)
{
	struct err ignored;

	while (onnx_wire_next(r, w, &ignored) > 0)
		if (w->type == ONNX_WIRE_BYTES)
			return true;
	return false;
}

/* AttrValue: s = 2, list = 1 of s = 2 */
static bool
value_text(struct rd value, bool (*is)(struct rd))
{
	struct onnx_wire w, of;

	while (next_bytes(&value, &w)) {
		if (w.number == 2 && is(w.body))
			return true;
		while (w.number == 1 && next_bytes(&w.body, &of))
			if (of.number == 2 && is(of.body))
				return true;
	}
	return false;
}

/* Some string of an attribute is one of these.  Entries, values and lists may stand
 * there more than once: protobuf merges them. */
static bool
any_text(const struct node *n, const char *key, bool (*is)(struct rd))
{
	struct rd r = n->body;
	struct onnx_wire w, part;

	while (next_bytes(&r, &w)) {
		if (w.number != 5 || !rd_is(onnx_wire_last(w.body, 1), key))
			continue;
		while (next_bytes(&w.body, &part))
			if (part.number == 2 && value_text(part.body, is))
				return true;
	}
	return false;
}

static bool
is_any(struct rd s)
{
	return s.len != 0;
}

/* output_stream: "stderr", "log(info)", or a file */
static bool
is_file(struct rd s)
{
	return s.len > 7 && memcmp(s.base, "file://", 7) == 0;
}

static bool
is_descriptor_file(struct rd s)
{
	return s.len != 0 && !rd_is(s, "local://") &&
	       !(s.len > 8 && memcmp(s.base, "bytes://", 8) == 0);
}

/* Operators that an attribute makes harmless, or harmful. */
static enum check_tf_class
by_attribute(const struct node *n, enum check_tf_class class)
{
	if (rd_is(n->op, "PrintV2"))
		return any_text(n, "output_stream", is_file) ? CHECK_TF_WRITE
							     : class;
	if (n->op.len > 5 && memcmp(n->op.base, "Debug", 5) == 0)
		return any_text(n, "debug_urls", is_any) ? CHECK_TF_NETWORK
							 : class;
	if (rd_is(n->op, "DecodeProtoV2") || rd_is(n->op, "EncodeProto"))
		return any_text(n, "descriptor_source", is_descriptor_file)
			   ? CHECK_TF_READ
			   : CHECK_TF_SAFE;
	if (rd_is(n->op, "FixedUnigramCandidateSampler"))
		return any_text(n, "vocab_file", is_any) ? CHECK_TF_READ
							 : CHECK_TF_SAFE;
	return class;
}

static bool
is_function(struct check_tf_graph *g, struct rd op)
{
	return map_get(&g->functions, check_tf_graph_text(g, op)) != SIZE_MAX;
}

/* True when there are file names to be looked for. */
static bool
judge(struct check_tf_graph *g, const struct node *n)
{
	enum check_tf_class class = by_attribute(n, check_tf_op(bytes(n->op)));

	if (class == CHECK_TF_SAFE)
		return false;
	if (class == CHECK_TF_UNKNOWN && is_function(g, n->op))
		return false;
	if (class != CHECK_TF_SAVER && class != CHECK_TF_TABLE &&
	    class != CHECK_TF_CACHE)
		say_op(g, n, class);
	return class <= CHECK_TF_WRITE;
}

/* --- graphs and functions ------------------------------------------------ */

static void
find_paths(struct scope *s, size_t nodes)
{
	struct rd r = s->body;
	struct onnx_wire w;
	struct node n;

	s->origin = arena_alloc(s->g->arena, nodes + 1, sizeof(*s->origin));
	if (s->origin == NULL) {
		full(s->g);
		return;
	}
	index_scope(s);
	while (check_tf_graph_next(s->g, &r, &w)) {
		enum check_tf_class class;

		if (w.number != s->field || w.type != ONNX_WIRE_BYTES)
			continue;
		read_node(s->g, w.body, &n);
		class = by_attribute(&n, check_tf_op(bytes(n.op)));
		if (class >= CHECK_TF_SAVER && class <= CHECK_TF_WRITE)
			say_path(s, &n, class);
	}
}

/* The nodes of a message, which are its field `field`. */
static void
scope(struct check_tf_graph *g, struct rd body, uint32_t field)
{
	struct scope s = {.g = g, .body = body, .field = field};
	struct rd r = body;
	struct onnx_wire w;
	struct node n;
	bool paths = false;
	size_t nodes = 0;

	while (check_tf_graph_next(g, &r, &w)) {
		if (w.number != field || w.type != ONNX_WIRE_BYTES)
			continue;
		nodes++;
		if (++g->nodes > LIMIT_TF_NODES) {
			check_tf_graph_fail(
			    g, ERR_LIMIT, w.at, "more nodes than any graph");
			return;
		}
		read_node(g, w.body, &n);
		paths = judge(g, &n) || paths;
	}
	if (paths)
		find_paths(&s, nodes);
	check_tf_cost(g, body, field);
}

/* FunctionDefLibrary: function = 1; FunctionDef: signature = 1 (name = 1),
 * node_def = 3 */
static void
library(struct check_tf_graph *g, struct rd r, bool names_only)
{
	struct onnx_wire w;

	while (check_tf_graph_next(g, &r, &w)) {
		struct rd name;

		if (w.number != 1 || w.type != ONNX_WIRE_BYTES)
			continue;
		name = onnx_wire_last(onnx_wire_last(w.body, 1), 1);
		if (!names_only)
			scope(g, w.body, 3);
		else if (map_put(&g->functions, check_tf_graph_text(g, name),
			     1) == ERR_LIMIT)
			full(g);
	}
}

/* GraphDef: node = 1, library = 2; several libraries are merged. */
static void
libraries(struct check_tf_graph *g, struct rd r, bool names_only)
{
	struct onnx_wire w;

	while (check_tf_graph_next(g, &r, &w))
		if (w.number == 2 && w.type == ONNX_WIRE_BYTES)
			library(g, w.body, names_only);
}

void
check_tf_graph(struct check_tf_graph *g, struct rd r)
{
	g->graph = r;
	libraries(g, r, true);
	scope(g, r, 1);
	libraries(g, r, false);
}
