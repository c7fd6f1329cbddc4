/* SPDX-License-Identifier: MIT
 * What every program that uses the engine does first.
 */
#ifndef ENGINE_START_H
#define ENGINE_START_H

#include "base/err.h"

#include <jansson.h>

/*
 * Call at the top of main, before any output.  OpenMP and OpenBLAS read their
 * environment before main() begins, so the program runs itself once more with
 * waiting threads asleep instead of spinning and OpenBLAS single-threaded.
 * What the user has set stays.
 */
void start_environment(char **argv);

/* Threads (0: all cores) and the checked matrix product. */
int start_engine(uint64_t threads, struct err *) MUST_USE;

/* {"cpu","cores","threads","blas":{...}} for documents; a new reference. */
json_t *start_json(void);

#endif
