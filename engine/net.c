/* SPDX-License-Identifier: MIT */
#include "engine/net.h"

#include "base/limits.h"
#include "base/map.h"
#include "engine/fold.h"
#include "engine/fuse.h"
#include "engine/plan.h"
#include "engine/role.h"

#include <math.h>

/* Memory for the structures of a net and, apart, for its numbers. */
#define NET_ARENA ((size_t)16 << 30)

/* Memory for one chunk with its gradients, and the most images in it: more
 * make no product faster.  engine/SPEED.md has what this costs and gains. */
#define CHUNK_FLOATS ((size_t)96 << 20)
#define CHUNK_MAX    32

struct builder {
	struct net *net;
	struct map names;  /* value name -> id */
	struct map tensor; /* name -> tensor of the model */
	bool *image;       /* per value: stored in LAYOUT_LAST */
	bool *weight;      /* per tensor of the model */
	/* per tensor, for each of the two layouts: its value, 0 for none */
	size_t (*param)[2];
	bool rest; /* see fuse_model */
	size_t max_step, max_value, max_param;
	struct err *e;
};

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
}

static size_t
new_value(struct builder *b, const char *name, size_t param, size_t step)
{
	struct net *n = b->net;

	if (n->nvalue == b->max_value)
		BUG("values");
	n->value[n->nvalue] = (struct value){name, param, step};
	return n->nvalue++;
}

/* --- parameters ---------------------------------------------------------- */

/* Logical shape; with `image`, those of rank 3 and more channels last. */
static struct shape
param_shape(const struct tensor *t, bool image)
{
	struct shape s = {.rank = t->rank, .type = fold_type(t->dtype)};

	for (size_t i = 0; i < s.rank; i++)
		s.dim[i] = t->dim[i];
	if (image && s.rank >= 3)
		s.layout = LAYOUT_LAST;
	return s;
}

/* The parameter for a tensor in a storage order, made when it is new. */
static int
param_value(struct builder *b, const struct tensor *t, bool image, size_t *out)
{
	struct net *n = b->net;
	struct shape s = param_shape(t, image);
	struct param *p;
	size_t *known;
	int rc;

	known = &b->param[t - n->model->tensor][s.layout == LAYOUT_LAST];
	if ((*out = *known) != 0)
		return 0;
	if (n->nparam == b->max_param)
		BUG("parameters");
	p = &n->param[n->nparam];
	*p = (struct param){.tensor = t,
	    .shape = s,
	    .trainable = b->weight[t - n->model->tensor],
	    .n = shape_elements(&s)};
	if (!shape_real(&s) || !shape_sane(&s)) {
		rc = fold_tensor(t, &n->arena, &p->shape.known, b->e);
		if (rc != 0)
			return rc;
		p->n = 0;
	}
	*out = *known = new_value(b, t->name, n->nparam++, SIZE_MAX);
	return 0;
}

/* From the file's (outer, c, inner) to (outer, inner, c), both of 4 bytes. */
static void
load_last(const struct param *p, float *to)
{
	size_t outer = p->shape.dim[0], c = p->shape.dim[1];
	size_t inner = p->n / outer / c;

	for (size_t i = 0; i < outer; i++)
		for (size_t k = 0; k < c; k++) {
			const uint8_t *from =
			    p->tensor->data + 4 * (i * c + k) * inner;
			float *at = to + i * c * inner + k;

			for (size_t q = 0; q < inner; q++)
				memcpy(at + q * c, from + 4 * q, 4);
		}
}

static void
load_param(const struct param *p, float *to)
{
	/* files are little-endian */
	bool single = p->tensor->dtype == DTYPE_F32 &&
		      __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	if (p->n == 0)
		return;
	if (single && p->shape.layout == LAYOUT_ROWS)
		memcpy(to, p->tensor->data, p->n * sizeof(*to));
	else if (single)
		load_last(p, to);
	else
		for (size_t k = 0; k < p->n; k++)
			to[k] = (float)tensor_real(
			    p->tensor, shape_row_index(&p->shape, k));
}

