/* SPDX-License-Identifier: MIT
 * Python source, token by token: calls with what is in their parentheses,
 * names by what they were imported as, variables that hold what was decoded
 * or came from the network.  Nothing is executed or resolved.
 */
#ifndef AUDIT_CHECK_PYTHON_H
#define AUDIT_CHECK_PYTHON_H

#include "audit/check.h"

/* Findings: SOURCE_DANGEROUS, SOURCE_STARTS. */
void check_python_judge(const struct check_file *, const char *s, size_t len);

/* A command that many an honest script runs: pip, git, nvidia-smi. */
bool check_python_tame(const char *command, size_t len);

/* --- check_python_token.c: for check_python.c ---------------------------- */

enum check_python_kind {
	TOKEN_NAME,
	TOKEN_STRING,
	TOKEN_OP,
	TOKEN_LINE
};

/* Names are dotted as far as they go; strings are without quotes. */
struct check_python_token {
	enum check_python_kind kind;
	const char *s;
	size_t len;
	bool column0;  /* begins a line without indentation */
	unsigned does; /* what a call of it does: check_python.c */
};

struct buf;

void check_python_tokens(const char *s, size_t len, struct buf *out);

#endif
