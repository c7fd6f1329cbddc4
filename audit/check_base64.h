/* SPDX-License-Identifier: MIT
 * Base64 (RFC 4648, both alphabets, line ends between) in texts of
 * configurations and metadata.
 */
#ifndef AUDIT_CHECK_BASE64_H
#define AUDIT_CHECK_BASE64_H

#include "audit/check.h"

/* The length of what s stands for, written to out, which holds len bytes; 0:
 * it is no base64.  What stands behind a '=' does not count. */
size_t check_base64_decode(const char *s, size_t len, uint8_t *out);

/* When s begins as base64 of a pickle, of marshalled code, of an archive or of
 * a program does, look at that as at a file; `off` is its place, for the name. */
void check_base64(
    const struct check_file *, const char *s, size_t len, uint64_t off);

#endif
