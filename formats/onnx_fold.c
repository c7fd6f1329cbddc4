/* SPDX-License-Identifier: MIT */
#include "formats/onnx_fold.h"

#include "base/limits.h"

#include <math.h>

#define FOLD_MAX 4096 /* elements; the longest list that is an attribute */

struct array {
	size_t rank, n;
	int64_t dim[MODEL_MAX_RANK];
	int64_t v[FOLD_MAX];
	bool narrow; /* of 32 bits: zero points of quantised biases */
};

/* Elements of the dimensions; false when that is too many, or not one. */
static bool
measure(struct array *a)
{
	int64_t n = 1;

	for (size_t i = 0; i < a->rank; i++)
		if (a->dim[i] < 0 || ckd_mul(&n, n, a->dim[i]) || n > FOLD_MAX)
			return false;
	a->n = (size_t)n;
	return true;
}

static bool
load(
    const struct onnx_lower *l, const struct node *n, size_t i, struct array *a)
{
	const struct tensor *t =
	    i < n->nin ? onnx_lower_const(l, n->in[i]) : NULL;

	if (t == NULL || (t->dtype != DTYPE_I64 && t->dtype != DTYPE_I32))
		return false;
	a->rank = t->rank;
	for (size_t k = 0; k < t->rank; k++)
		a->dim[k] = (int64_t)t->dim[k];
	if (!measure(a))
		return false;
	for (size_t k = 0; k < a->n; k++)
		if (!tensor_int(t, k, &a->v[k]))
			return false;
	return true;
}

static bool
is_i64(const struct onnx_lower *l, const struct node *n)
{
	for (size_t i = 0; i < n->nin; i++) {
		const struct tensor *t = onnx_lower_const(l, n->in[i]);

		if (t == NULL || t->dtype != DTYPE_I64)
			return false;
	}
	return n->nin > 0;
}

/* --- operators: out from constant inputs; false when not known ----------- */

typedef bool fold_fn(
    const struct onnx_lower *, const struct node *, struct array *out);

static bool
shape(const struct onnx_lower *l, const struct node *n, struct array *out)
{
	const struct tensor *t =
	    n->nin == 1 ? onnx_lower_const(l, n->in[0]) : NULL;

	if (t == NULL || n->nattr != 0)
		return false;
	out->rank = 1;
	out->n = t->rank;
	out->dim[0] = (int64_t)t->rank;
	for (size_t i = 0; i < t->rank; i++)
		out->v[i] = (int64_t)t->dim[i];
	return true;
}

static bool
cast(const struct onnx_lower *l, const struct node *n, struct array *out)
{
	int64_t to = node_int(n, "to", 0);

	out->narrow = to == 6;
	if ((to != 6 && to != 7) || !load(l, n, 0, out))
		return false;
	for (size_t i = 0; i < out->n; i++)
		if (out->narrow &&
		    (out->v[i] > INT32_MAX || out->v[i] < INT32_MIN))
			return false;
	return true;
}

static bool
fill(const struct onnx_lower *l, const struct node *n, struct array *out)
{
	const struct attr *d = node_attr(n, "dtype");
	double v = node_real(n, "value", 0.0);
	static const struct array none;
	struct array s = none;

	if (d == NULL || !load(l, n, 0, &s) || s.rank != 1 ||
	    s.n > MODEL_MAX_RANK)
		return false;
	out->narrow = strcmp(d->s, "i32") == 0;
	if (!(out->narrow || strcmp(d->s, "i64") == 0) ||
	    !(fabs(v) <= (out->narrow ? INT32_MAX : 1e15)))
		return false;
	out->rank = s.n;
	memcpy(out->dim, s.v, s.n * sizeof(s.v[0]));
	if (!measure(out))
		return false;
	for (size_t i = 0; i < out->n; i++)
		out->v[i] = (int64_t)v;
	return true;
}

static bool
compute(char op, int64_t x, int64_t y, int64_t *out)
{
	switch (op) {
	case 'A':
		return !ckd_add(out, x, y);
	case 'S':
		return !ckd_sub(out, x, y);
	case 'M':
		return !ckd_mul(out, x, y);
	default:
		if (y == 0 || (x == INT64_MIN && y == -1))
			return false;
		*out = x / y;
		return true;
	}
}

