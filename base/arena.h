/* SPDX-License-Identifier: MIT
 * An arena owns every allocation made for one input.  It has a hard cap, so a
 * hostile length field can exhaust the arena but never the machine.  There is
 * no per-object free; arena_release() ends all lifetimes at once.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/base.h"

struct arena {
	struct arena_block *head;
	size_t used; /* bytes handed out */
	size_t cap;
};

void arena_init(struct arena *, size_t cap);
void arena_release(struct arena *);
/*
 * All arenas of the process together get at most `bytes` more in blocks of a
 * MiB and more, the rest being small: beyond that arena_alloc() returns NULL
 * as over a cap.  SIZE_MAX: no limit, as before the first call.
 */
void arena_limit(size_t bytes);

/*
 * Zeroed memory for n objects of the given size; NULL when over the cap.
 * Aligned for any type, and to 64 bytes from 4096 bytes up.
 */
void *arena_alloc(struct arena *, size_t n, size_t size) MUST_USE;

/* A terminated copy of s[0..len); NULL when over the cap. */
char *arena_strdup(struct arena *, const char *s, size_t len) MUST_USE;

/*
 * A formatted, terminated string for our own use, never of hostile length;
 * aborts when it does not fit.
 */
char *arena_printf(struct arena *, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
