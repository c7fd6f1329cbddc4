/* SPDX-License-Identifier: MIT
 * One error idiom: return 0 or a negative ERR_*, detail in struct err, set
 * where the failure is first known.  Callers that know more add the path.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/base.h"

enum {
	ERR_TRUNCATED = -1, /* input ends inside a field */
	ERR_FORMAT = -2,    /* input contradicts its own format */
	ERR_LIMIT = -3,     /* a limit in base/limits.h was reached */
	ERR_SYSTEM = -4,    /* a system call failed; errno is in the message */
	ERR_UNSUPPORTED = -5, /* valid, but not something that we can use */
	ERR_USAGE = -6,       /* the caller's arguments do not fit together */
	ERR_MISMATCH = -7,    /* sound, but its parts do not belong together */
};

#define ERR_NOWHERE UINT64_MAX /* the error has no byte offset */

struct err {
	int code;
	uint64_t off; /* byte offset in the input, or ERR_NOWHERE */
	char path[512];
	char msg[256];
};

/* Set code, offset and message (lower case, no full stop); returns code. */
int err_set(struct err *, int code, uint64_t off, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* The same for a failed system call: appends the text of the current errno. */
int err_sys(struct err *, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Name the file that the error is about, unless one is named; returns code. */
int err_in(struct err *, const char *path);

/* Put "prefix: " in front of the message; returns code. */
int err_wrap(struct err *, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* "truncated", "format", ... for machine-readable output. */
const char *err_name(int code);

/*
 * The one line for a person: "path: offset 12: message" with every character
 * that could disturb a terminal escaped.  Always terminated.
 */
void err_text(const struct err *, char *out, size_t size);

#endif
