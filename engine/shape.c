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

void
shape_strides(const struct shape *s, size_t stride[MODEL_MAX_RANK])
{
	static const size_t rows[] = {0, 1, 2, 3, 4, 5, 6, 7};
	static const size_t nhwc[] = {0, 2, 3, 1};
	const size_t *order = s->layout == LAYOUT_NHWC ? nhwc : rows;
	size_t run = 1;

	for (size_t i = s->rank; i-- > 0;) {
		stride[order[i]] = run;
		run *= s->dim[order[i]];
	}
}
