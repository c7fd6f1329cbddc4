/* SPDX-License-Identifier: MIT
 * FunctionProto: name 1, input 4, output 5, attribute 6, node 7,
 * opset_import 9, domain 10, attribute_proto 11, overload 13.
 */
#include "formats/onnx_function.h"

#include "base/limits.h"
#include "formats/onnx_wire.h"

enum state {
	NEW,
	OPEN,
	DONE
};

struct function {
	const char *name, *domain, *overload;
	const char **in, **out;
	struct onnx_node *node;
	struct onnx_attr *absent; /* defaults of attributes */
	size_t nin, nout, nnode, nabsent;
	int64_t opset;
	enum state state; /* of measure() */
	unsigned depth;   /* of functions within this one */
	size_t nodes;     /* once everything within is inlined */
	uint64_t bytes;
	uint64_t at;
};

struct inliner {
	struct arena *a;
	struct onnx_file *x;
	struct function *f;
	size_t nf;
	struct map key;   /* "domain name overload" -> function */
	struct map taken; /* every name of the graph */
	struct onnx_node *node;
	size_t nnode;
	struct err *e;
};

static int
full(struct inliner *in)
{
	return err_set(in->e, ERR_LIMIT, ERR_NOWHERE, "onnx: model too large");
}

/* --- FunctionProto ------------------------------------------------------- */

static int
take_text(struct inliner *in, const struct onnx_wire *f, const char **out)
{
	int rc = onnx_wire_want(f, ONNX_WIRE_BYTES, in->e);

	return rc != 0 ? rc : onnx_tensor_text(&f->body, in->a, out, in->e);
}

static int
take_field(struct inliner *in, const struct onnx_wire *w, struct function *f,
    uint32_t *seen)
{
	int rc;

	switch (w->number) {
	case 1:
	case 10:
	case 13:
		if ((rc = onnx_wire_once(seen, w, in->e)) != 0)
			return rc;
		return take_text(in, w,
		    w->number == 1    ? &f->name
		    : w->number == 10 ? &f->domain
				      : &f->overload);
	case 4:
		return take_text(in, w, &f->in[f->nin++]);
	case 5:
		return take_text(in, w, &f->out[f->nout++]);
	case 7:
	case 9:
	case 11:
		if ((rc = onnx_wire_want(w, ONNX_WIRE_BYTES, in->e)) != 0)
			return rc;
		if (w->number == 7)
			return onnx_file_node(
			    w->body, in->a, &f->node[f->nnode++], in->e);
		if (w->number == 9)
			return onnx_file_opset(
			    w->body, in->a, &f->opset, in->e);
		return onnx_file_attribute(
		    w->body, in->a, &f->absent[f->nabsent++], in->e);
	default:
		return 0;
	}
}

static int
parse_function(struct inliner *in, struct rd body, struct function *f)
{
	static const struct {
		uint32_t number;
		size_t max, size;
	} part[] = {
	    {4, LIMIT_NODE_ARITY, sizeof(*f->in)},
	    {5, LIMIT_NODE_ARITY, sizeof(*f->out)},
	    {7, LIMIT_NODES, sizeof(*f->node)},
	    {11, LIMIT_NODE_ATTRS, sizeof(*f->absent)},
	};
	struct rd r = body;
	struct onnx_wire w;
	uint32_t seen = 0;
	void *p[4];
	int rc;

	*f = (struct function){
	    .name = "", .domain = "", .overload = "", .at = rd_pos(&body)};
	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		if ((rc = onnx_file_room(body, part[i].number, part[i].max,
			 part[i].size, in->a, &p[i], in->e)) != 0)
			return rc;
	f->in = p[0];
	f->out = p[1];
	f->node = p[2];
	f->absent = p[3];
	while ((rc = onnx_wire_next(&r, &w, in->e)) > 0)
		if ((rc = take_field(in, &w, f, &seen)) != 0)
			return rc;
	return rc;
}

