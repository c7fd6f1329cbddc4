/* SPDX-License-Identifier: MIT */
#include "engine/fuse.h"

#include "engine/op.h"

#include <math.h>

/* How a value is made and used. */
struct value {
	size_t maker; /* node, or SIZE_MAX */
	size_t uses;  /* inputs that name it; the model's output counts */
	size_t user;  /* the last node that does */
	bool image;   /* it depends on the image */
};

struct fuse {
	const struct model *m;
	struct arena *a;
	struct map id; /* name -> value */
	struct map tensor;
	struct value *value;
	struct node *node;
	bool *gone;
	size_t nvalue;
	bool rest;
};

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
}

/* --- the graph ----------------------------------------------------------- */

static struct value *
value_of(struct fuse *f, const char *name)
{
	size_t i = map_get(&f->id, name);

	return i != SIZE_MAX ? &f->value[i] : NULL;
}

/* The value of a name, made when it is new; NULL when memory is short. */
static struct value *
note(struct fuse *f, const char *name)
{
	struct value *v = value_of(f, name);

	if (v != NULL)
		return v;
	if (map_put(&f->id, name, f->nvalue) < 0)
		return NULL;
	v = &f->value[f->nvalue++];
	*v = (struct value){.maker = SIZE_MAX, .user = SIZE_MAX};
	return v;
}

static int
read_graph(struct fuse *f, struct err *e)
{
	const struct model *m = f->m;
	size_t most = 3;
	struct value *v;

	for (size_t i = 0; i < m->nnode; i++)
		most += m->node[i].nin + m->node[i].nout;
	map_init(&f->id, f->a);
	map_init(&f->tensor, f->a);
	f->value = arena_alloc(f->a, most, sizeof(*f->value));
	f->node = arena_alloc(f->a, m->nnode + 1, sizeof(*f->node));
	f->gone = arena_alloc(f->a, m->nnode + 1, sizeof(*f->gone));
	if (f->value == NULL || f->node == NULL || f->gone == NULL)
		return full(e);
	for (size_t i = 0; i < m->ntensor; i++)
		if (map_put(&f->tensor, m->tensor[i].name, i) < 0)
			return full(e);
	if ((v = note(f, m->input)) == NULL)
		return full(e);
	v->image = true;
	for (size_t i = 0; i < m->nnode; i++) {
		const struct node *n = &m->node[i];
		bool image = false;

		f->node[i] = *n;
		for (size_t k = 0; k < n->nin; k++) {
			if ((v = note(f, n->in[k])) == NULL)
				return full(e);
			v->uses++;
			v->user = i;
			image = image || v->image;
		}
		for (size_t k = 0; k < n->nout; k++) {
			if ((v = note(f, n->out[k])) == NULL)
				return full(e);
			v->maker = i;
			v->image = image;
		}
	}
	if ((v = note(f, m->output)) == NULL)
		return full(e);
	v->uses++;
	return 0;
}

/* A node of an operator, with the inputs that this must have: the nodes have
 * not been checked yet. */
static bool
is_op(const struct node *n, const char *name)
{
	const struct op *op;

	if (strcmp(n->op, name) != 0)
		return false;
	op = op_find(name);
	return op != NULL && n->nin >= op->min_in && n->nin <= op->max_in;
}

/* The node of this operator with one output that makes a value used
 * `uses` times, or NULL. */
static const struct node *
made_by(struct fuse *f, const char *name, const char *op, size_t uses)
{
	const struct value *v = value_of(f, name);
	const struct node *n;

	if (v == NULL || v->maker == SIZE_MAX || v->uses != uses ||
	    f->gone[v->maker])
		return NULL;
	n = &f->node[v->maker];
	return is_op(n, op) && n->nout == 1 ? n : NULL;
}

/* The only user of a node's output, when it is of this operator. */
static struct node *
used_by(struct fuse *f, const struct node *n, const char *op)
{
	const struct value *v = value_of(f, n->out[0]);

	if (n->nout != 1 || v->uses != 1 || v->user == SIZE_MAX ||
	    f->gone[v->user] || !is_op(&f->node[v->user], op))
		return NULL;
	return &f->node[v->user];
}

/* The other input of a commutative node of two. */
static const char *
other(const struct node *n, const char *name)
{
	if (n->nin != 2)
		return NULL;
	if (strcmp(n->in[0], name) == 0)
		return n->in[1];
	return strcmp(n->in[1], name) == 0 ? n->in[0] : NULL;
}

