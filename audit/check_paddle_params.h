/* SPDX-License-Identifier: MIT
 * Parameters of PaddlePaddle as save_combine writes them, *.pdiparams.
 */
#ifndef AUDIT_CHECK_PADDLE_PARAMS_H
#define AUDIT_CHECK_PADDLE_PARAMS_H

#include "audit/check.h"

/* Bytes of an element of VarType.Type (framework.proto); 0: none of tensors. */
size_t check_paddle_width(uint64_t type);

/* Of a file of that name: one tensor behind the other up to its end
 * (SerializeToStream(), lod_tensor.cc; TensorToStream(), tensor_util.cc), else
 * FINDING_MODEL_INVALID. */
void check_paddle_params(const struct check_file *);

#endif
