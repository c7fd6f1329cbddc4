/* SPDX-License-Identifier: MIT
 * CumSum along an axis, Trilu (a triangle of matrices), and NonZero, whose
 * output has a size only where its input is known.
 */
#include "engine/op.h"

/* --- CumSum -------------------------------------------------------------- */

/* Elements lie `step` apart, `len` of them, in lines that fill the value. */
struct line {
	size_t len, step;
	bool exclusive, reverse;
};

static int
sum_line(const struct step *s, const struct shape *const *in, bool rows,
    struct line *l, struct err *e)
{
	const struct attr *a = node_attr(s->node, "axis");
	size_t stride[MODEL_MAX_RANK], n = 1, k = 0;
	int64_t axis = node_int(s->node, "axis", 0);
	int rc = 0;

	if (a == NULL || a->kind != ATTR_INT)
		rc = op_ints(s, in, "axis", 1, 1, &axis, &n, e);
	if (rc == 0 && n != 1)
		rc = op_bad(s, e, "no axis");
	if (rc != 0 || (rc = op_axis(s, axis, in[0]->rank, &k, e)) != 0)
		return rc;
	if (rows)
		shape_row_strides(in[0], stride);
	else
		shape_strides(in[0], stride);
	*l = (struct line){
	    .len = in[0]->dim[k],
	    .step = stride[k],
	    .exclusive = node_int(s->node, "exclusive", 0) != 0,
	    .reverse = node_int(s->node, "reverse", 0) != 0,
	};
	return 0;
}

static int
cum_sum_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	struct line l;
	int rc = sum_line(s, in, false, &l, e);

	return rc != 0 ? rc : op_same(s, in, out, need, e);
}

/* Start of line i, and number k of it in the order of summing. */
static size_t
line_at(const struct line *l, size_t i)
{
	return i / l->step * l->step * l->len + i % l->step;
}

static size_t
line_step(const struct line *l, size_t k)
{
	return (l->reverse ? l->len - 1 - k : k) * l->step;
}

static int
cum_sum_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	size_t n = shape_elements(out);
	struct line l;
	int rc = sum_line(s, in, true, &l, e);

	for (size_t i = 0; rc == 0 && n > 0 && i < n / l.len; i++) {
		union number sum = {.i = 0};

		if (shape_real(out))
			sum.f = 0.0;
		for (size_t k = 0; k < l.len; k++) {
			size_t at = line_at(&l, i) + line_step(&l, k);
			union number x = in[0]->known[at], before = sum;

			if (shape_real(out))
				sum.f += x.f;
			else if (ckd_add(&sum.i, sum.i, x.i))
				return op_bad(s, e, "the sum is too large");
			v[at] = l.exclusive ? before : sum;
		}
	}
	return rc;
}

static void
sum_lines(const struct line *l, size_t n, const float *x, float *y, bool add)
{
	for (size_t i = 0; i < n / l->len; i++) {
		float sum = 0.0f;

		for (size_t k = 0; k < l->len; k++) {
			size_t at = line_at(l, i) + line_step(l, k);
			float before = sum, out;

			sum += x[at];
			out = l->exclusive ? before : sum;
			y[at] = add ? y[at] + out : out;
		}
	}
}

static struct line
sure_line(const struct op_call *c)
{
	struct line l;
	struct err e;

	if (sum_line(c->step, c->shape_in, false, &l, &e) != 0)
		BUG(e.msg);
	return l;
}

static void
cum_sum_forward(const struct op_call *c)
{
	struct line l = sure_line(c);

	sum_lines(&l, shape_elements(c->shape_out), c->in[0], c->out, false);
}

static void
cum_sum_backward(const struct op_call *c)
{
	struct line l = sure_line(c);

	l.reverse = !l.reverse;
	sum_lines(
	    &l, shape_elements(c->shape_out), c->dout, c->din[0], c->add[0]);
}

const struct op op_cum_sum = {
    .name = "CumSum",
    .min_in = 1,
    .max_in = 2,
    .layout = OP_ANY,
    .ints = 1 << 1,
    .infer = cum_sum_infer,
    .eval = cum_sum_eval,
    .forward = cum_sum_forward,
    .backward = cum_sum_backward,
};

