/* SPDX-License-Identifier: MIT
 * Operators that vanish (Identity, Constant), windows, and softmax.
 */
#ifndef FORMATS_ONNX_OPS_H
#define FORMATS_ONNX_OPS_H

#include "formats/onnx_lower.h"

/* NULL when the operator needs nothing special. */
onnx_lower_fn *onnx_ops_find(const char *op);

/* The attributes of a window of n axes (Conv, pools), all written out. */
int onnx_ops_window(struct onnx_lower *, const struct onnx_node *from,
    struct node *, const int64_t *kernel, size_t n) MUST_USE;

#endif
