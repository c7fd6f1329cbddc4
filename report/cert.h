/* SPDX-License-Identifier: MIT
 * The certificate of whoever signed: one leaf for code signing.  Trust comes
 * from the --ca file alone; intermediates may come from anywhere, a root that
 * is sent along counts for nothing.
 */
#ifndef REPORT_CERT_H
#define REPORT_CERT_H

#include "report/keys.h"

/* OpenSSL's level of security for all of a chain: 112 bits.  By default it
 * takes certificates signed by way of MD5 or SHA-1, which can be forged. */
#define CERT_LEVEL 2

struct cert {
	void *x509;
	struct buf der;
};

/* One certificate, PEM. */
int cert_read(const char *path, struct cert *, struct err *) MUST_USE;
/* DER, all of it. */
int cert_parse(const void *, size_t len, struct cert *, struct err *) MUST_USE;
void cert_release(struct cert *);

/* The key that it is for; ERR_FORMAT when that is none of ours. */
int cert_key(const struct cert *, struct keys *, struct err *) MUST_USE;
/* Is it for signing code?  Key usage digitalSignature, extended key usage
 * codeSigning, both there, and no CA. */
int cert_usage(const struct cert *, struct err *) MUST_USE;
/*
 * A chain to a certificate of the file `ca` (PEM, one or more), by those of
 * `between` (PEM; or NULL), at the time `when`.
 */
int cert_chain(const struct cert *, const char *ca, const char *between,
    int64_t when, struct err *) MUST_USE;
/* The file has certificates, and no more than a chain. */
int cert_file(const char *path, struct err *) MUST_USE;
/* One of its names (e-mail or URI of subjectAltName) is exactly this. */
bool cert_names(const struct cert *, const char *name);

#endif
