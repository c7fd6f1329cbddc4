/* SPDX-License-Identifier: MIT
 * Timestamps (RFC 3161) of a signature: the request that a time-stamping
 * authority is sent, and what it answers.  Both are files: how they travel is
 * the user's business.
 */
#ifndef REPORT_STAMP_H
#define REPORT_STAMP_H

#include "base/buf.h"
#include "base/err.h"

/* A request for the SHA-256 of these bytes, DER; its certificate is asked for. */
void stamp_query(const void *sig, size_t len, struct buf *out);
/* An answer (TimeStampResp, DER) that grants a stamp of these bytes: its time
 * in seconds, so far on nobody's word. */
int stamp_read(const void *answer, size_t alen, const void *sig, size_t len,
    int64_t *when, struct err *) MUST_USE;
/* The same, signed by an authority that leads to one of the file `ca` (PEM) at
 * that time. */
int stamp_verify(const void *answer, size_t alen, const void *sig, size_t len,
    const char *ca, int64_t *when, struct err *) MUST_USE;

#endif