static const struct tensor *
tensor_of(struct fuse *f, const char *name)
{
	size_t i = map_get(&f->tensor, name);

	return i != SIZE_MAX ? &f->m->tensor[i] : NULL;
}

/* Whether a name is a constant of one element close to v. */
static bool
is_scalar(struct fuse *f, const char *name, double v, double slack)
{
	const struct tensor *t = tensor_of(f, name);
	uint64_t n;

	/* of a higher rank it would give that rank to the result */
	return t != NULL && t->rank <= 1 && t->dtype != DTYPE_COUNT &&
	       tensor_elements(t, &n) && n == 1 &&
	       fabs(tensor_real(t, 0) - v) <= slack;
}

static void
drop(struct fuse *f, const struct node *n)
{
	f->gone[n - f->node] = true;
}

/* Node `at` becomes op(in...) with one real attribute; its name stays. */
static int
become(struct fuse *f, struct node *at, const char *op, const char *const *in,
    size_t nin, const char *attr, double v)
{
	const char **list = arena_alloc(f->a, nin + 1, sizeof(*list));
	struct attr *a = arena_alloc(f->a, 1, sizeof(*a));

	if (list == NULL || a == NULL)
		return ERR_LIMIT;
	memcpy(list, in, nin * sizeof(*list));
	*a = (struct attr){.name = attr, .kind = ATTR_REAL, .f = v};
	at->op = op;
	at->in = list;
	at->nin = nin;
	at->attr = a;
	at->nattr = attr != NULL ? 1 : 0;
	return 0;
}

/* --- chains -------------------------------------------------------------- */

/* ReduceMean over the last axis, which is kept. */
static const struct node *
mean_of(struct fuse *f, const char *name)
{
	const struct node *n = made_by(f, name, "ReduceMean", 1);
	const struct attr *axes = n != NULL ? node_attr(n, "axes") : NULL;

	if (axes == NULL || axes->kind != ATTR_INTS || axes->n != 1 ||
	    axes->ints[0] != -1 || n->nin != 1 ||
	    node_int(n, "keepdims", 1) != 1)
		return NULL;
	return n;
}

/* A vector, which is what scale and shift of the last axis are. */
static bool
is_vector(struct fuse *f, const char *name)
{
	const struct tensor *t = tensor_of(f, name);

	return t != NULL && t->rank == 1;
}

/*
 * d = x - mean(x); d / sqrt(mean(d^2) + eps) * scale + shift, found from the
 * division.  The final addition becomes the LayerNormalization.
 */
static int
layer_norm(struct fuse *f, struct node *div)
{
	const struct node *root = made_by(f, div->in[1], "Sqrt", 1), *add;
	const struct node *var, *square, *sub, *mean;
	struct node *mul = used_by(f, div, "Mul"), *last;
	const char *scale, *shift, *eps;
	int rc;

	add = root != NULL ? made_by(f, root->in[0], "Add", 1) : NULL;
	if (add == NULL || mul == NULL ||
	    (last = used_by(f, mul, "Add")) == NULL)
		return 0;
	eps = add->in[1];
	if ((var = mean_of(f, add->in[0])) == NULL) {
		var = mean_of(f, add->in[1]);
		eps = add->in[0];
	}
	if (var == NULL || !is_scalar(f, eps, 0.05, 0.05))
		return 0;
	square = made_by(f, var->in[0], "Pow", 1);
	sub = made_by(f, div->in[0], "Sub", 2);
	if (square == NULL || sub == NULL ||
	    strcmp(square->in[0], div->in[0]) != 0 ||
	    !is_scalar(f, square->in[1], 2.0, 0.0))
		return 0;
	mean = mean_of(f, sub->in[1]);
	scale = other(mul, div->out[0]);
	shift = other(last, mul->out[0]);
	if (mean == NULL || strcmp(mean->in[0], sub->in[0]) != 0 ||
	    scale == NULL || shift == NULL || !is_vector(f, scale) ||
	    !is_vector(f, shift))
		return 0;
	rc = become(f, last, "LayerNormalization",
	    (const char *[]){sub->in[0], scale, shift}, 3, "epsilon",
	    tensor_real(tensor_of(f, eps), 0));
	if (rc != 0)
		return rc;
	drop(f, mul);
	drop(f, div);
	drop(f, root);
	drop(f, add);
	drop(f, var);
	drop(f, square);
	drop(f, sub);
	drop(f, mean);
	return 0;
}

