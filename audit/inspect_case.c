/* SPDX-License-Identifier: MIT */
#include "audit/inspect_case.h"

#include "base/casedir.h"
#include "base/tool.h"

static void
tell_other(void *ctx, const char *name)
{
	tool_warn("%s: not taken for a case: '%s' is no part of one",
	    (const char *)ctx, name);
}

bool
inspect_case_is(const char *path)
{
	struct err e;

	if (!casedir_is(path) ||
	    casedir_others(path, tell_other, (void *)(uintptr_t)path, &e) != 0)
		return false;
	tool_note("%s: a case, of which files/ is looked at", path);
	return true;
}
