/* SPDX-License-Identifier: MIT
 * Einsum of any number of operands, where the engine has it of two.
 */
#ifndef FORMATS_ONNX_EINSUM_H
#define FORMATS_ONNX_EINSUM_H

#include "formats/onnx_lower.h"

/* NULL when the operator is another one. */
onnx_lower_fn *onnx_einsum_find(const char *op);

#endif
