/* SPDX-License-Identifier: MIT
 * Functions of an ONNX model (onnx.proto, FunctionProto; ModelProto.functions,
 * IR 8): operators that the file itself defines by other nodes.  Exporters of
 * PyTorch 2 make one of every module.
 */
#ifndef FORMATS_ONNX_FUNCTION_H
#define FORMATS_ONNX_FUNCTION_H

#include "formats/onnx_file.h"

/*
 * Put the body of its function in the place of every node that calls one,
 * until none is left: names within a body become "function.N/name" with the
 * number of the call, attributes by reference the caller's (or the function's
 * default).  ERR_FORMAT when a function calls itself, ERR_LIMIT when the
 * bodies take more than LIMIT_FUNCTION_BYTES, ERR_UNSUPPORTED when a function
 * has the name of an operator of ONNX's own: which of them is meant, onnx.proto
 * leaves to whoever runs the model.
 */
int onnx_function_inline(
    struct rd model, struct arena *, struct onnx_file *, struct err *) MUST_USE;

/* The attributes of a node within a function's body, with the caller's values
 * for those by reference.  ERR_FORMAT when there is no function around. */
int onnx_function_attrs(const struct onnx_scope *, struct arena *,
    struct onnx_node *, struct err *) MUST_USE;

#endif
