/* SPDX-License-Identifier: MIT
 * Formats that are recognised and not read: what loading them can do decides
 * whether the result is incomplete.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"

/* Loading one can call functions that it names or holds. */
static const char *const acting[] = {
    "rdata", "julia", "bson", "torch7", "tensorrt"};
/* Numbers and a graph of known operators. */
static const char *const inert[] = {"mxnet", "catboost", "cntk", "executorch",
    "rknn", "ncnn", "flax", "coreml", "paddle"};

static bool
has(const struct check_file *f, const char *bytes, size_t len)
{
	return f->bytes.len != 0 &&
	       memmem(f->bytes.base, f->bytes.len, bytes, len) != NULL;
}

#define HAS(f, bytes) has((f), (bytes), sizeof(bytes) - 1)

/* Code that is there for certain. */
static void
certain(const struct check_file *f)
{
	if (check_is(f, "torch7") && (HAS(f, "\x1bLua") || HAS(f, "\x1bLJ")))
		check_find(f, FINDING_OBJECT_CODE, ERR_NOWHERE,
		    "Lua functions, as bytecode");
	/* OpDesc.type, field 3 */
	if (check_is(f, "paddle") && HAS(f, "\x1a\7py_func"))
		check_find(f, FINDING_OBJECT_CODE, ERR_NOWHERE,
		    "operator 'py_func', which calls Python");
}

void
check_opaque(const struct check_file *f)
{
	certain(f);
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
