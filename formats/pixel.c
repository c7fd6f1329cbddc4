/* SPDX-License-Identifier: MIT */
#include "formats/pixel.h"

#include "base/le.h"

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
}

/* Room for `extra` more tensors and nodes; the nodes there were are *old. */
static int
make_room(struct model *m, size_t extra, struct node **old, struct err *e)
{
	struct tensor *t =
	    arena_alloc(&m->arena, m->ntensor + extra, sizeof(*t));

	*old = m->node;
	m->node = arena_alloc(&m->arena, m->nnode + extra, sizeof(*m->node));
	if (t == NULL || m->node == NULL)
		return full(e);
	if (m->ntensor > 0)
		memcpy(t, m->tensor, m->ntensor * sizeof(*t));
	m->tensor = t;
	m->nnode = 0;
	return 0;
}

/* A (1, n, 1, 1) tensor of floats. */
static int
add_floats(
    struct model *m, const char *name, const double *v, size_t n, struct err *e)
{
	uint8_t *data = arena_alloc(&m->arena, n, 4);

	if (data == NULL)
		return full(e);
	m->tensor[m->ntensor++] = (struct tensor){.name = name,
	    .dtype = DTYPE_F32,
	    .rank = 4,
	    .dim = {1, n, 1, 1},
	    .data = data,
	    .size = 4 * n};
	for (size_t i = 0; i < n; i++) {
		float f = (float)v[i];
		uint32_t bits;

		memcpy(&bits, &f, sizeof(bits));
		data = le_put(data, 4, bits);
	}
	return 0;
}

/* The numbers n - 1 to 0. */
static int
add_reverse(struct model *m, const char *name, size_t n, struct err *e)
{
	uint8_t *data = arena_alloc(&m->arena, n, 8);

	if (data == NULL)
		return full(e);
	m->tensor[m->ntensor++] = (struct tensor){.name = name,
	    .dtype = DTYPE_I64,
	    .rank = 1,
	    .dim = {n},
	    .data = data,
	    .size = 8 * n};
	while (n-- > 0)
		data = le_put(data, 8, n);
	return 0;
}

/* A node of two inputs; its output takes the place of *x. */
static int
add_node(struct model *m, const char *op, const char **x, const char *b,
    const char *out, struct err *e)
{
	struct node *n = &m->node[m->nnode];

	*n = (struct node){.op = op, .name = out, .nin = 2, .nout = 1};
	n->in = arena_alloc(&m->arena, 2, sizeof(*n->in));
	n->out = arena_alloc(&m->arena, 1, sizeof(*n->out));
	n->attr = arena_alloc(&m->arena, 1, sizeof(*n->attr));
	if (n->in == NULL || n->out == NULL || n->attr == NULL)
		return full(e);
	n->in[0] = *x;
	n->in[1] = b;
	n->out[0] = out;
	*x = out;
	if (strcmp(op, "Gather") == 0) {
		n->attr[0] =
		    (struct attr){.name = "axis", .kind = ATTR_INT, .i = 1};
		n->nattr = 1;
	}
	m->nnode++;
	return 0;
}

static int
check_list(const struct model *m, const double *v, size_t n, bool divisor,
    struct err *e)
{
	for (size_t i = 0; divisor && i < n; i++)
		if (!(v[i] > 0.0))
			return err_set(e, ERR_USAGE, ERR_NOWHERE,
			    "a standard deviation must be above 0");
	if (n > 1 && m->shape[1] > 0 && n != (size_t)m->shape[1])
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "%zu values for an image of %" PRId64 " channels", n,
		    m->shape[1]);
	return 0;
}

static int
check(const struct model *m, const struct preprocess *p, struct err *e)
{
	int rc;

	if ((rc = check_list(m, p->mean, p->nmean, false, e)) != 0 ||
	    (rc = check_list(m, p->std, p->nstd, true, e)) != 0)
		return rc;
	if (p->bgr && m->shape[1] != 3)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "an order of colours for a model that does not say that "
		    "it takes 3 channels");
	return 0;
}

/* The new nodes, in order; the last is named for the outside to find it. */
static int
add_steps(struct model *m, const struct preprocess *p, struct err *e)
{
	const char *x = m->input, *out;
	int rc;

	if (p->bgr) {
		out = p->nmean + p->nstd != 0 ? PIXEL_PREFIX "reversed"
					      : PIXEL_OUTPUT;
		if ((rc = add_reverse(m, PIXEL_PREFIX "order", 3, e)) != 0 ||
		    (rc = add_node(
			 m, "Gather", &x, PIXEL_PREFIX "order", out, e)) != 0)
			return rc;
	}
	if (p->nmean != 0) {
		out = p->nstd != 0 ? PIXEL_PREFIX "centred" : PIXEL_OUTPUT;
		if ((rc = add_floats(
			 m, PIXEL_PREFIX "mean", p->mean, p->nmean, e)) != 0 ||
		    (rc = add_node(
			 m, "Sub", &x, PIXEL_PREFIX "mean", out, e)) != 0)
			return rc;
	}
	if (p->nstd == 0)
		return 0;
	rc = add_floats(m, PIXEL_PREFIX "std", p->std, p->nstd, e);
	return rc != 0 ? rc
		       : add_node(
			     m, "Div", &x, PIXEL_PREFIX "std", PIXEL_OUTPUT, e);
}

int
pixel_prepare(struct model *m, const struct preprocess *p, struct err *e)
{
	struct node *old;
	size_t nold = m->nnode;
	int rc;

	if (!p->bgr && p->nmean == 0 && p->nstd == 0)
		return 0;
	if ((rc = check(m, p, e)) != 0 ||
	    (rc = make_room(m, 3, &old, e)) != 0 ||
	    (rc = add_steps(m, p, e)) != 0)
		return rc;
	for (size_t i = 0; i < nold; i++) {
		for (size_t k = 0; k < old[i].nin; k++)
			if (strcmp(old[i].in[k], m->input) == 0)
				old[i].in[k] = PIXEL_OUTPUT;
		m->node[m->nnode++] = old[i];
	}
	if (strcmp(m->output, m->input) == 0)
		m->output = PIXEL_OUTPUT;
	return model_check(m, e);
}
