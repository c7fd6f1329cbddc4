/* SPDX-License-Identifier: MIT
 * One static check over bytes, or all of them, for fuzz targets and tests: what
 * was found.  What targets have in common: bytes that a strict reader refuses
 * are never clean.
 */
#ifndef TESTS_FUZZ_LOOK_H
#define TESTS_FUZZ_LOOK_H

#include "audit/check.h"

struct look {
	json_t *findings;
	struct check_sink sink;
	struct identify_bids bids;
};

/* `path` is the name that the bytes go by; NULL for a check: all of them.
 * Ends with look_end(). */
void look_at(struct look *, void (*check)(const struct check_file *),
    const char *path, struct rd);
/* The severity of the worst finding; SEVERITY_NOTE when there is none. */
enum finding_severity look_worst(const struct look *);
/* It was looked at to its end, and nothing wants a person. */
bool look_clean(const struct look *);
/* A finding with that id. */
bool look_has(const struct look *, const char *id);
void look_end(struct look *);

/* A message of protocol buffers, fields by field, has an end. */
bool look_is_message(struct rd);

#endif
