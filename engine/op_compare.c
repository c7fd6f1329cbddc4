/* SPDX-License-Identifier: MIT
 * And, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Or, Xor of operands
 * that are broadcast against each other; and Where.  Truth is 1 or 0.
 */
#include "engine/walk.h"

/* What holds of a and b, as floats, numbers and integers. */
struct relation {
	void (*line)(size_t n, const float *restrict a, size_t sa,
	    const float *restrict b, size_t sb, float *restrict y);
	bool (*real)(double, double);
	bool (*whole)(int64_t, int64_t);
};

static int
relation_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	int rc = walk_infer(s, in[0], in[1], out, e);

	(void)need;
	out->type = DTYPE_BOOL;
	return rc;
}

static double
as_real(const struct shape *s, union number v)
{
	return shape_real(s) ? v.f : (double)v.i;
}

static int
relation_eval(const struct relation *r, const struct shape *const *in,
    const struct shape *out, union number *v)
{
	const struct shape *a = in[0], *b = in[1];
	bool real = shape_real(a) || shape_real(b);
	struct walk w;

	walk_begin(&w, a, b, out, true);
	if (w.done)
		return 0;
	do {
		for (size_t i = 0; i < w.n; i++) {
			union number x = a->known[w.at[0] + i * w.step[0]];
			union number y = b->known[w.at[1] + i * w.step[1]];

			v[w.out + i].i =
			    real ? r->real(as_real(a, x), as_real(b, y))
				 : r->whole(x.i, y.i);
		}
	} while (walk_next(&w));
	return 0;
}

static void
relation_forward(const struct relation *r, const struct op_call *c)
{
	struct walk w;

	walk_begin(&w, c->shape_in[0], c->shape_in[1], c->shape_out, false);
	do {
		r->line(w.n, c->in[0] + w.at[0], w.step[0], c->in[1] + w.at[1],
		    w.step[1], c->out + w.out);
	} while (walk_next(&w));
}

/* op_<lower>: HOLDS is an expression of a and b, of any type. */
#define RELATION(lower, title, HOLDS)                                          \
	VECTOR static void lower##_line(size_t n, const float *restrict pa,    \
	    size_t sa, const float *restrict pb, size_t sb, float *restrict y) \
	{                                                                      \
		if (sa == 1 && sb == 1) {                                      \
			for (size_t i = 0; i < n; i++) {                       \
				float a = pa[i], b = pb[i];                    \
				y[i] = (HOLDS) ? 1.0f : 0.0f;                  \
			}                                                      \
			return;                                                \
		}                                                              \
		for (size_t i = 0; i < n; i++) {                               \
			float a = pa[i * sa], b = pb[i * sb];                  \
			y[i] = (HOLDS) ? 1.0f : 0.0f;                          \
		}                                                              \
	}                                                                      \
	static bool lower##_real(double a, double b)                           \
	{                                                                      \
		return HOLDS;                                                  \
	}                                                                      \
	static bool lower##_whole(int64_t a, int64_t b)                        \
	{                                                                      \
		return HOLDS;                                                  \
	}                                                                      \
	static const struct relation is_##lower = {                            \
	    lower##_line, lower##_real, lower##_whole};                        \
	static int lower##_eval(const struct step *s,                          \
	    const struct shape *const *in, const struct shape *out,            \
	    union number *v, struct err *e)                                    \
	{                                                                      \
		(void)s;                                                       \
		(void)e;                                                       \
		return relation_eval(&is_##lower, in, out, v);                 \
	}                                                                      \
	static void lower##_forward(const struct op_call *c)                   \
	{                                                                      \
		relation_forward(&is_##lower, c);                              \
	}                                                                      \
	const struct op op_##lower = {                                         \
	    .name = title,                                                     \
	    .min_in = 2,                                                       \
	    .max_in = 2,                                                       \
	    .layout = OP_ANY,                                                  \
	    .flags = OP_TYPED | OP_FLAT,                                       \
	    .infer = relation_infer,                                           \
	    .eval = lower##_eval,                                              \
	    .forward = lower##_forward,                                        \
	}

RELATION(and, "And", a != 0 && b != 0);
RELATION(equal, "Equal", a == b);
RELATION(greater, "Greater", a > b);
RELATION(greater_equal, "GreaterOrEqual", a >= b);
RELATION(less, "Less", a < b);
RELATION(less_equal, "LessOrEqual", a <= b);
RELATION(or, "Or", a != 0 || b != 0);
RELATION(xor, "Xor", (a != 0) != (b != 0));

/*
 * --- Where: y = condition ? a : b ------------------------------------------
 * Three operands meet, two at a time: each of a and b is walked with the
 * condition, and takes what is its own.
 */

static int
where_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	struct shape both;
	int rc;

	(void)need;
	if (in[0]->type != DTYPE_BOOL)
		return op_bad(s, e, "the condition is no truth value");
	if ((rc = walk_infer(s, in[1], in[2], &both, e)) != 0 ||
	    (rc = walk_infer(s, in[0], &both, out, e)) != 0)
		return rc;
	if (shape_real(in[1]) != shape_real(in[2]))
		return op_bad(s, e, "operands of different types");
	out->type = in[1]->type;
	return 0;
}