/* --- which function a node calls ----------------------------------------- */

static const char *
plain_domain(const char *domain)
{
	return strcmp(domain, "ai.onnx") == 0 ? "" : domain;
}

/* A newline is between the parts: a name with one may be another's. */
static int
make_key(struct inliner *in, const char *domain, const char *name,
    const char *overload, const char **out)
{
	char key[3 * LIMIT_NAME + 4];

	if (strchr(domain, '\n') != NULL || strchr(name, '\n') != NULL ||
	    strchr(overload, '\n') != NULL)
		return err_set(in->e, ERR_FORMAT, ERR_NOWHERE,
		    "onnx: a line break in the name of a function");
	snprintf(key, sizeof(key), "%s\n%s\n%s", plain_domain(domain), name,
	    overload);
	*out = arena_strdup(in->a, key, strlen(key));
	return *out != NULL ? 0 : full(in);
}

static int
index_functions(struct inliner *in)
{
	for (size_t i = 0; i < in->nf; i++) {
		const struct function *f = &in->f[i];
		const char *key;
		int rc = make_key(in, f->domain, f->name, f->overload, &key);

		if (rc != 0)
			return rc;
		if ((rc = map_put(&in->key, key, i)) < 0)
			return full(in);
		if (rc == 0)
			return err_set(in->e, ERR_FORMAT, f->at,
			    "onnx: function '%s' is defined twice", f->name);
	}
	return 0;
}

/* *out NULL: an operator. */
static int
callee(struct inliner *in, const struct onnx_node *n, struct function **out)
{
	char key[3 * LIMIT_NAME + 4];
	size_t at;

	*out = NULL;
	if (in->nf == 0)
		return 0;
	snprintf(key, sizeof(key), "%s\n%s\n%s", plain_domain(n->domain), n->op,
	    n->overload);
	at = map_get(&in->key, key);
	*out = at != SIZE_MAX ? &in->f[at] : NULL;
	if (*out != NULL && *plain_domain(n->domain) == '\0')
		return err_set(in->e, ERR_UNSUPPORTED, n->at,
		    "onnx: node '%s' (%s): a function with the name of an "
		    "operator",
		    n->name, n->op);
	return 0;
}

/* --- what inlining will cost, before anything is built ------------------- */

static uint64_t
weigh(const struct function *f, const struct onnx_node *n)
{
	uint64_t bytes =
	    sizeof(*n) + n->nattr * sizeof(*n->attr) + 8 * (n->nin + n->nout);

	for (size_t k = 0; k < n->nout; k++)
		bytes += strlen(f->name) + strlen(n->out[k]) + 64;
	return bytes;
}

static int measure(struct inliner *, struct function *, unsigned above);

static int
measure_node(struct inliner *in, const struct onnx_node *n, unsigned above,
    unsigned *depth, size_t *nodes, uint64_t *bytes)
{
	struct function *f;
	int rc;

	if ((rc = callee(in, n, &f)) != 0)
		return rc;
	*nodes += 1;
	if (f == NULL)
		return 0;
	if ((rc = measure(in, f, above + 1)) != 0)
		return rc;
	*depth = MAX(*depth, f->depth + 1);
	*nodes += f->nodes;
	*bytes += f->bytes;
	if (*nodes > LIMIT_NODES || *bytes > LIMIT_FUNCTION_BYTES)
		return err_set(in->e, ERR_LIMIT, n->at,
		    "onnx: the functions of the model make more than %d nodes "
		    "or %d MiB",
		    LIMIT_NODES, (int)(LIMIT_FUNCTION_BYTES >> 20));
	return 0;
}

