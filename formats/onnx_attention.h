/* SPDX-License-Identifier: MIT
 * What ONNX Runtime's optimiser makes of transformers, taken apart again:
 * Attention, MultiHeadAttention, SkipLayerNormalization, FusedMatMul,
 * QuickGelu (onnxruntime, docs/ContribOperators.md).
 */
#ifndef FORMATS_ONNX_ATTENTION_H
#define FORMATS_ONNX_ATTENTION_H

#include "formats/onnx_lower.h"

/* Nodes that one of them becomes, at most. */
#define ONNX_ATTENTION_NODES 32

/* NULL: none of these. */
onnx_lower_fn *onnx_attention_find(const char *op);

#endif
