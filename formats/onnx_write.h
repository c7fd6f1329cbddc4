/* SPDX-License-Identifier: MIT
 * The neutral model as an ONNX file: operator set 17, IR 8, initialisers as
 * raw_data, the batch a free dimension "N".
 */
#ifndef FORMATS_ONNX_WRITE_H
#define FORMATS_ONNX_WRITE_H

#include "base/file.h"
#include "formats/model.h"

/*
 * Write to an open output; the caller commits.  Attributes that ONNX wants as
 * inputs become initialisers again.  ERR_UNSUPPORTED names a node that
 * operator set 17 cannot express.
 */
int onnx_write(struct file_out *, const struct model *, struct err *) MUST_USE;

#endif