static int
measure(struct inliner *in, struct function *f, unsigned above)
{
	int rc;

	if (f->state == OPEN)
		return err_set(in->e, ERR_FORMAT, f->at,
		    "onnx: function '%s' calls itself", f->name);
	/* one that was measured elsewhere may lie deeper here */
	if (above + f->depth > LIMIT_FUNCTION_DEPTH)
		return err_set(in->e, ERR_LIMIT, f->at,
		    "onnx: functions within functions, more than %d deep",
		    LIMIT_FUNCTION_DEPTH);
	if (f->state == DONE)
		return 0;
	f->state = OPEN;
	f->nodes = f->nout; /* at most one Identity for each output */
	f->bytes = 64 * (f->nin + f->nout) + f->nout * sizeof(*f->node);
	for (size_t i = 0; i < f->nnode; i++) {
		f->bytes += weigh(f, &f->node[i]);
		if ((rc = measure_node(in, &f->node[i], above, &f->depth,
			 &f->nodes, &f->bytes)) != 0)
			return rc;
	}
	f->state = DONE;
	return 0;
}

/* --- one call ------------------------------------------------------------ */

struct call {
	const struct function *f;
	const struct onnx_node *at;
	struct map env; /* name in the body -> index in name */
	const char **name;
	size_t n;
	size_t number;
};

static int
bind(struct inliner *in, struct call *c, const char *inner, const char *outer)
{
	if (map_put(&c->env, inner, c->n) < 0)
		return full(in);
	c->name[c->n++] = outer;
	return 0;
}

/* A name in the body for the graph; no other has it. */
static int
fresh(struct inliner *in, const struct call *c, const char *inner,
    const char **out)
{
	char name[2 * LIMIT_NAME + 64];
	int rc;

	for (unsigned k = 0;; k++) {
		int n = snprintf(name, sizeof(name),
		    k == 0 ? "%s.%zu/%s" : "%s.%zu/%s.%u", c->f->name,
		    c->number, inner, k);
		const char *s = arena_strdup(in->a, name, (size_t)n);

		if (s == NULL || (rc = map_put(&in->taken, s, 0)) < 0)
			return full(in);
		if (n > LIMIT_NAME)
			return err_set(in->e, ERR_LIMIT, c->f->at,
			    "onnx: a name of %d bytes", n);
		if (rc > 0) {
			*out = s;
			return 0;
		}
	}
}

/* Formal inputs and outputs are the caller's names, all others new ones. */
static int
bind_all(struct inliner *in, struct call *c)
{
	const struct function *f = c->f;
	const struct onnx_node *n = c->at;
	const char *name = "";
	size_t most = f->nin + f->nout;
	int rc;

	for (size_t i = 0; i < f->nnode; i++)
		most += f->node[i].nout;
	map_init(&c->env, in->a);
	if ((c->name = arena_alloc(in->a, most + 1, sizeof(*c->name))) == NULL)
		return full(in);
	if (n->nin > f->nin || n->nout > f->nout)
		return err_set(in->e, ERR_FORMAT, n->at,
		    "onnx: node '%s' (%s): %zu inputs and %zu outputs, the "
		    "function has %zu and %zu",
		    n->name, n->op, n->nin, n->nout, f->nin, f->nout);
	for (size_t i = 0; i < f->nin; i++) {
		if (map_get(&c->env, f->in[i]) != SIZE_MAX)
			return err_set(in->e, ERR_FORMAT, f->at,
			    "onnx: function '%s' has input '%s' twice", f->name,
			    f->in[i]);
		if ((rc = bind(in, c, f->in[i], i < n->nin ? n->in[i] : "")) !=
		    0)
			return rc;
	}
	for (size_t i = 0; i < MIN(f->nout, n->nout); i++)
		if (*n->out[i] != '\0' &&
		    map_get(&c->env, f->out[i]) == SIZE_MAX &&
		    (rc = bind(in, c, f->out[i], n->out[i])) != 0)
			return rc;
	for (size_t i = 0; i < f->nnode; i++)
		for (size_t k = 0; k < f->node[i].nout; k++) {
			const char *inner = f->node[i].out[k];

			if (*inner == '\0' ||
			    map_get(&c->env, inner) != SIZE_MAX)
				continue;
			if ((rc = fresh(in, c, inner, &name)) != 0 ||
			    (rc = bind(in, c, inner, name)) != 0)
				return rc;
		}
	return 0;
}

