/* SPDX-License-Identifier: MIT
 * Einsum of one or two operands: every letter of the equation is an axis, an
 * output is the sum of products over the axes that it does not have.  Output
 * and gradients are the same contraction of other pairs,
 *     t[..] += x[..] y[..]  over all axes,
 * done by matrix products where its axes fall into those of a (batched)
 * product, else by plain loops.
 */
#include "engine/blas.h"
#include "engine/op.h"

/* Axes: those of both operands, and what "..." stands for. */
#define AXES (3 * MODEL_MAX_RANK)

/* Letters of one operand, '.' + i for the i-th axis from the end of "...". */
struct term {
	size_t n;
	bool dots;
	size_t before; /* letters before the dots */
	char letter[MODEL_MAX_RANK];
};

struct equation {
	size_t nin;
	struct term term[3]; /* A, B, the output */
};

/* All axes; elements from one index to the next in A, B, output: 0 where a
 * side does not have the axis or is broadcast. */
struct loops {
	size_t n, dim[AXES], stride[3][AXES];
};

enum side {
	SIDE_A,
	SIDE_B,
	SIDE_OUT,
};

/* --- the equation -------------------------------------------------------- */

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Read one term; *p ends at what is no part of it. */
static bool
read_term(const char **p, struct term *t)
{
	*t = (struct term){0};
	for (;; (*p)++) {
		if (**p == ' ')
			continue;
		if (strncmp(*p, "...", 3) == 0 && !t->dots) {
			t->dots = true;
			t->before = t->n;
			*p += 2;
		} else if (!is_letter(**p)) {
			return true;
		} else if (t->n == MODEL_MAX_RANK) {
			return false;
		} else {
			t->letter[t->n++] = **p;
		}
	}
}

/* Without an arrow: the dots and the letters that stand once, in order. */
static bool
implied(struct equation *q)
{
	struct term *out = &q->term[SIDE_OUT];
	size_t count[128] = {0};

	*out = (struct term){0};
	for (size_t i = 0; i < q->nin; i++) {
		out->dots = out->dots || q->term[i].dots;
		for (size_t k = 0; k < q->term[i].n; k++)
			count[(unsigned char)q->term[i].letter[k]]++;
	}
	for (size_t c = 0; c < ARRAY_LEN(count); c++) {
		if (count[c] == 1 && out->n == MODEL_MAX_RANK)
			return false;
		if (count[c] == 1)
			out->letter[out->n++] = (char)c;
	}
	return true;
}

static bool
read_equation(const char *p, struct equation *q)
{
	if (!read_term(&p, &q->term[SIDE_A]))
		return false;
	if (*p == ',') {
		p++;
		q->nin = 2;
		if (!read_term(&p, &q->term[SIDE_B]))
			return false;
	}
	if (*p == '\0')
		return implied(q);
	if (strncmp(p, "->", 2) != 0)
		return false;
	p += 2;
	return read_term(&p, &q->term[SIDE_OUT]) && *p == '\0';
}

static int
einsum_build(
    struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	const struct attr *at = node_attr(n, "equation");
	struct equation *q = op_alloc(a, sizeof(*q), e);

	if (q == NULL)
		return ERR_LIMIT;
	q->nin = 1;
	if (at == NULL || at->kind != ATTR_TEXT || !read_equation(at->s, q) ||
	    q->nin != n->nin)
		return op_bad(s, e, "the equation cannot be read");
	s->cfg = q;
	return 0;
}

/* --- the axes ------------------------------------------------------------ */

/* An axis by its letter, or (from 128 on) by its place in the dots. */
struct axes {
	size_t n, id[AXES], dim[AXES];
};

static size_t
find(const struct axes *a, size_t id)
{
	size_t i = 0;

	while (i < a->n && a->id[i] != id)
		i++;
	return i;
}

/* The axis that dimension i of a term is, with `dots` axes in its dots. */
static size_t
axis_id(const struct term *t, size_t dots, size_t i)
{
	if (!t->dots || i < t->before)
		return (size_t)t->letter[i];
	if (i < t->before + dots)
		return 128 + (t->before + dots - 1 - i);
	return (size_t)t->letter[i - dots];
}

