/* SPDX-License-Identifier: MIT
 * PaddlePaddle programs: operators that open files (paddle/fluid/framework/
 * framework.proto).  Those that call Python check_opaque() has.
 */
#include "audit/check.h"

#include "audit/check_path.h"
#include "formats/onnx_wire.h"

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

/* ProgramDesc: blocks = 1; BlockDesc: ops = 4 */
void
check_paddle(const struct check_file *f)
{
	struct rd r = f->bytes;
	struct onnx_wire block, op;
	struct err e = {.off = ERR_NOWHERE};
	int rc = 0, in = 0;

	if (!check_is(f, "paddle"))
		return;
	check_knows(f);
	while (in >= 0 && (rc = onnx_wire_next(&r, &block, &e)) > 0)
		while (block.number == 1 && block.type == ONNX_WIRE_BYTES &&
		       (in = onnx_wire_next(&block.body, &op, &e)) > 0)
			if (op.number == 4 && op.type == ONNX_WIRE_BYTES)
				operator(f, op.body);
	if (rc < 0 || in < 0)
		check_short(f, FINDING_MODEL_INVALID, e.off, "%s", e.msg);
}
