/* SPDX-License-Identifier: MIT */
#include "engine/reference.h"

#include "base/limits.h"
#include "engine/fold.h"

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
}

/* The numbers of a parameter as they are now, row-major. */
static int
set_param(struct reference *r, const struct net *net, size_t v,
    const double *weight, bool exact, struct err *e)
{
	size_t q = net->value[v].param;
	const struct param *p = &net->param[q];
	const float *now = net_param(net, q);
	struct shape *s = &r->shape[v];
	union number *to;

	*s = p->shape;
	if (exact && s->type == DTYPE_F32)
		s->type = DTYPE_F64;
	if (s->known != NULL)
		return 0;
	/* what no kernel can hold (F64) comes from the tensor itself */
	if (p->shape.type != DTYPE_F32)
		return fold_tensor(p->tensor, &r->arena, &s->known, e);
	if ((to = arena_alloc(&r->arena, p->n + 1, sizeof(*to))) == NULL)
		return full(e);
	for (size_t i = 0; i < p->n; i++)
		to[shape_row_index(s, i)].f = weight != NULL && p->trainable
						  ? weight[p->at + i]
						  : (double)now[i];
	s->known = to;
	return 0;
}

static int
run_step(struct reference *r, const struct step *s, bool exact, struct err *e)
{
	const struct shape *in[LIMIT_STEP_ARITY] = {NULL};
	struct shape *out = &r->shape[s->out];
	struct op_need need = {0};
	int rc;

	for (size_t i = 0; i < s->nin; i++)
		if (s->in[i] != SIZE_MAX)
			in[i] = &r->shape[s->in[i]];
	if ((rc = s->op->infer(s, in, out, &need, e)) != 0)
		return rc;
	out->known = NULL;
	if ((s->op->flags & OP_TYPED) == 0)
		out->type = in[0]->type;
	if (exact && out->type == DTYPE_F32)
		out->type = DTYPE_F64;
	return fold_step(s, in, out, &r->arena, e);
}

int
reference_run(struct reference *r, const struct net *net,
    const struct shape *input, const double *weight, bool exact, struct err *e)
{
	int rc = 0;

	*r = (struct reference){0};
	arena_init(&r->arena, (size_t)8 << 30);
	r->shape = arena_alloc(&r->arena, net->nvalue, sizeof(*r->shape));
	if (r->shape == NULL)
		rc = full(e);
	for (size_t v = 0; rc == 0 && v < net->nvalue; v++)
		if (net->value[v].param != SIZE_MAX)
			rc = set_param(r, net, v, weight, exact, e);
	if (rc == 0) {
		r->shape[0] = *input;
		if (exact && input->type == DTYPE_F32)
			r->shape[0].type = DTYPE_F64;
	}
	for (size_t i = 0; rc == 0 && i < net->nstep; i++)
		rc = run_step(r, &net->step[i], exact, e);
	if (rc != 0)
		reference_release(r);
	return rc;
}

void
reference_release(struct reference *r)
{
	arena_release(&r->arena);
	*r = (struct reference){0};
}