/* NULL when the model has no tensor of that name. */
static const struct tensor *
tensor_of(const struct builder *b, const char *name)
{
	size_t i = map_get(&b->tensor, name);

	return i != SIZE_MAX ? &b->net->model->tensor[i] : NULL;
}

static int
load_params(struct builder *b)
{
	struct net *n = b->net;

	for (size_t i = 0; i < n->nparam; i++) {
		size_t *total =
		    n->param[i].trainable ? &n->nweight : &n->nfixed;

		n->param[i].at = *total;
		*total += n->param[i].n;
	}
	n->weight = arena_alloc(&n->arena, n->nweight + 1, sizeof(float));
	n->fixed = arena_alloc(&n->arena, n->nfixed + 1, sizeof(float));
	if (n->weight == NULL || n->fixed == NULL)
		return full(b->e);
	for (size_t i = 0; i < n->nparam; i++) {
		load_param(&n->param[i], net_param_mutable(n, i));
	}
	return 0;
}

const float *
net_param(const struct net *n, size_t p)
{
	return (n->param[p].trainable ? n->weight : n->fixed) + n->param[p].at;
}

float *
net_param_mutable(struct net *n, size_t p)
{
	return (n->param[p].trainable ? n->weight : n->fixed) + n->param[p].at;
}

const struct param *
net_trainable(const struct net *n, const struct step *s, size_t k)
{
	size_t v = k < s->nin ? s->in[k] : SIZE_MAX;
	size_t p = v != SIZE_MAX ? n->value[v].param : SIZE_MAX;

	return p != SIZE_MAX && n->param[p].trainable ? &n->param[p] : NULL;
}

/* --- steps --------------------------------------------------------------- */

static struct step *
new_step(
    struct builder *b, const struct op *op, const struct node *node, size_t nin)
{
	struct net *n = b->net;
	struct step *s = &n->step[n->nstep];

	if (n->nstep == b->max_step)
		BUG("steps");
	*s = (struct step){
	    .op = op, .name = node->name, .nin = nin, .node = node};
	if (*s->name == '\0' && node->nout > 0)
		s->name = node->out[0];
	s->in = arena_alloc(&n->arena, nin + 1, sizeof(*s->in));
	return s->in != NULL ? s : NULL;
}

/* The value in the storage order that is wanted, converted when necessary. */
static int
in_order(struct builder *b, const struct node *node, size_t value, bool image,
    size_t *out)
{
	struct step *s;

	*out = value;
	if (b->image[value] == image || b->net->value[value].param != SIZE_MAX)
		return 0;
	s = new_step(b, image ? &op_to_image : &op_to_rows, node, 1);
	if (s == NULL)
		return full(b->e);
	s->in[0] = value;
	s->out = new_value(b, node->name, SIZE_MAX, b->net->nstep++);
	b->image[s->out] = image;
	*out = s->out;
	return 0;
}

/* Whether an operator's data is stored channels last. */
static bool
wants_image(struct builder *b, const struct op *op, const struct node *node)
{
	if (op->layout != OP_ANY && op->layout != OP_ANY_TO_ROWS)
		return op->layout == OP_IMAGE;
	for (size_t i = 0; i < node->nin; i++) {
		size_t v = map_get(&b->names, node->in[i]);

		if (v != SIZE_MAX && b->image[v])
			return true;
	}
	return false;
}

static int
bind_input(struct builder *b, const struct op *op, const struct node *node,
    size_t i, bool image, size_t *out)
{
	size_t v = map_get(&b->names, node->in[i]);
	const struct tensor *t;

	*out = SIZE_MAX;
	if (*node->in[i] == '\0')
		return 0;
	if (v != SIZE_MAX && op_bit(op->constants, i))
		return err_set(b->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "node '%s' (%s): input %zu is computed", node->name,
		    node->op, i);
	if (v != SIZE_MAX)
		return in_order(b, node, v, image, out);
	/* an output of an earlier node that the engine does not compute */
	if ((t = tensor_of(b, node->in[i])) == NULL)
		return err_set(b->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "node '%s' (%s): input '%s' is not supported", node->name,
		    node->op, node->in[i]);
	return param_value(b, t, image, out);
}

