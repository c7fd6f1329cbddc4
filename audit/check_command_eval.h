/* SPDX-License-Identifier: MIT
 * Text that programs of R, Julia, Lua, Ruby and Perl run, for check_command.
 */
#ifndef AUDIT_CHECK_COMMAND_EVAL_H
#define AUDIT_CHECK_COMMAND_EVAL_H

#include "audit/check.h"

/* A program, by the end of its name. */
void check_command_eval(const struct check_file *);

#endif
