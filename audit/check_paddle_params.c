/* SPDX-License-Identifier: MIT */
#include "audit/check_paddle_params.h"

#include "base/text.h"
#include "formats/onnx_wire.h"

#include <inttypes.h>

#define LEVELS 16 /* of a LoD */

size_t
check_paddle_width(uint64_t type)
{
	static const uint8_t bytes[] = {
	    1, 2, 4, 8, 2, 4, 8, [19] = 8, 1, 1, 2, 8, 16, [32] = 1, 1};

	return type < ARRAY_LEN(bytes) ? bytes[type] : 0;
}

/* TensorDesc: data_type = 1, dims = 2 */
static int
values(struct rd *r, struct rd desc, struct err *e)
{
	uint64_t size =
	    check_paddle_width(onnx_wire_number(desc, 1, UINT64_MAX));
	struct rd dims = desc;
	struct onnx_wire f;

	if (size == 0)
		return err_set(e, ERR_FORMAT, rd_pos(&desc),
		    "a tensor of a type that there is not");
	while (onnx_wire_step(&dims, &f)) {
		struct rd packed = f.body;
		uint64_t d = f.value;

		if (f.number != 2)
			continue;
		if (f.type == ONNX_WIRE_VARINT) {
			if (d > INT64_MAX || ckd_mul(&size, size, d))
				return err_set(e, ERR_FORMAT, f.at,
				    "a tensor of sizes that are none");
			continue;
		}
		while (rd_left(&packed) != 0)
			if (rd_varint(&packed, &d) != 0 || d > INT64_MAX ||
			    ckd_mul(&size, size, d))
				return err_set(e, ERR_FORMAT, f.at,
				    "a tensor of sizes that are none");
	}
	if (rd_skip(r, size) != 0)
		return err_set(e, ERR_TRUNCATED, rd_pos(r),
		    "a tensor's %" PRIu64 " bytes are not there", size);
	return 0;
}

static int
tensor(struct rd *r, struct err *e)
{
	uint32_t version = 0, inner = 0, len = 0;
	uint64_t levels = 0, size, at = rd_pos(r);
	struct rd desc;

	if (rd_u32le(r, &version) != 0 || rd_u64le(r, &levels) != 0)
		return err_set(e, ERR_TRUNCATED, at, "a tensor's head is cut");
	if (version != 0 || levels > LEVELS)
		return err_set(e, ERR_FORMAT, at, "no tensor begins here");
	for (; levels != 0; levels--)
		if (rd_u64le(r, &size) != 0 || rd_skip(r, size) != 0)
			return err_set(
			    e, ERR_TRUNCATED, at, "a tensor's levels are cut");
	if (rd_u32le(r, &inner) != 0 || rd_u32le(r, &len) != 0 ||
	    rd_sub(r, len, &desc) != 0)
		return err_set(
		    e, ERR_TRUNCATED, at, "a tensor's description is cut");
	if (inner != 0)
		return err_set(
		    e, ERR_FORMAT, at, "a tensor of version %" PRIu32, inner);
	return values(r, desc, e);
}

void
check_paddle_params(const struct check_file *f)
{
	struct rd r = f->bytes;
	struct err e = {.off = ERR_NOWHERE};

	if (!text_ends_with(check_name_of(f), ".pdiparams") ||
	    check_is_pointer(f) || check_is(f, "pickle"))
		return;
	check_knows(f);
	while (rd_left(&r) != 0)
		if (tensor(&r, &e) != 0) {
			check_short(f, FINDING_MODEL_INVALID, e.off,
			    "paddle: %s", e.msg);
			return;
		}
}
