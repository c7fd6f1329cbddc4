/* SPDX-License-Identifier: MIT
 * Conv over one to three spatial axes; the kernels are in conv_*.c.
 */
#include "base/limits.h"
#include "engine/conv.h"

static const struct conv_way *const ways[] = {
    &conv_depth, &conv_wino, &conv_im2col};

static int
conv_build(struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	struct conv *cfg = op_alloc(a, sizeof(*cfg), e);
	int64_t group = node_int(n, "group", 1);

	if (cfg == NULL)
		return ERR_LIMIT;
	if (group < 1 || group > LIMIT_CLASSES)
		return op_bad(s, e, "group %" PRId64, group);
	cfg->group = (size_t)group;
	cfg->bounds = bounds_read(s, n);
	s->cfg = cfg;
	return window_read(&cfg->win, n, e);
}

/* The first way that fits; `ready` is false where nothing is derived from the
 * weights, because they are computed themselves. */
static const struct conv_way *
way_of(const struct conv_geom *g, bool ready)
{
	for (size_t i = 0; i + 1 < ARRAY_LEN(ways); i++)
		if ((ready || ways[i]->derived == NULL) && ways[i]->fits(g))
			return ways[i];
	return ways[ARRAY_LEN(ways) - 1];
}

static bool
all_scratch(const struct conv_geom *g, size_t *n)
{
	size_t with, without;

	if (!way_of(g, true)->scratch(g, &with) ||
	    !way_of(g, false)->scratch(g, &without))
		return false;
	*n = MAX(with, without);
	return *n <= LIMIT_VALUE_ELEMENTS;
}

static bool
same_shape(const struct shape *a, const struct shape *b)
{
	return a != NULL && a->rank == b->rank &&
	       memcmp(a->dim, b->dim, a->rank * sizeof(*a->dim)) == 0;
}

static int
conv_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	const struct shape *b = s->nin > 2 ? in[2] : NULL;
	struct conv_geom g;
	int rc;

	if ((rc = conv_geom(s, in, &g, e)) != 0)
		return rc;
	if (b != NULL && (b->rank != 1 || b->dim[0] != g.k))
		return op_bad(
		    s, e, "a bias of rank %zu for %zu channels", b->rank, g.k);
	if (!shape_real(in[0]) || !shape_real(in[1]) ||
	    (b != NULL && !shape_real(b)))
		return op_bad(s, e, "integers");
	need->taps = g.depth;
	if ((rc = window_out(&g.f, s, in[0], g.k, out, e)) != 0)
		return rc;
	if (s->nin > 3 && !same_shape(in[3], out))
		return op_bad(s, e, "what is added has another shape");
	if (!all_scratch(&g, &need->scratch))
		return op_bad(s, e, "the window is too large");
	if (way_of(&g, true)->derived != NULL)
		need->derived = way_of(&g, true)->derived(&g);
	return 0;
}

/*
 * Output pixel p of channel k: the sum over the taps inside, of x (cg planes
 * of one group) and w (cg x taps).
 */
static double
one_output(const struct conv_geom *g, size_t p, const union number *x,
    const union number *w)
{
	const size_t *size = g->f.size, *in = g->f.in, *step = g->f.dilation;
	struct window_span s[WINDOW_AXES];
	double v = 0.0;

	window_pixel(&g->f, p, s);
	for (size_t c = 0; c < g->cg; c++)
		for (size_t i = s[0].from; i < s[0].to; i++)
			for (size_t j = s[1].from; j < s[1].to; j++)
				for (size_t k = s[2].from; k < s[2].to; k++) {
					size_t z =
					    s[0].at + (i - s[0].from) * step[0];
					size_t y =
					    s[1].at + (j - s[1].from) * step[1];
					size_t q =
					    s[2].at + (k - s[2].from) * step[2];
					size_t t =
					    (i * size[1] + j) * size[2] + k;

					v += x[c * g->f.inputs +
						 (z * in[1] + y) * in[2] + q]
						 .f *
					     w[c * g->f.taps + t].f;
				}
	return v;
}

static int
conv_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	const union number *b =
	    s->nin > 2 && in[2] != NULL ? in[2]->known : NULL;
	union number *first = v;
	struct conv_geom g;
	int rc;

	if ((rc = conv_geom(s, in, &g, e)) != 0)
		return rc;
	for (size_t n = 0; n < g.n; n++)
		for (size_t k = 0; k < g.k; k++)
			for (size_t p = 0; p < g.f.pixels; p++, v++)
				v->f = (b != NULL ? b[k].f : 0.0) +
				       one_output(&g, p,
					   in[0]->known +
					       (n * g.c + k / g.kg * g.cg) *
						   g.f.inputs,
					   in[1]->known + k * g.depth);
	for (size_t i = 0; s->nin > 3 && i < shape_elements(out); i++)
		first[i].f += in[3]->known[i].f;
	bounds_eval(&g.bounds, first, shape_elements(out));
	return 0;
}

/* Geometry of a call that inference has accepted. */
static void
call_geom(const struct op_call *c, struct conv_geom *g)
{
	struct err e;

	if (conv_geom(c->step, c->shape_in, g, &e) != 0)
		BUG(e.msg);
}

static void
conv_prepare(const struct step *s, const struct shape *const *in,
    const float *weight, float *derived)
{
	struct conv_geom g;
	struct err e;

	if (conv_geom(s, in, &g, &e) != 0)
		BUG(e.msg);
	way_of(&g, true)->prepare(&g, weight, derived);
}

static void
conv_forward(const struct op_call *c)
{
	struct conv_geom g;

	call_geom(c, &g);
	way_of(&g, c->derived != NULL)->forward(c, &g);
}

VECTOR static void
backward_bias(const struct op_call *c, const struct conv_geom *g)
{
	float *restrict db = c->din[2];

	if (!c->add[2])
		memset(db, 0, g->k * sizeof(*db));
	for (size_t i = 0; i < g->n * g->f.pixels; i++)
		for (size_t k = 0; k < g->k; k++)
			db[k] += c->dout[i * g->k + k];
}

VECTOR static void
backward_rest(const struct op_call *c)
{
	size_t n = shape_elements(c->shape_out);
	float *restrict d = c->din[3];

	for (size_t i = 0; i < n; i++)
		d[i] = c->add[3] ? d[i] + c->dout[i] : c->dout[i];
}

static void
conv_backward(const struct op_call *c)
{
	const struct conv_way *way;
	struct conv_geom g;

	call_geom(c, &g);
	way = way_of(&g, c->derived != NULL);
	bounds_mask(&g.bounds, c->out, c->dout, shape_elements(c->shape_out));
	if (c->step->nin > 2 && c->din[2] != NULL)
		backward_bias(c, &g);
	if (c->din[1] != NULL)
		way->backward_weights(c, &g);
	if (c->din[0] != NULL)
		way->backward_data(c, &g);
	/* in the order of the inputs: it may be input 0 once more */
	if (c->step->nin > 3 && c->din[3] != NULL)
		backward_rest(c);
}

const struct op op_conv = {
    .name = "Conv",
    .min_in = 2,
    .max_in = 4, /* engine/fuse.c adds the fourth */
    .layout = OP_IMAGE,
    .weights = 1 << 1 | 1 << 2,
    .keep = OP_KEEP_IN_FOR_WEIGHTS,
    .build = conv_build,
    .infer = conv_infer,
    .eval = conv_eval,
    .prepare = conv_prepare,
    .forward = conv_forward,
    .backward = conv_backward,
};
