/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
#include "audit/check_onnx_text.h"

#include "base/limits.h"
#include "base/text.h"
#include "formats/pbtxt.h"
#include "formats/pbtxt_wire.h"

static bool
has(struct rd r, const char *word)
{
	return memmem(r.base, r.len, word, strlen(word)) != NULL;
}

static bool
is_model(const struct check_file *f)
{
	return check_is(f, "text") && has(f->bytes, "op_type") &&
	       has(f->bytes, "ir_version") && has(f->bytes, "graph");
}

void
check_onnx_text(const struct check_file *f)
{
	static const char *const suffixes[] = {
	    ".textproto", ".prototxt", ".pbtxt", ".pbtext"};
	const char *name = check_name_of(f);
	struct err e = {.off = ERR_NOWHERE};
	struct buf wire = {0};
	json_t *j = NULL;
	bool named = false;

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		named = named || text_ends_with(name, suffixes[i]);
	if (!is_model(f))
		return;
	if (pbtxt_read(f->bytes, &j, &e) != 0) {
		/* prose and sources have these words as well */
		if (named)
			check_short(f,
			    e.code == ERR_LIMIT ? FINDING_FILE_LIMIT
						: FINDING_ONNX_BROKEN,
			    e.off, "%s", e.msg);
		return;
	}
	if (json_object_get(j, "graph") != NULL &&
	    json_object_get(j, "ir_version") != NULL) {
		check_knows(f);
		pbtxt_wire(j, &pbtxt_wire_onnx, &wire);
		if (check_spend(f, wire.len))
			check_within(
			    f, "model.onnx", rd_mem(wire.ptr, wire.len));
	}
	buf_free(&wire);
	json_decref(j);
}
