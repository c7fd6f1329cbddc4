/* SPDX-License-Identifier: MIT
 * Add, Sub, Mul, Div with multidirectional broadcasting (numpy's rules).
 * Each side is read with its own strides, so that its storage order is its
 * own affair.
 */
#include "engine/op.h"

enum kind {
	KIND_ADD,
	KIND_SUB,
	KIND_MUL,
	KIND_DIV,
};

static int
binary_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	const struct shape *a = in[0], *b = in[1];
	size_t rank = MAX(a->rank, b->rank);

	(void)need;
	*out = (struct shape){.rank = rank};
	out->layout = a->layout == LAYOUT_NHWC || b->layout == LAYOUT_NHWC
			  ? LAYOUT_NHWC
			  : LAYOUT_ROWS;
	if (out->layout == LAYOUT_NHWC && rank != 4)
		return op_bad(s, e, "rank %zu beside an image", rank);
	for (size_t i = 0; i < rank; i++) {
		size_t x = i + a->rank < rank ? 1 : a->dim[i + a->rank - rank];
		size_t y = i + b->rank < rank ? 1 : b->dim[i + b->rank - rank];

		if (x != y && x != 1 && y != 1)
			return op_bad(
			    s, e, "sizes %zu and %zu on axis %zu", x, y, i);
		out->dim[i] = x == 1 ? y : x;
	}
	return 0;
}

static float
apply(enum kind kind, float a, float b)
{
	switch (kind) {
	case KIND_ADD:
		return a + b;
	case KIND_SUB:
		return a - b;
	case KIND_MUL:
		return a * b;
	case KIND_DIV:
		return a / b;
	}
	BUG("kind");
}

/* The output's axes in the order in which they are stored. */
struct walk {
	size_t rank, n;
	size_t dim[MODEL_MAX_RANK];
	size_t step[2][MODEL_MAX_RANK]; /* 0 where an input is broadcast */
};

static void
walk_init(struct walk *w, const struct op_call *c)
{
	static const size_t nhwc[] = {0, 2, 3, 1};
	const struct shape *y = c->shape_out;

	*w = (struct walk){.rank = y->rank, .n = shape_elements(y)};
	for (size_t k = 0; k < 2; k++) {
		const struct shape *x = c->shape_in[k];
		size_t stride[MODEL_MAX_RANK], pad = y->rank - x->rank;

		shape_strides(x, stride);
		for (size_t i = 0; i < y->rank; i++) {
			size_t axis = y->layout == LAYOUT_NHWC ? nhwc[i] : i;

			w->dim[i] = y->dim[axis];
			if (axis >= pad && x->dim[axis - pad] != 1)
				w->step[k][i] = stride[axis - pad];
		}
	}
}

/* Offsets of element i of the output in the two inputs. */
static void
walk_at(const struct walk *w, size_t i, size_t at[2])
{
	at[0] = 0;
	at[1] = 0;
	for (size_t k = w->rank; k-- > 0; i /= w->dim[k]) {
		at[0] += i % w->dim[k] * w->step[0][k];
		at[1] += i % w->dim[k] * w->step[1][k];
	}
}

static bool
same(const struct op_call *c)
{
	size_t n = shape_elements(c->shape_out);

	return shape_elements(c->shape_in[0]) == n &&
	       shape_elements(c->shape_in[1]) == n &&
	       c->shape_in[0]->layout == c->shape_in[1]->layout;
}

static void
binary_forward(enum kind kind, const struct op_call *c)
{
	struct walk w;

	walk_init(&w, c);
	if (same(c)) {
		for (size_t i = 0; i < w.n; i++)
			c->out[i] = apply(kind, c->in[0][i], c->in[1][i]);
		return;
	}
	for (size_t i = 0; i < w.n; i++) {
		size_t at[2];

		walk_at(&w, i, at);
		c->out[i] = apply(kind, c->in[0][at[0]], c->in[1][at[1]]);
	}
}

