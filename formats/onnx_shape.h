/* SPDX-License-Identifier: MIT
 * The operators that move data about: constant shapes, axes and pads become
 * attributes; where they are computed, the node keeps its inputs.
 */
#ifndef FORMATS_ONNX_SHAPE_H
#define FORMATS_ONNX_SHAPE_H

#include "formats/onnx_lower.h"

/* NULL when the operator is none of them. */
int (*onnx_shape_find(const char *op))(
    struct onnx_lower *, const struct onnx_node *);

#endif