/* --- Trilu: what is on one side of diagonal k, zero elsewhere ------------ */

static int
trilu_diagonal(const struct step *s, const struct shape *const *in, int64_t *k,
    struct err *e)
{
	size_t n;
	int rc = op_ints(s, in, "k", 1, 1, k, &n, e);

	if (rc == 0 && n != 1)
		*k = 0;
	return rc;
}

static int
trilu_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	int64_t k;
	int rc = trilu_diagonal(s, in, &k, e);

	if (rc == 0 && in[0]->rank < 2)
		rc = op_bad(s, e, "rank %zu", in[0]->rank);
	return rc != 0 ? rc : op_same(s, in, out, need, e);
}

static bool
trilu_keeps(const struct step *s, const struct shape *x, size_t i, int64_t k)
{
	size_t width = x->dim[x->rank - 1], height = x->dim[x->rank - 2];
	int64_t off = (int64_t)(i % width) - (int64_t)(i / width % height);

	return node_int(s->node, "upper", 1) != 0 ? off >= k : off <= k;
}

static int
trilu_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	int64_t k;
	int rc = trilu_diagonal(s, in, &k, e);

	for (size_t i = 0; rc == 0 && i < shape_elements(out); i++) {
		if (trilu_keeps(s, out, i, k))
			v[i] = in[0]->known[i];
		else if (shape_real(out))
			v[i].f = 0.0;
		else
			v[i].i = 0;
	}
	return rc;
}

/* The same for the values and for their gradients. */
static void
trilu_move(const struct op_call *c, const float *from, float *to, bool add)
{
	int64_t k;
	struct err e;

	if (trilu_diagonal(c->step, c->shape_in, &k, &e) != 0)
		BUG(e.msg);
	for (size_t i = 0; i < shape_elements(c->shape_out); i++) {
		float v =
		    trilu_keeps(c->step, c->shape_out, i, k) ? from[i] : 0.0f;

		to[i] = add ? to[i] + v : v;
	}
}

static void
trilu_forward(const struct op_call *c)
{
	trilu_move(c, c->in[0], c->out, false);
}

static void
trilu_backward(const struct op_call *c)
{
	trilu_move(c, c->dout, c->din[0], c->add[0]);
}

const struct op op_trilu = {
    .name = "Trilu",
    .min_in = 1,
    .max_in = 2,
    .layout = OP_ROWS,
    .ints = 1 << 1,
    .infer = trilu_infer,
    .eval = trilu_eval,
    .forward = trilu_forward,
    .backward = trilu_backward,
};

/* --- NonZero: the indices, an axis a row --------------------------------- */

static bool
is_set(const struct shape *x, size_t i)
{
	return shape_real(x) ? x->known[i].f != 0.0 : x->known[i].i != 0;
}

static int
non_zero_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	const struct shape *x = in[0];

	(void)need;
	if (x->known == NULL)
		return op_bad(s, e, "it depends on the image");
	*out = (struct shape){
	    .rank = 2, .dim = {MAX(x->rank, 1), 0}, .type = DTYPE_I64};
	for (size_t i = 0; i < shape_elements(x); i++)
		out->dim[1] += is_set(x, i);
	return 0;
}

static int
non_zero_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	const struct shape *x = in[0];
	size_t stride[MODEL_MAX_RANK], n = 0;

	(void)s;
	(void)e;
	shape_row_strides(x, stride);
	for (size_t i = 0; i < shape_elements(x); i++) {
		if (!is_set(x, i))
			continue;
		v[n].i = 0;
		for (size_t d = 0; d < x->rank; d++)
			v[d * out->dim[1] + n].i =
			    (int64_t)(i / stride[d] % x->dim[d]);
		n++;
	}
	return 0;
}

const struct op op_non_zero = {
    .name = "NonZero",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ROWS,
    .flags = OP_TYPED,
    .infer = non_zero_infer,
    .eval = non_zero_eval,
};
