/* SPDX-License-Identifier: MIT
 * Pickles at any place of a file that is none: what carries one for another
 * program to load.
 */
#ifndef AUDIT_CHECK_EMBED_PICKLE_H
#define AUDIT_CHECK_EMBED_PICKLE_H

#include "base/find.h"

/* Add the beginnings of what is looked for, in buckets from `bucket` to 7. */
void check_embed_pickle_add(struct find *, unsigned bucket);

/*
 * The name of a function that runs programs or code, as opcodes of a pickle
 * (GLOBAL; or two strings and STACK_GLOBAL, with or without MEMOIZE) import it
 * at p; else NULL.  The shortest is 96 bits long.
 */
const char *check_embed_pickle(const uint8_t *p, size_t len);

#endif
