/* SPDX-License-Identifier: MIT
 * Field numbers are those of onnx.proto.
 */
#include "audit/check_onnx_order.h"

#include "audit/check_onnx_op.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/text.h"
#include "formats/onnx_wire.h"

#include <inttypes.h>

#define OPSET_MAX 100 /* of ai.onnx; it was 24 in 2025, two or three a year */
#define SAID      80  /* bytes of a name in a finding */

/* Names of one graph; what is around it is seen from within. */
struct scope {
	struct map made;
	const struct scope *outer;
};

struct walk {
	const struct check_file *f;
	struct arena arena;
	unsigned depth;
	bool over; /* a fault was said, or there is no room for more names */
	bool standard; /* operators of ai.onnx are used */
	bool imported; /* its version is named */
};

static const char *
word(struct rd r)
{
	return r.len != 0 ? (const char *)r.base : "";
}

static void
fault(struct walk *w, struct rd in, const char *what, struct rd name)
{
	if (!w->over)
		check_short(w->f, FINDING_ONNX_BROKEN, in.start, "%s '%.*s'",
		    what, (int)MIN(name.len, SAID), word(name));
	w->over = true;
}

/* NodeProto: name = 3, op_type = 4; `of` is empty where it says no more. */
static void
node_fault(struct walk *w, struct rd node, const char *what, struct rd of)
{
	struct rd name = onnx_wire_last(node, 3), op = onnx_wire_last(node, 4);

	if (!w->over)
		check_short(w->f, FINDING_ONNX_BROKEN, node.start,
		    "node '%.*s' (%.*s) %s%s%.*s%s", (int)MIN(name.len, SAID),
		    word(name), (int)MIN(op.len, SAID), word(op), what,
		    of.len != 0 ? " '" : "", (int)MIN(of.len, SAID), word(of),
		    of.len != 0 ? "'" : "");
	w->over = true;
}

/* --- names --------------------------------------------------------------- */

static bool
is_made(const struct scope *s, struct rd name)
{
	for (; s != NULL; s = s->outer)
		if (map_get_n(&s->made, (const char *)name.base, name.len) !=
		    SIZE_MAX)
			return true;
	return false;
}

/* False: it was there. */
static bool
make(struct walk *w, struct scope *s, struct rd name)
{
	const char *key =
	    arena_strdup(&w->arena, (const char *)name.base, name.len);
	int rc = key != NULL ? map_put(&s->made, key, 1) : ERR_LIMIT;

	w->over = w->over || rc < 0;
	return rc != 0;
}

/* Of a graph, before its nodes: initializer = 5, input = 11, sparse_initializer = 15
 * (values = 1). */
static void
given(struct walk *w, struct scope *s, struct rd graph)
{
	struct onnx_wire f;

	while (!w->over && onnx_wire_step(&graph, &f)) {
		struct rd name = {0};

		if (f.type != ONNX_WIRE_BYTES)
			continue;
		if (f.number == 5)
			name = onnx_wire_last(f.body, 8);
		else if (f.number == 11)
			name = onnx_wire_last(f.body, 1);
		else if (f.number == 15)
			name = onnx_wire_last(onnx_wire_last(f.body, 1), 8);
		if (name.len != 0)
			(void)make(w, s, name);
	}
}

/* --- nodes --------------------------------------------------------------- */

static void graph(struct walk *, struct rd, const struct scope *outer);

static bool
has(struct rd node, const char *attribute, size_t len)
{
	struct onnx_wire f;

	while (onnx_wire_step(&node, &f)) {
		struct rd name;

		if (f.number != 5 || f.type != ONNX_WIRE_BYTES)
			continue;
		name = onnx_wire_last(f.body, 1);
		if (name.len == len && memcmp(name.base, attribute, len) == 0)
			return true;
	}
	return false;
}

static const char *
text_of(struct walk *w, struct rd r)
{
	const char *s = r.len <= LIMIT_NAME ? arena_strdup(&w->arena,
						  (const char *)r.base, r.len)
					    : NULL;

	return s != NULL ? s : "?";
}

/* op_type = 4, domain = 7 */
static void
needs(struct walk *w, struct rd node, size_t inputs)
{
	struct rd domain = onnx_wire_last(node, 7);
	struct check_onnx_need need = check_onnx_op_need(
	    text_of(w, domain), text_of(w, onnx_wire_last(node, 4)));
	const char *at = need.attributes;

	w->standard =
	    w->standard || domain.len == 0 || rd_is(domain, "ai.onnx");
	if (inputs < need.inputs)
		node_fault(
		    w, node, "has fewer inputs than it needs", (struct rd){0});
	while (*at != '\0' && !w->over) {
		size_t len = strcspn(at, " ");

		if (!has(node, at, len))
			node_fault(w, node, "has no attribute",
			    rd_mem((const uint8_t *)at, len));
		at += len + (at[len] == ' ');
	}
}

