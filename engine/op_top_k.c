/* SPDX-License-Identifier: MIT
 * TopK along one axis: the k largest (or smallest) values, in their order, of
 * equal ones the first first; where they lie is not given.  NaN counts as the
 * extreme, as for ArgMax.
 */
#include "engine/op.h"

#include <math.h>

/* Each of the k values is found by going through all. */
#define WORK ((size_t)1 << 24)

/* Lines of `len` elements that lie `step` apart; k of each are taken.  The
 * order of axes is that of rows. */
struct top {
	size_t axis, len, step, k;
	double sign; /* -1: the smallest */
};

static int
top_of(const struct step *s, const struct shape *const *in, struct top *t,
    struct err *e)
{
	int64_t k = node_int(s->node, "k", 0);
	size_t n = 1;
	int rc = 0;

	*t = (struct top){
	    .sign = node_int(s->node, "largest", 1) != 0 ? 1.0 : -1.0};
	if (node_attr(s->node, "k") == NULL)
		rc = op_ints(s, in, "", 1, 1, &k, &n, e);
	if (rc == 0 && n != 1)
		rc = op_bad(s, e, "no number of values");
	if (rc != 0 || (rc = op_axis(s, node_int(s->node, "axis", -1),
			    in[0]->rank, &t->axis, e)) != 0)
		return rc;
	t->len = in[0]->dim[t->axis];
	if (k < 1 || (uint64_t)k > t->len)
		return op_bad(s, e, "%" PRId64 " of %zu values", k, t->len);
	t->k = (size_t)k;
	t->step = 1;
	for (size_t i = t->axis + 1; i < in[0]->rank; i++)
		t->step *= in[0]->dim[i];
	return 0;
}

static int
top_k_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	struct top t;
	size_t work;
	int rc = top_of(s, in, &t, e);

	if (rc != 0)
		return rc;
	if (!shape_real(in[0]))
		return op_bad(s, e, "integers");
	if (ckd_mul(&work, t.k, t.len) || work > WORK)
		return op_bad(s, e, "%zu of %zu values", t.k, t.len);
	*out = *in[0];
	out->known = NULL;
	out->dim[t.axis] = t.k;
	need->taps = t.len;
	return 0;
}

/* Line i of the input, and of the output, begins there. */
static size_t
line(const struct top *t, size_t i, size_t len)
{
	return i / t->step * t->step * len + i % t->step;
}

static size_t
lines(const struct top *t, const struct shape *in)
{
	return shape_elements(in) / t->len;
}

/* Whether value p at index i comes before q at index j. */
static bool
before(const struct top *t, double p, size_t i, double q, size_t j)
{
	if (isnan(p) || isnan(q))
		return isnan(p) && (!isnan(q) || i < j);
	return t->sign * p > t->sign * q || (p == q && i < j);
}

/* Where the next value is behind that of index `last` (len: none was yet). */
static size_t
next(const struct top *t, const float *x, size_t last)
{
	double from = last < t->len ? (double)x[last * t->step] : 0.0;
	size_t best = t->len;

	for (size_t i = 0; i < t->len; i++) {
		double v = (double)x[i * t->step];

		if (last < t->len && !before(t, from, last, v, i))
			continue; /* has been */
		if (best == t->len ||
		    before(t, v, i, (double)x[best * t->step], best))
			best = i;
	}
	return best;
}

/* Into the n best so far, which are in order; behind equal ones. */
static void
insert(const struct top *t, union number *y, size_t n, union number v)
{
	size_t at = n;

	for (; at > 0 && before(t, v.f, 1, y[(at - 1) * t->step].f, 0); at--)
		if (at < t->k)
			y[at * t->step] = y[(at - 1) * t->step];
	if (at < t->k)
		y[at * t->step] = v;
}

static int
top_k_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	struct top t;
	int rc = top_of(s, in, &t, e);

	(void)out;
	for (size_t i = 0; rc == 0 && i < lines(&t, in[0]); i++) {
		const union number *x = in[0]->known + line(&t, i, t.len);
		union number *y = v + line(&t, i, t.k);

		for (size_t p = 0; p < t.len; p++)
			insert(&t, y, MIN(p, t.k), x[p * t.step]);
	}
	return rc;
}

static struct top
sure(const struct op_call *c)
{
	struct top t;
	struct err e;

	if (top_of(c->step, c->shape_in, &t, &e) != 0)
		BUG(e.msg);
	return t;
}

static void
top_k_forward(const struct op_call *c)
{
	struct top t = sure(c);

	for (size_t i = 0; i < lines(&t, c->shape_in[0]); i++) {
		const float *x = c->in[0] + line(&t, i, t.len);
		float *y = c->out + line(&t, i, t.k);

		for (size_t j = 0, at = t.len; j < t.k; j++) {
			at = next(&t, x, at);
			y[j * t.step] = x[at * t.step];
		}
	}
}

static void
top_k_backward(const struct op_call *c)
{
	struct top t = sure(c);

	if (!c->add[0])
		memset(c->din[0], 0,
		    shape_elements(c->shape_in[0]) * sizeof(*c->din[0]));
	for (size_t i = 0; i < lines(&t, c->shape_in[0]); i++) {
		const float *x = c->in[0] + line(&t, i, t.len);
		const float *dy = c->dout + line(&t, i, t.k);
		float *dx = c->din[0] + line(&t, i, t.len);

		for (size_t j = 0, at = t.len; j < t.k; j++) {
			at = next(&t, x, at);
			dx[at * t.step] += dy[j * t.step];
		}
	}
}

const struct op op_top_k = {
    .name = "TopK",
    .min_in = 1,
    .max_in = 2,
    .layout = OP_ROWS,
    .ints = 1 << 1,
    .keep = OP_KEEP_IN_FOR_DATA,
    .infer = top_k_infer,
    .eval = top_k_eval,
    .forward = top_k_forward,
    .backward = top_k_backward,
};
