/* SPDX-License-Identifier: MIT
 * Formats that are recognised and not read: what loading them can do decides
 * whether the result is incomplete.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"

#include "base/text.h"
#include "formats/flatbuf.h"

/* Loading one can call functions that it names or holds. */
static const char *const acting[] = {"julia", "bson", "torch7", "tensorrt"};
/* Numbers and a graph of known operators. */
static const char *const inert[] = {
    "mxnet", "catboost", "cntk", "executorch", "rknn", "ncnn", "flax"};

static bool
has(const struct check_file *f, const char *bytes, size_t len)
{
	return f->bytes.len != 0 &&
	       memmem(f->bytes.base, f->bytes.len, bytes, len) != NULL;
}

#define HAS(f, bytes) has((f), (bytes), sizeof(bytes) - 1)

/* PaddlePaddle: OpDesc.type is field 3 of a message.  What opens files is
 * check_paddle()'s. */
static void
paddle(const struct check_file *f)
{
	static const char *const types[] = {"py_func", "py_layer"};

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		size_t n = strlen(types[i]);
		char want[32] = {0x1a, (char)n};

		memcpy(want + 2, types[i], n);
		if (has(f, want, 2 + n))
			check_find(f, FINDING_OBJECT_CODE, ERR_NOWHERE,
			    "operator '%s', which calls Python", types[i]);
	}
}

/* Caffe's LayerParameter: type (2) "Python" with python_param (130), of which
 * module (1) is imported and layer (2) made. */
static void
caffe(const struct check_file *f)
{
	if (HAS(f, "\x12\6Python") && HAS(f, "\x92\x08") &&
	    !check_is(f, "text"))
		check_find(f, FINDING_OBJECT_CODE, ERR_NOWHERE,
		    "a layer of Caffe that is Python");
}

/* What stands behind the text of a LightGBM model. */
static void
lightgbm(const struct check_file *f)
{
	size_t i = 0;

	while (i < f->bytes.len && f->bytes.base[i] < 0x80 &&
	       f->bytes.base[i] != 0)
		i++;
	if (i < f->bytes.len)
		check_within(f, "behind the text",
		    rd_mem(f->bytes.base + i, f->bytes.len - i));
}

/*
 * torch.load(name, "ascii"): numbers in lines.  The first is the type, 6 to 8
 * of which are functions: a number for it, the length of its bytecode and that;
 * 3 a table and 4 an object, "V 1" and its class.
 */
static bool
is_lua_text(const struct check_file *f)
{
	const uint8_t *s = f->bytes.base;
	size_t n = f->bytes.len, i = 2;

	if (n < 8 || s[0] < '3' || s[0] > '8' || s[0] == '5' || s[1] != '\n')
		return false;
	while (i < n && s[i] >= '0' && s[i] <= '9')
		i++;
	return i > 2 && i < n && s[i] == '\n' &&
	       (HAS(f, "\n\x1bLua") || HAS(f, "\n\x1bLJ"));
}

/* Code that is there for certain. */
static void
certain(const struct check_file *f)
{
	/* types 6 to 8 are functions */
	if (check_is(f, "torch7") &&
	    (HAS(f, "\x1bLua") || HAS(f, "\x1bLJ") ||
		(f->bytes.base[0] >= 6 && f->bytes.base[0] <= 8)))
		check_find(
		    f, FINDING_OBJECT_CODE, ERR_NOWHERE, "functions of Lua");
	if (is_lua_text(f))
		check_find(f, FINDING_OBJECT_CODE, ERR_NOWHERE,
		    "functions of Lua, in Torch's text form");
	if (check_is(f, "paddle"))
		paddle(f);
	if (text_ends_with(check_name_of(f), ".caffemodel") || f->bids->n == 0)
		caffe(f);
}

bool
check_is_pointer_text(const char *s, size_t len)
{
	return len < 1024 && text_begins_with(s, len,
				 "version https://git-lfs.github.com/spec/");
}

bool
check_is_pointer(const struct check_file *f)
{
	return check_is_pointer_text((const char *)f->bytes.base, f->bytes.len);
}

static void
pointer(const struct check_file *f)
{
	if (check_is_pointer(f))
		check_short(f, FINDING_FILE_OPAQUE, ERR_NOWHERE,
		    "a pointer of git-lfs: the file itself is not here");
}

/* Program (schema/program.fbs): version 0, execution_plan 1. */
static void
executorch(const struct check_file *f)
{
	struct err e = {0};
	struct flatbuf fb;
	char ident[4];
	struct flatbuf_table t;

	memcpy(ident, f->bytes.base + 4, sizeof(ident));
	t = flatbuf_root(&fb, f->bytes, ident, "executorch", &e);
	(void)flatbuf_vector(&fb, &t, 1, 4, SIZE_MAX);
	if (fb.rc != 0)
		check_short(f, FINDING_MODEL_ABSENT, e.off, "%s", e.msg);
}

void
check_opaque(const struct check_file *f)
{
	certain(f);
	pointer(f);
	if (check_is(f, "lightgbm"))
		lightgbm(f);
	if (check_is(f, "executorch"))
		executorch(f);
	for (size_t i = 0; i < ARRAY_LEN(acting); i++)
		if (check_is(f, acting[i]))
			check_short(f, FINDING_FILE_UNANALYSED, ERR_NOWHERE,
			    "%s can call functions when it is loaded",
			    acting[i]);
	for (size_t i = 0; i < ARRAY_LEN(inert); i++)
		if (check_is(f, inert[i]))
			check_find(f, FINDING_FILE_OPAQUE, ERR_NOWHERE, "%s",
			    inert[i]);
}
