/* SPDX-License-Identifier: MIT
 * Base64 in texts of configurations and metadata.
 */
#ifndef AUDIT_CHECK_BASE64_H
#define AUDIT_CHECK_BASE64_H

#include "audit/check.h"

/* When the text begins as base64 of a pickle, of an archive, of a program or of
 * a document does, look at that as at a file; `off` is its place, for the name. */
void check_base64(const struct check_file *, struct slice, uint64_t off);

#endif
