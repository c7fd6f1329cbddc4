/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_tf_body.h"

#include "base/limits.h"

#define USUAL 16 /* fields of a node: attributes are looked for one by one */

bool
check_arch_tf_is_float(uint64_t t)
{
	return t == CHECK_ARCH_TF_FLOAT || t == CHECK_ARCH_TF_DOUBLE ||
	       t == CHECK_ARCH_TF_UINT8 || t == CHECK_ARCH_TF_BFLOAT16 ||
	       t == CHECK_ARCH_TF_HALF;
}

static int
full(struct err *e)
{
	return err_set(
	    e, ERR_LIMIT, ERR_NOWHERE, "graph: more than memory for it");
}

/* What is damaged is check_tf_graph's to say. */
static bool
next(struct rd *r, struct onnx_wire *w)
{
	struct err ignored;

	return onnx_wire_next(r, w, &ignored) > 0;
}

struct rd
check_arch_tf_attr(const struct check_arch_tf_node *n, const char *key)
{
	/* attr = 5: a map of key = 1, value = 2 */
	struct rd r = n->body, found = {0};
	struct onnx_wire w;

	while (next(&r, &w))
		if (w.number == 5 && w.type == ONNX_WIRE_BYTES &&
		    rd_is(onnx_wire_last(w.body, 1), key))
			found = onnx_wire_last(w.body, 2);
	return found;
}

uint64_t
check_arch_tf_number(struct rd r, uint32_t number)
{
	uint64_t found = 0;
	struct onnx_wire w;

	while (next(&r, &w))
		if (w.number == number && w.type == ONNX_WIRE_VARINT)
			found = w.value;
	return found;
}

size_t
check_arch_tf_find(const struct map *m, struct rd name)
{
	return name.len != 0 ? map_get_n(m, (const char *)name.base, name.len)
			     : SIZE_MAX;
}

struct rd
check_arch_tf_base(struct rd r, size_t *index)
{
	const uint8_t *p = r.len != 0 ? memchr(r.base, ':', r.len) : NULL;
	size_t end = r.len;

	*index = 0;
	if (p == NULL)
		return r;
	r.len = (size_t)(p - r.base);
	for (size_t i = r.len; i < end; i++) {
		uint8_t c = r.base[i];

		if (c == ':' || c < '0' || c > '9')
			*index = 0;
		else if (*index < UINT16_MAX)
			*index = 10 * *index + (size_t)(c - '0');
	}
	return r;
}

/* --- nodes --------------------------------------------------------------- */

static const char *
text(struct rd r, struct arena *a)
{
	const char *s = r.len <= LIMIT_NAME
			    ? arena_strdup(a, (const char *)r.base, r.len)
			    : NULL;

	return s != NULL ? s : "";
}

static bool
is_data(const struct onnx_wire *w)
{
	return w->number == 3 && w->type == ONNX_WIRE_BYTES &&
	       w->body.len != 0 && w->body.base[0] != '^';
}

/* NodeDef: name = 1, op = 2, input = 3 */
static int
take_node(struct check_arch_tf_node *n, struct rd body, struct arena *a,
    struct err *e)
{
	struct rd r = body;
	struct onnx_wire w;

	*n = (struct check_arch_tf_node){.body = body,
	    .name = text(onnx_wire_last(body, 1), a),
	    .op = text(onnx_wire_last(body, 2), a)};
	while (next(&r, &w)) {
		n->nin += is_data(&w);
		n->fields++;
	}
	n->in = arena_alloc(a, n->nin + 1, sizeof(*n->in));
	if (n->in == NULL)
		return full(e);
	n->nin = 0;
	for (r = body; next(&r, &w);)
		if (is_data(&w))
			n->in[n->nin++] = w.body;
	return 0;
}

static int
take_nodes(struct check_arch_tf_body *b, struct rd all, uint32_t field,
    struct arena *a, struct err *e)
{
	struct onnx_wire w;
	struct rd r = all;
	size_t n = 0;
	int rc;

	while (next(&r, &w))
		n += w.number == field && w.type == ONNX_WIRE_BYTES;
	if (n > LIMIT_TF_NODES)
		return full(e);
	b->node = arena_alloc(a, n + 1, sizeof(*b->node));
	b->order = arena_alloc(a, n + 1, sizeof(*b->order));
	if (b->node == NULL || b->order == NULL)
		return full(e);
	for (r = all; next(&r, &w);) {
		if (w.number != field || w.type != ONNX_WIRE_BYTES)
			continue;
		if ((rc = take_node(&b->node[b->n], w.body, a, e)) != 0)
			return rc;
		if (map_put(&b->by_name, b->node[b->n].name, b->n) == ERR_LIMIT)
			return full(e);
		b->cost += 1 + b->node[b->n].fields / USUAL;
		b->n++;
	}
	return 0;
}

/* --- a function's ends --------------------------------------------------- */

/* What its outputs are, by their names. */
struct returned {
	struct map by_name;
	struct rd *from;
	size_t n;
};

/* FunctionDef: ret = 4, a map of the output's name to "node:output:0" */
static int
take_returned(
    struct returned *t, struct rd function, struct arena *a, struct err *e)
{
	struct rd r = function;
	struct onnx_wire w;
	size_t n = 0;

