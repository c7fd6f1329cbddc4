/* SPDX-License-Identifier: MIT
 * Operators that vanish (Identity, Constant), windows, and softmax.
 */
#ifndef FORMATS_ONNX_OPS_H
#define FORMATS_ONNX_OPS_H

#include "formats/onnx_lower.h"

/* NULL when the operator needs nothing special. */
onnx_lower_fn *onnx_ops_find(const char *op);

#endif
