/* SPDX-License-Identifier: MIT
 * TensorFlow graphs: SavedModel (tensorflow/core/protobuf/saved_model.proto),
 * MetaGraphDef (.meta), GraphDef (frozen .pb), and the same as text.  The
 * loader goes by the names saved_model.pb and .pbtxt alone, so these files are
 * looked at whatever they seem to be.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"

#include "audit/check_arch_tf.h"
#include "audit/check_keras_walk.h"
#include "audit/check_path.h"
#include "audit/check_savedmodel_text.h"
#include "audit/check_tf_graph.h"
#include "audit/check_tf_order.h"
#include "base/limits.h"
#include "base/text.h"

#include <inttypes.h>

#define SCHEMA 1 /* kSavedModelSchemaVersion */

/* --- what else a MetaGraphDef holds -------------------------------------- */

/* TensorInfo: name = 1, "node:0" */
static void
asset_node(struct check_tf_graph *g, struct rd r)
{
	struct onnx_wire w;

	while (check_tf_graph_next(g, &r, &w)) {
		const uint8_t *colon;

		if (w.number != 1 || w.type != ONNX_WIRE_BYTES ||
		    w.body.len == 0)
			continue;
		colon = memchr(w.body.base, ':', w.body.len);
		if (colon != NULL)
			w.body.len = (size_t)(colon - w.body.base);
		if (map_put(&g->assets, check_tf_graph_text(g, w.body), 1) ==
		    ERR_LIMIT)
			check_tf_graph_fail(
			    g, ERR_LIMIT, w.at, "assets without end");
	}
}

/* AssetFileDef: tensor_info = 1, filename = 2, which the loader joins to the
 * folder "assets" */
static void
asset(struct check_tf_graph *g, struct rd r)
{
	struct onnx_wire w;

	while (check_tf_graph_next(g, &r, &w)) {
		struct slice s = {w.body.base, w.body.len};
		const char *why;

		if (w.type != ONNX_WIRE_BYTES)
			continue;
		if (w.number == 1)
			asset_node(g, w.body);
		if (w.number == 2 && (why = check_path_escape(s)) != NULL)
			check_find(g->f, FINDING_TF_ASSET, w.at,
			    "asset '%.200s' %s", check_tf_graph_text(g, w.body),
			    why);
	}
}

/* A field that is a message, each time that it is there. */
static void
each(struct check_tf_graph *g, struct rd r, uint32_t number,
    void (*fn)(struct check_tf_graph *, struct rd))
{
	struct onnx_wire w;

	while (check_tf_graph_next(g, &r, &w))
		if (w.number == number && w.type == ONNX_WIRE_BYTES)
			fn(g, w.body);
		else if (w.number == number)
			check_tf_graph_fail(
			    g, ERR_FORMAT, w.at, "a number for a message");
}

/* The configuration of a Keras object. */
static void
metadata(struct check_tf_graph *g, struct rd r)
{
	struct slice s = {r.base, r.len};

	if (s.len > 2 && s.ptr[0] == '{' &&
	    memmem(s.ptr, s.len, "class_name", 10) != NULL)
		check_keras_walk_text(g->f, "object_graph", s);
}

/* SavedUserObject: metadata = 3 */
static void
user_object(struct check_tf_graph *g, struct rd r)
{
	each(g, r, 3, metadata);
}

/* SavedObject: user_object = 4 */
static void
object(struct check_tf_graph *g, struct rd r)
{
	each(g, r, 4, user_object);
}

/* SavedObjectGraph: nodes = 1 */
static void
objects(struct check_tf_graph *g, struct rd r)
{
	each(g, r, 1, object);
}

/* MetaGraphDef: graph_def = 2, asset_file_def = 6, object_graph_def = 7 */
static void
meta_graph(struct check_tf_graph *g, struct rd r)
{
	struct rd graph = onnx_wire_last(r, 2);

	each(g, r, 6, asset);
	each(g, r, 2, check_tf_graph);
	each(g, r, 7, objects);
	if (graph.len == 0)
		return;
	check_arch_tf(g->f, graph, r);
	check_tf_order(g, graph, r);
}

