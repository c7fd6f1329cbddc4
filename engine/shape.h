/* SPDX-License-Identifier: MIT
 * Shapes of values, how values are stored, and the numbers of those that are
 * known before the net runs.
 * Layouts: a value of rank 3 and more whose layout is LAYOUT_LAST has the
 * logical shape dim = (N, C, spatial...) but is stored N, spatial..., C.
 * Everything else is row-major.
 */
#ifndef ENGINE_SHAPE_H
#define ENGINE_SHAPE_H

#include "formats/model.h"

enum layout {
	LAYOUT_ROWS,
	LAYOUT_LAST,
};

/* One element of a known value: f of a real type, i of the others. */
union number {
	double f;
	int64_t i;
};

struct shape {
	size_t rank;
	size_t dim[MODEL_MAX_RANK]; /* logical: (N, C, H, W) for images */
	enum layout layout;
	/*
	 * What the numbers mean: DTYPE_F32, F64, I64, I32 or BOOL.  A value
	 * that depends on the image is stored as floats whatever its type.
	 */
	enum dtype type;
	/* its elements in row-major order of dim, when they are constant */
	const union number *known;
};

/* Product of the dimensions. */
size_t shape_elements(const struct shape *);
/* The same, false when it is zero or beyond LIMIT_VALUE_ELEMENTS. */
bool shape_sane(const struct shape *);
/* For each logical axis, the elements from one index to the next. */
void shape_strides(const struct shape *, size_t stride[MODEL_MAX_RANK]);
/* The same of known numbers, which are always row-major. */
void shape_row_strides(const struct shape *, size_t stride[MODEL_MAX_RANK]);
/* Row-major index of stored element i. */
size_t shape_row_index(const struct shape *, size_t i);
/* Whether the elements are real numbers (F32 and F64). */
bool shape_real(const struct shape *);

#endif
