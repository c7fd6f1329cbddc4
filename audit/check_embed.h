/* SPDX-License-Identifier: MIT
 * Programs and pickles where a format has room for anything.
 */
#ifndef AUDIT_CHECK_EMBED_H
#define AUDIT_CHECK_EMBED_H

#include "audit/check_tell.h"

/* Bytes of a header or comment, which stand at `at` in the file: FILE_EMBEDDED
 * for each program and each pickle in it that runs something. */
void check_embed_in(const struct check_file *, struct rd, uint64_t at);

#endif
