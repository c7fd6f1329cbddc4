/* SPDX-License-Identifier: MIT
 * Public keys as PEM (RFC 7468), from whoever wrote them.
 */
#ifndef BASE_PEM_H
#define BASE_PEM_H

#include "base/base.h"

#include <openssl/evp.h>

/* A new key, or NULL where there is none.  One that is encrypted is none:
 * nobody is asked for a passphrase. */
EVP_PKEY *pem_public(const void *, size_t len);

#endif
