/* SPDX-License-Identifier: MIT */
#include "base/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

/* pem_password_cb: without one OpenSSL asks at the terminal. */
static int
no_passphrase(char *out, int size, int writing, void *ctx)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

EVP_PKEY *
pem_public(const void *p, size_t len)
{
	EVP_PKEY *k;
	BIO *bio;

	if (len == 0 || len > INT32_MAX)
		return NULL;
	if ((bio = BIO_new_mem_buf(p, (int)len)) == NULL)
		BUG("out of memory");
	k = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	ERR_clear_error();
	return k;
}
