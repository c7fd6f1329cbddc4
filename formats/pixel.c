/* SPDX-License-Identifier: MIT */
#include "formats/pixel.h"

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
}

/* A (1, n, 1, 1) tensor of floats. */
static int
add_tensor(
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
		for (size_t k = 0; k < 4; k++, bits >>= 8)
			*data++ = (uint8_t)bits;
	}
	return 0;
}

static int
add_node(struct model *m, const char *op, const char *a, const char *b,
    const char *out, struct err *e)
{
	struct node *n = &m->node[m->nnode];

	*n = (struct node){.op = op, .name = out, .nin = 2, .nout = 1};
	n->in = arena_alloc(&m->arena, 2, sizeof(*n->in));
	n->out = arena_alloc(&m->arena, 1, sizeof(*n->out));
	n->attr = arena_alloc(&m->arena, 1, sizeof(*n->attr));
	if (n->in == NULL || n->out == NULL || n->attr == NULL)
		return full(e);
	n->in[0] = a;
	n->in[1] = b;
	n->out[0] = out;
	m->nnode++;
	return 0;
}

static int
check_list(const struct model *m, const double *v, size_t n, bool divisor,
    struct err *e)
{
	for (size_t i = 0; divisor && v != NULL && i < n; i++)
		if (!(v[i] > 0.0))
			return err_set(e, ERR_USAGE, ERR_NOWHERE,
			    "a standard deviation must be above 0");
	if (v != NULL && n != 1 && m->shape[1] > 0 && n != (size_t)m->shape[1])
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "%zu values for an image of %" PRId64 " channels", n,
		    m->shape[1]);
	return 0;
}

int
pixel_prepend(struct model *m, const double *mean, size_t nmean,
    const double *std, size_t nstd, struct err *e)
{
	struct node *old = m->node;
	size_t nold = m->nnode;
	struct tensor *t;
	const char *x = m->input;
	int rc;

	if (mean == NULL && std == NULL)
		return 0;
	if ((rc = check_list(m, mean, nmean, false, e)) != 0 ||
	    (rc = check_list(m, std, nstd, true, e)) != 0)
		return rc;
	t = arena_alloc(&m->arena, m->ntensor + 2, sizeof(*t));
	m->node = arena_alloc(&m->arena, nold + 2, sizeof(*m->node));
	if (t == NULL || m->node == NULL)
		return full(e);
	if (m->ntensor > 0)
		memcpy(t, m->tensor, m->ntensor * sizeof(*t));
	m->tensor = t;
	m->nnode = 0;
	if (mean != NULL) {
		const char *out =
		    std != NULL ? PIXEL_PREFIX "centred" : PIXEL_OUTPUT;

		rc = add_tensor(m, PIXEL_PREFIX "mean", mean, nmean, e);
		if (rc != 0 || (rc = add_node(m, "Sub", x, PIXEL_PREFIX "mean",
				    out, e)) != 0)
			return rc;
		x = out;
	}
	if (std != NULL) {
		rc = add_tensor(m, PIXEL_PREFIX "std", std, nstd, e);
		if (rc != 0 || (rc = add_node(m, "Div", x, PIXEL_PREFIX "std",
				    PIXEL_OUTPUT, e)) != 0)
			return rc;
	}
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
