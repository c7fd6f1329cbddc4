/* SPDX-License-Identifier: MIT */
#include "audit/inspect_case.h"

#include "base/casedir.h"
#include "base/file.h"
#include "base/tool.h"

struct look {
	const char *path;
	bool asked; /* the document is to be the case's */
};

static void
tell_other(void *ctx, const char *name)
{
	const struct look *l = ctx;

	if (l->asked)
		tool_warn("%s: '%s' is no part of a case, and is not looked at",
		    l->path, name);
	else
		tool_warn("%s: not taken for a case: '%s' is no part of one",
		    l->path, name);
}

bool
inspect_case_is(const char *path, const char *output)
{
	struct look l = {.path = path};
	char own[4096];
	struct err e;
	int others;

	if (!casedir_is(path))
		return false;
	l.asked = output != NULL &&
		  file_join(own, sizeof(own), path, "inspect.json", &e) == 0 &&
		  strcmp(own, output) == 0;
	others = casedir_others(path, tell_other, &l, &e);
	if (others < 0 || (others != 0 && !l.asked))
		return false;
	tool_note("%s: a case, of which files/ is looked at", path);
	return true;
}
