/* SPDX-License-Identifier: MIT
 * What every binary of the suite shares: its name, exit status, and the one
 * line that says what went wrong.  Data goes to stdout, all else to stderr.
 */
#ifndef BASE_TOOL_H
#define BASE_TOOL_H

#include "base/err.h"

enum tool_exit {
	TOOL_PASSED = 0,     /* nothing at or above the threshold */
	TOOL_FLAGGED = 1,    /* a finding, a policy not met, a bad signature */
	TOOL_INCOMPLETE = 2, /* could not complete, or inconclusive */
	TOOL_NOTHING = 3,    /* nothing here that can be audited */
	TOOL_USAGE = 4,
};

/* In the environment: the process whose end is ours, too. */
#define TOOL_PARENT "ASSAY_PARENT"

extern const char *tool_name; /* see tool_start */
extern const char tool_version[];
extern bool tool_quiet;
extern bool tool_silent; /* neither notes nor warnings (base/ranks.h) */

/*
 * The first that a tool does: its name, for messages, and a place for each of
 * stdin, stdout and stderr that the caller closed, where reading or writing
 * fails as on a closed one; else the next file to be opened would be taken for
 * it, and what is printed would go into that file.  name is kept.  Which other
 * descriptors the caller left open is noted.  A tool that spawn_tool() started
 * ends when the one that started it does.
 */
void tool_start(const char *name);
/*
 * Close what the caller left open beside those three: nothing of it is ours, and
 * it may be a connection.  sandbox_enter() does it.
 */
void tool_close_foreign(void);

/*
 * Print "tool: path: offset N: message" and return the status that the error
 * asks for: TOOL_USAGE for ERR_USAGE, TOOL_NOTHING for ERR_UNSUPPORTED, else
 * TOOL_INCOMPLETE.
 */
int tool_fail(const struct err *);

/* A line on stderr, escaped; tool_note not with --quiet. */
void tool_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
void tool_note(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Flush stdout and turn a failed write into TOOL_INCOMPLETE. */
int tool_end(int status);

/* Whether this is a terminal that can move its cursor (not TERM=dumb). */
bool tool_terminal(int fd);
/* Whether colour may be used there, too (no NO_COLOR). */
bool tool_colour(int fd);

#endif