/* x * (1 + erf(x / sqrt 2)), or NULL; *x is the input. */
static const struct node *
erf_product(struct fuse *f, const struct node *erf, const char **x,
    const struct node **one, struct node **product)
{
	const struct node *scaled = made_by(f, erf->in[0], "Div", 1);
	const char *c;
	bool ok;

	if (scaled != NULL) {
		ok = is_scalar(f, scaled->in[1], 1.4142135623730951, 1e-5);
	} else {
		scaled = made_by(f, erf->in[0], "Mul", 1);
		ok = scaled != NULL &&
		     is_scalar(f, scaled->in[1], 0.7071067811865475, 1e-5);
	}
	*one = ok ? used_by(f, erf, "Add") : NULL;
	if (*one == NULL || (c = other(*one, erf->out[0])) == NULL ||
	    !is_scalar(f, c, 1.0, 0.0))
		return NULL;
	*x = scaled->in[0];
	*product = used_by(f, *one, "Mul");
	return *product != NULL ? scaled : NULL;
}

/* 0.5 x (1 + erf(x / sqrt 2)), found from Erf; the half comes last, or x
 * has met it before. */
static int
gelu(struct fuse *f, struct node *erf)
{
	const struct node *one = NULL, *half = NULL, *scaled;
	struct node *product = NULL, *last;
	const char *x = NULL, *y, *c;
	int rc;

	scaled = erf_product(f, erf, &x, &one, &product);
	if (scaled == NULL || (y = other(product, one->out[0])) == NULL)
		return 0;
	last = product;
	if (strcmp(y, x) == 0) {
		last = used_by(f, product, "Mul");
		c = last != NULL ? other(last, product->out[0]) : NULL;
		half = product;
	} else {
		half = made_by(f, y, "Mul", 1);
		c = half != NULL ? other(half, x) : NULL;
	}
	if (c == NULL || !is_scalar(f, c, 0.5, 0.0))
		return 0;
	rc = become(f, last, "Gelu", &x, 1, NULL, 0.0);
	if (rc != 0)
		return rc;
	drop(f, scaled);
	drop(f, erf);
	drop(f, one);
	drop(f, half);
	return 0;
}

/* x * sigmoid(x), x * hardsigmoid(x): found from the sigmoid */
static int
swish(struct fuse *f, struct node *gate, const char *to)
{
	struct node *mul = used_by(f, gate, "Mul");
	const char *x = mul != NULL ? other(mul, gate->out[0]) : NULL;
	int rc;

	if (x == NULL || strcmp(x, gate->in[0]) != 0)
		return 0;
	rc = become(f, mul, to, &x, 1, NULL, 0.0);
	if (rc == 0)
		drop(f, gate);
	return rc;
}

static int
hard_swish(struct fuse *f, struct node *gate)
{
	if (fabs(node_real(gate, "alpha", 0.2) - 1.0 / 6.0) > 1e-6 ||
	    node_real(gate, "beta", 0.5) != 0.5)
		return 0;
	return swish(f, gate, "HardSwish");
}

static int
silu(struct fuse *f, struct node *gate)
{
	return swish(f, gate, "Swish");
}

/* The bounds of a Relu or Clip; false when it is neither. */
static bool
bounds_of(const struct node *n, double v[2])
{
	v[0] = node_real(n, "min", -(double)INFINITY);
	v[1] = node_real(n, "max", (double)INFINITY);
	if (strcmp(n->op, "Relu") == 0)
		v[0] = 0.0;
	/* bounds may also be inputs */
	return n->nin == 1 && v[0] < v[1] && (isfinite(v[0]) || isfinite(v[1]));
}

/* Whether a layer has taken bounds along: what comes then is another's. */
static bool
has_bounds(const struct node *layer)
{
	return node_attr(layer, "lowest") != NULL ||
	       node_attr(layer, "highest") != NULL;
}