static int
meet(const struct step *s, struct axes *a, const struct term *t,
    const struct shape *x, struct err *e)
{
	size_t dots;

	if (x == NULL || x->rank < t->n || (!t->dots && x->rank != t->n))
		return op_bad(s, e, "an operand does not fit the equation");
	dots = x->rank - t->n;
	for (size_t i = 0; i < x->rank; i++) {
		size_t id = axis_id(t, dots, i), k = find(a, id);

		if (k == a->n) {
			if (a->n == AXES)
				return op_bad(s, e, "too many axes");
			a->id[a->n] = id;
			a->dim[a->n++] = x->dim[i];
		} else if (a->dim[k] == 1) {
			a->dim[k] = x->dim[i];
		} else if (x->dim[i] != 1 && x->dim[i] != a->dim[k]) {
			return op_bad(s, e, "sizes %zu and %zu on one axis",
			    a->dim[k], x->dim[i]);
		}
	}
	return 0;
}

/* Axes behind the dots of the output. */
static size_t
dots_of(const struct axes *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->id[i] >= 128;
	return n;
}

static int
einsum_axes(const struct step *s, const struct shape *const *in, struct axes *a,
    struct shape *out, struct err *e)
{
	const struct equation *q = s->cfg;
	const struct term *t = &q->term[SIDE_OUT];
	size_t dots, k;
	int rc;

	*a = (struct axes){0};
	for (size_t i = 0; i < q->nin; i++)
		if ((rc = meet(s, a, &q->term[i], in[i], e)) != 0)
			return rc;
	dots = t->dots ? dots_of(a) : 0;
	if (t->n + dots > MODEL_MAX_RANK)
		return op_bad(s, e, "an output of rank %zu", t->n + dots);
	*out = (struct shape){.rank = t->n + dots};
	for (size_t i = 0; i < out->rank; i++) {
		if ((k = find(a, axis_id(t, dots, i))) == a->n)
			return op_bad(s, e, "an axis from nowhere");
		for (size_t j = 0; j < i; j++)
			if (axis_id(t, dots, j) == a->id[k])
				return op_bad(s, e, "an output axis twice");
		out->dim[i] = a->dim[k];
	}
	return 0;
}

static int
einsum_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	struct axes a;
	int rc;

	if ((rc = einsum_axes(s, in, &a, out, e)) != 0)
		return rc;
	if (s->nin > 1 && shape_real(in[0]) != shape_real(in[1]))
		return op_bad(s, e, "operands of different types");
	need->taps = 1;
	for (size_t i = 0; i < a.n; i++) {
		const struct equation *q = s->cfg;
		const struct term *t = &q->term[SIDE_OUT];
		bool summed = a.id[i] < 128 ? memchr(t->letter, (int)a.id[i],
						  t->n) == NULL
					    : !t->dots;

		if (summed && ckd_mul(&need->taps, need->taps, a.dim[i]))
			return op_bad(s, e, "too large");
	}
	return 0;
}

static void
add_side(struct loops *l, const struct axes *a, enum side side,
    const struct term *t, const struct shape *x)
{
	size_t stride[MODEL_MAX_RANK], dots = x->rank - t->n;

	shape_row_strides(x, stride);
	for (size_t i = 0; i < x->rank; i++)
		if (x->dim[i] != 1)
			l->stride[side][find(a, axis_id(t, dots, i))] +=
			    stride[i];
}

static struct loops
loops(const struct step *s, const struct shape *const *in)
{
	const struct equation *q = s->cfg;
	struct loops l = {0};
	struct shape out;
	struct axes a;
	struct err e;

	if (einsum_axes(s, in, &a, &out, &e) != 0)
		BUG(e.msg);
	l.n = a.n;
	memcpy(l.dim, a.dim, sizeof(l.dim));
	for (size_t i = 0; i < q->nin; i++)
		add_side(&l, &a, (enum side)i, &q->term[i], in[i]);
	add_side(&l, &a, SIDE_OUT, &q->term[SIDE_OUT], &out);
	return l;
}

