/* SPDX-License-Identifier: MIT
 * What TensorFlow's operators are called in ONNX, as far as the flow of an
 * image asks for it (check_arch_flow.h).
 */
#ifndef AUDIT_CHECK_ARCH_TF_OP_H
#define AUDIT_CHECK_ARCH_TF_OP_H

/* "Other" of one that only computes. */
const char *check_arch_tf_op(const char *op);

#endif
