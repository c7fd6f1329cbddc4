/* SPDX-License-Identifier: MIT
 * Where a purification stands after a round, as a file (safetensors: the
 * weights, what the method remembers, the guide's pool), so that a run that
 * was ended goes on and gives the bytes that it would have given.
 */
#ifndef PURIFY_CHECKPOINT_H
#define PURIFY_CHECKPOINT_H

#include "purify/rounds.h"

/* Replaces the file in one step. */
int checkpoint_write(
    struct purification *, const char *path, struct err *) MUST_USE;
/* Nothing where there is no such file; ERR_FORMAT where it is another run's. */
int checkpoint_read(
    struct purification *, const char *path, struct err *) MUST_USE;

#endif