static const struct onnx_attr *
find_attr(const struct onnx_attr *at, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(at[i].name, name) == 0)
			return &at[i];
	return NULL;
}

int
onnx_function_attrs(const struct onnx_scope *s, struct arena *a,
    struct onnx_node *n, struct err *e)
{
	struct onnx_attr *to = arena_alloc(a, n->nattr + 1, sizeof(*to));
	const struct onnx_attr *v;
	size_t k = 0;

	if (to == NULL)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "onnx: model too large");
	while (s != NULL && s->call == NULL)
		s = s->outer;
	for (size_t i = 0; i < n->nattr; i++) {
		const struct onnx_attr *at = &n->attr[i];

		if (at->ref == NULL) {
			to[k++] = *at;
			continue;
		}
		if (s == NULL)
			return err_set(e, ERR_FORMAT, at->at,
			    "onnx: node '%s' (%s): attribute '%s' refers to a "
			    "function's, but is in none",
			    n->name, n->op, at->name);
		v = find_attr(s->call->attr, s->call->nattr, at->ref);
		if (v == NULL)
			v = find_attr(s->absent, s->nabsent, at->ref);
		if (v == NULL) /* nor does the node have it then */
			continue;
		if (v->ref != NULL || (at->type != 0 && at->type != v->type))
			return err_set(e, ERR_FORMAT, at->at,
			    "onnx: node '%s' (%s): attribute '%s' is of "
			    "another type than '%s' of the function",
			    n->name, n->op, at->name, at->ref);
		to[k] = *v;
		to[k++].name = at->name;
	}
	n->attr = to;
	n->nattr = k;
	return 0;
}

static int
bind_names(struct inliner *in, const struct call *c, struct onnx_node *n)
{
	const char **to = arena_alloc(in->a, n->nin + n->nout + 1, sizeof(*to));
	size_t at;

	if (to == NULL)
		return full(in);
	for (size_t i = 0; i < n->nin + n->nout; i++) {
		const char *s = i < n->nin ? n->in[i] : n->out[i - n->nin];

		if (*s == '\0') {
			to[i] = "";
			continue;
		}
		if ((at = map_get(&c->env, s)) == SIZE_MAX)
			return err_set(in->e, ERR_FORMAT, n->at,
			    "onnx: node '%s' (%s) uses '%s', which nothing in "
			    "function '%s' defines",
			    n->name, n->op, s, c->f->name);
		to[i] = c->name[at];
	}
	n->in = to;
	n->out = to + n->nin;
	return 0;
}

static int expand(struct inliner *, const struct onnx_node *);

/* An output that is an input, or the same as another: a copy of it. */
static int
copy_outputs(struct inliner *in, const struct call *c)
{
	for (size_t i = 0; i < MIN(c->f->nout, c->at->nout); i++) {
		size_t at = map_get(&c->env, c->f->out[i]);
		struct onnx_node *n;

		if (*c->at->out[i] == '\0' ||
		    strcmp(c->name[at], c->at->out[i]) == 0)
			continue;
		n = &in->node[in->nnode++];
		*n = (struct onnx_node){.op = "Identity",
		    .name = c->at->name,
		    .domain = "",
		    .overload = "",
		    .in = &c->name[at],
		    .nin = 1,
		    .out = &c->at->out[i],
		    .nout = 1,
		    .opset = c->f->opset,
		    .at = c->at->at};
	}
	return 0;
}

static int
expand_call(
    struct inliner *in, const struct function *f, const struct onnx_node *n)
{
	struct call c = {.f = f, .at = n, .number = ++in->x->ncall};
	struct onnx_scope *s = arena_alloc(in->a, 1, sizeof(*s));
	int rc;

