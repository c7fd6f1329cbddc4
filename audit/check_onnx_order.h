/* SPDX-License-Identifier: MIT
 * Graphs of ONNX that onnx.checker and ONNX Runtime refuse for their structure
 * (onnx/docs/IR.md; onnx/checker.cc): names, order, and what operators need.
 */
#ifndef AUDIT_CHECK_ONNX_ORDER_H
#define AUDIT_CHECK_ONNX_ORDER_H

#include "audit/check.h"

/*
 * The ModelProto, its graph with those within, and its functions: every value is made
 * once and before it is used, outputs are made, operators have the inputs and
 * attributes that all their versions ask for, the graph has a name, and the operators'
 * versions are such as ONNX may have.  The first that is not so is a
 * FINDING_ONNX_BROKEN.  What does not read is left to check_onnx().
 */
void check_onnx_order(const struct check_file *);

#endif
