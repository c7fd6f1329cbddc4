/* SPDX-License-Identifier: MIT
 * Who signs: a key file, a token (PKCS#11), a command of the user's, or
 * nobody here (a signature that is brought along later).  Whatever it is, a
 * signature counts only when the public key that was named before verifies
 * it.
 */
#ifndef REPORT_SIGNER_H
#define REPORT_SIGNER_H

#include "report/keys.h"

/* As the options say; all may be NULL. */
struct signer {
	const char *key;        /* a PEM file, or a pkcs11: URI */
	const char *passphrase; /* a file: of an encrypted key, or the PIN */
	const char *command;    /* reads what is to be signed, writes the
				 * signature: DER for P-256, 64 bytes else */
	const char *public_key; /* a PEM file; needed with `command` */
};

/* True when there is something that signs. */
bool signer_signs(const struct signer *);
/*
 * The public key, its private half tried where that costs nothing (a file).
 * ERR_USAGE when the options do not fit together.
 */
int signer_public(const struct signer *, struct keys *, struct err *) MUST_USE;
/* A signature of these bytes, verified by `pub`. */
int signer_sign(const struct signer *, const struct keys *pub, const void *,
    size_t len, struct buf *sig, struct err *) MUST_USE;

#endif
