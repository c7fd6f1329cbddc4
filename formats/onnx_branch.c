/* SPDX-License-Identifier: MIT */
#include "formats/onnx_branch.h"

#include "base/limits.h"
#include "base/text.h"
#include "formats/onnx_wire.h"

#define VALUES 16        /* of a list that is looked at */
#define OPEN   INT64_MIN /* a number that is not known */
#define DEPTH  32        /* nodes on the way to a condition */
#define VISITS 256       /* in all, for one condition */

struct branches {
	struct arena *a;
	struct onnx_file *x;
	struct err *e;
	struct map maker;  /* output -> index in place */
	struct map within; /* the same, of nodes of branches that are taken */
	struct map tensor; /* initialiser -> index in x->tensor */
	struct map value;  /* input or info -> index in x->input, x->info */
	struct map taken;  /* every name */
	const struct onnx_node **place;
	size_t nplace, cap;
	struct onnx_node *node; /* what comes out */
	size_t nnode, room;
	uint64_t bytes; /* of branches */
	size_t number, visits;
};

/* Some whole numbers, each OPEN or known. */
struct known {
	size_t n;
	int64_t v[VALUES];
};

static int
full(struct branches *b)
{
	return err_set(b->e, ERR_LIMIT, ERR_NOWHERE, "onnx: model too large");
}

/* --- what is known ------------------------------------------------------- */

static bool
of_tensor(const struct tensor *t, struct known *k)
{
	uint64_t n;

	if ((t->dtype != DTYPE_I64 && t->dtype != DTYPE_I32 &&
		t->dtype != DTYPE_BOOL) ||
	    !tensor_elements(t, &n) || n > VALUES)
		return false;
	k->n = (size_t)n;
	for (size_t i = 0; i < n; i++)
		if (!tensor_int(t, i, &k->v[i]))
			return false;
	return true;
}

static const struct onnx_node *
maker(const struct branches *b, const char *name)
{
	size_t at = map_get(&b->within, name);

	/* the If that had this output is gone then */
	if (at == SIZE_MAX)
		at = map_get(&b->maker, name);
	return at != SIZE_MAX ? b->place[at] : NULL;
}

/* Sizes of a value that the file or a layer says; false: not even how many. */
static bool
sizes(struct branches *b, const char *name, struct known *k, unsigned depth)
{
	static const char *const same[] = {"Relu", "Identity", "Cast",
	    "Sigmoid", "Clip", "LeakyRelu", "BatchNormalization", "Dropout",
	    "Tanh", "HardSwish"};
	size_t at = map_get(&b->value, name);
	const struct onnx_node *n = maker(b, name);
	const struct onnx_value *v = NULL;

	if (at != SIZE_MAX)
		v = at < b->x->ninput ? &b->x->input[at]
				      : &b->x->info[at - b->x->ninput];
	if (v != NULL && v->shaped && v->rank <= MODEL_MAX_RANK) {
		k->n = v->rank;
		for (size_t i = 0; i < v->rank; i++)
			k->v[i] = v->dim[i] < 0 || i == 0 ? OPEN : v->dim[i];
		return true;
	}
	if (n == NULL || depth > DEPTH || n->nin == 0 || ++b->visits > VISITS)
		return false;
	if (text_is_one_of(n->op, same, ARRAY_LEN(same)))
		return sizes(b, n->in[0], k, depth + 1);
	if (strcmp(n->op, "Conv") == 0 && n->nin > 1 &&
	    (at = map_get(&b->tensor, n->in[1])) != SIZE_MAX) {
		const struct tensor *w = &b->x->tensor[at].t;

		k->n = w->rank;
		for (size_t i = 0; i < k->n; i++)
			k->v[i] = i == 1 ? (int64_t)w->dim[0] : OPEN;
		return w->rank > 2;
	}
	if (strcmp(n->op, "GlobalAveragePool") != 0 ||
	    !sizes(b, n->in[0], k, depth + 1))
		return false;
	for (size_t i = 2; i < k->n; i++)
		k->v[i] = 1;
	return true;
}

static bool find(struct branches *, const char *, struct known *, unsigned);

static bool
constant(const struct onnx_node *n, struct known *k)
{
	const struct onnx_attr *t = onnx_file_attr(n, "value");
	const struct onnx_attr *i = onnx_file_attr(n, "value_int");

	if (t != NULL && t->type == ONNX_TENSOR)
		return of_tensor(&t->t->t, k);
	if (i == NULL || i->type != ONNX_INT)
		return false;
	k->n = 1;
	k->v[0] = i->i;
	return true;
}

