/* SPDX-License-Identifier: MIT
 * Constant folding of small tensors of whole numbers: exporters compute shapes,
 * axes and pads by chains of constants (F.pad of a PreAct shortcut is thirteen
 * nodes), PyTorch the zero points of quantised biases, and only a constant can
 * become an attribute.  Floats are never folded: they are weights, and stay
 * where the file has them.
 */
#ifndef FORMATS_ONNX_FOLD_H
#define FORMATS_ONNX_FOLD_H

#include "formats/onnx_lower.h"

/*
 * When the canonical node's result is known, define it as a constant under
 * the name of its output and return true: the node is not needed.
 */
bool onnx_fold_node(struct onnx_lower *, const struct node *);

#endif
