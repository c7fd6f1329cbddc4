/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_graph.h"

#include "base/limits.h"
#include "formats/onnx_wire.h"

#include <math.h>

#define FEW 1024 /* classes that a number is put in for */

static int
full(struct err *e)
{
	return err_set(
	    e, ERR_LIMIT, ERR_NOWHERE, "graph: more than memory for it");
}

/* The value of a name, made when it is new; SIZE_MAX: no room. */
static size_t
value_of(struct check_arch_graph *g, const char *name)
{
	size_t at = map_get(&g->by_name, name);

	if (at != SIZE_MAX)
		return at;
	if (g->nvalue == g->room || map_put(&g->by_name, name, g->nvalue) < 0) {
		g->full = true;
		return SIZE_MAX;
	}
	g->value[g->nvalue].name = name;
	return g->nvalue++;
}

static int
begin(struct check_arch_graph *g, struct arena *a, size_t values, size_t nodes,
    struct err *e)
{
	*g = (struct check_arch_graph){.arena = a, .room = values};
	map_init(&g->by_name, a);
	g->value = arena_alloc(a, values + 1, sizeof(*g->value));
	g->node = arena_alloc(a, nodes + 1, sizeof(*g->node));
	return g->value != NULL && g->node != NULL ? 0 : full(e);
}

/* --- names that subgraphs use -------------------------------------------- */

struct captured {
	struct arena *arena;
	const char **name; /* NULL: they are only counted */
	size_t n;
};

/* The inputs of the nodes of a GraphProto, and of graphs within. */
static void
capture(struct captured *c, struct rd r, unsigned depth, unsigned level)
{
	/* graph -> node (1) -> input (1), attribute (5) -> graph (6, 11) */
	struct onnx_wire f;
	struct err e = {0};

	while (onnx_wire_next(&r, &f, &e) > 0) {
		if (f.type != ONNX_WIRE_BYTES)
			continue;
		if (level == 0 && f.number == 1) {
			capture(c, f.body, depth, 1);
		} else if (level == 1 && f.number == 1) {
			if (c->name == NULL ||
			    onnx_tensor_text(
				&f.body, c->arena, &c->name[c->n], &e) == 0)
				c->n++;
		} else if (level == 1 && f.number == 5) {
			capture(c, f.body, depth, 2);
		} else if (level == 2 && (f.number == 6 || f.number == 11) &&
			   depth < LIMIT_ONNX_DEPTH) {
			capture(c, f.body, depth + 1, 0);
		}
	}
}

static void
capture_all(struct captured *c, const struct onnx_node *n)
{
	c->n = 0;
	for (size_t i = 0; i < n->nattr; i++)
		if (n->attr[i].type == ONNX_GRAPH ||
		    n->attr[i].type == ONNX_GRAPHS)
			capture(c, n->attr[i].body, 0, 2);
}

static int
captured_by(const struct onnx_node *n, struct arena *a, struct captured *c,
    struct err *e)
{
	*c = (struct captured){.arena = a};
	capture_all(c, n);
	if (c->n == 0)
		return 0;
	c->name = arena_alloc(a, c->n, sizeof(*c->name));
	if (c->name == NULL)
		return full(e);
	capture_all(c, n);
	return 0;
}

/* --- of an ONNX file ----------------------------------------------------- */

static uint64_t
elements(const struct tensor *t)
{
	uint64_t n;

	return tensor_elements(t, &n) ? MAX(n, (uint64_t)1) : 1;
}

static double
scalar(const struct tensor *t, uint64_t n)
{
	float v;

	if (n != 1 || t->dtype != DTYPE_F32 || t->data == NULL ||
	    t->size != sizeof(v))
		return 0;
	memcpy(&v, t->data, sizeof(v));
	return isfinite(v) ? (double)v : 0;
}

/* The largest of so few that they are no layer's weights. */
static double
most_of(const struct tensor *t, uint64_t n)
{
	double most = 0;

	if (n > FEW || t->dtype != DTYPE_F32 || t->data == NULL ||
	    t->size != n * sizeof(float))
		return 0;
	for (uint64_t i = 0; i < n; i++) {
		double v = fabs(tensor_real(t, i));

		most = isfinite(v) ? MAX(most, v) : most;
	}
	return most;
}

static bool
is_zero(const struct tensor *t, uint64_t n)
{
	size_t i = 0;

	while (t->data != NULL && i < t->size && t->data[i] == 0)
		i++;
	return n == 1 && t->size != 0 && i == t->size;
}

/* t: NULL when nothing but that it is constant is known. */
static void
constant(struct check_arch_graph *g, const char *name, const struct tensor *t)
{
	size_t at = value_of(g, name);
	uint64_t n = t != NULL ? elements(t) : 1;

	if (at == SIZE_MAX)
		return;
	g->value[at].constant = n;
	if (t == NULL)
		return;
	g->value[at].scalar = scalar(t, n);
	g->value[at].zero = is_zero(t, n);
	g->value[at].most = most_of(t, n);
	g->value[at].filter = t->rank >= 3 && t->dim[0] == 1;
	g->value[at].narrow =
	    t->rank == 2 && n > 1 && (t->dim[0] == 1 || t->dim[1] == 1);
}

/* Numbers of the values, without those that are left out. */
static size_t
take_values(
    struct check_arch_graph *g, const char *const *name, size_t n, size_t *out)
{
	size_t taken = 0;

	for (size_t i = 0; i < n; i++)
		if (*name[i] != '\0')
			out[taken++] = value_of(g, name[i]);
	return taken;
}

