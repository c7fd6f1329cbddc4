/* SPDX-License-Identifier: MIT
 * ConvTranspose: x (N,C,spatial), w (C, K/group, window), b (K), y
 * (N,K,spatial).  It is the gradient to the data of the convolution that has
 * the same weight and goes from y to x ("the mirror" here), so that conv_im2col
 * computes all of it with the parts exchanged:
 *     forward of this      the mirror's backward_data, then the bias
 *     gradient to x        the mirror's forward, of dy
 *     gradient to w        the mirror's backward_weights, of dy and x
 * w is stored C,window,K/group, which is how the mirror has it.
 */
#include "base/limits.h"
#include "engine/conv.h"

#include <math.h>

struct conv_transpose {
	struct window win;
	size_t group;
	/* per axis; nmore, nsize: how many are given, 0 or win.n */
	size_t more[WINDOW_AXES], size[WINDOW_AXES], nmore, nsize;
};

/* output_padding or output_shape: *n sizes, 0 where it is absent. */
static int
read_list(const struct step *s, const struct node *n, const char *name,
    size_t *out, size_t *count, struct err *e)
{
	const struct attr *a = node_attr(n, name);

	*count = 0;
	if (a == NULL)
		return 0;
	if (a->kind != ATTR_INTS || a->n == 0 || a->n > WINDOW_AXES)
		return op_bad(s, e, "'%s' has %zu values", name, a->n);
	for (size_t i = 0; i < a->n; i++) {
		if (a->ints[i] < 0 || a->ints[i] > LIMIT_IMAGE_SIDE)
			return op_bad(
			    s, e, "'%s' holds %" PRId64, name, a->ints[i]);
		out[i] = (size_t)a->ints[i];
	}
	*count = a->n;
	return 0;
}

static int
transpose_build(
    struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	struct conv_transpose *cfg = op_alloc(a, sizeof(*cfg), e);
	int64_t group = node_int(n, "group", 1);
	int rc;

	if (cfg == NULL)
		return ERR_LIMIT;
	if (group < 1 || group > LIMIT_CLASSES)
		return op_bad(s, e, "group %" PRId64, group);
	cfg->group = (size_t)group;
	s->cfg = cfg;
	if ((rc = read_list(
		 s, n, "output_padding", cfg->more, &cfg->nmore, e)) != 0 ||
	    (rc = read_list(s, n, "output_shape", cfg->size, &cfg->nsize, e)) !=
		0)
		return rc;
	return window_read(&cfg->win, n, e);
}

/* --- the mirror's geometry ------------------------------------------------ */

/* Size and pads of axis k of the output, which is what the mirror reads. */
static int
bind_axis(const struct step *s, size_t k, size_t axis, struct window_fit *f,
    struct err *e)
{
	const struct conv_transpose *cfg = s->cfg;
	size_t reach = (f->size[axis] - 1) * f->dilation[axis] + 1;
	size_t full = (f->out[axis] - 1) * f->stride[axis] + reach;
	size_t out, total;

	full += cfg->nmore != 0 ? cfg->more[k] : 0;
	if (cfg->nsize == 0 && cfg->win.same == WINDOW_EXPLICIT) {
		total = f->pad[axis] + f->behind[axis];
		if (total >= full)
			return op_bad(
			    s, e, "pads of %zu, %zu pixels", total, full);
		f->in[axis] = full - total;
		return 0;
	}
	out = cfg->nsize != 0 ? cfg->size[k] : f->out[axis] * f->stride[axis];
	if (out == 0)
		return op_bad(s, e, "an empty output");
	/* what is beyond the last window gets the bias alone */
	total = full > out ? full - out : 0;
	f->pad[axis] =
	    cfg->win.same == WINDOW_SAME_UPPER ? total / 2 : total - total / 2;
	f->behind[axis] = total - f->pad[axis];
	f->in[axis] = out;
	return 0;
}

