/* SPDX-License-Identifier: MIT
 * Base64 in texts of configurations and metadata.
 */
#ifndef AUDIT_CHECK_BASE64_H
#define AUDIT_CHECK_BASE64_H

#include "audit/check.h"

/* When the text begins as base64 of a pickle, of an archive, of a program or of
 * a document does, or is one in hexadecimal or base85, look at that as at a
 * file; `off` is its place, for the name. */
void check_base64(const struct check_file *, struct slice, uint64_t off);
/* It may be the base64 of a pickle of protocol 0 or 1 that begins with a name or
 * a mark: only what it is decoded to shows. */
bool check_base64_old(struct slice);

#endif
