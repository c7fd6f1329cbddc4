/* SPDX-License-Identifier: MIT
 * One static check over bytes, for fuzz targets and tests: what it found.
 */
#ifndef TESTS_FUZZ_LOOK_H
#define TESTS_FUZZ_LOOK_H

#include "audit/check.h"

struct look {
	json_t *findings;
	struct check_sink sink;
};

/* `path` is the name that the bytes go by.  Ends with look_end(). */
void look_at(struct look *, void (*check)(const struct check_file *),
    const char *path, struct rd);
/* It was looked at to its end, and nothing wants a person. */
bool look_clean(const struct look *);
/* A finding with that id. */
bool look_has(const struct look *, const char *id);
void look_end(struct look *);

#endif
