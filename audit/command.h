/* SPDX-License-Identifier: MIT
 * The command line of another tool of the suite, put together.
 */
#ifndef AUDIT_COMMAND_H
#define AUDIT_COMMAND_H

#include "base/opt.h"

/* argv ends with NULL; the strings are the caller's.  There is room for what an
 * option may be given that may be repeated, each time with its name. */
struct command {
	const char *argv[64 + 2 * OPT_LIST_MAX];
	size_t n;
};

/* That tool, quiet when this one is. */
struct command command_new(const char *tool);
void command_arg(struct command *, const char *);
/* Both, unless the value is NULL. */
void command_option(struct command *, const char *name, const char *value);

#endif
