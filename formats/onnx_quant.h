/* SPDX-License-Identifier: MIT
 * Quantised models: QuantizeLinear and DequantizeLinear around layers, the
 * layers of integers (QLinearConv, MatMulInteger, ...), and those that ONNX
 * Runtime's quantiser adds (domain com.microsoft).
 *
 * The neutral model computes with floats.  Weights are dequantised when they
 * are read.  A quantised activation is a float that holds a whole number:
 *
 *	q = Clip(StraightRound(x / scale) + zero, least, most)
 *
 * which is what the file computes; its gradient is that of the clipping, as in
 * quantisation-aware training (Bengio et al., arXiv:1308.3432).
 */
#ifndef FORMATS_ONNX_QUANT_H
#define FORMATS_ONNX_QUANT_H

#include "formats/onnx_lower.h"

/* NULL when the operator is none of them. */
onnx_lower_fn *onnx_quant_find(const char *domain, const char *op);

/* Bytes that dequantised weights of this file may take. */
uint64_t onnx_quant_budget(const struct onnx_file *);

#endif