/* AttributeProto: g = 6, graphs = 11 */
static void
attribute(struct walk *w, struct rd r, const struct scope *s)
{
	struct onnx_wire f;

	while (onnx_wire_step(&r, &f))
		if ((f.number == 6 || f.number == 11) &&
		    f.type == ONNX_WIRE_BYTES)
			graph(w, f.body, s);
}

/* NodeProto: input = 1, output = 2, attribute = 5.  Outputs come last: what is within
 * a node does not see them. */
static void
node(struct walk *w, struct rd r, struct scope *s)
{
	struct rd in = r, out = r;
	struct onnx_wire f;
	size_t inputs = 0;

	while (!w->over && onnx_wire_step(&in, &f)) {
		if (f.type != ONNX_WIRE_BYTES)
			continue;
		inputs += f.number == 1;
		if (f.number == 1 && f.body.len != 0 && !is_made(s, f.body))
			node_fault(
			    w, r, "uses what no node before it makes,", f.body);
		if (f.number == 5)
			attribute(w, f.body, s);
	}
	if (!w->over)
		needs(w, r, inputs);
	while (!w->over && onnx_wire_step(&out, &f))
		if (f.number == 2 && f.type == ONNX_WIRE_BYTES &&
		    f.body.len != 0 && !make(w, s, f.body))
			node_fault(w, r, "makes once more", f.body);
}

static void
nodes(struct walk *w, struct rd in, uint32_t number, struct scope *s)
{
	struct onnx_wire f;

	while (!w->over && onnx_wire_step(&in, &f))
		if (f.number == number && f.type == ONNX_WIRE_BYTES)
			node(w, f.body, s);
}

/* --- graphs -------------------------------------------------------------- */

/* GraphProto: node = 1, output = 12 */
static void
graph(struct walk *w, struct rd r, const struct scope *outer)
{
	struct scope s = {.outer = outer};
	struct onnx_wire f;
	struct rd out = r;

	if (w->depth == LIMIT_ONNX_DEPTH)
		return;
	w->depth++;
	map_init(&s.made, &w->arena);
	given(w, &s, r);
	nodes(w, r, 1, &s);
	while (!w->over && onnx_wire_step(&out, &f)) {
		struct rd name;

		if (f.number != 12 || f.type != ONNX_WIRE_BYTES)
			continue;
		name = onnx_wire_last(f.body, 1);
		if (name.len != 0 && !is_made(&s, name))
			fault(w, f.body, "nothing makes the output", name);
	}
	w->depth--;
}

/* FunctionProto: input = 4, node = 7 */
static void
function(struct walk *w, struct rd r)
{
	struct scope s = {0};
	struct onnx_wire f;
	struct rd in = r;

	map_init(&s.made, &w->arena);
	while (!w->over && onnx_wire_step(&in, &f))
		if (f.number == 4 && f.type == ONNX_WIRE_BYTES)
			(void)make(w, &s, f.body);
	nodes(w, r, 7, &s);
}

/* OperatorSetIdProto: domain = 1, version = 2; a version that is left out is 0. */
static void
version(struct walk *w, struct rd r)
{
	struct rd domain = onnx_wire_last(r, 1);
	bool own = domain.len == 0 || rd_is(domain, "ai.onnx");
	int64_t v = (int64_t)onnx_wire_number(r, 2, 0);
	char text[96];

	w->imported = w->imported || own;
	if (w->over || (v > 0 && (!own || v <= OPSET_MAX)))
		return;
	snprintf(
	    text, sizeof(text), "version %" PRId64 " of the operators of", v);
	fault(w, r, text, own ? rd_mem((const uint8_t *)"ai.onnx", 7) : domain);
}

/* GraphProto: name = 2, which those within may do without */
static void
whole(struct walk *w, struct rd r)
{
	if (onnx_wire_last(r, 2).len == 0)
		fault(w, r, "a graph without a name, in a model of",
		    onnx_wire_last(w->f->bytes, 2));
	graph(w, r, NULL);
}

/* ModelProto: graph = 7, opset_import = 8, functions = 25 */
static void
model(struct walk *w, struct rd r)
{
	struct onnx_wire f;

	while (!w->over && onnx_wire_step(&r, &f)) {
		if (f.type != ONNX_WIRE_BYTES)
			continue;
		if (f.number == 7)
			whole(w, f.body);
		else if (f.number == 8)
			version(w, f.body);
		else if (f.number == 25)
			function(w, f.body);
	}
}

void
check_onnx_order(const struct check_file *f)
{
	struct walk w = {.f = f};

	arena_init(&w.arena, LIMIT_TF_ARENA);
	model(&w, f->bytes);
	if (!w.over && w.standard && !w.imported &&
	    onnx_wire_number(f->bytes, 1, 0) >= 3)
		check_short(f, FINDING_ONNX_BROKEN, ERR_NOWHERE,
		    "it does not say which version of ai.onnx's operators it "
		    "means");
	arena_release(&w.arena);
}
