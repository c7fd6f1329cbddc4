/* SPDX-License-Identifier: MIT
 * Backdoors in the architecture of TensorFlow's graphs, for check_savedmodel.
 */
#ifndef AUDIT_CHECK_ARCH_TF_H
#define AUDIT_CHECK_ARCH_TF_H

#include "audit/check.h"

/*
 * A GraphDef, and the MetaGraphDef that it is in (no base: it is a frozen one):
 * the graph up to the outputs of its signatures, and each function that nobody
 * within calls, since Keras and tf.saved_model.load() do.
 */
void check_arch_tf(
    const struct check_file *, struct rd graph, struct rd meta_graph);

#endif
