/* SPDX-License-Identifier: MIT */
#include "formats/onnx_probe.h"

#include "formats/onnx_wire.h"

bool
onnx_probe_graph(struct rd r)
{
	/* of GraphProto: all but quantization_annotation's are bytes, none is
	 * a number */
	static const uint32_t known = 1U << 1 | 1U << 2 | 1U << 5 | 1U << 10 |
				      1U << 11 | 1U << 12 | 1U << 13 |
				      1U << 14 | 1U << 15 | 1U << 16;
	static const uint32_t parts = 1U << 1 | 1U << 5 | 1U << 11 | 1U << 12;
	struct onnx_wire f;
	struct err e;
	uint32_t seen = 0;
	int rc;

	while ((rc = onnx_wire_next(&r, &f, &e)) > 0) {
		if (f.number < 32 && (known >> f.number & 1) != 0 &&
		    f.type != ONNX_WIRE_BYTES)
			return false;
		seen |= f.number < 32 ? 1U << f.number : 0;
	}
	/* cut within one of them */
	if (rc < 0 && f.type == ONNX_WIRE_BYTES && f.number < 32)
		seen |= 1U << f.number;
	return (seen & parts) != 0;
}

int
onnx_probe(struct rd r)
{
	/* wire types of ModelProto's fields, by number */
	static const int8_t type[] = {-1, 0, 2, 2, 2, 0, 2, 2, 2};
	struct onnx_wire f;
	struct err e;
	int bits = 0, rc;

	while ((rc = onnx_wire_next(&r, &f, &e)) > 0) {
		if (f.number < ARRAY_LEN(type) && (int)f.type != type[f.number])
			return 0;
		if (f.number == 0 ||
		    (f.number > 8 && f.number != 14 && f.number != 20 &&
			f.number != 25 && f.number != 26))
			return 0;
		if (f.number == 1 && (f.value == 0 || f.value > 99))
			return 0;
		/* several are merged: an empty one more changes nothing */
		if (f.number != 7 || onnx_probe_graph(f.body))
			bits |= 1 << MIN(f.number, 9U);
	}
	/* cut inside the graph: what there is of it must do */
	if (rc < 0 && f.number == 7 && f.type == ONNX_WIRE_BYTES &&
	    rd_sub(&r, rd_left(&r), &f.body) == 0 && onnx_probe_graph(f.body))
		bits |= 1 << 7;
	if ((bits & 1 << 1) == 0 || (bits & 1 << 7) == 0)
		return 0;
	return __builtin_popcount((unsigned)bits);
}
