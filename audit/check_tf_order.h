/* SPDX-License-Identifier: MIT
 * Graphs of TensorFlow that its importer refuses for their structure
 * (tensorflow/core/graph/graph_constructor.cc).
 */
#ifndef AUDIT_CHECK_TF_ORDER_H
#define AUDIT_CHECK_TF_ORDER_H

#include "audit/check_tf_graph.h"

/*
 * A GraphDef with its functions, after check_tf_graph(): names of nodes are names and
 * are there once, inputs are made by some node, no node needs itself but through
 * NextIteration, functions that are called are in the library, constants have as many
 * bytes as their shape, and the version is one that there may be.  Of the MetaGraphDef
 * around it (empty: none) the signatures' outputs are made as well.  The first that is
 * not so is a FINDING_TF_BROKEN.
 */
void check_tf_order(struct check_tf_graph *, struct rd graph, struct rd meta);

#endif