static bool
gather(const struct onnx_node *n, struct known *k, const struct known *index)
{
	const struct onnx_attr *axis = onnx_file_attr(n, "axis");
	struct known from = *k;

	if (axis != NULL && axis->i != 0)
		return false;
	k->n = index->n;
	for (size_t i = 0; i < index->n; i++) {
		int64_t at = index->v[i];

		if (at != OPEN && at < 0)
			at += (int64_t)from.n;
		if (at == OPEN || at < 0 || (uint64_t)at >= from.n)
			return false;
		k->v[i] = from.v[at];
	}
	return true;
}

/* Of two numbers. */
static bool
binary(const char *op, int64_t x, int64_t y, int64_t *out)
{
	if (strcmp(op, "Equal") == 0)
		*out = x == y;
	else if (strcmp(op, "Less") == 0)
		*out = x < y;
	else if (strcmp(op, "Greater") == 0)
		*out = x > y;
	else if (strcmp(op, "LessOrEqual") == 0)
		*out = x <= y;
	else if (strcmp(op, "GreaterOrEqual") == 0)
		*out = x >= y;
	else if (strcmp(op, "And") == 0)
		*out = x != 0 && y != 0;
	else if (strcmp(op, "Or") == 0)
		*out = x != 0 || y != 0;
	else if (strcmp(op, "Add") == 0)
		return !ckd_add(out, x, y);
	else if (strcmp(op, "Sub") == 0)
		return !ckd_sub(out, x, y);
	else if (strcmp(op, "Mul") == 0)
		return !ckd_mul(out, x, y);
	else
		return false;
	return true;
}

static bool
of_node(struct branches *b, const struct onnx_node *n, struct known *k,
    unsigned depth)
{
	static const char *const alias[] = {
	    "Identity", "Cast", "Squeeze", "Unsqueeze", "Reshape"};
	struct known y;

	if (*n->domain != '\0' && strcmp(n->domain, "ai.onnx") != 0)
		return false;
	if (strcmp(n->op, "Constant") == 0)
		return constant(n, k);
	if (n->nin == 0)
		return false;
	if (strcmp(n->op, "Shape") == 0)
		return n->nattr == 0 && sizes(b, n->in[0], k, depth + 1);
	if (!find(b, n->in[0], k, depth + 1))
		return false;
	if (text_is_one_of(n->op, alias, ARRAY_LEN(alias)))
		return true;
	if (strcmp(n->op, "Not") == 0 && k->n == 1 && k->v[0] != OPEN) {
		k->v[0] = k->v[0] == 0;
		return true;
	}
	if (n->nin != 2 || !find(b, n->in[1], &y, depth + 1))
		return false;
	if (strcmp(n->op, "Gather") == 0)
		return gather(n, k, &y);
	return k->n == 1 && y.n == 1 && k->v[0] != OPEN && y.v[0] != OPEN &&
	       binary(n->op, k->v[0], y.v[0], &k->v[0]);
}

static bool
find(struct branches *b, const char *name, struct known *k, unsigned depth)
{
	size_t at = map_get(&b->tensor, name);
	const struct onnx_node *n = maker(b, name);

	if (depth > DEPTH || ++b->visits > VISITS)
		return false;
	if (at != SIZE_MAX)
		return b->x->tensor[at].external == NULL &&
		       of_tensor(&b->x->tensor[at].t, k);
	return n != NULL && of_node(b, n, k, depth);
}

/* --- the branch that is taken -------------------------------------------- */

static int
remember(struct branches *b, struct map *m, const struct onnx_node *n)
{
	if (b->nplace == b->cap) {
		const struct onnx_node **more =
		    arena_alloc(b->a, 2 * b->cap + 64, sizeof(*more));

		if (more == NULL)
			return full(b);
		if (b->nplace != 0)
			memcpy(more, b->place, b->nplace * sizeof(*more));
		b->place = more;
		b->cap = 2 * b->cap + 64;
	}
	b->place[b->nplace] = n;
	for (size_t k = 0; k < n->nout; k++)
		if (map_put(m, n->out[k], b->nplace) < 0)
			return full(b);
	b->nplace++;
	return 0;
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
	struct map env; /* name in the branch -> index in to */
	const char **to;
	size_t n;
};

