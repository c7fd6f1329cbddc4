/* SPDX-License-Identifier: MIT
 * Ranks, and whose first dimension is the batch: all that lowering must know
 * of shapes.  Full shape inference is the engine's.
 */
#ifndef FORMATS_ONNX_FACT_H
#define FORMATS_ONNX_FACT_H

#include "formats/onnx_lower.h"

/* What is known of a value (constants included). */
struct onnx_fact onnx_fact_of(const struct onnx_lower *, const char *name);
void onnx_fact_set(struct onnx_lower *, const char *name, struct onnx_fact);
/* Derive the facts of a canonical node's outputs. */
void onnx_fact_node(struct onnx_lower *, const struct node *);

#endif