static int
mirror_window(const struct step *s, const struct shape *x,
    const struct shape *w, struct window_fit *f, struct err *e)
{
	const struct conv_transpose *cfg = s->cfg;
	size_t n = x->rank - 2, lead = WINDOW_AXES - n;
	struct window win = cfg->win;
	struct window_fit of_x;
	int rc;

	if ((cfg->nmore != 0 && cfg->nmore != n) ||
	    (cfg->nsize != 0 && cfg->nsize != n))
		return op_bad(s, e, "an output of another rank");
	/* checks window and sizes; what it makes of the pads is not used */
	win.same = WINDOW_SAME_UPPER;
	if ((rc = window_bind(&win, s, x, w->dim + 2, &of_x, e)) != 0)
		return rc;
	*f = of_x;
	f->pixels = of_x.inputs;
	f->inputs = 1;
	for (size_t i = 0; i < WINDOW_AXES; i++) {
		bool own = i >= lead;

		f->out[i] = of_x.in[i];
		f->in[i] = 1;
		f->pad[i] = own ? cfg->win.pad[i - lead] : 0;
		f->behind[i] = own ? cfg->win.pad[i - lead + n] : 0;
		if (own && (rc = bind_axis(s, i - lead, i, f, e)) != 0)
			return rc;
		if (ckd_mul(&f->inputs, f->inputs, f->in[i]) ||
		    f->inputs > LIMIT_VALUE_ELEMENTS)
			return op_bad(s, e, "the output is too large");
	}
	return 0;
}

static int
mirror_geom(const struct step *s, const struct shape *const *in,
    struct conv_geom *g, struct err *e)
{
	const struct conv_transpose *cfg = s->cfg;
	const struct shape *x = in[0], *w = in[1];
	int rc;

	if (x->rank < 3 || x->rank != w->rank)
		return op_bad(s, e, "ranks %zu and %zu", x->rank, w->rank);
	*g = (struct conv_geom){.n = x->dim[0],
	    .k = x->dim[1],
	    .cg = w->dim[1],
	    .group = cfg->group,
	    .bounds = {.lo = -INFINITY, .hi = INFINITY}};
	if (g->k == 0 || g->cg == 0 || g->k != w->dim[0] ||
	    g->k % g->group != 0 || ckd_mul(&g->c, g->cg, g->group))
		return op_bad(s, e,
		    "%zu channels meet a weight of %zu x %zu in %zu groups",
		    g->k, w->dim[0], g->cg, g->group);
	g->kg = g->k / g->group;
	if ((rc = mirror_window(s, x, w, &g->f, e)) != 0)
		return rc;
	if (ckd_mul(&g->depth, g->f.taps, g->cg))
		return op_bad(s, e, "the window is too large");
	return 0;
}

static int
transpose_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	const struct shape *b = s->nin > 2 ? in[2] : NULL;
	struct conv_geom g;
	int rc;

	if ((rc = mirror_geom(s, in, &g, e)) != 0)
		return rc;
	if (b != NULL && (b->rank != 1 || b->dim[0] != g.c))
		return op_bad(s, e,
		    "a bias of rank %zu with %zu numbers for %zu channels",
		    b->rank, shape_elements(b), g.c);
	if (!shape_real(in[0]) || !shape_real(in[1]) ||
	    (b != NULL && !shape_real(b)))
		return op_bad(s, e, "integers");
	*out = (struct shape){.rank = in[0]->rank,
	    .dim = {g.n, g.c},
	    .layout = LAYOUT_LAST,
	    .type = in[0]->type};
	for (size_t i = 2; i < out->rank; i++)
		out->dim[i] = g.f.in[WINDOW_AXES + i - out->rank];
	if (!shape_sane(out))
		return op_bad(s, e, "the output is empty or too large");
	if (ckd_mul(&need->taps, g.f.taps, g.kg) ||
	    !conv_im2col.scratch(&g, &need->scratch) ||
	    ckd_add(&need->scratch, need->scratch, shape_elements(in[0])) ||
	    need->scratch > LIMIT_VALUE_ELEMENTS)
		return op_bad(s, e, "the window is too large");
	return 0;
}

/* --- definition ----------------------------------------------------------- */

/* y += v times the weights w (cg x taps) around pixel p of the input. */
static void
scatter(const struct conv_geom *g, size_t p, double v, const union number *w,
    union number *y)
{
	const size_t *in = g->f.in, *step = g->f.dilation, *size = g->f.size;
	struct window_span s[WINDOW_AXES];

	window_pixel(&g->f, p, s);
	for (size_t c = 0; c < g->cg; c++)
		for (size_t i = s[0].from; i < s[0].to; i++)
			for (size_t j = s[1].from; j < s[1].to; j++)
				for (size_t k = s[2].from; k < s[2].to; k++) {
					size_t at =
					    s[0].at + (i - s[0].from) * step[0];
					size_t t =
					    (i * size[1] + j) * size[2] + k;

					at = at * in[1] + s[1].at +
					     (j - s[1].from) * step[1];
					at = at * in[2] + s[2].at +
					     (k - s[2].from) * step[2];
					y[c * g->f.inputs + at].f +=
					    v * w[c * g->f.taps + t].f;
				}
}

