/* SPDX-License-Identifier: MIT
 * The protobuf wire format (protobuf.dev/programming-guides/encoding) over a
 * cursor: one message, field by field.  It never descends by itself, so depth
 * is the caller's; groups, which proto3 has dropped, are refused.  Errors
 * have the byte offset of the field in the file.
 */
#ifndef FORMATS_ONNX_WIRE_H
#define FORMATS_ONNX_WIRE_H

#include "base/rd.h"

enum onnx_wire_type {
	ONNX_WIRE_VARINT = 0,
	ONNX_WIRE_FIXED64 = 1,
	ONNX_WIRE_BYTES = 2,
	ONNX_WIRE_FIXED32 = 5,
};

struct onnx_wire {
	uint32_t number;
	enum onnx_wire_type type;
	uint64_t value;    /* of varint and fixed fields */
	struct rd body;    /* of ONNX_WIRE_BYTES */
	uint64_t at;       /* where the field's tag is */
	uint64_t value_at; /* and what follows it */
};

/* 1 and the next field, 0 at the end of the message, negative ERR_*. */
int onnx_wire_next(struct rd *, struct onnx_wire *, struct err *) MUST_USE;

/* The next field; false at the end and where the message does not read, for who
 * only looks for something and leaves it to others to say so. */
bool onnx_wire_step(struct rd *, struct onnx_wire *);

/* The last value of a field that is a number, or a float, of which protobuf keeps
 * one as well; `absent` when there is none as far as the message reads. */
uint64_t onnx_wire_number(struct rd, uint32_t number, uint64_t absent);
double onnx_wire_real(struct rd, uint32_t number, float absent);

/* ERR_FORMAT unless the field has this wire type. */
int onnx_wire_want(
    const struct onnx_wire *, enum onnx_wire_type, struct err *) MUST_USE;

/*
 * A field that a message has once: *seen holds a bit per number.  protobuf
 * itself merges or takes the last, and two readers that disagree about which
 * one counts are an attack, so ERR_FORMAT.  The number is below 32.
 */
int onnx_wire_once(
    uint32_t *seen, const struct onnx_wire *, struct err *) MUST_USE;

/* The last one of a field of bytes, which is what protobuf goes by where it is
 * not repeated; empty when there is none.  Only as far as the message reads. */
struct rd onnx_wire_last(struct rd, uint32_t number);

/* How often the field occurs in the message. */
int onnx_wire_count(
    struct rd, uint32_t number, size_t *out, struct err *) MUST_USE;

/*
 * All values of a repeated scalar, packed or not: *n of them, and the low
 * `width` bytes of each, little-endian, at out (NULL: only count).
 */
int onnx_wire_repeated(struct rd, uint32_t number, enum onnx_wire_type,
    uint8_t *out, size_t width, size_t *n, struct err *) MUST_USE;

#endif
