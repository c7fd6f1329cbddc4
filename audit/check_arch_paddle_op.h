/* SPDX-License-Identifier: MIT
 * What PaddlePaddle's operators are called in ONNX, as far as the flow of an image
 * asks for it (check_arch_flow.h).
 */
#ifndef AUDIT_CHECK_ARCH_PADDLE_OP_H
#define AUDIT_CHECK_ARCH_PADDLE_OP_H

/*
 * By the names of Fluid's operators (paddle/fluid/operators) and of PIR's, which are
 * those of phi (paddle/phi/ops/yaml/ops.yaml), without the last underscore of what
 * works in place.  "Other" of one that only computes.
 */
const char *check_arch_paddle_op(const char *op);

#endif
