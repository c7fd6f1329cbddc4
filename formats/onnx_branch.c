/* SPDX-License-Identifier: MIT */
#include "formats/onnx_branch.h"

#include "base/limits.h"
#include "formats/onnx_function.h"
#include "formats/onnx_known.h"
#include "formats/onnx_wire.h"

struct branches {
	struct arena *a;
	struct onnx_file *x;
	struct err *e;
	struct onnx_known known;
	struct map taken;       /* every name */
	struct onnx_node *node; /* what comes out */
	size_t nnode, room;
	uint64_t bytes; /* of branches */
	size_t number;
};

static int
full(struct branches *b)
{
	return err_set(b->e, ERR_LIMIT, ERR_NOWHERE, "onnx: model too large");
}

/* --- the branch that is taken -------------------------------------------- */

static int
add(struct branches *b, const struct onnx_node *n)
{
	return onnx_known_add(&b->known, n) != 0 ? full(b) : 0;
}

/* GraphProto: AttributeProto.g 6 */
static int
parse_branch(
    struct branches *b, const struct onnx_attr *at, struct onnx_file *out)
{
	struct rd r = at->body;
	struct onnx_wire w;
	int rc;

	*out = (struct onnx_file){0};
	while ((rc = onnx_wire_next(&r, &w, b->e)) > 0) {
		if (w.number != 6)
			continue;
		if ((rc = onnx_wire_want(&w, ONNX_WIRE_BYTES, b->e)) != 0)
			return rc;
		if (out->node != NULL)
			return err_set(b->e, ERR_FORMAT, w.at,
			    "onnx: attribute '%s' is there twice", at->name);
		b->bytes += rd_left(&w.body);
		if (b->bytes > LIMIT_FUNCTION_BYTES)
			return err_set(b->e, ERR_LIMIT, w.at,
			    "onnx: branches of more than %d MiB",
			    (int)(LIMIT_FUNCTION_BYTES >> 20));
		if ((rc = onnx_file_graph(w.body, b->a, out, b->e)) != 0)
			return rc;
	}
	return rc;
}

struct renaming {
	struct onnx_scope *s; /* of what the branch defines */
	size_t n;
};

static int
rename_one(struct branches *b, struct renaming *r, const char *name)
{
	const char *s = name;
	int rc;

	if (*name == '\0' || map_get(&r->s->name, name) != SIZE_MAX)
		return 0;
	while ((rc = map_put(&b->taken, s, 0)) == 0)
		if ((s = arena_printf(b->a, "%s.%zu", name, ++b->number)) ==
		    NULL)
			return full(b);
	if (rc < 0 || map_put(&r->s->name, name, r->n) < 0)
		return full(b);
	r->s->to[r->n++] = s;
	return 0;
}

/* All that the branch defines; its outputs are those of the If. */
static int
rename_all(struct branches *b, const struct onnx_node *at,
    const struct onnx_file *g, struct renaming *r)
{
	size_t most = g->ntensor + g->noutput;
	struct map inner;
	int rc = 0;

	if ((r->s = arena_alloc(b->a, 1, sizeof(*r->s))) == NULL)
		return full(b);
	r->s->outer = at->scope;
	map_init(&inner, b->a);
	map_init(&r->s->name, b->a);
	for (size_t i = 0; i < g->nnode; i++)
		most += g->node[i].nout;
	for (size_t i = 0; i < g->nnode && rc >= 0; i++)
		for (size_t k = 0; k < g->node[i].nout && rc >= 0; k++)
			rc = map_put(&inner, g->node[i].out[k], 0);
	r->s->to = arena_alloc(b->a, most + 1, sizeof(*r->s->to));
	if (r->s->to == NULL || rc < 0)
		return full(b);
	for (size_t i = 0; i < g->noutput; i++) {
		const char *name = g->output[i].name;

		if (map_get(&inner, name) == SIZE_MAX ||
		    map_get(&r->s->name, name) != SIZE_MAX ||
		    *at->out[i] == '\0')
			continue;
		if (map_put(&r->s->name, name, r->n) < 0)
			return full(b);
		r->s->to[r->n++] = at->out[i];
	}
	for (size_t i = 0; i < g->ntensor; i++)
		if ((rc = rename_one(b, r, g->tensor[i].t.name)) != 0)
			return rc;
	for (size_t i = 0; i < g->nnode; i++)
		for (size_t k = 0; k < g->node[i].nout; k++)
			if ((rc = rename_one(b, r, g->node[i].out[k])) != 0)
				return rc;
	return 0;
}

