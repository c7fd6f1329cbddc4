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

/* What no version of an operator does without: how many inputs, and its attributes,
 * with spaces between them; 0 and "" of one that is not listed. */
struct check_onnx_need {
	unsigned inputs;
	const char *attributes;
};
struct check_onnx_need check_onnx_op_need(const char *domain, const char *name);

/* The table is sorted: for the test. */
bool check_onnx_op_sorted(void);

#endif
