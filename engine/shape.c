/* SPDX-License-Identifier: MIT */
#include "engine/shape.h"

#include "base/limits.h"

size_t
shape_elements(const struct shape *s)
{
	size_t n = 1;

	for (size_t i = 0; i < s->rank; i++)
		n *= s->dim[i];
	return n;
}

bool
shape_sane(const struct shape *s)
{
	size_t n = 1;

	for (size_t i = 0; i < s->rank; i++)
		if (s->dim[i] == 0 || ckd_mul(&n, n, s->dim[i]) ||
		    n > LIMIT_VALUE_ELEMENTS)
			return false;
	return true;
}

bool
shape_real(const struct shape *s)
{
	return s->type == DTYPE_F32 || s->type == DTYPE_F64;
}

/* The logical axis that is stored as the i-th from outside. */
static size_t
stored_axis(const struct shape *s, size_t i)
{
	if (s->layout != LAYOUT_LAST || s->rank < 3 || i == 0)
		return i;
	return i + 1 < s->rank ? i + 1 : 1;
}

void
shape_strides(const struct shape *s, size_t stride[MODEL_MAX_RANK])
{
	size_t run = 1;

	for (size_t i = s->rank; i-- > 0;) {
		size_t axis = stored_axis(s, i);

		stride[axis] = run;
		run *= s->dim[axis];
	}
}

void
shape_row_strides(const struct shape *s, size_t stride[MODEL_MAX_RANK])
{
	size_t run = 1;

	for (size_t i = s->rank; i-- > 0;) {
		stride[i] = run;
		run *= s->dim[i];
	}
}

size_t
shape_row_index(const struct shape *s, size_t i)
{
	size_t row[MODEL_MAX_RANK], at = 0;

	if (s->layout != LAYOUT_LAST)
		return i;
	shape_row_strides(s, row);
	for (size_t k = s->rank; k-- > 0;) {
		size_t axis = stored_axis(s, k);

		at += i % s->dim[axis] * row[axis];
		i /= s->dim[axis];
	}
	return at;
}
