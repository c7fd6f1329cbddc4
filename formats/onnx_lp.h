/* SPDX-License-Identifier: MIT
 * Operators that are norms: each becomes several.
 */
#ifndef FORMATS_ONNX_LP_H
#define FORMATS_ONNX_LP_H

#include "formats/onnx_lower.h"

/* NULL when the operator is none of them. */
onnx_lower_fn *onnx_lp_find(const char *op);

#endif
