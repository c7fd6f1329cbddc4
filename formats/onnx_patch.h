/* SPDX-License-Identifier: MIT
 * Changed weights back into the ONNX file that they came from.
 */
#ifndef FORMATS_ONNX_PATCH_H
#define FORMATS_ONNX_PATCH_H

#include "base/buf.h"
#include "base/rd.h"
#include "formats/model.h"

/*
 * Append to `out` the original file in which every float of an initialiser or
 * Constant node that differs in the neutral model has the new value, in the
 * type that the file uses; every other byte is the same.  ERR_USAGE when the
 * neutral model is not one of this file; ERR_UNSUPPORTED where the file keeps
 * half floats as varints and a new value needs another number of bytes.
 */
int onnx_patch(struct rd original, const struct model *neutral, struct buf *out,
    struct err *) MUST_USE;

#endif
