/* SPDX-License-Identifier: MIT
 * One TensorProto of an ONNX file (onnx.proto, TensorProto): raw_data is
 * borrowed from the file, typed fields are converted into the arena.
 */
#ifndef FORMATS_ONNX_TENSOR_H
#define FORMATS_ONNX_TENSOR_H

#include "base/rd.h"
#include "formats/model.h"
#include "formats/onnx_external.h"

struct onnx_tensor {
	struct tensor t; /* dtype DTYPE_COUNT: of no use to us, no data */
	int64_t type;    /* data_type as the file has it */
	struct rd body;  /* the message */
	/* where another file has the values; NULL: they are here.  Until
	 * onnx_external_open() has been there, dtype is DTYPE_COUNT. */
	struct onnx_external *external;
	uint64_t at;
};

/* The name may be empty. */
int onnx_tensor_parse(
    struct rd, struct arena *, struct onnx_tensor *, struct err *) MUST_USE;
/* The element type behind a data_type number; DTYPE_COUNT when none. */
enum dtype onnx_tensor_dtype(int64_t type);
/* And back. */
int64_t onnx_tensor_type(enum dtype);
/* A terminated copy of a name or text: UTF-8, no NUL, within LIMIT_NAME. */
int onnx_tensor_text(
    const struct rd *, struct arena *, const char **out, struct err *) MUST_USE;

#endif