static void
frozen(struct check_tf_graph *g, struct rd r)
{
	check_tf_graph(g, r);
	check_arch_tf(g->f, r, (struct rd){0});
	check_tf_order(g, r, (struct rd){0});
}

/* --- which of them it is ------------------------------------------------- */

enum kind {
	NONE,
	SAVED_MODEL,
	META_GRAPH,
	GRAPH,
	TEXT,
};

/*
 * What a damaged one, or one with fields that no identification expects, still
 * is to whoever loads it: the first fields, and an operator that nearly every
 * graph has, as NodeDef spells it.
 */
static bool
has_nodes(struct rd r)
{
	static const char *const ops[] = {"\x12\x05"
					  "Const",
	    "\x12\x04"
	    "NoOp",
	    "\x12\x0b"
	    "Placeholder",
	    "\x12\x0b"
	    "VarHandleOp",
	    "\x12\x08"
	    "ReadFile",
	    "\x12\x09"
	    "WriteFile",
	    "\x12\x06"
	    "PyFunc"};

	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (memmem(r.base, r.len, ops[i], strlen(ops[i])) != NULL)
			return true;
	return false;
}

/* saved_model_schema_version = 1 and meta_graphs = 2, in whatever order */
static bool
begins(struct rd r)
{
	uint64_t key, len;
	struct rd body;

	if (r.len > 8 && memcmp(r.base, "\x08\x01\x12", 3) == 0)
		return true;
	return rd_varint(&r, &key) == 0 && key == 0x12 &&
	       rd_varint(&r, &len) == 0 && rd_sub(&r, len, &body) == 0 &&
	       (body.len == 0 || body.base[0] == 0x0a) &&
	       (rd_left(&r) == 0 || r.base[r.off] == 0x08 ||
		   r.base[r.off] == 0x12);
}

static enum kind
kind_of(const struct check_file *f)
{
	const char *name = check_name_of(f);

	if (check_is(f, "savedmodel") || strcmp(name, "saved_model.pb") == 0)
		return SAVED_MODEL;
	if (check_savedmodel_text_is(f))
		return TEXT;
	if (check_is(f, "tf-graph"))
		return GRAPH;
	if (check_is(f, "tf-meta"))
		return META_GRAPH;
	if (begins(f->bytes) && has_nodes(f->bytes))
		return SAVED_MODEL;
	return NONE;
}

void
check_savedmodel(const struct check_file *f)
{
	enum kind kind = kind_of(f);
	struct err e = {.off = ERR_NOWHERE};
	struct check_tf_graph g;
	struct arena a;

	if (kind == NONE)
		return;
	check_knows(f);
	arena_init(&a, LIMIT_TF_ARENA);
	check_tf_graph_init(&g, f, &a, &e);
	if (kind == TEXT)
		check_savedmodel_text(f);
	else if (kind == SAVED_MODEL)
		each(&g, f->bytes, 2, meta_graph);
	else if (kind == META_GRAPH)
		meta_graph(&g, f->bytes);
	else
		frozen(&g, f->bytes);
	if (g.rc != 0)
		check_short(f,
		    e.code == ERR_LIMIT ? FINDING_FILE_LIMIT
					: FINDING_TF_BROKEN,
		    e.off, "%s", e.msg);
	else if (kind == SAVED_MODEL && g.nodes == 0)
		check_short(f, FINDING_TF_BROKEN, ERR_NOWHERE,
		    "a SavedModel without a graph");
	else if (kind == SAVED_MODEL &&
		 onnx_wire_number(f->bytes, 1, SCHEMA) > SCHEMA)
		check_short(f, FINDING_TF_BROKEN, ERR_NOWHERE,
		    "a SavedModel of schema %" PRIu64 ", known is %d",
		    onnx_wire_number(f->bytes, 1, SCHEMA), SCHEMA);
	arena_release(&a);
}
