/* SPDX-License-Identifier: MIT
 * Numbered tasks done by a few worker processes, each of which may die or
 * hang without taking more than its own task along.  The workers are forked
 * from the caller and inherit its memory and descriptors, but for stdin, stdout
 * and the output; within a sandbox that was entered with `crew` they cannot fork,
 * wait or signal others.
 */
#ifndef BASE_CREW_H
#define BASE_CREW_H

#include "base/buf.h"
#include "base/err.h"

enum crew_end {
	CREW_DONE,
	CREW_DIED, /* killed, or ended on its own */
	CREW_LATE, /* killed because its time was up */
};

struct crew {
	unsigned workers; /* at least 1 */
	unsigned seconds; /* for one task, by the clock; 0: any */
	uint64_t memory;  /* address space of a worker in bytes; 0: any */
	int output;       /* a descriptor that is the caller's alone; 0: none */
	/* In a worker: put the result in the buffer, at most CREW_RESULT. */
	void (*task)(void *ctx, size_t i, struct buf *);
	/* In the caller, once for each task, in the order in which they end;
	 * `result` is only valid during the call, empty unless CREW_DONE.
	 * `why` is for people: "killed: Segmentation fault". */
	void (*done)(void *ctx, size_t i, enum crew_end, const char *why,
	    struct buf *result);
	void *ctx;
};

#define CREW_RESULT ((uint64_t)256 << 20)

/* Do tasks 0 to n-1.  ERR_SYSTEM when workers cannot be started. */
int crew_run(const struct crew *, size_t n, struct err *) MUST_USE;

#endif
