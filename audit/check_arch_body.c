/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_body.h"

#include "base/limits.h"
#include "formats/onnx_branch.h"
#include "formats/onnx_function.h"
#include "formats/onnx_wire.h"

#define DEEP 16 /* bodies in one another */

struct around {
	const struct onnx_file *x;
	struct map tensor, input;
};

static int
full(struct err *e)
{
	return err_set(
	    e, ERR_LIMIT, ERR_NOWHERE, "graph: more than memory for it");
}

static int
look_around(
    struct around *o, const struct onnx_file *x, struct arena *a, struct err *e)
{
	bool ok = true;

	o->x = x;
	map_init(&o->tensor, a);
	map_init(&o->input, a);
	for (size_t i = 0; i < x->ntensor && ok; i++)
		ok = map_put(&o->tensor, x->tensor[i].t.name, i) != ERR_LIMIT;
	for (size_t i = 0; i < x->ninput && ok; i++)
		ok = map_put(&o->input, x->input[i].name, i) != ERR_LIMIT;
	return ok ? 0 : full(e);
}

/* --- what a body takes from around it ------------------------------------ */

static int
define(struct map *known, const struct onnx_file *b)
{
	int rc = 0;

	for (size_t i = 0; i < b->ninput && rc >= 0; i++)
		rc = map_put(known, b->input[i].name, 0);
	for (size_t i = 0; i < b->ntensor && rc >= 0; i++)
		rc = map_put(known, b->tensor[i].t.name, 0);
	for (size_t i = 0; i < b->nnode; i++)
		for (size_t k = 0; k < b->node[i].nout && rc >= 0; k++)
			rc = map_put(known, b->node[i].out[k], 0);
	return rc;
}

static void
take(struct onnx_file *b, const struct around *o, const char *name)
{
	size_t t = map_get(&o->tensor, name), i = map_get(&o->input, name);

	if (t != SIZE_MAX)
		b->tensor[b->ntensor++] = o->x->tensor[t];
	else if (i != SIZE_MAX)
		b->input[b->ninput++] = o->x->input[i];
	else
		b->input[b->ninput++] = (struct onnx_value){.name = name};
}

/* Room for what `free` more names may be. */
static int
widen(struct onnx_file *b, size_t free, struct arena *a, struct err *e)
{
	struct onnx_tensor *t =
	    arena_alloc(a, b->ntensor + free + 1, sizeof(*t));
	struct onnx_value *v = arena_alloc(a, b->ninput + free + 1, sizeof(*v));

	if (t == NULL || v == NULL)
		return full(e);
	if (b->ntensor != 0)
		memcpy(t, b->tensor, b->ntensor * sizeof(*t));
	if (b->ninput != 0)
		memcpy(v, b->input, b->ninput * sizeof(*v));
	b->tensor = t;
	b->input = v;
	return 0;
}

static int
close_over(
    struct onnx_file *b, const struct around *o, struct arena *a, struct err *e)
{
	struct map known;
	size_t free = 0;
	int rc;

	for (size_t i = 0; i < b->nnode; i++)
		free += b->node[i].nin;
	free += b->noutput;
	map_init(&known, a);
	if ((rc = widen(b, free, a, e)) != 0)
		return rc;
	if (define(&known, b) < 0 || map_put(&known, "", 0) < 0)
		return full(e);
	for (size_t i = 0; i < b->nnode; i++)
		for (size_t k = 0; k < b->node[i].nin; k++) {
			rc = map_put(&known, b->node[i].in[k], 0);
			if (rc < 0)
				return full(e);
			if (rc > 0)
				take(b, o, b->node[i].in[k]);
		}
	/* a branch may give back what is around it */
	for (size_t i = 0; i < b->noutput; i++) {
		rc = map_put(&known, b->output[i].name, 0);
		if (rc < 0)
			return full(e);
		if (rc > 0)
			take(b, o, b->output[i].name);
	}
	return 0;
}

/* --- bodies -------------------------------------------------------------- */

static int
body(struct check_arch_bodies *s, const struct around *o, struct rd graph,
    unsigned depth, struct err *e)
{
	struct onnx_file b = {.opset = o->x->opset};
	int rc;

	s->bytes += graph.len;
	if (s->bytes > LIMIT_FUNCTION_BYTES || depth == DEEP)
		return err_set(
		    e, ERR_LIMIT, graph.start, "graph: too many graphs within");
	/* what is only not supported does not hide the rest */
	if (((rc = onnx_file_graph(graph, s->arena, &b, e)) != 0 &&
		rc != ERR_UNSUPPORTED) ||
	    ((rc = onnx_function_inline(s->model, s->arena, &b, e)) != 0 &&
		rc != ERR_UNSUPPORTED) ||
	    ((rc = onnx_branch_inline(s->arena, &b, e)) != 0 &&
		rc != ERR_UNSUPPORTED))
		return rc;
	if ((rc = close_over(&b, o, s->arena, e)) != 0 ||
	    (rc = s->judge(s->ctx, &b, e)) != 0)
		return rc;
	return check_arch_bodies(s, &b, depth + 1, e);
}

int
check_arch_bodies(struct check_arch_bodies *s, const struct onnx_file *x,
    unsigned depth, struct err *e)
{
	struct around o = {.x = NULL};
	int rc = 0;

	for (size_t i = 0; i < x->nnode; i++)
		for (size_t k = 0; k < x->node[i].nattr; k++) {
			const struct onnx_attr *at = &x->node[i].attr[k];
			struct rd r = at->body;
			struct onnx_wire w;
			struct err ignored;

			if (at->type != ONNX_GRAPH && at->type != ONNX_GRAPHS)
				continue;
			if (o.x == NULL &&
			    (rc = look_around(&o, x, s->arena, e)) != 0)
				return rc;
			/* AttributeProto: g = 6, graphs = 11 */
			while (rc == 0 && onnx_wire_next(&r, &w, &ignored) > 0)
				if ((w.number == 6 || w.number == 11) &&
				    w.type == ONNX_WIRE_BYTES)
					rc = body(s, &o, w.body, depth, e);
			if (rc != 0)
				return rc;
		}
	return 0;
}