/* Same shapes, or one operand a single number of no higher rank. */
static bool
arithmetic(const struct onnx_lower *l, const struct node *n, struct array *out)
{
	static const struct array none;
	struct array a = none, b = none;
	const struct array *like;

	if (!load(l, n, 0, &a) || !load(l, n, 1, &b))
		return false;
	like = a.n == 1 && a.rank <= b.rank ? &b : &a;
	if (like == &a && !(b.n == 1 && b.rank <= a.rank) &&
	    (a.rank != b.rank ||
		memcmp(a.dim, b.dim, a.rank * sizeof(a.dim[0])) != 0))
		return false;
	out->rank = like->rank;
	out->n = like->n;
	memcpy(out->dim, like->dim, sizeof(out->dim));
	for (size_t i = 0; i < out->n; i++)
		if (!compute(n->op[0], a.v[a.n == 1 ? 0 : i],
			b.v[b.n == 1 ? 0 : i], &out->v[i]))
			return false;
	return true;
}

static bool
gather(const struct onnx_lower *l, const struct node *n, struct array *out)
{
	static const struct array none;
	struct array x = none;

	if (node_int(n, "axis", 0) != 0 || !load(l, n, 0, &x) || x.rank != 1 ||
	    !load(l, n, 1, out))
		return false;
	for (size_t i = 0; i < out->n; i++) {
		int64_t k = out->v[i];

		if (k < 0)
			k += (int64_t)x.n;
		if (k < 0 || (size_t)k >= x.n)
			return false;
		out->v[i] = x.v[k];
	}
	return true;
}

static bool
concat(const struct onnx_lower *l, const struct node *n, struct array *out)
{
	static const struct array none;
	struct array x = none;
	int64_t axis = node_int(n, "axis", 1);

	if ((axis != 0 && axis != -1) || !is_i64(l, n))
		return false;
	out->rank = 1;
	for (size_t i = 0; i < n->nin; i++) {
		if (!load(l, n, i, &x) || x.rank != 1 ||
		    out->n + x.n > FOLD_MAX)
			return false;
		memcpy(out->v + out->n, x.v, x.n * sizeof(x.v[0]));
		out->n += x.n;
	}
	out->dim[0] = (int64_t)out->n;
	return true;
}

static bool
reshape(const struct onnx_lower *l, const struct node *n, struct array *out)
{
	const struct attr *s = node_attr(n, "shape");
	int64_t known = 1;
	size_t open = SIZE_MAX, want;

	if (s == NULL || s->kind != ATTR_INTS || s->n > MODEL_MAX_RANK ||
	    node_int(n, "allowzero", 0) != 0 || !load(l, n, 0, out))
		return false;
	want = out->n;
	for (size_t i = 0; i < s->n; i++) {
		int64_t d = s->ints[i];

		if (d == 0 && i >= out->rank)
			return false;
		if (d == 0)
			d = out->dim[i];
		if (d == -1 && open == SIZE_MAX) {
			open = i;
			continue;
		}
		if (d < 0 || ckd_mul(&known, known, d))
			return false;
		out->dim[i] = d;
	}
	if (open != SIZE_MAX && known == 0)
		return false;
	if (open != SIZE_MAX)
		out->dim[open] = (int64_t)want / known;
	out->rank = s->n;
	return measure(out) && out->n == want;
}

static bool
unsqueeze(const struct onnx_lower *l, const struct node *n, struct array *out)
{
	const struct attr *axes = node_attr(n, "axes");
	bool more = n->op[0] == 'U';

	/* scalars to vectors and back, which is what shapes need */
	if (axes == NULL || axes->kind != ATTR_INTS || axes->n != 1 ||
	    (axes->ints[0] != 0 && axes->ints[0] != -1) ||
	    !load(l, n, 0, out) || out->n != 1 || out->rank != (more ? 0 : 1))
		return false;
	out->rank = more ? 1 : 0;
	out->dim[0] = 1;
	return true;
}

/* out = every element of x at start + index * step, row by row */
static void
stride_copy(const struct array *x, const int64_t *start, const int64_t *step,
    struct array *out)
{
	int64_t index[MODEL_MAX_RANK] = {0};

	for (size_t k = 0; k < out->n; k++) {
		int64_t at = 0;

		for (size_t i = 0; i < out->rank; i++)
			at += start[i] + index[i] * step[i];
		out->v[k] = x->v[at];
		for (size_t i = out->rank; i-- > 0;) {
			if (++index[i] < out->dim[i])
				break;
			index[i] = 0;
		}
	}
}

static void
strides(const struct array *x, int64_t *out)
{
	int64_t s = 1;

	for (size_t i = x->rank; i-- > 0;) {
		out[i] = s;
		s *= x->dim[i];
	}
}

