/* SPDX-License-Identifier: MIT */
#include "purify/attention.h"

#include <math.h>

#define TINY 1e-6

/* --- the graph ----------------------------------------------------------- */

/* Whether a step's output is a feature map that the model has a name for. */
static bool
is_map(const struct net *net, const struct step *s)
{
	const struct shape *x = &net->shape[s->out];

	return s->op != &op_to_rows && s->op != &op_to_image && s->which == 0 &&
	       x->rank == 4 && x->layout == LAYOUT_LAST &&
	       x->dim[2] * x->dim[3] > 1;
}

/* The last of each size, the latest ones; in the order of the graph. */
static void
choose(struct attention *a, const struct net *net)
{
	for (size_t i = net->nstep; i-- > 0 && a->nmap < ATTENTION_MAPS;) {
		const struct step *s = &net->step[i];
		size_t n =
		    net->shape[s->out].dim[2] * net->shape[s->out].dim[3];
		bool seen = false;

		if (!is_map(net, s))
			continue;
		for (size_t k = 0; k < a->nmap; k++)
			seen = seen || a->map[k].n == n;
		if (!seen)
			a->map[a->nmap++] = (struct attention_map){
			    .name = net->value[s->out].name, .n = n};
	}
	for (size_t i = 0; i < a->nmap / 2; i++) {
		struct attention_map m = a->map[i];

		a->map[i] = a->map[a->nmap - 1 - i];
		a->map[a->nmap - 1 - i] = m;
	}
}

static const char *const square_name[] = {
    "attention.0.square", "attention.1.square", "attention.2.square"};
static const char *const sum_name[] = {
    "attention.0.sum", "attention.1.sum", "attention.2.sum"};
static const char *const flat_name[] = {
    "attention.0", "attention.1", "attention.2"};
static const char logits_name[] = "attention.logits";
static const char all_name[] = "attention.all";

/* Another node at the end of the model; `in` is copied. */
static void
put(struct attention *a, const char *op, const char *const *in, size_t nin,
    const char *out, struct attr attr)
{
	struct node *n = &a->model.node[a->model.nnode++];

	*n = (struct node){
	    .op = op, .name = out, .nin = nin, .nout = 1, .nattr = 1};
	n->in = arena_alloc(&a->arena, nin, sizeof(*n->in));
	n->out = arena_alloc(&a->arena, 1, sizeof(*n->out));
	n->attr = arena_alloc(&a->arena, 1, sizeof(*n->attr));
	if (n->in == NULL || n->out == NULL || n->attr == NULL)
		BUG("out of memory");
	memcpy(n->in, in, nin * sizeof(*in));
	n->out[0] = out;
	n->attr[0] = attr;
}

static void
put_map(struct attention *a, size_t i)
{
	static const int64_t channels[] = {1};
	const struct attr none = {.name = "axis", .kind = ATTR_INT, .i = 1};
	const struct attr axes = {
	    .name = "axes", .kind = ATTR_INTS, .ints = channels, .n = 1};
	const char *twice[] = {a->map[i].name, a->map[i].name};

	put(a, "Mul", twice, 2, square_name[i], none);
	put(a, "ReduceSum", &square_name[i], 1, sum_name[i], axes);
	put(a, "Flatten", &sum_name[i], 1, flat_name[i], none);
}

static int
extend(struct attention *a, const struct model *m, struct err *e)
{
	const struct attr axis = {.name = "axis", .kind = ATTR_INT, .i = 1};
	const char *all[1 + ATTENTION_MAPS] = {logits_name};

	a->model = *m;
	a->model.arena = (struct arena){0};
	a->model.node = arena_alloc(&a->arena,
	    m->nnode + 3 * ATTENTION_MAPS + 2, sizeof(*a->model.node));
	if (a->model.node == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
	memcpy(a->model.node, m->node, m->nnode * sizeof(*m->node));
	put(a, "Flatten", &m->output, 1, logits_name, axis);
	for (size_t i = 0; i < a->nmap; i++) {
		put_map(a, i);
		all[1 + i] = flat_name[i];
	}
	put(a, "Concat", all, 1 + a->nmap, all_name, axis);
	a->model.output = all_name;
	a->model.classes = 0;
	a->model.label = NULL;
	return 0;
}

/* Weights and constants must lie as in the net that it is of. */
static bool
is_aligned(const struct net *x, const struct net *y)
{
	if (x->nparam != y->nparam || x->nweight != y->nweight ||
	    x->nfixed != y->nfixed)
		return false;
	for (size_t i = 0; i < x->nparam; i++)
		if (x->param[i].tensor != y->param[i].tensor ||
		    x->param[i].trainable != y->param[i].trainable ||
		    x->param[i].shape.layout != y->param[i].shape.layout)
			return false;
	return true;
}

int
attention_init(struct attention *a, const struct net *net, struct err *e)
{
	size_t at = net->classes;
	int rc;

	*a = (struct attention){.classes = net->classes};
	arena_init(&a->arena, (size_t)1 << 30);
	choose(a, net);
	for (size_t i = 0; i < a->nmap; i++) {
		a->map[i].at = at;
		at += a->map[i].n;
	}
	if (a->nmap == 0)
		rc = err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "the model has no feature maps");
	else if ((rc = extend(a, net->model, e)) == 0)
		rc = net_build(&a->net, &a->model, net->h, net->w, net->c, e);
	if (rc == 0 && (a->net.classes != at || !is_aligned(&a->net, net)))
		rc = err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "the model's feature maps cannot be read");
	if (rc != 0)
		attention_release(a);
	return rc;
}

void
attention_release(struct attention *a)
{
	net_release(&a->net);
	arena_release(&a->arena);
	*a = (struct attention){0};
}

/* --- the loss ------------------------------------------------------------ */

static double
norm(size_t n, const float *a)
{
	double sum = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)a[i];
	return sqrt(sum);
}

void
attention_normalise(size_t n, const float *a, float *u)
{
	double r = norm(n, a) + TINY;

	for (size_t i = 0; i < n; i++)
		u[i] = (float)((double)a[i] / r);
}

double
attention_loss(
    size_t n, const float *a, const float *goal, double weight, float *da)
{
	double r = norm(n, a), s = r + TINY, sum = 0.0, along = 0.0;

	/* with g = dL/du: dL/da = g / s - a (g a) / (r s^2) */
	for (size_t i = 0; i < n; i++) {
		double d = (double)a[i] / s - (double)goal[i];

		sum += d * d;
		along += 2.0 * d * (double)a[i];
	}
	for (size_t i = 0; i < n; i++) {
		double d = (double)a[i] / s - (double)goal[i];
		double g = 2.0 * d / s;

		if (r > 0.0)
			g -= (double)a[i] * along / (r * s * s);
		da[i] += (float)(weight * g / (double)n);
	}
	return sum / (double)n;
}