	map_init(&t->by_name, a);
	while (next(&r, &w))
		n += w.number == 4 && w.type == ONNX_WIRE_BYTES;
	t->from = arena_alloc(a, n + 1, sizeof(*t->from));
	if (t->from == NULL)
		return full(e);
	for (r = function; next(&r, &w);) {
		if (w.number != 4 || w.type != ONNX_WIRE_BYTES)
			continue;
		t->from[t->n] = onnx_wire_last(w.body, 2);
		if (map_put(&t->by_name, text(onnx_wire_last(w.body, 1), a),
			t->n++) == ERR_LIMIT)
			return full(e);
	}
	return 0;
}

/* OpDef: name = 1, input_arg = 2, output_arg = 3; ArgDef: name = 1, type = 3 */
static int
take_ends(struct check_arch_tf_body *b, struct rd function, struct arena *a,
    struct err *e)
{
	struct rd sig = onnx_wire_last(function, 1), r = sig;
	struct returned t = {0};
	struct onnx_wire w;
	size_t n = 0, at;
	int rc;

	if ((rc = take_returned(&t, function, a, e)) != 0)
		return rc;
	b->name = text(onnx_wire_last(sig, 1), a);
	while (next(&r, &w))
		n += w.type == ONNX_WIRE_BYTES;
	b->type = arena_alloc(a, n + 1, sizeof(*b->type));
	b->ret = arena_alloc(a, n + 1, sizeof(*b->ret));
	if (b->type == NULL || b->ret == NULL)
		return full(e);
	for (r = sig; next(&r, &w);) {
		struct rd name;

		if (w.type != ONNX_WIRE_BYTES)
			continue;
		name = onnx_wire_last(w.body, 1);
		if (w.number == 2) {
			b->type[b->narg] = check_arch_tf_number(w.body, 3);
			if (map_put(&b->arg, text(name, a), b->narg++) ==
			    ERR_LIMIT)
				return full(e);
		} else if (w.number == 3) {
			at = check_arch_tf_find(&t.by_name, name);
			b->ret[b->nret++] =
			    at != SIZE_MAX ? t.from[at] : (struct rd){0};
		}
	}
	return 0;
}

/* --- the order ----------------------------------------------------------- */

/* Which node makes that input; SIZE_MAX: none, or only in the next round. */
static size_t
maker(const struct check_arch_tf_body *b, struct rd in)
{
	size_t ignored, at;
	struct rd name = check_arch_tf_base(in, &ignored);

	at = check_arch_tf_find(&b->by_name, name);
	if (at == SIZE_MAX || strcmp(b->node[at].op, "NextIteration") == 0)
		return SIZE_MAX;
	return at;
}

struct edges {
	size_t *wait;        /* inputs that a node has yet to get */
	size_t *first, *use; /* nodes that take from one, row by row */
};

static int
take_edges(const struct check_arch_tf_body *b, struct edges *x, struct arena *a,
    struct err *e)
{
	size_t n = 0;

	x->wait = arena_alloc(a, b->n + 1, sizeof(size_t));
	x->first = arena_alloc(a, b->n + 2, sizeof(size_t));
	for (size_t i = 0; i < b->n; i++)
		n += b->node[i].nin;
	x->use = arena_alloc(a, n + 1, sizeof(size_t));
	if (x->wait == NULL || x->first == NULL || x->use == NULL)
		return full(e);
	for (size_t i = 0; i < b->n; i++)
		for (size_t k = 0; k < b->node[i].nin; k++) {
			size_t m = maker(b, b->node[i].in[k]);

			x->wait[i] += m != SIZE_MAX;
			if (m != SIZE_MAX)
				x->first[m + 1]++;
		}
	for (size_t i = 0; i < b->n; i++)
		x->first[i + 1] += x->first[i];
	x->first[b->n + 1] = x->first[b->n];
	/* filled from its end: first[m + 1] is where the row of m begins */
	for (size_t i = 0; i < b->n; i++)
		for (size_t k = 0; k < b->node[i].nin; k++) {
			size_t m = maker(b, b->node[i].in[k]);

			if (m != SIZE_MAX)
				x->use[--x->first[m + 1]] = i;
		}
	return 0;
}

/* Nodes of cycles that no loop makes are in no order, and left out. */
static int
take_order(struct check_arch_tf_body *b, struct arena *a, struct err *e)
{
	struct edges x = {0};
	int rc;

	if ((rc = take_edges(b, &x, a, e)) != 0)
		return rc;
	for (size_t i = 0; i < b->n; i++)
		if (x.wait[i] == 0)
			b->order[b->norder++] = i;
	for (size_t i = 0; i < b->norder; i++) {
		size_t m = b->order[i];

		for (size_t k = x.first[m + 1]; k < x.first[m + 2]; k++)
			if (--x.wait[x.use[k]] == 0)
				b->order[b->norder++] = x.use[k];
	}
	return 0;
}

int
check_arch_tf_body(struct check_arch_tf_body *b, struct rd r, bool function,
    struct arena *a, struct err *e)
{
	int rc;

	*b = (struct check_arch_tf_body){.name = ""};
	map_init(&b->by_name, a);
	map_init(&b->arg, a);
	if (function && (rc = take_ends(b, r, a, e)) != 0)
		return rc;
	if ((rc = take_nodes(b, r, function ? 3 : 1, a, e)) != 0)
		return rc;
	return take_order(b, a, e);
}
