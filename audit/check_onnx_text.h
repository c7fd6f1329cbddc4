/* SPDX-License-Identifier: MIT
 * ONNX models as protocol buffers' text, which onnx.load() reads by their suffix
 * (onnx/serialization.py), for check_onnx.
 */
#ifndef AUDIT_CHECK_ONNX_TEXT_H
#define AUDIT_CHECK_ONNX_TEXT_H

#include "audit/check.h"

/* Looked at as the binary model that they are. */
void check_onnx_text(const struct check_file *);

#endif