/* Offsets of the i-th of all combinations of indices. */
static void
offsets(const struct loops *l, size_t i, size_t at[3])
{
	at[0] = at[1] = at[2] = 0;
	for (size_t k = l->n; k-- > 0;) {
		for (size_t side = 0; side < 3; side++)
			at[side] += i % l->dim[k] * l->stride[side][k];
		i /= l->dim[k];
	}
}

static size_t
combinations(const struct loops *l)
{
	size_t n = 1;

	for (size_t i = 0; i < l->n; i++)
		n *= l->dim[i];
	return n;
}

static int
einsum_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	struct loops l = loops(s, in);
	bool real = shape_real(out);
	size_t at[3];

	(void)e;
	for (size_t i = 0; i < shape_elements(out); i++) {
		if (real)
			v[i].f = 0.0;
		else
			v[i].i = 0;
	}
	for (size_t i = 0; i < combinations(&l); i++) {
		union number one = {.i = 1}, x, y;

		if (real)
			one.f = 1.0;
		offsets(&l, i, at);
		x = in[0]->known[at[SIDE_A]];
		y = s->nin > 1 ? in[1]->known[at[SIDE_B]] : one;
		if (real)
			v[at[SIDE_OUT]].f += x.f * y.f;
		else
			v[at[SIDE_OUT]].i =
			    (int64_t)((uint64_t)v[at[SIDE_OUT]].i +
				      (uint64_t)x.i * (uint64_t)y.i);
	}
	return 0;
}

/* --- contractions -------------------------------------------------------- */

/* t, x, y: which side is which here. */
struct roles {
	enum side t, x, y;
};

/* Axes that two sides share, as one: `n` indices, with a stride in each. */
struct merged {
	size_t n, by[2];
	bool fits;
};

/* The axes that sides p and q have, and side r has not. */
static struct merged
merge(const struct loops *l, enum side p, enum side q, enum side r)
{
	struct merged g = {.n = 1, .by = {1, 1}, .fits = true};

	size_t left = 0;

	for (size_t k = 0; k < l->n; k++)
		left += l->dim[k] != 1 && l->stride[p][k] != 0 &&
			l->stride[q][k] != 0 && l->stride[r][k] == 0;
	for (size_t i = 0; left > 0; left--) {
		size_t best = 0; /* the next outer axis by its stride in p */

		i = SIZE_MAX;
		for (size_t k = 0; k < l->n; k++) {
			size_t v = l->stride[p][k];

			if (l->dim[k] == 1 || v == 0 || l->stride[q][k] == 0 ||
			    l->stride[r][k] != 0 || v <= best ||
			    (g.n > 1 && v >= g.by[0]))
				continue;
			best = v;
			i = k;
		}
		if (i == SIZE_MAX) { /* equal strides, of a diagonal */
			g.fits = false;
			break;
		}
		if (g.n > 1 && (g.by[0] != best * l->dim[i] ||
				   g.by[1] != l->stride[q][i] * l->dim[i]))
			g.fits = false;
		g.n *= l->dim[i];
		g.by[0] = best;
		g.by[1] = l->stride[q][i];
	}
	return g;
}

/* A batched product t (m, n) = x (m, k) y (k, n), and how it is stored. */
struct product {
	struct roles r;
	struct merged m, n, k; /* in x and t; in y and t; in x and y */
	bool tx, ty;
	size_t lx, ly, lt;
	struct loops batch;
};

/* Leading dimension of rows x cols with these strides; 0: neither way. */
static size_t
leading(size_t rows, size_t row, size_t cols, size_t col, bool *trans)
{
	if ((col == 1 || cols == 1) && (rows == 1 || row >= cols)) {
		*trans = false;
		return rows == 1 ? cols : row;
	}
	if ((row == 1 || rows == 1) && (cols == 1 || col >= rows)) {
		*trans = true;
		return cols == 1 ? rows : col;
	}
	return 0;
}

