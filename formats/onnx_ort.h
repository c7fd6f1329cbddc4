/* SPDX-License-Identifier: MIT
 * What ONNX Runtime's optimiser writes when it saves a model ("com.microsoft"):
 * layers fused with an activation, and the forms of Gelu, taken apart again.
 */
#ifndef FORMATS_ONNX_ORT_H
#define FORMATS_ONNX_ORT_H

#include "formats/onnx_lower.h"

/* NULL when the operator is none of them. */
onnx_lower_fn *onnx_ort_find(const char *domain, const char *op);

#endif
