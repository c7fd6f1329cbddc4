/* SPDX-License-Identifier: MIT
 * What an operator of ONNX does to the flow of an image through a graph: see
 * check_arch_flow.h.
 */
#ifndef AUDIT_CHECK_ARCH_OP_H
#define AUDIT_CHECK_ARCH_OP_H

#include "audit/check_arch_graph.h"

/* Has weights, if one of its inputs is constant. */
bool check_arch_op_layer(const char *op);
/* Gives what depends on a shape, whatever the values are. */
bool check_arch_op_shape(const char *op);
/* Cuts down to parts, or to sums and the like. */
bool check_arch_op_reduces(const char *op);
/* Takes a part of what goes in. */
bool check_arch_op_cuts(const char *op);
bool check_arch_op_decides(const struct check_arch_node *);
/* Is a step once what goes in was scaled far enough. */
bool check_arch_op_saturates(const char *op);
/* What is 0 or 1 stays so. */
bool check_arch_op_keeps_mask(const char *op);
/* Puts several values together, number by number or side by side. */
bool check_arch_op_mixes(const char *op);
/* Moves numbers by others, which scaling does not. */
bool check_arch_op_adds(const char *op);
/* What goes in goes into graphs of its own, which may do anything with it. */
bool check_arch_op_body(const char *op);
/* No classifier has it between image and result. */
bool check_arch_op_odd(const char *op);

#endif
