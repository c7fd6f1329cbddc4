/* SPDX-License-Identifier: MIT
 * The signed file of a report, made at once or in steps: a signature that was
 * made elsewhere, or a timestamp, is added to a report that is there.
 */
#ifndef REPORT_ENVELOPE_H
#define REPORT_ENVELOPE_H

#include "report/dsse.h"
#include "report/signer.h"

#include "base/json.h"

/* In a report directory. */
#define ENVELOPE_FILE  "audit.sigstore.json"
#define ENVELOPE_KEY   "public.pem"
#define ENVELOPE_STATE "statement.json"
#define ENVELOPE_MODEL "model.sig"

struct envelope_who {
	const struct signer *signer;
	const struct keys *pub;
	const char *certificate; /* PEM, for the same key; or NULL */
};

/* Sign a payload; *sig (may be NULL) gets the signature as well. */
int envelope_make(const struct envelope_who *, const void *payload, size_t len,
    struct buf *out, struct buf *sig, struct err *) MUST_USE;

/* Is the certificate in this file (PEM) for the key, and for signing?  Then
 * its DER is appended; `der` may be NULL. */
int envelope_certificate(const char *path, const struct keys *, struct buf *der,
    struct err *) MUST_USE;

/* Put a signature of DIR's statement beside it; the key is DIR's own. */
int envelope_attach_signature(const char *dir, const char *sig_path,
    const char *certificate, struct err *) MUST_USE;
/* Write the request for a timestamp of DIR's signature. */
int envelope_query(
    const char *dir, const char *query_path, struct err *) MUST_USE;
/* Put an authority's answer into DIR's signed file. */
int envelope_attach_stamp(
    const char *dir, const char *answer_path, struct err *) MUST_USE;

/* A report directory, by its statement. */
bool envelope_is_report(const char *dir);
/* The statement of a report, by its directory, its own name or that of the signed
 * file; what nobody verified, but a model audit with a verdict, else ERR_FORMAT.
 * A new reference. */
int envelope_statement(const char *path, json_t **out, struct err *) MUST_USE;

#endif