static int
check_node(struct builder *b, const struct node *node, const struct op *op)
{
	if (op == NULL)
		return err_set(b->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "node '%s': operator %s is not supported", node->name,
		    node->op);
	if (node->nin < op->min_in || node->nin > op->max_in ||
	    node->nin > LIMIT_STEP_ARITY || node->nout < 1)
		return err_set(b->e, ERR_FORMAT, ERR_NOWHERE,
		    "node '%s' (%s) has %zu inputs", node->name, node->op,
		    node->nin);
	for (size_t i = 0; i < op->min_in; i++)
		if (*node->in[i] == '\0')
			return err_set(b->e, ERR_FORMAT, ERR_NOWHERE,
			    "node '%s' (%s) lacks input %zu", node->name,
			    node->op, i);
	return 0;
}

/* The step that computes output `which` of a node. */
static int
add_step(struct builder *b, const struct node *node, const struct op *op,
    const size_t *in, bool image, size_t which)
{
	struct net *n = b->net;
	struct step *s = new_step(b, op, node, node->nin);
	int rc;

	if (s == NULL)
		return full(b->e);
	memcpy(s->in, in, node->nin * sizeof(*in));
	s->which = which;
	s->keep = op->keep;
	if (op->build != NULL &&
	    (rc = op->build(s, node, &n->arena, b->e)) != 0)
		return rc;
	s->out = new_value(b, node->out[which], SIZE_MAX, n->nstep++);
	b->image[s->out] = image && op->layout != OP_ANY_TO_ROWS;
	n->synced = n->synced || op->sync != NULL;
	return map_put(&b->names, node->out[which], s->out) < 0 ? full(b->e)
								: 0;
}

static int
add_node(struct builder *b, const struct node *node)
{
	const struct op *op = op_find(node->op);
	size_t in[LIMIT_STEP_ARITY];
	bool image;
	int rc;

	if ((rc = check_node(b, node, op)) != 0)
		return rc;
	image = wants_image(b, op, node);
	for (size_t i = 0; i < node->nin; i++)
		if ((rc = bind_input(b, op, node, i, image, &in[i])) != 0)
			return rc;
	for (size_t k = 0; k < MIN(node->nout, MAX(op->outs, 1)); k++)
		if (*node->out[k] != '\0' &&
		    (rc = add_step(b, node, op, in, image, k)) != 0)
			return rc;
	return 0;
}

static int
build_steps(struct builder *b)
{
	static const struct node end = {.op = "", .name = "output"};
	const struct model *m = b->net->model;
	const struct net *net = b->net;
	const struct tensor *t;
	size_t out;
	int rc;

	b->image[new_value(b, m->input, SIZE_MAX, SIZE_MAX)] =
	    b->net->input.layout == LAYOUT_LAST;
	if (map_put(&b->names, m->input, 0) < 0)
		return full(b->e);
	for (size_t i = 0; i < net->nnode; i++)
		if ((rc = add_node(b, &net->node[i])) != 0)
			return rc;
	out = map_get(&b->names, m->output);
	if (out == SIZE_MAX && (t = tensor_of(b, m->output)) != NULL &&
	    (rc = param_value(b, t, false, &out)) != 0)
		return rc;
	if (out == SIZE_MAX)
		return err_set(b->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "the output '%s' is not supported", m->output);
	return in_order(b, &end, out, false, &b->net->output);
}

/* --- the whole ----------------------------------------------------------- */

static int
image_sane(const struct net *n, struct err *e)
{
	struct shape s = {.rank = 3, .dim = {n->c, n->h, n->w}};

	if (n->c > LIMIT_IMAGE_CHANNELS || n->h > LIMIT_IMAGE_SIDE ||
	    n->w > LIMIT_IMAGE_SIDE || !shape_sane(&s))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "images of %zu x %zu x %zu", n->c, n->h, n->w);
	return 0;
}