/* A layer takes what bounds its output along: the output is the latter's. */
static int
bounded(struct fuse *f, struct node *layer)
{
	static const char *const name[] = {"lowest", "highest"};
	struct node *end = used_by(f, layer, "Relu");
	struct attr *a;
	double v[2];

	if (end == NULL)
		end = used_by(f, layer, "Clip");
	if (end == NULL || has_bounds(layer) || !bounds_of(end, v))
		return 0;
	a = arena_alloc(f->a, layer->nattr + 2, sizeof(*a));
	if (a == NULL)
		return ERR_LIMIT;
	if (layer->nattr != 0)
		memcpy(a, layer->attr, layer->nattr * sizeof(*a));
	end->op = layer->op;
	end->name = layer->name;
	end->in = layer->in;
	end->nin = layer->nin;
	end->attr = a;
	end->nattr = layer->nattr;
	for (size_t i = 0; i < 2; i++)
		if (isfinite(v[i]))
			a[end->nattr++] = (struct attr){
			    .name = name[i], .kind = ATTR_REAL, .f = v[i]};
	drop(f, layer);
	return 0;
}

/* A convolution and what is added to it. */
static int
with_rest(struct fuse *f, struct node *conv)
{
	struct node *add = f->rest ? used_by(f, conv, "Add") : NULL;
	const char *rest = add != NULL ? other(add, conv->out[0]) : NULL;
	const struct value *v = rest != NULL ? value_of(f, rest) : NULL;
	const char **in;

	/* what is the same for all images is broadcast to them */
	if (v == NULL || !v->image || conv->nin > 3 || has_bounds(conv) ||
	    strcmp(rest, conv->out[0]) == 0)
		return 0;
	if ((in = arena_alloc(f->a, 4, sizeof(*in))) == NULL)
		return ERR_LIMIT;
	in[0] = conv->in[0];
	in[1] = conv->in[1];
	in[2] = conv->nin > 2 ? conv->in[2] : "";
	in[3] = rest;
	add->op = conv->op;
	add->name = conv->name;
	add->in = in;
	add->nin = 4;
	add->attr = conv->attr;
	add->nattr = conv->nattr;
	drop(f, conv);
	return 0;
}

/* A linear layer: a product with a constant matrix, plus a vector. */
static int
with_bias(struct fuse *f, struct node *product)
{
	const struct tensor *w =
	    product->nin == 2 ? tensor_of(f, product->in[1]) : NULL;
	struct node *add = used_by(f, product, "Add");
	const char *bias = add != NULL ? other(add, product->out[0]) : NULL;
	const struct tensor *b = bias != NULL ? tensor_of(f, bias) : NULL;
	const char **in;

	if (w == NULL || w->rank != 2 || b == NULL || b->rank != 1 ||
	    b->dim[0] != w->dim[1])
		return 0;
	if ((in = arena_alloc(f->a, 3, sizeof(*in))) == NULL)
		return ERR_LIMIT;
	in[0] = product->in[0];
	in[1] = product->in[1];
	in[2] = bias;
	add->op = product->op;
	add->name = product->name;
	add->in = in;
	add->nin = 3;
	add->attr = product->attr;
	add->nattr = product->nattr;
	drop(f, product);
	return 0;
}

static const struct {
	const char *op; /* of the node that a chain is found from */
	int (*fn)(struct fuse *, struct node *);
} chain_table[] = {
    {"BatchNormalization", bounded},
    {"Conv", bounded},
    {"Conv", with_rest},
    {"Div", layer_norm},
    {"Erf", gelu},
    {"HardSigmoid", hard_swish},
    {"MatMul", with_bias},
    {"Sigmoid", silu},
};

int
fuse_model(const struct model *m, bool rest, struct arena *a, struct model *out,
    struct err *e)
{
	struct fuse f = {.m = m, .a = a, .rest = rest};
	size_t n = 0;
	int rc;

	if ((rc = read_graph(&f, e)) != 0)
		return rc;
	for (size_t i = 0; i < m->nnode; i++)
		for (size_t k = 0; k < ARRAY_LEN(chain_table); k++) {
			struct node *at = &f.node[i];

			if (f.gone[i] || at->nout == 0 ||
			    !is_op(at, chain_table[k].op))
				continue;
			if (chain_table[k].fn(&f, at) != 0)
				return full(e);
		}
	*out = *m;
	out->node = f.node;
	for (size_t i = 0; i < m->nnode; i++)
		if (!f.gone[i])
			f.node[n++] = f.node[i];
	out->nnode = n;
	return 0;
}
