/* SPDX-License-Identifier: MIT
 * Signing keys: P-256 (ECDSA with SHA-256) or Ed25519, PEM.  The algorithm
 * follows from the type of the trusted key and from nothing else; every
 * other kind of key is refused.  A private key lives from keys_private() to
 * keys_release(), which wipes it; nothing here prints key material.
 */
#ifndef REPORT_KEYS_H
#define REPORT_KEYS_H

#include "base/digest.h"

enum keys_kind {
	KEYS_P256,
	KEYS_ED25519,
	KEYS_P384, /* these two: keys_model_mem() alone */
	KEYS_P521,
};

struct keys {
	void *pkey; /* EVP_PKEY */
	enum keys_kind kind;
	struct buf pem;      /* SubjectPublicKeyInfo as PEM text */
	char id[DIGEST_HEX]; /* SHA-256 of that text */
};

/* PKCS#8 or SEC1; `passphrase` names a file whose first line unlocks an
 * encrypted key, NULL: such a key is refused. */
int keys_private(const char *path, const char *passphrase, struct keys *,
    struct err *) MUST_USE;
int keys_public(const char *path, struct keys *, struct err *) MUST_USE;
int keys_public_mem(
    const void *, size_t len, struct keys *, struct err *) MUST_USE;
/* The same, of whoever signs models. */
int keys_model_mem(
    const void *, size_t len, struct keys *, struct err *) MUST_USE;
/* From an uncompressed point of P-256 (65 bytes), from 32 bytes of Ed25519. */
int keys_point(
    const uint8_t *, size_t len, struct keys *, struct err *) MUST_USE;
int keys_ed25519(
    const uint8_t *, size_t len, struct keys *, struct err *) MUST_USE;
/* That of an EVP_PKEY, which becomes the keys' own. */
int keys_take(void *pkey, struct keys *, struct err *) MUST_USE;
void keys_release(struct keys *);

/* "ECDSA P-256, SHA-256", "Ed25519", ... */
const char *keys_kind_name(enum keys_kind);

/* ECDSA signatures are DER. */
int keys_sign(const struct keys *, const void *, size_t len, struct buf *sig,
    struct err *) MUST_USE;
/* ERR_FORMAT when the signature does not belong to these bytes and key. */
int keys_verify(const struct keys *, const void *, size_t len, const void *sig,
    size_t siglen, struct err *) MUST_USE;

#endif
