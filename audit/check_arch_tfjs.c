/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_tfjs.h"

#include "audit/check_arch_build.h"
#include "audit/check_arch_tf_op.h"
#include "base/limits.h"

#include <string.h>

#define SIDE 8 /* of a matrix of which nothing is known */

struct reader {
	struct check_arch_build b; /* and its arena, file, whether it is full */
	struct map used;           /* names that some node takes */
};

/* --- names --------------------------------------------------------------- */

static const char *
text(struct reader *r, const struct conf *n)
{
	return n != NULL && n->kind == CONF_STRING
		   ? check_arch_build_kept(&r->b, n->text, n->len)
		   : "";
}

/* The value that "node", "node:1" or "^node" names: a node's outputs are one here;
 * "": what only has to come before. */
static const char *
input_name(struct reader *r, const struct conf *n)
{
	size_t len = n->len;

	if (n->kind != CONF_STRING || len == 0 || n->text[0] == '^')
		return "";
	for (size_t i = 0; i < len; i++)
		if (n->text[i] == ':')
			len = i;
	return check_arch_build_kept(&r->b, n->text, len);
}

/* --- nodes --------------------------------------------------------------- */

/* attr.<key>.<of>: {"dim": [{"size": "3"}]} */
static const struct conf *
dims(const struct conf *node, const char *key, const char *of)
{
	const struct conf *v = conf_get(conf_get(node, "attr"), key);

	if (strcmp(of, "tensorShape") == 0)
		v = conf_get(v, "tensor");
	v = conf_get(conf_get(v, of), "dim");
	return conf_is_array(v) ? v : NULL;
}

static void
constant(struct reader *r, const struct conf *node, const char *name)
{
	const struct conf *d = dims(node, "value", "tensorShape");
	struct tensor *t = &r->b.x->tensor[r->b.x->ntensor++].t;

	*t = (struct tensor){.name = name, .dtype = DTYPE_F32};
	for (d = d != NULL ? d->child : NULL; d != NULL; d = d->next)
		if (t->rank < MODEL_MAX_RANK)
			t->dim[t->rank++] =
			    MAX((uint64_t)check_arch_build_whole(
				    conf_get(d, "size")),
				(uint64_t)1);
	if (t->rank == 0) {
		t->rank = 2;
		t->dim[0] = t->dim[1] = SIDE;
	}
}

/* ONNX's TensorProto.DataType of attr.<key>.type; bytes are what images are of. */
static int64_t
type_of(const struct conf *node, const char *key)
{
	const struct conf *type =
	    conf_get(conf_get(conf_get(node, "attr"), key), "type");

	return type != NULL &&
		       (conf_has(type, "INT") || conf_has(type, "BOOL")) &&
		       !conf_text_is(type, "DT_UINT8")
		   ? 7
		   : 1;
}

static void
placeholder(struct reader *r, const struct conf *node, const char *name)
{
	r->b.x->input[r->b.x->ninput++] = (struct onnx_value){.name = name,
	    .type = type_of(node, "dtype"),
	    .shaped = true,
	    .rank = check_arch_build_members(dims(node, "shape", "shape"))};
}

static void
take_node(struct reader *r, const struct conf *node)
{
	const char *name = text(r, conf_get(node, "name"));
	const char *op = text(r, conf_get(node, "op"));
	const struct conf *in = conf_get(node, "input");
	struct onnx_node *to;

	if (strcmp(op, "Const") == 0) {
		constant(r, node, name);
		return;
	}
	if (strcmp(op, "Placeholder") == 0) {
		placeholder(r, node, name);
		return;
	}
	to = &r->b.x->node[r->b.x->nnode];
	*to = (struct onnx_node){.op = check_arch_tf_op(op),
	    .name = name,
	    .domain = "",
	    .overload = "",
	    .nout = 1};
	to->in = arena_alloc(
	    r->b.arena, check_arch_build_members(in) + 1, sizeof(*to->in));
	to->out = arena_alloc(r->b.arena, 1, sizeof(*to->out));
	to->attr = arena_alloc(r->b.arena, 1, sizeof(*to->attr));
	if (to->in == NULL || to->out == NULL || to->attr == NULL) {
		r->b.full = true;
		return;
	}
	to->out[0] = name;
	for (in = conf_is_array(in) ? in->child : NULL; in != NULL;
	     in = in->next)
		to->in[to->nin++] = input_name(r, in);
	if (strcmp(to->op, "Cast") == 0)
		to->attr[to->nattr++] = (struct onnx_attr){
		    .name = "to", .type = ONNX_INT, .i = type_of(node, "DstT")};
	r->b.x->nnode++;
}

/* --- the graph ----------------------------------------------------------- */

static void
mark_used(struct reader *r)
{
	for (size_t i = 0; i < r->b.x->nnode && !r->b.full; i++)
		for (size_t k = 0; k < r->b.x->node[i].nin; k++) {
			const char *name = r->b.x->node[i].in[k];

			if (*name != '\0' &&
			    map_put(&r->used, name, 1) == ERR_LIMIT)
				r->b.full = true;
		}
}

/* What no node takes is a result. */
static void
take_outputs(struct reader *r)
{
	struct onnx_file *x = r->b.x;

	for (size_t i = 0; i < x->nnode && !r->b.full; i++)
		if (map_get(&r->used, x->node[i].name) == SIZE_MAX)
			x->output[x->noutput++] =
			    (struct onnx_value){.name = x->node[i].name};
}

bool
check_arch_tfjs(const struct conf_doc *d, struct arena *a, struct onnx_file *x,
    struct err *e)
{
	const struct conf *nodes =
	    conf_get(conf_get(d->root, "modelTopology"), "node");
	struct reader r = {.b = {.arena = a, .x = x}};
	size_t n = check_arch_build_members(nodes);

	if (n == 0 || d->yaml)
		return false;
	map_init(&r.used, a);
	r.b.full = n > LIMIT_NODES;
	if (!r.b.full) {
		x->node = arena_alloc(a, n + 1, sizeof(*x->node));
		x->tensor = arena_alloc(a, n + 1, sizeof(*x->tensor));
		x->input = arena_alloc(a, n + 1, sizeof(*x->input));
		x->output = arena_alloc(a, n + 1, sizeof(*x->output));
		r.b.full = x->node == NULL || x->tensor == NULL ||
			   x->input == NULL || x->output == NULL;
	}
	for (nodes = nodes->child; nodes != NULL && !r.b.full;
	     nodes = nodes->next)
		take_node(&r, nodes);
	if (!r.b.full)
		mark_used(&r);
	take_outputs(&r);
	check_arch_build_end(&r.b, e);
	return true;
}