	if (s == NULL)
		return full(in);
	if ((rc = bind_all(in, &c)) != 0)
		return rc;
	*s = (struct onnx_scope){.name = c.env,
	    .to = c.name,
	    .call = n,
	    .absent = f->absent,
	    .nabsent = f->nabsent};
	for (size_t i = 0; i < f->nnode; i++) {
		struct onnx_node inner = f->node[i];

		inner.opset = f->opset;
		inner.scope = s;
		if ((rc = onnx_function_attrs(s, in->a, &inner, in->e)) != 0 ||
		    (rc = bind_names(in, &c, &inner)) != 0 ||
		    (rc = expand(in, &inner)) != 0)
			return rc;
	}
	return copy_outputs(in, &c);
}

static int
expand(struct inliner *in, const struct onnx_node *n)
{
	struct function *f;
	int rc;

	if ((rc = callee(in, n, &f)) != 0)
		return rc;
	for (size_t i = 0; i < n->nattr; i++)
		if (n->attr[i].ref != NULL)
			return err_set(in->e, ERR_FORMAT, n->attr[i].at,
			    "onnx: node '%s' (%s): attribute '%s' refers to a "
			    "function's, but is in none",
			    n->name, n->op, n->attr[i].name);
	if (f != NULL)
		return expand_call(in, f, n);
	in->node[in->nnode++] = *n;
	return 0;
}

/* --- the model ----------------------------------------------------------- */

static int
take_names(struct inliner *in)
{
	const struct onnx_file *x = in->x;
	bool bad = false;

	for (size_t i = 0; i < x->ntensor; i++)
		bad |= map_put(&in->taken, x->tensor[i].t.name, 0) < 0;
	for (size_t i = 0; i < x->ninput; i++)
		bad |= map_put(&in->taken, x->input[i].name, 0) < 0;
	for (size_t i = 0; i < x->nnode; i++)
		for (size_t k = 0; k < x->node[i].nout; k++)
			bad |= map_put(&in->taken, x->node[i].out[k], 0) < 0;
	return bad ? full(in) : 0;
}

static int
inline_all(struct inliner *in)
{
	struct onnx_file *x = in->x;
	size_t nodes = 0;
	unsigned depth = 0;
	uint64_t bytes = 0;
	int rc;

	/* a graph of calls alone need not import ONNX's own operators */
	for (size_t i = 0; i < in->nf; i++)
		if (x->opset == 0)
			x->opset = in->f[i].opset;
	for (size_t i = 0; i < x->nnode; i++)
		if ((rc = measure_node(
			 in, &x->node[i], 0, &depth, &nodes, &bytes)) != 0)
			return rc;
	if ((rc = take_names(in)) != 0)
		return rc;
	in->node = arena_alloc(in->a, nodes + 1, sizeof(*in->node));
	if (in->node == NULL)
		return full(in);
	for (size_t i = 0; i < x->nnode; i++)
		if ((rc = expand(in, &x->node[i])) != 0)
			return rc;
	x->node = in->node;
	x->nnode = in->nnode;
	return 0;
}

int
onnx_function_inline(
    struct rd model, struct arena *a, struct onnx_file *x, struct err *e)
{
	struct inliner in = {.a = a, .x = x, .e = e};
	struct rd r = model;
	struct onnx_wire w;
	void *p;
	int rc;

	map_init(&in.key, a);
	map_init(&in.taken, a);
	if ((rc = onnx_file_room(
		 model, 25, LIMIT_FUNCTIONS, sizeof(*in.f), a, &p, e)) != 0)
		return rc;
	in.f = p;
	while ((rc = onnx_wire_next(&r, &w, e)) > 0) {
		if (w.number != 25)
			continue;
		if ((rc = onnx_wire_want(&w, ONNX_WIRE_BYTES, e)) != 0 ||
		    (rc = parse_function(&in, w.body, &in.f[in.nf++])) != 0)
			return rc;
	}
	if (rc != 0 || (rc = index_functions(&in)) != 0)
		return rc;
	return inline_all(&in);
}
