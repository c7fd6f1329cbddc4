/* SPDX-License-Identifier: MIT
 * The graph of a PaddlePaddle program, in ONNX's words, for check_arch: a ProgramDesc
 * (paddle/fluid/framework/framework.proto).  check_arch_pir.h has those of PIR.
 */
#ifndef AUDIT_CHECK_ARCH_PADDLE_H
#define AUDIT_CHECK_ARCH_PADDLE_H

#include "formats/onnx_file.h"

/*
 * The blocks of conditions and loops stand where they are run, what they leave in a
 * variable is chosen (If) between it and what was there.  Weights are elsewhere, so
 * that constants have sizes and, where they are one number, that.  ERR_LIMIT in *e:
 * too large.
 */
void check_arch_paddle(
    struct rd, struct arena *, struct onnx_file *, struct err *);

#endif