static int
where_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	(void)s;
	(void)e;
	for (size_t k = 1; k < 3; k++) {
		struct walk w;

		walk_begin(&w, in[0], in[k], out, true);
		if (w.done)
			return 0;
		do {
			for (size_t i = 0; i < w.n; i++) {
				const union number *c =
				    &in[0]->known[w.at[0] + i * w.step[0]];

				if ((c->i != 0) == (k == 1))
					v[w.out + i] =
					    in[k]->known[w.at[1] +
							 i * w.step[1]];
			}
		} while (walk_next(&w));
	}
	return 0;
}

VECTOR static void
take_line(const struct walk *w, const float *restrict c,
    const float *restrict from, float *restrict y, bool first)
{
	size_t n = w->n, sc = w->step[0], sf = w->step[1];

	if (first)
		for (size_t i = 0; i < n; i++)
			y[i] = from[i * sf];
	else if (sc == 1 && sf == 1)
		for (size_t i = 0; i < n; i++)
			y[i] = c[i] != 0.0f ? y[i] : from[i];
	else
		for (size_t i = 0; i < n; i++)
			y[i] = c[i * sc] != 0.0f ? y[i] : from[i * sf];
}

VECTOR static void
give_line(const struct walk *w, const float *restrict c,
    const float *restrict dy, float *restrict d, bool first)
{
	size_t n = w->n, sc = w->step[0], sd = w->step[1];
	float sum = 0.0f;

	for (size_t i = 0; i < n; i++) {
		float g = (c[i * sc] != 0.0f) == first ? dy[i] : 0.0f;

		if (sd == 0)
			sum += g;
		else
			d[i * sd] += g;
	}
	if (sd == 0)
		*d += sum;
}

static void
where_forward(const struct op_call *c)
{
	for (size_t k = 1; k < 3; k++) {
		struct walk w;

		walk_begin(
		    &w, c->shape_in[0], c->shape_in[k], c->shape_out, false);
		do {
			take_line(&w, c->in[0] + w.at[0], c->in[k] + w.at[1],
			    c->out + w.out, k == 1);
		} while (walk_next(&w));
	}
}

static void
where_backward(const struct op_call *c)
{
	for (size_t k = 1; k < 3; k++) {
		float *d = c->din[k];
		struct walk w;

		if (d == NULL)
			continue;
		if (!c->add[k])
			memset(
			    d, 0, shape_elements(c->shape_in[k]) * sizeof(*d));
		walk_begin(
		    &w, c->shape_in[0], c->shape_in[k], c->shape_out, false);
		do {
			give_line(&w, c->in[0] + w.at[0], c->dout + w.out,
			    d + w.at[1], k == 1);
		} while (walk_next(&w));
	}
}

const struct op op_where = {
    .name = "Where",
    .min_in = 3,
    .max_in = 3,
    .layout = OP_ANY,
    .weights = 1 << 1 | 1 << 2,
    .flags = OP_OPERAND | OP_TYPED,
    .keep = OP_KEEP_IN_FOR_DATA | OP_KEEP_IN_FOR_WEIGHTS,
    .infer = where_infer,
    .eval = where_eval,
    .forward = where_forward,
    .backward = where_backward,
};
