/* SPDX-License-Identifier: MIT
 * Signing keys that stay in a token: a PKCS#11 module (an HSM, a smart card)
 * named by a URI (RFC 7512), reached through p11-kit.  The module is loaded,
 * used and closed within one call; the key never leaves it.
 *
 * The module is module-path= of the URI where it is given, else each that
 * p11-kit is configured with is searched.  The PIN is pin-value= of the URI,
 * the file of pin-source=, or the first line of `pin_file`.
 */
#ifndef REPORT_TOKEN_H
#define REPORT_TOKEN_H

#include "report/keys.h"

/* "pkcs11:..." */
bool token_is_uri(const char *);
/* The public half of the one private key that the URI means. */
int token_public(const char *uri, const char *pin_file, struct keys *,
    struct err *) MUST_USE;
/* Sign as keys_sign() does; `pub` says which kind of key it is. */
int token_sign(const char *uri, const char *pin_file, const struct keys *pub,
    const void *, size_t len, struct buf *sig, struct err *) MUST_USE;

#endif