static bool
as_product(const struct loops *l, struct roles r, struct product *p)
{
	bool tt = false;

	*p = (struct product){.r = r};
	p->m = merge(l, r.x, r.t, r.y);
	p->n = merge(l, r.y, r.t, r.x);
	p->k = merge(l, r.x, r.y, r.t);
	if (!p->m.fits || !p->n.fits || !p->k.fits)
		return false;
	for (size_t i = 0; i < l->n; i++) {
		size_t t = l->stride[r.t][i] != 0, x = l->stride[r.x][i] != 0;
		size_t y = l->stride[r.y][i] != 0, b = p->batch.n;

		if (l->dim[i] == 1)
			continue;
		if (t + x + y == 1)
			return false;
		if (t + x + y != 3)
			continue;
		p->batch.dim[b] = l->dim[i];
		for (size_t k = 0; k < 3; k++)
			p->batch.stride[k][b] = l->stride[k][i];
		p->batch.n++;
	}
	p->lx = leading(p->m.n, p->m.by[0], p->k.n, p->k.by[0], &p->tx);
	p->ly = leading(p->k.n, p->k.by[1], p->n.n, p->n.by[0], &p->ty);
	p->lt = leading(p->m.n, p->m.by[1], p->n.n, p->n.by[1], &tt);
	return p->lx != 0 && p->ly != 0 && p->lt != 0 && !tt;
}

static void
multiply(const struct product *p, float beta, float *t, const float *x,
    const float *y)
{
	for (size_t i = 0; i < combinations(&p->batch); i++) {
		struct blas_matrix a, b;
		size_t at[3];

		offsets(&p->batch, i, at);
		a = (struct blas_matrix){x + at[p->r.x], p->lx};
		b = (struct blas_matrix){y + at[p->r.y], p->ly};
		(p->tx ? (p->ty ? blas_tt : blas_tn)
		       : (p->ty ? blas_nt : blas_nn))(
		    p->m.n, p->n.n, p->k.n, a, b, beta, t + at[p->r.t], p->lt);
	}
}

/* t = or += the contraction; it has n elements. */
static void
contract(const struct loops *l, struct roles r, float *t, size_t n, bool add,
    const float *x, const float *y)
{
	struct product p;
	size_t at[3], dense = 1;

	for (size_t i = 0; i < l->n; i++)
		dense *= l->stride[r.t][i] != 0 ? l->dim[i] : 1;
	/* a diagonal is not all of t */
	if (!add && dense != n) {
		memset(t, 0, n * sizeof(*t));
		add = true;
	}
	if (as_product(l, r, &p)) {
		multiply(&p, add, t, x, y);
		return;
	}
	if (as_product(l, (struct roles){r.t, r.y, r.x}, &p)) {
		multiply(&p, add, t, y, x);
		return;
	}
	if (!add)
		memset(t, 0, n * sizeof(*t));
	for (size_t i = 0; i < combinations(l); i++) {
		offsets(l, i, at);
		t[at[r.t]] += x[at[r.x]] * y[at[r.y]];
	}
}

static const float one = 1.0f;

static void
einsum_forward(const struct op_call *c)
{
	struct loops l = loops(c->step, c->shape_in);

	contract(&l, (struct roles){SIDE_OUT, SIDE_A, SIDE_B}, c->out,
	    shape_elements(c->shape_out), false, c->in[0],
	    c->step->nin > 1 ? c->in[1] : &one);
}

static void
einsum_backward(const struct op_call *c)
{
	struct loops l = loops(c->step, c->shape_in);
	const float *b = c->step->nin > 1 ? c->in[1] : &one;

	if (c->din[0] != NULL)
		contract(&l, (struct roles){SIDE_A, SIDE_OUT, SIDE_B},
		    c->din[0], shape_elements(c->shape_in[0]), c->add[0],
		    c->dout, b);
	if (c->step->nin > 1 && c->din[1] != NULL)
		contract(&l, (struct roles){SIDE_B, SIDE_A, SIDE_OUT},
		    c->din[1], shape_elements(c->shape_in[1]), c->add[1],
		    c->in[0], c->dout);
}

const struct op op_einsum = {
    .name = "Einsum",
    .min_in = 1,
    .max_in = 2,
    .layout = OP_ROWS,
    .weights = 1 << 0 | 1 << 1,
    .keep = OP_KEEP_IN_FOR_WEIGHTS,
    .build = einsum_build,
    .infer = einsum_infer,
    .eval = einsum_eval,
    .forward = einsum_forward,
    .backward = einsum_backward,
};