static bool
transpose(const struct onnx_lower *l, const struct node *n, struct array *out)
{
	static const struct array none;
	int64_t perm[MODEL_MAX_RANK], from[MODEL_MAX_RANK] = {0};
	int64_t step[MODEL_MAX_RANK], start[MODEL_MAX_RANK] = {0};
	struct array x = none;
	unsigned seen = 0;

	if (!load(l, n, 0, &x) || !node_ints(n, "perm", perm, x.rank))
		return false;
	strides(&x, from);
	out->rank = x.rank;
	for (size_t i = 0; i < x.rank; i++) {
		if (perm[i] < 0 || (size_t)perm[i] >= x.rank)
			return false;
		seen |= 1U << perm[i];
		out->dim[i] = x.dim[perm[i]];
		step[i] = from[perm[i]];
	}
	if (seen != (1U << x.rank) - 1 || !measure(out))
		return false;
	stride_copy(&x, start, step, out);
	return true;
}

/* One axis of Slice: first element, step and length (ONNX Slice-13). */
static bool
slice_axis(int64_t dim, int64_t start, int64_t end, int64_t step,
    int64_t *first, int64_t *len)
{
	if (step == 0 || step < -FOLD_MAX || step > FOLD_MAX)
		return false;
	start = start < 0 ? MAX(start, -dim) + dim : MIN(start, dim);
	if (end < 0)
		end = MAX(end, -dim - 1) + dim;
	end = MIN(end, dim);
	if (step < 0)
		start = MIN(start, dim - 1);
	else
		end = MAX(end, 0);
	*first = start;
	*len = step > 0 ? (end - start + step - 1) / step
			: (start - end - step - 1) / -step;
	*len = MAX(*len, 0);
	return true;
}

static bool
slice(const struct onnx_lower *l, const struct node *n, struct array *out)
{
	const struct attr *starts = node_attr(n, "starts");
	const struct attr *ends = node_attr(n, "ends");
	const struct attr *axes = node_attr(n, "axes");
	const struct attr *steps = node_attr(n, "steps");
	static const struct array none;
	int64_t from[MODEL_MAX_RANK] = {0}, step[MODEL_MAX_RANK];
	int64_t start[MODEL_MAX_RANK] = {0};
	struct array x = none;

	if (starts == NULL || ends == NULL || axes == NULL || steps == NULL ||
	    !load(l, n, 0, &x))
		return false;
	strides(&x, from);
	memcpy(step, from, sizeof(step));
	out->rank = x.rank;
	memcpy(out->dim, x.dim, sizeof(x.dim));
	for (size_t i = 0; i < axes->n; i++) {
		int64_t k = axes->ints[i], first;

		if (k < 0)
			k += (int64_t)x.rank;
		if (k < 0 || (size_t)k >= x.rank ||
		    !slice_axis(x.dim[k], starts->ints[i], ends->ints[i],
			steps->ints[i], &first, &out->dim[k]))
			return false;
		start[k] = first * from[k];
		step[k] = steps->ints[i] * from[k];
	}
	if (!measure(out))
		return false;
	stride_copy(&x, start, step, out);
	return true;
}

static const struct {
	const char *op;
	fold_fn *fn;
} fold_table[] = {
    {"Add", arithmetic},
    {"Cast", cast},
    {"Concat", concat},
    {"ConstantOfShape", fill},
    {"Div", arithmetic},
    {"Gather", gather},
    {"Mul", arithmetic},
    {"Reshape", reshape},
    {"Shape", shape},
    {"Slice", slice},
    {"Squeeze", unsqueeze},
    {"Sub", arithmetic},
    {"Transpose", transpose},
    {"Unsqueeze", unsqueeze},
};

static bool
define(struct onnx_lower *l, const char *name, const struct array *a)
{
	size_t width = a->narrow ? 4 : 8;
	uint8_t *data = arena_alloc(&l->m->arena, a->n + 1, width);
	struct tensor t = {.name = name,
	    .dtype = a->narrow ? DTYPE_I32 : DTYPE_I64,
	    .rank = a->rank,
	    .data = data,
	    .size = width * a->n};

	if (data == NULL) {
		l->full = true;
		return false;
	}
	for (size_t i = 0; i < a->rank; i++)
		t.dim[i] = (uint64_t)a->dim[i];
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < width; k++)
			*data++ = (uint8_t)((uint64_t)a->v[i] >> 8 * k);
	onnx_lower_tensor(l, &t);
	return true;
}

bool
onnx_fold_node(struct onnx_lower *l, const struct node *n)
{
	static const struct array none;
	struct array out;
	size_t i = 0;

	while (
	    i < ARRAY_LEN(fold_table) && strcmp(fold_table[i].op, n->op) != 0)
		i++;
	if (i == ARRAY_LEN(fold_table) || n->nout != 1)
		return false;
	if (fold_table[i].fn != shape && fold_table[i].fn != cast &&
	    !is_i64(l, n))
		return false;
	out = none;
	return fold_table[i].fn(l, n, &out) && define(l, n->out[0], &out);
}
