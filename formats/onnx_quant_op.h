/* SPDX-License-Identifier: MIT
 * The operators of quantised models, for lowering.
 */
#ifndef FORMATS_ONNX_QUANT_OP_H
#define FORMATS_ONNX_QUANT_OP_H

#include "formats/onnx_lower.h"

/* NULL when the operator is none of them. */
onnx_lower_fn *onnx_quant_op_find(const char *domain, const char *op);

#endif