static int
transpose_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	const union number *b =
	    s->nin > 2 && in[2] != NULL ? in[2]->known : NULL;
	struct conv_geom g;
	int rc;

	if ((rc = mirror_geom(s, in, &g, e)) != 0)
		return rc;
	for (size_t i = 0; i < shape_elements(out); i++)
		v[i].f = b != NULL ? b[i / g.f.inputs % g.c].f : 0.0;
	for (size_t n = 0; n < g.n; n++)
		for (size_t k = 0; k < g.k; k++)
			for (size_t p = 0; p < g.f.pixels; p++)
				scatter(&g, p,
				    in[0]
					->known[(n * g.k + k) * g.f.pixels + p]
					.f,
				    in[1]->known + k * g.depth,
				    v + (n * g.c + k / g.kg * g.cg) *
					    g.f.inputs);
	return 0;
}

/* --- kernels --------------------------------------------------------------- */

/* A call of the mirror: its step has neither bias nor rest. */
struct mirror {
	struct conv_geom g;
	struct step step;
	struct op_call call;
	const float *in[2];
	float *din[2];
	bool add[2];
};

static void
mirror_begin(struct mirror *m, const struct op_call *c)
{
	struct err e;

	*m = (struct mirror){.step = *c->step};
	if (mirror_geom(c->step, c->shape_in, &m->g, &e) != 0)
		BUG(e.msg);
	m->step.nin = 2;
	m->in[1] = c->in[1];
	m->call = (struct op_call){.step = &m->step,
	    .in = m->in,
	    .scratch = c->scratch,
	    .din = m->din,
	    .add = m->add};
}

/* The mirror only reads what it takes for dy. */
static float *
unchanged(const float *x)
{
	return (float *)(uintptr_t)x;
}

VECTOR static void
add_bias(const struct conv_geom *g, const float *restrict b, float *restrict y)
{
	for (size_t i = 0; i < g->n * g->f.inputs; i++)
		for (size_t k = 0; k < g->c; k++)
			y[i * g->c + k] += b[k];
}

static void
transpose_forward(const struct op_call *c)
{
	struct mirror m;

	mirror_begin(&m, c);
	m.call.dout = unchanged(c->in[0]);
	m.din[0] = c->out;
	conv_im2col.backward_data(&m.call, &m.g);
	if (conv_bias(c) != NULL)
		add_bias(&m.g, conv_bias(c), c->out);
}

VECTOR static void
backward_bias(const struct op_call *c, const struct conv_geom *g)
{
	float *restrict db = c->din[2];

	if (!c->add[2])
		memset(db, 0, g->c * sizeof(*db));
	for (size_t i = 0; i < g->n * g->f.inputs; i++)
		for (size_t k = 0; k < g->c; k++)
			db[k] += c->dout[i * g->c + k];
}

/* The mirror's forward overwrites: where dx is added to, it goes to the end of
 * the scratch first. */
VECTOR static void
backward_data(const struct op_call *c, struct mirror *m)
{
	size_t n = shape_elements(c->shape_in[0]), own = 0;
	float *restrict dx = c->din[0];
	const float *restrict more;

	m->in[0] = c->dout;
	if (!c->add[0]) {
		m->call.out = dx;
		conv_im2col.forward(&m->call, &m->g);
		return;
	}
	if (!conv_im2col.scratch(&m->g, &own))
		BUG("scratch that inference refused");
	m->call.out = c->scratch + own;
	more = m->call.out;
	conv_im2col.forward(&m->call, &m->g);
	for (size_t i = 0; i < n; i++)
		dx[i] += more[i];
}

static void
transpose_backward(const struct op_call *c)
{
	struct mirror m;

	mirror_begin(&m, c);
	if (c->step->nin > 2 && c->din[2] != NULL)
		backward_bias(c, &m.g);
	if (c->din[1] != NULL) {
		m.in[0] = c->dout;
		m.call.dout = unchanged(c->in[0]);
		m.din[1] = c->din[1];
		m.add[1] = c->add[1];
		conv_im2col.backward_weights(&m.call, &m.g);
	}
	if (c->din[0] != NULL)
		backward_data(c, &m);
}

const struct op op_conv_transpose = {
    .name = "ConvTranspose",
    .min_in = 2,
    .max_in = 3,
    .layout = OP_IMAGE,
    .weights = 1 << 1 | 1 << 2,
    .keep = OP_KEEP_IN_FOR_WEIGHTS,
    .build = transpose_build,
    .infer = transpose_infer,
    .eval = transpose_eval,
    .forward = transpose_forward,
    .backward = transpose_backward,
};
