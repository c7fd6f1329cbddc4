/* SPDX-License-Identifier: MIT
 * The operators whose forms differ between operator sets, or whose constant
 * inputs become attributes.
 */
#ifndef FORMATS_ONNX_OPS_H
#define FORMATS_ONNX_OPS_H

#include "formats/onnx_lower.h"

typedef int onnx_ops_fn(struct onnx_lower *, const struct onnx_node *);

/* NULL when the operator needs nothing special. */
onnx_ops_fn *onnx_ops_find(const char *op);

#endif
