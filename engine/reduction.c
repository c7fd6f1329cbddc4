/* SPDX-License-Identifier: MIT */
#include "engine/reduction.h"

#include <math.h>

int
reduction_axes(const struct step *s, const struct shape *const *in,
    bool set[MODEL_MAX_RANK], struct err *e)
{
	bool noop = node_int(s->node, "noop_with_empty_axes", 0) != 0;
	int64_t v[MODEL_MAX_RANK];
	size_t n, axis = 0;
	int rc;

	rc = op_ints(s, in, "axes", 1, MODEL_MAX_RANK, v, &n, e);
	if (rc != 0)
		return rc;
	if (n == SIZE_MAX)
		n = 0;
	for (size_t i = 0; i < MODEL_MAX_RANK; i++)
		set[i] = n == 0 && !noop;
	for (size_t i = 0; i < n; i++) {
		if ((rc = op_axis(s, v[i], in[0]->rank, &axis, e)) != 0)
			return rc;
		if (set[axis])
			return op_bad(s, e, "axis %zu twice", axis);
		set[axis] = true;
	}
	return 0;
}

/* Some axes of known numbers. */
struct part {
	size_t n, rank, dim[MODEL_MAX_RANK], stride[MODEL_MAX_RANK];
};

static struct part
part(const struct shape *x, const bool set[MODEL_MAX_RANK], bool which)
{
	size_t stride[MODEL_MAX_RANK];
	struct part p = {.n = 1};

	shape_row_strides(x, stride);
	for (size_t i = 0; i < x->rank; i++) {
		if (set[i] != which)
			continue;
		p.dim[p.rank] = x->dim[i];
		p.stride[p.rank++] = stride[i];
		p.n *= x->dim[i];
	}
	return p;
}

static size_t
place(const struct part *p, size_t i)
{
	size_t at = 0;

	for (size_t k = p->rank; k-- > 0;) {
		at += i % p->dim[k] * p->stride[k];
		i /= p->dim[k];
	}
	return at;
}

/* NaN wins. */
static double
best(double a, double b, bool most)
{
	if (isnan(a) || isnan(b))
		return (double)NAN;
	return most ? fmax(a, b) : fmin(a, b);
}

static double
reduce_reals(enum reduction kind, const struct part *p, const union number *x)
{
	double sum = 0.0, size = 0.0, square = 0.0, product = 1.0;
	double most = -(double)INFINITY, least = (double)INFINITY, exps = 0.0;

	for (size_t i = 0; i < p->n; i++) {
		double v = x[place(p, i)].f;

		sum += v;
		size += fabs(v);
		square += v * v;
		product *= v;
		most = best(most, v, true);
		least = best(least, v, false);
	}
	switch (kind) {
	case REDUCTION_L1:
		return size;
	case REDUCTION_L2:
		return sqrt(square);
	case REDUCTION_LOG_SUM:
		return log(sum);
	case REDUCTION_LOG_SUM_EXP:
		if (!isfinite(most))
			return most;
		for (size_t i = 0; i < p->n; i++)
			exps += exp(x[place(p, i)].f - most);
		return most + log(exps);
	case REDUCTION_MAX:
		return most;
	case REDUCTION_MEAN:
		return sum / (double)p->n;
	case REDUCTION_MIN:
		return least;
	case REDUCTION_PROD:
		return product;
	case REDUCTION_SUM:
		return sum;
	case REDUCTION_SUM_SQUARE:
		return square;
	}
	return (double)NAN;
}

/* Of integers, which wrap around; roots and logarithms are cut off. */
static bool
reduce_integers(enum reduction kind, const struct part *p,
    const union number *x, int64_t *y)
{
	uint64_t sum = 0, size = 0, square = 0, product = 1;
	int64_t most = INT64_MIN, least = INT64_MAX;
	double exps = 0.0, r;

	for (size_t i = 0; i < p->n; i++) {
		int64_t v = x[place(p, i)].i;
		uint64_t u = (uint64_t)v;

		sum += u;
		size += v < 0 ? -u : u;
		square += u * u;
		product *= u;
		most = MAX(most, v);
		least = MIN(least, v);
		exps += exp((double)v);
	}
	switch (kind) {
	case REDUCTION_L1:
		*y = (int64_t)size;
		return true;
	case REDUCTION_L2:
		*y = (int64_t)sqrt((double)square);
		return true;
	case REDUCTION_LOG_SUM:
		r = log((double)(int64_t)sum);
		break;
	case REDUCTION_LOG_SUM_EXP:
		r = log(exps);
		break;
	case REDUCTION_MAX:
		*y = most;
		return p->n > 0;
	case REDUCTION_MEAN:
		*y = p->n > 0 ? (int64_t)sum / (int64_t)p->n : 0;
		return p->n > 0;
	case REDUCTION_MIN:
		*y = least;
		return p->n > 0;
	case REDUCTION_PROD:
		*y = (int64_t)product;
		return true;
	case REDUCTION_SUM:
		*y = (int64_t)sum;
		return true;
	case REDUCTION_SUM_SQUARE:
		*y = (int64_t)square;
		return true;
	default:
		return false;
	}
	if (!isfinite(r))
		return false;
	*y = (int64_t)r;
	return true;
}

int
reduction_eval(enum reduction kind, const struct step *s,
    const struct shape *const *in, union number *v, struct err *e)
{
	bool set[MODEL_MAX_RANK];
	struct part kept, gone;
	int rc;

	if ((rc = reduction_axes(s, in, set, e)) != 0)
		return rc;
	kept = part(in[0], set, false);
	gone = part(in[0], set, true);
	for (size_t i = 0; i < kept.n; i++) {
		const union number *x = in[0]->known + place(&kept, i);

		if (shape_real(in[0]))
			v[i].f = reduce_reals(kind, &gone, x);
		else if (!reduce_integers(kind, &gone, x, &v[i].i))
			return op_bad(s, e, "the result is no number");
	}
	return 0;
}
