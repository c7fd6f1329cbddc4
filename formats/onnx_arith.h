/* SPDX-License-Identifier: MIT
 * Element by element: broadcasting of old, operators of any number of
 * inputs, Clip.
 */
#ifndef FORMATS_ONNX_ARITH_H
#define FORMATS_ONNX_ARITH_H

#include "formats/onnx_lower.h"

/* NULL when the operator is none of them. */
onnx_lower_fn *onnx_arith_find(const char *op);

#endif
