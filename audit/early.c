/* SPDX-License-Identifier: MIT */
#include "audit/early.h"

#include "audit/data_spec.h"
#include "base/spawn.h"
#include "base/tool.h"

#include <limits.h>
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
	const char *labels;
	char images[PATH_MAX];
	int rc;

	if (spec == NULL)
		return 0;
	rc = data_spec_split(spec, images, sizeof(images), &labels, e);
	if (rc == 0)
		rc = early_file(images, e);
	return rc == 0 ? early_file(labels, e) : rc;
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
