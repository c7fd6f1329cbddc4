/* SPDX-License-Identifier: MIT
 * The graph of a Keras configuration, in ONNX's words, for check_arch: by the names
 * of classes and functions, also of those that the loader does not execute.
 */
#ifndef AUDIT_CHECK_ARCH_KERAS_H
#define AUDIT_CHECK_ARCH_KERAS_H

#include "formats/onnx_file.h"

#include <jansson.h>

/*
 * False when the document is no configuration of a functional or sequential model
 * (keras/src/models/functional.py, sequential.py; of Keras 2 too).  Weights are
 * elsewhere, so that constants have sizes and, where they are one number, that.
 * ERR_LIMIT in *e: too large.
 */
bool check_arch_keras(
    const json_t *, struct arena *, struct onnx_file *, struct err *);

#endif
