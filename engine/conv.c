/* SPDX-License-Identifier: MIT */
#include "engine/conv.h"

int
conv_geom(const struct step *s, const struct shape *const *in,
    struct conv_geom *g, struct err *e)
{
	const struct conv *cfg = s->cfg;
	const struct shape *x = in[0], *w = in[1];
	int rc;

	if (x->rank < 3 || x->rank != w->rank)
		return op_bad(s, e, "ranks %zu and %zu", x->rank, w->rank);
	*g = (struct conv_geom){.n = x->dim[0],
	    .c = x->dim[1],
	    .k = w->dim[0],
	    .cg = w->dim[1],
	    .group = cfg->group,
	    .bounds = cfg->bounds};
	if (g->c == 0 || g->k == 0 || g->c % g->group != 0 ||
	    g->c / g->group != g->cg || g->k % g->group != 0)
		return op_bad(s, e,
		    "%zu channels meet a weight of %zu x %zu in %zu groups",
		    g->c, g->k, g->cg, g->group);
	g->kg = g->k / g->group;
	if ((rc = window_bind(&cfg->win, s, x, w->dim + 2, &g->f, e)) != 0)
		return rc;
	if (ckd_mul(&g->depth, g->f.taps, g->cg))
		return op_bad(s, e, "the window is too large");
	return 0;
}
