/* SPDX-License-Identifier: MIT */
#include "engine/layer.h"

#include <stdlib.h>

static bool
is_op(const struct step *s, const char *name)
{
	return strcmp(s->op->name, name) == 0;
}

void
layer_sources(const struct net *net, size_t *source)
{
	for (size_t i = 0; i < net->nvalue; i++)
		source[i] = net->value[i].param;
	for (size_t i = 0; i < net->nstep; i++) {
		const struct step *s = &net->step[i];

		if ((s->op->flags & (OP_MOVES | OP_OPERAND)) == OP_MOVES &&
		    s->in[0] != SIZE_MAX)
			source[s->out] = source[s->in[0]];
	}
}

bool
layer_multiplies(const struct step *s, size_t k)
{
	return (s->op->flags & OP_OPERAND) == 0 && k < 2;
}

size_t
layer_fan_in(const struct step *s, size_t k, const struct shape *w)
{
	size_t n = shape_elements(w);
	bool turned = is_op(s, "Gemm") && node_int(s->node, "transB", 0) == 0;

	/* a stack of matrices; its last axis but one is summed over */
	if (is_op(s, "MatMul"))
		return MAX(w->dim[w->rank - (k == 1 ? 2 : 1)], 1);
	return MAX(n / MAX(w->dim[turned ? w->rank - 1 : 0], 1), 1);
}

/* --- learning rates ------------------------------------------------------- */

/* Part of the parameter that step s multiplies by, if it is one. */
static bool
part_of(const struct net *net, const size_t *source, const struct step *s,
    size_t k, size_t wide, struct optim_part *out)
{
	size_t p = s->in[k] != SIZE_MAX ? source[s->in[k]] : SIZE_MAX;
	const struct shape *w;
	size_t fan;

	if (p == SIZE_MAX || !net->param[p].trainable ||
	    !op_bit(s->op->weights, k) || !layer_multiplies(s, k))
		return false;
	w = net->shape != NULL ? &net->shape[s->in[k]] : &net->param[p].shape;
	if (w->rank < 2 || (fan = layer_fan_in(s, k, w)) <= wide)
		return false;
	*out = (struct optim_part){.from = net->param[p].at,
	    .to = net->param[p].at + net->param[p].n,
	    .factor = (float)wide / (float)fan};
	return true;
}

static int
by_place(const void *a, const void *b)
{
	const struct optim_part *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/* Of a weight that several layers share the first counts. */
static size_t
drop_twins(struct optim_part *part, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++)
		if (left == 0 || part[i].from >= part[left - 1].to)
			part[left++] = part[i];
	return left;
}

int
layer_rates(const struct net *net, size_t wide, struct arena *a,
    struct optim_part **out, size_t *n, struct err *e)
{
	size_t *source = arena_alloc(a, net->nvalue + 1, sizeof(*source));
	struct optim_part *part =
	    arena_alloc(a, 2 * net->nstep + 1, sizeof(*part));

	if (source == NULL || part == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "a net of %zu steps does not fit in memory", net->nstep);
	*out = part;
	*n = 0;
	layer_sources(net, source);
	for (size_t i = 0; i < net->nstep; i++)
		for (size_t k = 0; k < MIN(net->step[i].nin, 2); k++)
			*n += part_of(
			    net, source, &net->step[i], k, wide, &part[*n]);
	qsort(part, *n, sizeof(*part), by_place);
	*n = drop_twins(part, *n);
	return 0;
}
