/* SPDX-License-Identifier: MIT
 * Shapes of values, and how values are stored.
 * Layouts: a value of rank 4 whose layout is LAYOUT_NHWC has the logical
 * shape dim = (N, C, H, W) but is stored N, H, W, C.  Everything else is
 * row-major.
 */
#ifndef ENGINE_SHAPE_H
#define ENGINE_SHAPE_H

#include "formats/model.h"

enum layout {
	LAYOUT_ROWS,
	LAYOUT_NHWC,
};

struct shape {
	size_t rank;
	size_t dim[MODEL_MAX_RANK]; /* logical: (N, C, H, W) for images */
	enum layout layout;
	/* integers known when the plan is made (shape arithmetic), or NULL */
	const int64_t *known;
};

/* Product of the dimensions. */
size_t shape_elements(const struct shape *);
/* The same, false when it is zero or beyond LIMIT_VALUE_ELEMENTS. */
bool shape_sane(const struct shape *);
/* For each logical axis, the floats from one index to the next. */
void shape_strides(const struct shape *, size_t stride[MODEL_MAX_RANK]);

#endif
