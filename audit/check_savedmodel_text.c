/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
#include "audit/check_savedmodel_text.h"

#include "audit/check_arch_tf.h"
#include "audit/check_path.h"
#include "audit/check_tf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/onnx_wire.h"
#include "formats/pbtxt.h"
#include "formats/pbtxt_wire.h"

struct walk {
	const struct check_file *f;
	json_t *functions; /* names of the library: true */
	unsigned depth;
};

bool
check_savedmodel_text_is(const struct check_file *f)
{
	struct rd r = f->bytes;

	if (strcmp(check_name_of(f), "saved_model.pbtxt") == 0)
		return true;
	return check_is(f, "text") &&
	       memmem(r.base, r.len, "op: \"", 5) != NULL &&
	       (memmem(r.base, r.len, "node {", 6) != NULL ||
		   memmem(r.base, r.len, "node_def {", 10) != NULL) &&
	       (memmem(r.base, r.len, "attr {", 6) != NULL ||
		   text_ends_with(check_name_of(f), ".pbtxt"));
}

static void
node(struct walk *w, const json_t *m)
{
	const char *op = pbtxt_text(m, "op"), *name = pbtxt_text(m, "name");
	enum check_tf_class class;

	if (op == NULL)
		return;
	class = check_tf_op((struct slice){(const uint8_t *)op, strlen(op)});
	if (class == CHECK_TF_SAFE || class == CHECK_TF_SAVER ||
	    class == CHECK_TF_TABLE || class == CHECK_TF_CACHE ||
	    (class == CHECK_TF_UNKNOWN &&
		json_object_get(w->functions, op) != NULL))
		return;
	check_find(w->f, check_tf_finding(class), ERR_NOWHERE,
	    "'%.100s' is of operator '%.100s', which %s",
	    name != NULL ? name : "", op, check_tf_text(class));
}

static void
asset(struct walk *w, const json_t *m)
{
	const char *name = pbtxt_text(m, "filename"), *why;

	if (name == NULL)
		return;
	why = check_path_escape(
	    (struct slice){(const uint8_t *)name, strlen(name)});
	if (why != NULL)
		check_find(w->f, FINDING_TF_ASSET, ERR_NOWHERE,
		    "asset '%.200s' %s", name, why);
}

/* Every message under any name; pbtxt_read() has bounded the depth. */
static void
walk(struct walk *w, const char *key, const json_t *m, bool names_only)
{
	const char *k;
	json_t *list;

	if (names_only && strcmp(key, "signature") == 0 &&
	    pbtxt_text(m, "name") != NULL)
		json_put(w->functions, pbtxt_text(m, "name"), json_true());
	if (!names_only &&
	    (strcmp(key, "node") == 0 || strcmp(key, "node_def") == 0))
		node(w, m);
	if (!names_only && strcmp(key, "asset_file_def") == 0)
		asset(w, m);
	json_object_foreach((json_t *)(uintptr_t)m, k, list)
	{
		for (size_t i = 0; i < json_array_size(list); i++)
			if (json_is_object(json_array_get(list, i)))
				walk(w, k, json_array_get(list, i), names_only);
	}
}

/* A MetaGraphDef, or the GraphDef itself. */
static void
graph(const struct check_file *f, const json_t *m)
{
	bool meta = json_object_get(m, "graph_def") != NULL;
	struct buf wire = {0};
	struct rd all;

	pbtxt_wire(m, meta ? &pbtxt_wire_meta_graph : &pbtxt_wire_graph, &wire);
	all = rd_mem(wire.ptr, wire.len);
	if (meta)
		check_arch_tf(f, onnx_wire_last(all, 2), all);
	else if (wire.len != 0)
		check_arch_tf(f, all, (struct rd){0});
	buf_free(&wire);
}

static void
graphs(const struct check_file *f, const json_t *m)
{
	const json_t *all = json_object_get(m, "meta_graphs");

	for (size_t i = 0; i < json_array_size(all); i++)
		graph(f, json_array_get(all, i));
	if (all == NULL)
		graph(f, m);
}

void
check_savedmodel_text(const struct check_file *f)
{
	struct walk w = {.f = f};
	struct err e = {.off = ERR_NOWHERE};
	json_t *j = NULL;

	if (pbtxt_read(f->bytes, &j, &e) != 0) {
		check_short(f,
		    e.code == ERR_LIMIT ? FINDING_FILE_LIMIT
					: FINDING_TF_BROKEN,
		    e.off, "%s", e.msg);
		return;
	}
	w.functions = json_object();
	walk(&w, "", j, true);
	walk(&w, "", j, false);
	graphs(f, j);
	json_decref(w.functions);
	json_decref(j);
}
