/* SPDX-License-Identifier: MIT */
#include "engine/shape.h"

size_t
shape_elements(const struct shape *s)
{
	size_t n = 1;

	for (size_t i = 0; i < s->rank; i++)
		n *= s->dim[i];
	return n;
}
