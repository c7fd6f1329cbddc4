/* SPDX-License-Identifier: MIT
 * Running another tool of the suite: tools cooperate as processes, never by
 * including each other.
 */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include "base/buf.h"
#include "base/err.h"

enum {
	SPAWN_OURS = -1, /* its stdout is ours */
	SPAWN_DROP = -2, /* nobody reads it */
};

/*
 * Run the sibling binary argv[0] (found beside the running one) with argv,
 * NULL-terminated, stdin from /dev/null.  out_fd: where its stdout goes, a
 * descriptor or one of the above.  Waits; *status is its exit status.
 * ERR_SYSTEM when it could not be started or was killed by a signal (named in
 * the message).
 */
int spawn_tool(
    const char *const argv[], int out_fd, int *status, struct err *) MUST_USE;

/*
 * Run a command of the user's by the shell, with these bytes as its standard
 * input; what it writes to standard output is appended to `out`, ERR_LIMIT
 * beyond `limit` bytes.
 */
int spawn_filter(const char *command, const void *in, size_t len, size_t limit,
    struct buf *out, int *status, struct err *) MUST_USE;

/* Path of a sibling binary. */
int spawn_path(const char *name, char *out, size_t size, struct err *) MUST_USE;

#endif
