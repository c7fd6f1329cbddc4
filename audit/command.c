/* SPDX-License-Identifier: MIT */
#include "audit/command.h"

#include "base/tool.h"

void
command_arg(struct command *c, const char *a)
{
	if (c->n + 1 >= ARRAY_LEN(c->argv))
		BUG("too many arguments");
	c->argv[c->n++] = a;
}

void
command_option(struct command *c, const char *name, const char *value)
{
	if (value == NULL)
		return;
	command_arg(c, name);
	command_arg(c, value);
}

struct command
command_new(const char *tool)
{
	struct command c = {{tool}, 1};

	if (tool_quiet)
		command_arg(&c, "-q");
	return c;
}
