/* SPDX-License-Identifier: MIT */
#include "formats/onnx_once.h"

#include "formats/onnx_tensor.h"

int
onnx_once_bytes(uint32_t *seen, const struct onnx_wire *f, struct err *e)
{
	int rc = onnx_wire_once(seen, f, e);

	return rc != 0 ? rc : onnx_wire_want(f, ONNX_WIRE_BYTES, e);
}

int
onnx_once_text(uint32_t *seen, const struct onnx_wire *f, struct arena *a,
    const char **out, struct err *e)
{
	int rc = onnx_once_bytes(seen, f, e);

	return rc != 0 ? rc : onnx_tensor_text(&f->body, a, out, e);
}

int
onnx_once_int(
    uint32_t *seen, const struct onnx_wire *f, int64_t *out, struct err *e)
{
	int rc;

	if ((rc = onnx_wire_once(seen, f, e)) != 0 ||
	    (rc = onnx_wire_want(f, ONNX_WIRE_VARINT, e)) != 0)
		return rc;
	*out = (int64_t)f->value;
	return 0;
}
