/* SPDX-License-Identifier: MIT
 * The graph of a TensorFlow Lite file, in ONNX's words, for check_arch: as the file
 * has it, also with operators that the loader does not execute.
 */
#ifndef AUDIT_CHECK_ARCH_TFLITE_H
#define AUDIT_CHECK_ARCH_TFLITE_H

#include "formats/onnx_file.h"

/*
 * False when the bytes are no such model, or break the format's rules, which
 * check_model says.  What is in the bodies of IF and WHILE is left out.
 * ERR_LIMIT in *e: too large.
 */
bool check_arch_tflite(
    struct rd, struct arena *, struct onnx_file *, struct err *);

#endif
