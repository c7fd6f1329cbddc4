/* SPDX-License-Identifier: MIT
 * Graphs of ONNX that no machine runs to their end: constants alone make a
 * value larger than any memory, or a loop has no end.  A model server that
 * loads such a file is gone (MITRE ATLAS AML.T0029).
 */
#ifndef AUDIT_CHECK_ONNX_COST_H
#define AUDIT_CHECK_ONNX_COST_H

#include "audit/check.h"

/*
 * The nodes of one GraphProto, in their order, which is that of what they need;
 * not of graphs within, but for what decides whether a loop over them ends.
 * Says the first FINDING_ONNX_COST.  What does not read is passed over.
 */
void check_onnx_cost(const struct check_file *, struct rd graph);

#endif
