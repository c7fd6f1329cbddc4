/* SPDX-License-Identifier: MIT
 * The command line of another tool of the suite, put together.
 */
#ifndef AUDIT_COMMAND_H
#define AUDIT_COMMAND_H

#include "base/base.h"

/* argv ends with NULL; the strings are the caller's. */
struct command {
	const char *argv[64];
	size_t n;
};

/* That tool, quiet when this one is. */
struct command command_new(const char *tool);
void command_arg(struct command *, const char *);
/* Both, unless the value is NULL. */
void command_option(struct command *, const char *name, const char *value);

#endif