/* What the branch does not define is that of what is around it, and then the
 * graph's; a function sees no graph: NULL. */
static const char *
renamed(const struct renaming *r, const char *name)
{
	for (const struct onnx_scope *s = r->s; s != NULL; s = s->outer) {
		size_t at = map_get(&s->name, name);

		if (at != SIZE_MAX)
			return s->to[at];
		if (s->call != NULL && *name != '\0')
			return NULL;
	}
	return name;
}

static int
undefined(struct branches *b, const struct onnx_node *n, const char *name)
{
	return err_set(b->e, ERR_FORMAT, n->at,
	    "onnx: node '%s' (%s) uses '%s', which nothing in its function "
	    "defines",
	    n->name, n->op, name);
}

static int
rename_node(struct branches *b, const struct renaming *r, struct onnx_node *n)
{
	const char **to = arena_alloc(b->a, n->nin + n->nout + 1, sizeof(*to));

	if (to == NULL)
		return full(b);
	for (size_t i = 0; i < n->nin; i++)
		if ((to[i] = renamed(r, n->in[i])) == NULL)
			return undefined(b, n, n->in[i]);
	for (size_t i = 0; i < n->nout; i++)
		to[n->nin + i] = renamed(r, n->out[i]);
	n->in = to;
	n->out = to + n->nin;
	return 0;
}

static int
add_tensors(
    struct branches *b, const struct onnx_file *g, const struct renaming *r)
{
	struct onnx_file *x = b->x;
	struct onnx_tensor *all;

	if (g->ntensor == 0)
		return 0;
	if (x->ntensor + g->ntensor > LIMIT_TENSORS)
		return full(b);
	all = arena_alloc(b->a, x->ntensor + g->ntensor, sizeof(*all));
	if (all == NULL)
		return full(b);
	memcpy(all, x->tensor, x->ntensor * sizeof(*all));
	for (size_t i = 0; i < g->ntensor; i++) {
		all[x->ntensor] = g->tensor[i];
		all[x->ntensor].t.name = renamed(r, g->tensor[i].t.name);
		if (map_put(&b->known.tensor, all[x->ntensor].t.name,
			x->ntensor) < 0)
			return full(b);
		x->ntensor++;
	}
	x->tensor = all;
	return 0;
}

static int
append(struct branches *b, const struct onnx_node *n)
{
	struct onnx_node *more;

	if (b->nnode == LIMIT_NODES)
		return full(b);
	if (b->nnode == b->room) {
		more = arena_alloc(b->a, 2 * b->room + 64, sizeof(*more));
		if (more == NULL)
			return full(b);
		if (b->nnode != 0)
			memcpy(more, b->node, b->nnode * sizeof(*more));
		b->node = more;
		b->room = 2 * b->room + 64;
	}
	b->node[b->nnode++] = *n;
	return 0;
}

/* Outputs that are the graph's values, or that another has already. */
static int
copy_outputs(struct branches *b, const struct onnx_node *at,
    const struct onnx_file *g, const struct renaming *r)
{
	for (size_t i = 0; i < g->noutput; i++) {
		const char **in = arena_alloc(b->a, 1, sizeof(*in));
		struct onnx_node *copy = arena_alloc(b->a, 1, sizeof(*copy));
		int rc;

		if (in == NULL || copy == NULL)
			return full(b);
		*copy = (struct onnx_node){.op = "Identity",
		    .name = at->name,
		    .domain = "",
		    .overload = "",
		    .in = in,
		    .nin = 1,
		    .out = &at->out[i],
		    .nout = 1,
		    .opset = at->opset,
		    .at = at->at};
		if ((*in = renamed(r, g->output[i].name)) == NULL)
			return undefined(b, at, g->output[i].name);
		if (*at->out[i] == '\0' || strcmp(*in, at->out[i]) == 0)
			continue;
		if ((rc = add(b, copy)) != 0 || (rc = append(b, copy)) != 0)
			return rc;
	}
	return 0;
}

