/* SPDX-License-Identifier: MIT
 * TensorFlow graphs: SavedModel (tensorflow/core/protobuf/saved_model.proto),
 * MetaGraphDef (.meta), GraphDef (frozen .pb), and the same as text.  The
 * loader goes by the names saved_model.pb and .pbtxt alone, so these files are
 * looked at whatever they seem to be.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"

#include "audit/check_keras_walk.h"
#include "audit/check_path.h"
#include "audit/check_savedmodel_text.h"
#include "audit/check_tf_graph.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/onnx_wire.h"

/* --- what else a MetaGraphDef holds -------------------------------------- */

/* AssetFileDef: tensor_info = 1 (TensorInfo: name = 1), filename = 2.  The
 * loader joins it to the folder "assets". */
static int
asset(struct check_tf_graph *g, struct rd r)
{
	struct onnx_wire w, in;
	int rc;

	while ((rc = onnx_wire_next(&r, &w, g->e)) > 0) {
		struct rd info = w.body;

		if (w.type != ONNX_WIRE_BYTES)
			continue;
		if (w.number == 2) {
			const char *why = check_path_escape(
			    (struct slice){w.body.base, w.body.len});

			if (why != NULL)
				check_find(g->f, FINDING_TF_ASSET, w.at,
				    "asset '%.200s' %s",
				    check_tf_graph_text(g, w.body), why);
		}
		while (w.number == 1 &&
		       (rc = onnx_wire_next(&info, &in, g->e)) > 0) {
			const uint8_t *colon;

			if (in.number != 1 || in.type != ONNX_WIRE_BYTES)
				continue;
			colon = in.body.len != 0
				    ? memchr(in.body.base, ':', in.body.len)
				    : NULL;
			if (colon != NULL)
				in.body.len = (size_t)(colon - in.body.base);
			if (map_put(&g->assets, check_tf_graph_text(g, in.body),
				1) == ERR_LIMIT)
				return err_set(g->e, ERR_LIMIT, w.at,
				    "assets without end");
		}
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* SavedUserObject: metadata = 3 is the configuration of a Keras object. */
static int
user_object(struct check_tf_graph *g, struct rd r)
{
	struct onnx_wire w;
	int rc;

	while ((rc = onnx_wire_next(&r, &w, g->e)) > 0) {
		struct slice s = {w.body.base, w.body.len};

		if (w.number == 3 && w.type == ONNX_WIRE_BYTES && s.len > 2 &&
		    s.ptr[0] == '{' &&
		    memmem(s.ptr, s.len, "class_name", 10) != NULL)
			check_keras_walk_text(g->f, "object_graph", s);
	}
	return rc;
}

/* SavedObjectGraph: nodes = 1; SavedObject: user_object = 4 */
static int
objects(struct check_tf_graph *g, struct rd r)
{
	struct onnx_wire w, in;
	int rc;

	while ((rc = onnx_wire_next(&r, &w, g->e)) > 0) {
		struct rd object = w.body;

		if (w.number != 1 || w.type != ONNX_WIRE_BYTES)
			continue;
		while ((rc = onnx_wire_next(&object, &in, g->e)) > 0)
			if (in.number == 4 && in.type == ONNX_WIRE_BYTES &&
			    (rc = user_object(g, in.body)) < 0)
				return rc;
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int
each(struct check_tf_graph *g, struct rd r, uint32_t number,
    int (*fn)(struct check_tf_graph *, struct rd))
{
	struct onnx_wire w;
	int rc, first = 0;

	while ((rc = onnx_wire_next(&r, &w, g->e)) > 0) {
		if (w.number != number)
			continue;
		if (w.type != ONNX_WIRE_BYTES)
			return err_set(g->e, ERR_FORMAT, w.at,
			    "field %" PRIu32 " is no message", number);
		if ((rc = fn(g, w.body)) < 0 && first == 0)
			first = rc;
	}
	return first != 0 ? first : rc;
}

/* MetaGraphDef: graph_def = 2, asset_file_def = 6, object_graph_def = 7 */
static int
meta_graph(struct check_tf_graph *g, struct rd r)
{
	int assets = each(g, r, 6, asset);
	int graphs = each(g, r, 2, check_tf_graph);
	int rest = each(g, r, 7, objects);

	return assets < 0 ? assets : graphs < 0 ? graphs : rest;
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

static enum kind
kind_of(const struct check_file *f)
{
	const char *name = check_name_of(f);

	if (check_savedmodel_text_is(f))
		return TEXT;
	if (check_is(f, "savedmodel") || strcmp(name, "saved_model.pb") == 0)
		return SAVED_MODEL;
	if (check_is(f, "tf-graph"))
		return GRAPH;
	if (check_is(f, "tf-meta"))
		return META_GRAPH;
	if (f->bytes.len > 8 && memcmp(f->bytes.base, "\x08\x01\x12", 3) == 0 &&
	    has_nodes(f->bytes))
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
	int rc = 0;

	if (kind == NONE)
		return;
	check_knows(f);
	arena_init(&a, LIMIT_TF_ARENA);
	check_tf_graph_init(&g, f, &a, &e);
	if (kind == TEXT)
		check_savedmodel_text(f);
	else if (kind == SAVED_MODEL)
		rc = each(&g, f->bytes, 2, meta_graph);
	else if (kind == META_GRAPH)
		rc = meta_graph(&g, f->bytes);
	else
		rc = check_tf_graph(&g, f->bytes);
	if (rc < 0)
		check_short(f,
		    e.code == ERR_LIMIT ? FINDING_FILE_LIMIT
					: FINDING_TF_BROKEN,
		    e.off, "%s", e.msg);
	else if (kind == SAVED_MODEL && g.nodes == 0)
		check_short(f, FINDING_TF_BROKEN, ERR_NOWHERE,
		    "a SavedModel without a graph");
	arena_release(&a);
}