static int
take_node(struct check_arch_graph *g, const struct onnx_node *x, struct err *e)
{
	struct check_arch_node *n = &g->node[g->nnode++];
	const struct onnx_attr *to = onnx_file_attr(x, "to");
	struct captured c;
	int rc;

	if ((rc = captured_by(x, g->arena, &c, e)) != 0)
		return rc;
	*n = (struct check_arch_node){
	    .op = x->op, .name = x->name, .to = to != NULL ? to->i : 0};
	n->in = arena_alloc(g->arena, x->nin + c.n + 1, sizeof(*n->in));
	n->out = arena_alloc(g->arena, x->nout + 1, sizeof(*n->out));
	if (n->in == NULL || n->out == NULL)
		return full(e);
	n->nin = take_values(g, x->in, x->nin, n->in);
	/* only those that the graph around it has */
	for (size_t i = 0; i < c.n; i++)
		if (map_get(&g->by_name, c.name[i]) != SIZE_MAX)
			n->in[n->nin++] = map_get(&g->by_name, c.name[i]);
	n->nout = take_values(g, x->out, x->nout, n->out);
	if (strcmp(x->op, "Constant") == 0 && x->nout == 1)
		constant(g, x->out[0],
		    x->nattr != 0 && x->attr[0].t != NULL ? &x->attr[0].t->t
							  : NULL);
	return g->full ? full(e) : 0;
}

/* float, uint8, half, double, bfloat16; 0: not said */
static bool
is_float(const struct onnx_value *v)
{
	return v->type == 0 || v->type == 1 || v->type == 2 || v->type == 10 ||
	       v->type == 11 || v->type == 16;
}

/* No floats of rank 4: integers of that rank are the image. */
static bool
has_whole_image(const struct onnx_file *f)
{
	for (size_t i = 0; i < f->ninput; i++)
		if (is_float(&f->input[i]) && f->input[i].rank == 4)
			return false;
	return true;
}

static int
take_ends(struct check_arch_graph *g, const struct onnx_file *f,
    const struct onnx_order *o, struct err *e)
{
	bool whole = has_whole_image(f);

	g->input = arena_alloc(g->arena, f->ninput + 1, sizeof(size_t));
	g->other = arena_alloc(g->arena, f->ninput + 1, sizeof(size_t));
	g->output = arena_alloc(g->arena, f->noutput + 1, sizeof(size_t));
	if (g->input == NULL || g->other == NULL || g->output == NULL)
		return full(e);
	for (size_t i = 0; i < f->ninput; i++) {
		if (map_get(&o->init, f->input[i].name) != SIZE_MAX)
			continue;
		if (is_float(&f->input[i]) ||
		    (whole && f->input[i].rank == 4)) {
			g->input[g->ninput++] = value_of(g, f->input[i].name);
			g->image = MAX(g->image, f->input[i].rank);
		} else {
			g->other[g->nother++] = value_of(g, f->input[i].name);
		}
	}
	for (size_t i = 0; i < f->noutput; i++)
		g->output[g->noutput++] = value_of(g, f->output[i].name);
	if (f->noutput != 0 && f->output[0].shaped)
		g->rank = f->output[0].rank;
	return g->full ? full(e) : 0;
}

int
check_arch_graph_onnx(struct check_arch_graph *g, const struct onnx_file *f,
    struct arena *a, struct err *e)
{
	size_t values = f->ninput + f->noutput + f->ntensor;
	struct onnx_order o;
	int rc;

	if ((rc = onnx_order_init(f, a, &o, e)) != 0)
		return rc;
	for (size_t i = 0; i < f->nnode; i++)
		values += f->node[i].nin + f->node[i].nout;
	if ((rc = begin(g, a, values, f->nnode, e)) != 0)
		return rc;
	for (size_t i = 0; i < f->ntensor; i++)
		constant(g, f->tensor[i].t.name, &f->tensor[i].t);
	if ((rc = take_ends(g, f, &o, e)) != 0)
		return rc;
	for (size_t i = 0; i < f->nnode; i++)
		if ((rc = take_node(g, &f->node[o.node[i]], e)) != 0)
			return rc;
	return 0;
}

/* --- of a neutral model -------------------------------------------------- */

static int
take_plain(struct check_arch_graph *g, const struct node *x, struct err *e)
{
	struct check_arch_node *n = &g->node[g->nnode++];

	*n = (struct check_arch_node){.op = x->op, .name = x->name};
	n->in = arena_alloc(g->arena, x->nin + 1, sizeof(*n->in));
	n->out = arena_alloc(g->arena, x->nout + 1, sizeof(*n->out));
	if (n->in == NULL || n->out == NULL)
		return full(e);
	n->nin = take_values(g, x->in, x->nin, n->in);
	n->nout = take_values(g, x->out, x->nout, n->out);
	return g->full ? full(e) : 0;
}

int
check_arch_graph_model(struct check_arch_graph *g, const struct model *m,
    struct arena *a, struct err *e)
{
	size_t values = m->ntensor + 2;
	int rc;

	for (size_t i = 0; i < m->nnode; i++)
		values += m->node[i].nin + m->node[i].nout;
	if ((rc = begin(g, a, values, m->nnode, e)) != 0)
		return rc;
	g->input = arena_alloc(a, 1, sizeof(size_t));
	g->output = arena_alloc(a, 1, sizeof(size_t));
	if (g->input == NULL || g->output == NULL)
		return full(e);
	for (size_t i = 0; i < m->ntensor; i++)
		constant(g, m->tensor[i].name, &m->tensor[i]);
	g->input[g->ninput++] = value_of(g, m->input);
	g->output[g->noutput++] = value_of(g, m->output);
	g->rank = 2;
	g->image = 4;
	for (size_t i = 0; i < m->nnode; i++)
		if ((rc = take_plain(g, &m->node[i], e)) != 0)
			return rc;
	return 0;
}
