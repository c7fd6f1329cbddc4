/* SPDX-License-Identifier: MIT */
#include "audit/early.h"

#include "base/file.h"
#include "base/spawn.h"
#include "base/tool.h"

#include <unistd.h>

int
early_file(const char *path, struct err *e)
{
	if (path == NULL || access(path, R_OK) == 0)
		return 0;
	err_sys(e, "cannot open");
	return err_in(e, path);
}

int
early_data(const char *spec, struct err *e)
{
	const char *comma = spec != NULL ? strchr(spec, ',') : NULL;
	char images[1024];
	int rc;

	/* as assay-load --data reads it: a path may hold a comma itself */
	if (comma == NULL || file_exists(spec))
		return early_file(spec, e);
	snprintf(images, sizeof(images), "%.*s", (int)(comma - spec), spec);
	rc = early_file(images, e);
	return rc == 0 ? early_file(comma + 1, e) : rc;
}

int
early_options(const struct command *c, struct err *e)
{
	int status, rc = spawn_tool(c->argv, SPAWN_DROP, &status, e);

	if (rc != 0 || status == TOOL_PASSED)
		return rc;
	return err_set(e, status == TOOL_USAGE ? ERR_USAGE : ERR_SYSTEM,
	    ERR_NOWHERE, "%s refuses this (status %d)", c->argv[0], status);
}

int
early_key(const struct signing *s, struct err *e)
{
	struct command c = command_new("assay-report");
	int rc;

	if (!signing_asked(s))
		return 0;
	command_arg(&c, "--check-key");
	signing_hand_on(s, &c);
	if ((rc = early_options(&c, e)) == 0)
		return 0;
	err_set(e, rc, ERR_NOWHERE, "cannot sign with this key");
	return err_in(e, signing_name(s));
}
