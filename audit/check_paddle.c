/* SPDX-License-Identifier: MIT
 * PaddlePaddle programs: operators that open files (paddle/fluid/framework/
 * framework.proto).  Those that call Python check_opaque() has.
 */
#include "audit/check.h"

#include "audit/check_paddle_params.h"
#include "audit/check_path.h"
#include "formats/onnx_wire.h"

#include <inttypes.h>

/* OpDesc.Attr: name = 1, s = 5; the file is "file_path". */
static struct slice
path(struct rd op)
{
	struct slice found = {(const uint8_t *)"", 0};
	struct onnx_wire f;
	struct err ignored;

	while (onnx_wire_next(&op, &f, &ignored) > 0)
		if (f.number == 4 && f.type == ONNX_WIRE_BYTES &&
		    rd_is(onnx_wire_last(f.body, 1), "file_path")) {
			struct rd s = onnx_wire_last(f.body, 5);

			found = (struct slice){s.base, s.len};
		}
	return found;
}

/* OpDesc: type = 3, attrs = 4 */
static void
operator(const struct check_file *f, struct rd op)
{
	static const char *const saves[] = {
	    "save", "save_combine", "dist_save", "save_persistables"};
	static const char *const loads[] = {
	    "load", "load_combine", "read_file"};
	struct rd type = onnx_wire_last(op, 3);
	struct slice file = path(op);
	const char *why = check_path_escape(file);
	bool opens = false;

	for (size_t i = 0; i < ARRAY_LEN(saves); i++)
		opens = opens || rd_is(type, saves[i]);
	for (size_t i = 0; i < ARRAY_LEN(loads); i++)
		opens = opens || (rd_is(type, loads[i]) && why != NULL);
	if (opens)
		check_find(f, FINDING_PADDLE_FILE, op.start,
		    "operator '%.*s' opens '%.*s'", (int)type.len,
		    (const char *)type.base, (int)MIN(file.len, 200),
		    (const char *)file.ptr);
}

/* VarDesc: name = 1, type = 2 (VarType: lod_tensor = 3 of tensor = 1 of
 * data_type = 1) */
static void
variable(const struct check_file *f, struct rd var)
{
	struct rd name = onnx_wire_last(var, 1);
	struct rd tensor =
	    onnx_wire_last(onnx_wire_last(onnx_wire_last(var, 2), 3), 1);
	uint64_t type = onnx_wire_number(tensor, 1, 0);

	if (tensor.len != 0 && check_paddle_width(type) == 0)
		check_short(f, FINDING_MODEL_INVALID, var.start,
		    "paddle: variable '%.*s' is of type %" PRIu64
		    ", which there is not",
		    (int)MIN(name.len, 80),
		    name.len != 0 ? (const char *)name.base : "", type);
}

/* BlockDesc: parent_idx = 2, vars = 3, ops = 4; the first has no parent. */
static int
block(const struct check_file *f, struct rd r, uint64_t nblock, struct err *e)
{
	int64_t parent = (int64_t)onnx_wire_number(r, 2, 0);
	struct onnx_wire w;
	int rc;

	if (parent >= 0 && (uint64_t)parent >= nblock)
		check_short(f, FINDING_MODEL_INVALID, r.start,
		    "paddle: a block within block %" PRId64 " of %" PRIu64,
		    parent, nblock);
	while ((rc = onnx_wire_next(&r, &w, e)) > 0) {
		if (w.type != ONNX_WIRE_BYTES)
			continue;
		if (w.number == 3)
			variable(f, w.body);
		if (w.number == 4)
			operator(f, w.body);
	}
	return rc;
}

/* ProgramDesc: blocks = 1 */
void
check_paddle(const struct check_file *f)
{
	struct rd r = f->bytes;
	struct onnx_wire w;
	struct err e = {.off = ERR_NOWHERE}, ignored;
	size_t nblock = 0;
	int rc = 0, in = 0;

	check_paddle_params(f);
	if (!check_is(f, "paddle"))
		return;
	check_knows(f);
	(void)!onnx_wire_count(r, 1, &nblock, &ignored);
	while (in >= 0 && (rc = onnx_wire_next(&r, &w, &e)) > 0)
		if (w.number == 1 && w.type == ONNX_WIRE_BYTES)
			in = block(f, w.body, nblock, &e);
	if (rc < 0 || in < 0)
		check_short(f, FINDING_MODEL_INVALID, e.off, "%s", e.msg);
}
