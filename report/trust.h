/* SPDX-License-Identifier: MIT
 * Whose signature counts: that of one public key, or that of whoever an
 * authority vouches for by name.  All trust comes from what the verifier's
 * user names; what the report brings is material, never a reason.
 */
#ifndef REPORT_TRUST_H
#define REPORT_TRUST_H

#include "report/dsse.h"

struct trust {
	const char *key;      /* a public key, PEM; or */
	const char *ca;       /* authorities, PEM, and */
	const char *identity; /* the name that the certificate must have */
	const char *between;  /* intermediates, PEM, or NULL */
	const char *tsa; /* authorities of time, PEM; NULL: no stamp needed */
};

struct trusted {
	struct keys key;
	bool stamped; /* there is a stamp of this signature */
	bool by_tsa;  /* and it is trusted */
	int64_t time; /* of the stamp, in seconds */
};

/* Can what the user named be used at all?  Reads the key into *out, which is
 * released by trust_release() in any case. */
int trust_open(
    const struct trust *, struct trusted *out, struct err *) MUST_USE;
/* Verify signature, certificate and stamp; of a certificate, its key is in
 * *out afterwards. */
int trust_check(const struct trust *, const struct dsse *, struct trusted *out,
    struct err *) MUST_USE;
void trust_release(struct trusted *);

#endif