static int put(struct branches *, const struct onnx_node *, unsigned depth);

static int
take(struct branches *b, const struct onnx_node *at, bool then, unsigned depth)
{
	const struct onnx_attr *body =
	    onnx_file_attr(at, then ? "then_branch" : "else_branch");
	struct onnx_file g;
	struct renaming r = {0};
	int rc;

	if (body == NULL || body->type != ONNX_GRAPH)
		return err_set(b->e, ERR_FORMAT, at->at,
		    "onnx: node '%s' (If) lacks a branch", at->name);
	if (depth >= LIMIT_FUNCTION_DEPTH)
		return err_set(b->e, ERR_LIMIT, at->at,
		    "onnx: branches within branches, more than %d deep",
		    LIMIT_FUNCTION_DEPTH);
	if ((rc = parse_branch(b, body, &g)) != 0)
		return rc;
	if (g.noutput != at->nout)
		return err_set(b->e, ERR_FORMAT, at->at,
		    "onnx: node '%s' (If) has %zu outputs, its branch %zu",
		    at->name, at->nout, g.noutput);
	if ((rc = rename_all(b, at, &g, &r)) != 0 ||
	    (rc = add_tensors(b, &g, &r)) != 0)
		return rc;
	for (size_t i = 0; i < g.nnode; i++) {
		struct onnx_node *n = arena_alloc(b->a, 1, sizeof(*n));

		if (n == NULL)
			return full(b);
		*n = g.node[i];
		n->opset = at->opset;
		n->scope = r.s;
		if ((rc = onnx_function_attrs(r.s, b->a, n, b->e)) != 0 ||
		    (rc = rename_node(b, &r, n)) != 0 ||
		    (rc = put(b, n, depth + 1)) != 0)
			return rc;
	}
	return copy_outputs(b, at, &g, &r);
}

static int
put(struct branches *b, const struct onnx_node *n, unsigned depth)
{
	int64_t on;
	int rc;

	if (strcmp(n->op, "If") == 0 && n->nin == 1 &&
	    onnx_known_number(&b->known, n->in[0], &on))
		return take(b, n, on != 0, depth);
	if (depth > 0 && (rc = add(b, n)) != 0)
		return rc;
	return append(b, n);
}

/* --- the model ----------------------------------------------------------- */

static int
index_all(struct branches *b)
{
	struct onnx_file *x = b->x;
	bool bad = onnx_known_init(&b->known, x, b->a) != 0;

	for (size_t i = 0; i < x->ntensor; i++)
		bad |= map_put(&b->taken, x->tensor[i].t.name, 0) < 0;
	for (size_t i = 0; i < x->ninput; i++)
		bad |= map_put(&b->taken, x->input[i].name, 0) < 0;
	for (size_t i = 0; i < x->nnode; i++)
		for (size_t k = 0; k < x->node[i].nout; k++)
			bad |= map_put(&b->taken, x->node[i].out[k], 0) < 0;
	return bad ? full(b) : 0;
}

int
onnx_branch_inline(struct arena *a, struct onnx_file *x, struct err *e)
{
	struct branches b = {.a = a, .x = x, .e = e};
	size_t ifs = 0;
	int rc;

	for (size_t i = 0; i < x->nnode; i++)
		ifs += strcmp(x->node[i].op, "If") == 0;
	if (ifs == 0)
		return 0;
	map_init(&b.taken, a);
	if ((rc = index_all(&b)) != 0)
		return rc;
	for (size_t i = 0; i < x->nnode; i++)
		if ((rc = put(&b, &x->node[i], 0)) != 0)
			return rc;
	x->node = b.node;
	x->nnode = b.nnode;
	return 0;
}
