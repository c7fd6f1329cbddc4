/* SPDX-License-Identifier: MIT */
#include "engine/unary.h"

int
unary_build(const struct unary *f, struct step *s, const struct node *n,
    struct arena *a, struct err *e)
{
	struct unary_cfg *c = op_alloc(a, sizeof(*c), e);

	if (c == NULL)
		return ERR_LIMIT;
	c->f = f;
	for (size_t i = 0; i < UNARY_PARAMS; i++) {
		if (f->param[i].name != NULL)
			c->p[i] =
			    node_real(n, f->param[i].name, f->param[i].absent);
		c->q[i] = (float)c->p[i];
	}
	s->cfg = c;
	return 0;
}

int
unary_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	const struct unary_cfg *c = s->cfg;

	(void)need;
	if (shape_real(in[0]) ? c->f->real == NULL : c->f->whole == NULL)
		return op_bad(s, e, "not defined for %s",
		    shape_real(in[0]) ? "reals" : "integers");
	*out = *in[0];
	out->known = NULL;
	if (c->f->asks)
		out->type = DTYPE_BOOL;
	return 0;
}

int
unary_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	const struct unary_cfg *c = s->cfg;
	bool real = shape_real(in[0]);

	for (size_t i = 0; i < shape_elements(out); i++) {
		union number x = in[0]->known[i];

		if (real && c->f->asks)
			v[i].i = c->f->real(x.f, c->p) != 0.0;
		else if (real)
			v[i].f = c->f->real(x.f, c->p);
		else if (!c->f->whole(x.i, &v[i].i))
			return op_bad(s, e, "no result for %" PRId64, x.i);
	}
	return 0;
}

void
unary_forward(const struct op_call *c)
{
	const struct unary_cfg *cfg = c->step->cfg;
	size_t n = shape_elements(c->shape_out);

	for (size_t i = 0; i < n; i += UNARY_BLOCK)
		cfg->f->line(
		    MIN(n - i, UNARY_BLOCK), c->in[0] + i, c->out + i, cfg->q);
}

VECTOR static void
chain(size_t n, const float *restrict dy, const float *restrict slope,
    float *restrict dx, bool add)
{
	if (add)
		for (size_t i = 0; i < n; i++)
			dx[i] += dy[i] * slope[i];
	else
		for (size_t i = 0; i < n; i++)
			dx[i] = dy[i] * slope[i];
}

void
unary_backward(const struct op_call *c)
{
	const struct unary_cfg *cfg = c->step->cfg;
	bool out = (c->step->op->keep & OP_KEEP_OUT) != 0;
	const float *of = out ? c->out : c->in[0];
	size_t n = shape_elements(c->shape_out);
	float slope[UNARY_BLOCK];

	for (size_t i = 0; i < n; i += UNARY_BLOCK) {
		size_t len = MIN(n - i, UNARY_BLOCK);

		cfg->f->slope(len, of + i, slope, cfg->q);
		chain(len, c->dout + i, slope, c->din[0] + i, c->add[0]);
	}
}
