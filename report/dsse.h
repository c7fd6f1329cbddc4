/* SPDX-License-Identifier: MIT
 * DSSE 1.0 envelopes (in-toto, secure-systems-lab/dsse protocol.md) with
 * exactly one signature, in a Sigstore bundle v0.3.  What is read is strict:
 * no duplicate and no unknown fields, since nothing outside the payload is
 * signed.  The payload is handed out only as the bytes that were verified.
 */
#ifndef REPORT_DSSE_H
#define REPORT_DSSE_H

#include "report/keys.h"

#define DSSE_PAYLOAD_TYPE "application/vnd.in-toto+json"
#define DSSE_MEDIA_TYPE   "application/vnd.dev.sigstore.bundle.v0.3+json"

struct dsse {
	struct buf type; /* payloadType, text */
	struct buf payload;
	struct buf sig;
	struct buf certificate; /* of the signer, DER; empty: a key only */
	struct buf stamp;       /* RFC 3161 answer, DER; empty: none */
	struct buf keyid;       /* a hint, no more */
};

/* "DSSEv1 SP len(type) SP type SP len(body) SP body": what is signed. */
void dsse_pae(
    const void *type, size_t tlen, const void *body, size_t len, struct buf *);

/* The bundle as JSON text, with a newline; its type is DSSE_PAYLOAD_TYPE. */
void dsse_write(const struct dsse *, struct buf *out);

/* ERR_FORMAT naming the field that is wrong.  Nothing is verified yet. */
int dsse_read(const void *, size_t len, struct dsse *, struct err *) MUST_USE;
/* Signature first, then the payload's type. */
int dsse_verify(
    const struct dsse *, const struct keys *, struct err *) MUST_USE;
void dsse_release(struct dsse *);

#endif