static int
image_size(struct net *n, size_t h, size_t w, size_t c, struct err *e)
{
	const int64_t *d = n->model->shape;
	size_t *want[] = {&n->c, &n->h, &n->w}, given[] = {c, h, w};

	for (size_t i = 0; i < 3; i++) {
		*want[i] = given[i];
		if (given[i] == 0 && d[i + 1] <= 0)
			return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "the model leaves its image size open; give data");
		if (given[i] == 0)
			*want[i] = (size_t)d[i + 1];
		else if (d[i + 1] > 0 && (size_t)d[i + 1] != given[i])
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "the model takes images of %" PRId64 " x %" PRId64
			    " x %" PRId64
			    " (channels, height, width), the data has %zu x "
			    "%zu x %zu",
			    d[1], d[2], d[3], c, h, w);
	}
	return image_sane(n, e);
}

static int
allocate(struct builder *b)
{
	const struct model *m = b->net->model;
	struct net *n = b->net;
	struct model fused;
	size_t inputs = 0, outputs = 0;
	int rc;

	for (size_t i = 0; i < m->nnode; i++) {
		inputs += m->node[i].nin;
		outputs += m->node[i].nout;
	}
	if (m->nnode > LIMIT_STEPS || inputs > 3 * LIMIT_STEPS ||
	    outputs > 2 * LIMIT_STEPS)
		return err_set(b->e, ERR_LIMIT, ERR_NOWHERE,
		    "%zu nodes with %zu inputs", m->nnode, inputs);
	/* a conversion for every input, and one for the output */
	b->max_step = outputs + inputs + 1;
	b->max_param = inputs + 1;
	b->max_value = 1 + b->max_step + b->max_param;
	if ((rc = fuse_model(m, b->rest, &n->arena, &fused, b->e)) != 0)
		return rc;
	n->node = fused.node;
	n->nnode = fused.nnode;
	n->step = arena_alloc(&n->arena, b->max_step, sizeof(*n->step));
	n->value = arena_alloc(&n->arena, b->max_value, sizeof(*n->value));
	n->param = arena_alloc(&n->arena, b->max_param + 1, sizeof(*n->param));
	b->image = arena_alloc(&n->arena, b->max_value, sizeof(*b->image));
	b->weight = arena_alloc(&n->arena, m->ntensor + 1, sizeof(*b->weight));
	b->param = arena_alloc(&n->arena, m->ntensor + 1, sizeof(*b->param));
	if (b->weight == NULL || b->param == NULL || n->step == NULL ||
	    n->value == NULL || n->param == NULL || b->image == NULL)
		return full(b->e);
	map_init(&b->tensor, &n->arena);
	for (size_t i = 0; i < m->ntensor; i++)
		if (map_put(&b->tensor, m->tensor[i].name, i) < 0)
			return full(b->e);
	return role_weights(&fused, b->weight, b->e);
}

/* Shapes for one image and room for what is derived from the weights. */
static int
keep_shapes(struct net *n, const struct plan *p, struct err *e)
{
	struct arena *a = &n->arena;

	n->shape = arena_alloc(a, n->nvalue, sizeof(*n->shape));
	n->derived = arena_alloc(a, n->nstep + 1, sizeof(*n->derived));
	if (n->shape == NULL || n->derived == NULL)
		return full(e);
	for (size_t v = 0; v < n->nvalue; v++) {
		n->shape[v] = p->shape[v];
		n->shape[v].known = NULL;
	}
	for (size_t i = 0; i < n->nstep; i++) {
		if (p->derived[i] == 0 || n->step[i].op->prepare == NULL ||
		    n->value[n->step[i].in[1]].param == SIZE_MAX)
			continue;
		n->derived[i] = arena_alloc(a, p->derived[i], sizeof(float));
		if (n->derived[i] == NULL)
			return full(e);
	}
	net_changed(n);
	return 0;
}

/*
 * Trial plan for one image.  Where the exporter has written its batch size
 * into shapes or constants, other numbers of images do not fit: a plan for as
 * many as the model declares then.
 */
