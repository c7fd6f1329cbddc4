/* SPDX-License-Identifier: MIT
 * Graphs of TensorFlow that no machine runs to their end: constants alone make
 * a value larger than any memory, or a loop has no end.
 */
#ifndef AUDIT_CHECK_TF_COST_H
#define AUDIT_CHECK_TF_COST_H

#include "audit/check_tf_graph.h"

/*
 * The nodes of one GraphDef (`field` 1) or FunctionDef (3), a body of the graph,
 * which has the functions that loops name.  Says the first FINDING_TF_COST.
 * What does not read is passed over.
 */
void check_tf_cost(struct check_tf_graph *, struct rd body, uint32_t field);

#endif
