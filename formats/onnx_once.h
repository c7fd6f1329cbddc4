/* SPDX-License-Identifier: MIT
 * Fields that a message of ONNX has once (onnx_wire_once(), whose *seen it is), with the
 * type that they must be of.
 */
#ifndef FORMATS_ONNX_ONCE_H
#define FORMATS_ONNX_ONCE_H

#include "base/arena.h"
#include "formats/onnx_wire.h"

/* ERR_FORMAT when it was there, or is no message or text. */
int onnx_once_bytes(
    uint32_t *seen, const struct onnx_wire *, struct err *) MUST_USE;
int onnx_once_text(uint32_t *seen, const struct onnx_wire *, struct arena *,
    const char **out, struct err *) MUST_USE;
int onnx_once_int(uint32_t *seen, const struct onnx_wire *, int64_t *out,
    struct err *) MUST_USE;

#endif
