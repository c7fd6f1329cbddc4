/* SPDX-License-Identifier: MIT
 * The operators that move data about: constant shapes, axes and pads become
 * attributes; where they are computed, the node keeps its inputs.
 */
#ifndef FORMATS_ONNX_SHAPE_H
#define FORMATS_ONNX_SHAPE_H

#include "formats/onnx_lower.h"

/* NULL when the operator is none of them. */
onnx_lower_fn *onnx_shape_find(const char *op);

#endif
