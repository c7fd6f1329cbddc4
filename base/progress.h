/* SPDX-License-Identifier: MIT
 * Progress on stderr: a bar with an ETA on a terminal, a plain line every ten
 * seconds elsewhere, nothing with --quiet.  Not for use from two threads.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include "base/base.h"

struct progress {
	const char *label;
	uint64_t total, from; /* from: what was done at `start` */
	double start, last;   /* seconds, monotonic */
	bool on, tty, drawn;
};

void progress_begin(struct progress *, const char *label, uint64_t total);
/* Time counts from here on, when so much is done: nothing of it was done in
 * that time. */
void progress_from(struct progress *, uint64_t done);
/* `done` of total; `note` (may be NULL) is shown behind it, once. */
void progress_step(struct progress *, uint64_t done, const char *note);
void progress_end(struct progress *);

/* Seconds on the monotonic clock, for durations. */
double progress_clock(void);

#endif