static int
rename_one(struct branches *b, struct renaming *r, const char *name)
{
	const char *s = name;
	int rc;

	if (*name == '\0' || map_get(&r->env, name) != SIZE_MAX)
		return 0;
	while ((rc = map_put(&b->taken, s, 0)) == 0)
		if ((s = arena_printf(b->a, "%s.%zu", name, ++b->number)) ==
		    NULL)
			return full(b);
	if (rc < 0 || map_put(&r->env, name, r->n) < 0)
		return full(b);
	r->to[r->n++] = s;
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

	map_init(&inner, b->a);
	map_init(&r->env, b->a);
	for (size_t i = 0; i < g->nnode; i++)
		most += g->node[i].nout;
	for (size_t i = 0; i < g->nnode && rc >= 0; i++)
		for (size_t k = 0; k < g->node[i].nout && rc >= 0; k++)
			rc = map_put(&inner, g->node[i].out[k], 0);
	r->to = arena_alloc(b->a, most + 1, sizeof(*r->to));
	if (r->to == NULL || rc < 0)
		return full(b);
	for (size_t i = 0; i < g->noutput; i++) {
		const char *name = g->output[i].name;

		if (map_get(&inner, name) == SIZE_MAX ||
		    map_get(&r->env, name) != SIZE_MAX || *at->out[i] == '\0')
			continue;
		if (map_put(&r->env, name, r->n) < 0)
			return full(b);
		r->to[r->n++] = at->out[i];
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

/* What the branch does not define is the graph's. */
static const char *
renamed(const struct renaming *r, const char *name)
{
	size_t at = map_get(&r->env, name);

	return at != SIZE_MAX ? r->to[at] : name;
}

static int
rename_node(struct branches *b, const struct renaming *r, struct onnx_node *n)
{
	const char **to = arena_alloc(b->a, n->nin + n->nout + 1, sizeof(*to));

	if (to == NULL)
		return full(b);
	for (size_t i = 0; i < n->nin; i++)
		to[i] = renamed(r, n->in[i]);
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
		if (map_put(&b->tensor, all[x->ntensor].t.name, x->ntensor) < 0)
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
		*in = renamed(r, g->output[i].name);
		if (*at->out[i] == '\0' || strcmp(*in, at->out[i]) == 0)
			continue;
		if ((rc = remember(b, &b->within, copy)) != 0 ||
		    (rc = append(b, copy)) != 0)
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
		if ((rc = rename_node(b, &r, n)) != 0 ||
		    (rc = put(b, n, depth + 1)) != 0)
			return rc;
	}
	return copy_outputs(b, at, &g, &r);
}

static int
put(struct branches *b, const struct onnx_node *n, unsigned depth)
{
	struct known k;
	int rc;

	b->visits = 0;
	if (strcmp(n->op, "If") == 0 && n->nin == 1 &&
	    find(b, n->in[0], &k, 0) && k.n == 1 && k.v[0] != OPEN)
		return take(b, n, k.v[0] != 0, depth);
	if (depth > 0 && (rc = remember(b, &b->within, n)) != 0)
		return rc;
	return append(b, n);
}

/* --- the model ----------------------------------------------------------- */

static int
index_all(struct branches *b)
{
	struct onnx_file *x = b->x;
	bool bad = false;
	int rc;

	for (size_t i = 0; i < x->ntensor; i++) {
		bad |= map_put(&b->tensor, x->tensor[i].t.name, i) < 0;
		bad |= map_put(&b->taken, x->tensor[i].t.name, 0) < 0;
	}
	for (size_t i = 0; i < x->ninput; i++) {
		bad |= map_put(&b->value, x->input[i].name, i) < 0;
		bad |= map_put(&b->taken, x->input[i].name, 0) < 0;
	}
	for (size_t i = 0; i < x->ninfo; i++)
		bad |= map_put(&b->value, x->info[i].name, x->ninput + i) < 0;
	for (size_t i = 0; i < x->nnode; i++) {
		for (size_t k = 0; k < x->node[i].nout; k++)
			bad |= map_put(&b->taken, x->node[i].out[k], 0) < 0;
		if ((rc = remember(b, &b->maker, &x->node[i])) != 0)
			return rc;
	}
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
	map_init(&b.maker, a);
	map_init(&b.within, a);
	map_init(&b.tensor, a);
	map_init(&b.value, a);
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