static int
trial(struct net *n, struct plan *p, struct err *e)
{
	unsigned want = PLAN_DATA | PLAN_WEIGHTS;
	int64_t declared = n->model->shape[0];

	if (declared > 0) {
		if (plan_make(p, n, declared == 1 ? 2 : 1, want, e) != 0) {
			n->batch = (size_t)declared;
			return plan_make(p, n, n->batch, want, e);
		}
		plan_release(p);
	}
	return plan_make(p, n, 1, want, e);
}

/* Checks the shapes, sizes the chunks.  A graph that is no classifier runs as
 * it is. */
static int
measure(struct net *n, struct err *e)
{
	struct plan p;
	int rc;

	if (!n->classifier) {
		n->chunk = n->input.rank > 0 ? n->input.dim[0] : 1;
		return 0;
	}
	if ((rc = trial(n, &p, e)) != 0)
		return rc;
	n->macs = p.macs / p.n;
	n->chunk = MIN(CHUNK_MAX, MAX(1, CHUNK_FLOATS / (p.floats + 1)));
	n->chunk = n->batch != 0 ? n->batch : n->chunk;
	n->classes =
	    p.shape[n->output].rank == 2 ? p.shape[n->output].dim[1] : 0;
	rc = keep_shapes(n, &p, e);
	plan_release(&p);
	if (rc != 0)
		return rc;
	if (n->classes < 2 || n->classes > LIMIT_CLASSES)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "the output '%s' is not one row of logits an image",
		    n->model->output);
	return 0;
}

static int
build(struct net *n, const struct net *empty, bool rest, struct err *e)
{
	struct builder b = {.net = n, .rest = rest, .e = e};
	int rc;

	*n = *empty;
	arena_init(&n->arena, NET_ARENA);
	map_init(&b.names, &n->arena);
	if ((rc = allocate(&b)) != 0 || (rc = build_steps(&b)) != 0 ||
	    (rc = load_params(&b)) != 0 || (rc = measure(n, e)) != 0)
		net_release(n);
	return rc;
}

int
net_build(struct net *n, const struct model *m, size_t h, size_t w, size_t c,
    struct err *e)
{
	struct net empty = {.model = m, .classifier = true};
	struct err first;
	int rc;

	*n = (struct net){0};
	if ((rc = model_dense(m, e)) != 0 ||
	    (rc = image_size(&empty, h, w, c, e)) != 0)
		return rc;
	empty.input = (struct shape){.rank = 4,
	    .dim = {1, empty.c, empty.h, empty.w},
	    .layout = LAYOUT_LAST};
	if (build(n, &empty, true, &first) == 0)
		return 0;
	/* what is added to a convolution may be broadcast */
	return build(n, &empty, false, e);
}

int
net_build_graph(struct net *n, const struct model *m, const struct shape *input,
    struct err *e)
{
	const struct net empty = {.model = m, .input = *input};
	int rc = model_dense(m, e);

	return rc != 0 ? rc : build(n, &empty, false, e);
}

void
net_release(struct net *n)
{
	arena_release(&n->arena);
	*n = (struct net){0};
}

void
net_changed(struct net *n)
{
	if (n->derived == NULL)
		return;
#pragma omp parallel for schedule(dynamic, 1)
	for (size_t i = 0; i < n->nstep; i++) {
		const struct step *s = &n->step[i];
		const struct shape *in[LIMIT_STEP_ARITY] = {NULL};

		if (n->derived[i] == NULL)
			continue;
		for (size_t k = 0; k < s->nin; k++)
			if (s->in[k] != SIZE_MAX)
				in[k] = &n->shape[s->in[k]];
		s->op->prepare(s, in, net_param(n, n->value[s->in[1]].param),
		    n->derived[i]);
	}
}

void
net_copy_weights(struct net *to, const struct net *from)
{
	if (to->nweight != from->nweight || to->nfixed != from->nfixed)
		BUG("nets of different models");
	memcpy(to->weight, from->weight, to->nweight * sizeof(float));
	memcpy(to->fixed, from->fixed, to->nfixed * sizeof(float));
	net_changed(to);
}