/* d(a op b)/da, d(a op b)/db times dy */
static float
slope(enum kind kind, size_t which, float a, float b, float dy)
{
	switch (kind) {
	case KIND_ADD:
		return dy;
	case KIND_SUB:
		return which == 0 ? dy : -dy;
	case KIND_MUL:
		return which == 0 ? dy * b : dy * a;
	case KIND_DIV:
		return which == 0 ? dy / b : -dy * a / (b * b);
	}
	BUG("kind");
}

static void
backward_one(enum kind kind, const struct op_call *c, size_t k)
{
	float *d = c->din[k];
	struct walk w;
	bool flat = same(c);

	walk_init(&w, c);
	if (!c->add[k])
		memset(d, 0, shape_elements(c->shape_in[k]) * sizeof(*d));
	for (size_t i = 0; i < w.n; i++) {
		size_t at[2] = {i, i};
		float a = 0, b = 0;

		if (!flat)
			walk_at(&w, i, at);
		if (kind >= KIND_MUL) {
			a = c->in[0][at[0]];
			b = c->in[1][at[1]];
		}
		d[at[k]] += slope(kind, k, a, b, c->dout[i]);
	}
}

static void
binary_backward(enum kind kind, const struct op_call *c)
{
	for (size_t k = 0; k < 2; k++)
		if (c->din[k] != NULL)
			backward_one(kind, c, k);
}

/* Shape arithmetic: integers of equal length, or one of them single. */
static int
binary_fold(enum kind kind, const struct step *s, const struct shape *const *in,
    struct shape *out, struct arena *a, struct err *e)
{
	size_t na = shape_elements(in[0]), nb = shape_elements(in[1]);
	size_t n = shape_elements(out);
	int64_t *v;

	if (in[0]->known == NULL || in[1]->known == NULL)
		return 0;
	if (n != MAX(na, nb) || (v = arena_alloc(a, n, sizeof(*v))) == NULL)
		return op_bad(s, e, "shape arithmetic on these sizes");
	for (size_t i = 0; i < n; i++) {
		int64_t x = in[0]->known[na == 1 ? 0 : i];
		int64_t y = in[1]->known[nb == 1 ? 0 : i];
		bool bad = false;

		if (kind == KIND_ADD)
			bad = ckd_add(&v[i], x, y);
		else if (kind == KIND_SUB)
			bad = ckd_sub(&v[i], x, y);
		else if (kind == KIND_MUL)
			bad = ckd_mul(&v[i], x, y);
		else if (y == 0 || (x == INT64_MIN && y == -1))
			bad = true;
		else
			v[i] = x / y;
		if (bad)
			return op_bad(s, e, "shape arithmetic overflows");
	}
	out->known = v;
	return 0;
}

#define BINARY(lower, KIND, title, kept)                                       \
	static void lower##_forward(const struct op_call *c)                   \
	{                                                                      \
		binary_forward(KIND, c);                                       \
	}                                                                      \
	static void lower##_backward(const struct op_call *c)                  \
	{                                                                      \
		binary_backward(KIND, c);                                      \
	}                                                                      \
	static int lower##_fold(const struct step *s,                          \
	    const struct shape *const *in, struct shape *out, struct arena *a, \
	    struct err *e)                                                     \
	{                                                                      \
		return binary_fold(KIND, s, in, out, a, e);                    \
	}                                                                      \
	const struct op op_##lower = {                                         \
	    .name = title,                                                     \
	    .min_in = 2,                                                       \
	    .max_in = 2,                                                       \
	    .layout = OP_ANY,                                                  \
	    .keep = kept,                                                      \
	    .infer = binary_infer,                                             \
	    .fold = lower##_fold,                                              \
	    .forward = lower##_forward,                                        \
	    .backward = lower##_backward,                                      \
	}

BINARY(add, KIND_ADD, "Add", 0);
BINARY(sub, KIND_SUB, "Sub", 0);
BINARY(mul, KIND_MUL, "Mul", OP_KEEP_IN_FOR_DATA | OP_KEEP_IN_FOR_WEIGHTS);
BINARY(div, KIND_DIV, "Div", OP_KEEP_IN_FOR_DATA | OP_KEEP_IN_FOR_WEIGHTS);
