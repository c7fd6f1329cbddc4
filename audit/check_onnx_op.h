/* SPDX-License-Identifier: MIT
 * ONNX operators by what has to run them.
 */
#ifndef AUDIT_CHECK_ONNX_OP_H
#define AUDIT_CHECK_ONNX_OP_H

#include "base/base.h"

enum check_onnx_origin {
	CHECK_ONNX_STANDARD,
	CHECK_ONNX_RUNTIME, /* ONNX Runtime has it built in */
	CHECK_ONNX_LIBRARY, /* a library that somebody has to bring */
	CHECK_ONNX_PYTHON,
};

/* domain "" and "ai.onnx" are the same. */
enum check_onnx_origin check_onnx_op(const char *domain, const char *name);

/* The table is sorted: for the test. */
bool check_onnx_op_sorted(void);

#endif
