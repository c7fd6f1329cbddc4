/* SPDX-License-Identifier: MIT
 * Every TensorProto of an ONNX file: initialisers, those in attributes, and
 * the same of subgraphs and functions, which a loader that only wants the
 * main graph never looks at.  Field numbers are those of onnx.proto.
 */
#include "audit/check_weight_list.h"
#include "base/limits.h"
#include "formats/onnx_tensor.h"
#include "formats/onnx_wire.h"

/* What a message may hold, and which message it then is. */
enum message {
	MODEL,
	GRAPH,
	FUNCTION,
	NODE,
	ATTRIBUTE,
	TENSOR
};

static const struct {
	enum message in;
	uint32_t number;
	enum message is;
} parts[] = {
    {MODEL, 7, GRAPH},
    {MODEL, 25, FUNCTION},
    {GRAPH, 1, NODE},
    {GRAPH, 5, TENSOR},
    {FUNCTION, 7, NODE},
    {NODE, 5, ATTRIBUTE},
    {ATTRIBUTE, 5, TENSOR},
    {ATTRIBUTE, 6, GRAPH},
    {ATTRIBUTE, 10, TENSOR},
    {ATTRIBUTE, 11, GRAPH},
};

#define DEPTH 32 /* messages in one another: If in Loop in If is 14 */

static void
take(struct check_weight_list *l, struct rd body)
{
	struct onnx_tensor x = {0};
	struct err e = {0};
	struct rd raw;
	int rc = onnx_tensor_parse(body, &l->arena, &x, &e);

	l->full = l->full || rc == ERR_LIMIT;
	if (rc != 0 || x.external != NULL)
		return;
	if (x.t.dtype != DTYPE_COUNT) {
		if (x.t.data != NULL)
			check_weight_list_add(l, &x.t);
		return;
	}
	/* unsigned integers, f8, or of no type that there is */
	raw = onnx_wire_last(body, 9);
	if (raw.len != 0)
		check_weight_list_bytes(
		    l, x.t.name, (struct slice){raw.base, raw.len});
}

static void
walk(struct check_weight_list *l, struct rd r, enum message in, unsigned depth)
{
	struct onnx_wire f;
	struct err e = {0};

	if (depth > DEPTH) {
		l->full = true;
		return;
	}
	while (!l->full && onnx_wire_next(&r, &f, &e) > 0) {
		if (f.type != ONNX_WIRE_BYTES)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
			if (parts[i].in != in || parts[i].number != f.number)
				continue;
			if (parts[i].is == TENSOR)
				take(l, f.body);
			else
				walk(l, f.body, parts[i].is, depth + 1);
		}
	}
}

void
check_weight_list_onnx(struct check_weight_list *l, struct rd r)
{
	walk(l, r, MODEL, 0);
}
