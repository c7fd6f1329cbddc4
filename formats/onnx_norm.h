/* SPDX-License-Identifier: MIT
 * Normalisations, and Dropout, which also differs between training and use.
 */
#ifndef FORMATS_ONNX_NORM_H
#define FORMATS_ONNX_NORM_H

#include "formats/onnx_lower.h"

/* NULL when the operator is none of them. */
onnx_lower_fn *onnx_norm_find(const char *op);

#endif
