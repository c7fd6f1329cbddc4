/* SPDX-License-Identifier: MIT */
#include "formats/onnx_wire.h"

#define NUMBER_MAX (((uint64_t)1 << 29) - 1)

static int
cut(const struct onnx_wire *f, int rc, struct err *e)
{
	return err_set(e, rc, f->at,
	    rc == ERR_TRUNCATED ? "protobuf: the message ends in a field"
				: "protobuf: a number of more than 64 bits");
}

static int
read_bytes(struct rd *r, struct onnx_wire *f, struct err *e)
{
	uint64_t len;
	int rc;

	if ((rc = rd_varint(r, &len)) != 0)
		return cut(f, rc, e);
	if ((rc = rd_sub(r, len, &f->body)) != 0)
		return err_set(e, rc, f->at,
		    "protobuf: field %" PRIu32 " claims %" PRIu64
		    " bytes, %zu are left",
		    f->number, len, rd_left(r));
	return 1;
}

int
onnx_wire_next(struct rd *r, struct onnx_wire *f, struct err *e)
{
	uint32_t small;
	uint64_t tag;
	int rc;

	*f = (struct onnx_wire){.at = rd_pos(r)};
	if (rd_left(r) == 0)
		return 0;
	if ((rc = rd_varint(r, &tag)) != 0)
		return cut(f, rc, e);
	if (tag >> 3 == 0 || tag >> 3 > NUMBER_MAX)
		return err_set(e, ERR_FORMAT, f->at,
		    "protobuf: field number %" PRIu64, tag >> 3);
	f->number = (uint32_t)(tag >> 3);
	f->value_at = rd_pos(r);
	f->type = (enum onnx_wire_type)(tag & 7);
	switch (f->type) {
	case ONNX_WIRE_VARINT:
		rc = rd_varint(r, &f->value);
		break;
	case ONNX_WIRE_FIXED64:
		rc = rd_u64le(r, &f->value);
		break;
	case ONNX_WIRE_FIXED32:
		if ((rc = rd_u32le(r, &small)) == 0)
			f->value = small;
		break;
	case ONNX_WIRE_BYTES:
		return read_bytes(r, f, e);
	default:
		return err_set(e, ERR_FORMAT, f->at,
		    "protobuf: wire type %u (a group, or none)",
		    (unsigned)f->type);
	}
	return rc == 0 ? 1 : cut(f, rc, e);
}

bool
onnx_wire_step(struct rd *r, struct onnx_wire *f)
{
	struct err ignored;

	return onnx_wire_next(r, f, &ignored) > 0;
}

uint64_t
onnx_wire_number(struct rd r, uint32_t number, uint64_t absent)
{
	struct onnx_wire f;

	while (onnx_wire_step(&r, &f))
		if (f.number == number && f.type != ONNX_WIRE_BYTES)
			absent = f.value;
	return absent;
}

double
onnx_wire_real(struct rd r, uint32_t number, float absent)
{
	uint32_t bits;
	float v;

	memcpy(&bits, &absent, sizeof(bits));
	bits = (uint32_t)onnx_wire_number(r, number, bits);
	memcpy(&v, &bits, sizeof(v));
	return (double)v;
}

int
onnx_wire_want(
    const struct onnx_wire *f, enum onnx_wire_type type, struct err *e)
{
	if (f->type == type)
		return 0;
	return err_set(e, ERR_FORMAT, f->at,
	    "protobuf: field %" PRIu32 " has wire type %u, expected %u",
	    f->number, (unsigned)f->type, (unsigned)type);
}

int
onnx_wire_once(uint32_t *seen, const struct onnx_wire *f, struct err *e)
{
	uint32_t bit;

	if (f->number > 31)
		BUG("field number");
	bit = (uint32_t)1 << f->number;
	if ((*seen & bit) != 0)
		return err_set(e, ERR_FORMAT, f->at,
		    "protobuf: field %" PRIu32 " occurs twice", f->number);
	*seen |= bit;
	return 0;
}

int
onnx_wire_count(struct rd r, uint32_t number, size_t *out, struct err *e)
{
	struct onnx_wire f;
	int rc;

	*out = 0;
	while ((rc = onnx_wire_next(&r, &f, e)) > 0)
		*out += f.number == number;
	return rc;
}

static void
put_le(uint8_t *out, size_t width, size_t i, uint64_t v)
{
	if (out == NULL)
		return;
	for (size_t k = 0; k < width; k++, v >>= 8)
		out[i * width + k] = (uint8_t)v;
}

static int
unpack(const struct onnx_wire *f, enum onnx_wire_type type, uint8_t *out,
    size_t width, size_t *n, struct err *e)
{
	struct rd r = f->body;
	size_t size = type == ONNX_WIRE_FIXED32 ? 4 : 8;
	uint64_t v = 0;
	uint32_t small;
	int rc;

	/* counting a few hundred million floats is a division */
	if (out == NULL && type != ONNX_WIRE_VARINT && r.len % size == 0) {
		*n += r.len / size;
		return 0;
	}
	while (rd_left(&r) > 0) {
		uint64_t at = rd_pos(&r);

		if (type == ONNX_WIRE_VARINT) {
			rc = rd_varint(&r, &v);
		} else if (type == ONNX_WIRE_FIXED64) {
			rc = rd_u64le(&r, &v);
		} else {
			rc = rd_u32le(&r, &small);
			v = rc == 0 ? small : 0;
		}
		if (rc != 0)
			return err_set(e, rc, at,
			    "protobuf: packed field %" PRIu32
			    " ends in a value",
			    f->number);
		put_le(out, width, (*n)++, v);
	}
	return 0;
}

int
onnx_wire_repeated(struct rd r, uint32_t number, enum onnx_wire_type type,
    uint8_t *out, size_t width, size_t *n, struct err *e)
{
	struct onnx_wire f;
	int rc;

	*n = 0;
	while ((rc = onnx_wire_next(&r, &f, e)) > 0) {
		if (f.number != number)
			continue;
		if (f.type == ONNX_WIRE_BYTES)
			rc = unpack(&f, type, out, width, n, e);
		else if ((rc = onnx_wire_want(&f, type, e)) == 0)
			put_le(out, width, (*n)++, f.value);
		if (rc != 0)
			return rc;
	}
	return rc;
}

struct rd
onnx_wire_last(struct rd r, uint32_t number)
{
	struct onnx_wire f;
	struct rd found = {0};

	while (onnx_wire_step(&r, &f))
		if (f.number == number && f.type == ONNX_WIRE_BYTES)
			found = f.body;
	return found;
}
