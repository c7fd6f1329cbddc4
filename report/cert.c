/* SPDX-License-Identifier: MIT
 * RFC 5280 by OpenSSL.
 */
#include "report/cert.h"

#include "base/file.h"
#include "base/limits.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* Root, two intermediates, leaf: nobody has more. */
#define CERT_DEPTH 3
#define CERT_CHAIN 16

static int
take(X509 *x, struct cert *c, struct err *e)
{
	unsigned char *der = NULL;
	int len;

	*c = (struct cert){.x509 = x};
	ERR_clear_error();
	if (x == NULL)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE, "not a certificate");
	if ((len = i2d_X509(x, &der)) <= 0)
		BUG("out of memory");
	buf_append(&c->der, der, (size_t)len);
	OPENSSL_free(der);
	return 0;
}

static BIO *
open_pem(const char *path, struct file_map *m, struct err *e)
{
	BIO *bio;

	if (file_map(path, LIMIT_KEY_FILE, m, e) != 0)
		return NULL;
	bio = BIO_new_mem_buf(
	    m->ptr != NULL ? (const char *)m->ptr : "", (int)m->len);
	if (bio == NULL)
		BUG("out of memory");
	return bio;
}

int
cert_read(const char *path, struct cert *c, struct err *e)
{
	struct file_map m;
	BIO *bio = open_pem(path, &m, e);
	int rc;

	*c = (struct cert){0};
	if (bio == NULL)
		return e->code;
	if ((rc = take(PEM_read_bio_X509(bio, NULL, NULL, NULL), c, e)) != 0)
		err_in(e, path);
	BIO_free(bio);
	file_unmap(&m);
	return rc;
}

int
cert_parse(const void *p, size_t len, struct cert *c, struct err *e)
{
	const unsigned char *at = p;
	X509 *x = len <= INT32_MAX ? d2i_X509(NULL, &at, (long)len) : NULL;

	if (x != NULL && at != (const unsigned char *)p + len) {
		X509_free(x);
		x = NULL;
	}
	return take(x, c, e);
}

void
cert_release(struct cert *c)
{
	X509_free(c->x509);
	buf_free(&c->der);
	*c = (struct cert){0};
}

int
cert_key(const struct cert *c, struct keys *k, struct err *e)
{
	return keys_take(X509_get_pubkey(c->x509), k, e);
}

int
cert_usage(const struct cert *c, struct err *e)
{
	uint32_t flags = X509_get_extension_flags(c->x509);
	const char *why = NULL;

	if ((flags & EXFLAG_INVALID) != 0)
		why = "has extensions that are not valid";
	else if ((flags & EXFLAG_CA) != 0)
		why = "is that of an authority";
	else if ((flags & EXFLAG_KUSAGE) == 0 ||
		 (X509_get_key_usage(c->x509) & KU_DIGITAL_SIGNATURE) == 0)
		why = "has not the key usage digitalSignature";
	else if ((flags & EXFLAG_XKUSAGE) == 0 ||
		 (X509_get_extended_key_usage(c->x509) & XKU_CODE_SIGN) == 0)
		why = "has not the extended key usage codeSigning";
	if (why != NULL)
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "the certificate %s", why);
	return 0;
}

/* Certificates of a PEM file, at most CERT_CHAIN, onto the list. */
static int
read_list(const char *path, STACK_OF(X509) * list, struct err *e)
{
	struct file_map m;
	BIO *bio = open_pem(path, &m, e);
	X509 *x;
	int rc = 0;

	if (bio == NULL)
		return e->code;
	while (
	    rc == 0 && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_num(list) >= CERT_CHAIN ||
		    sk_X509_push(list, x) <= 0) {
			X509_free(x);
			rc = err_set(e, ERR_LIMIT, ERR_NOWHERE,
			    "more than %d certificates", CERT_CHAIN);
		}
	}
	ERR_clear_error();
	if (rc == 0 && sk_X509_num(list) == 0)
		rc = err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "no certificate in PEM form");
	if (rc != 0)
		err_in(e, path);
	BIO_free(bio);
	file_unmap(&m);
	return rc;
}

int
cert_file(const char *path, struct err *e)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	int rc;

	if (list == NULL)
		BUG("out of memory");
	rc = read_list(path, list, e);
	sk_X509_pop_free(list, X509_free);
	return rc;
}

/* A certificate above the signer's that is only for other uses (a web server's
 * authority) vouches for no code, though RFC 5280 leaves that open.  The root
 * is the user's, who says what it is for. */
static int
check_between(X509_STORE_CTX *ctx, struct err *e)
{
	const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);

	for (int i = 1; i + 1 < sk_X509_num(chain); i++) {
		X509 *x = sk_X509_value(chain, i);

		if ((X509_get_extension_flags(x) & EXFLAG_XKUSAGE) != 0 &&
		    (X509_get_extended_key_usage(x) &
			(XKU_CODE_SIGN | XKU_ANYEKU)) == 0)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "an authority between is not for signing code");
	}
	return 0;
}

static int
verify_chain(const struct cert *c, X509_STORE *store, STACK_OF(X509) * between,
    int64_t when, struct err *e)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *how;
	int rc = 0, bad;

	if (ctx == NULL ||
	    X509_STORE_CTX_init(ctx, store, c->x509, between) != 1)
		BUG("out of memory");
	how = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_depth(how, CERT_DEPTH);
	X509_VERIFY_PARAM_set_time(how, (time_t)when);
	X509_VERIFY_PARAM_set_flags(how, X509_V_FLAG_X509_STRICT);
	X509_VERIFY_PARAM_set_auth_level(how, CERT_LEVEL);
	if (X509_verify_cert(ctx) == 1) {
		rc = check_between(ctx, e);
	} else {
		bad = X509_STORE_CTX_get_error(ctx);
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the certificate does not lead to the authority: %s",
		    X509_verify_cert_error_string(bad));
	}
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}

int
cert_chain(const struct cert *c, const char *ca, const char *between,
    int64_t when, struct err *e)
{
	STACK_OF(X509) *roots = sk_X509_new_null(),
		       *middle = sk_X509_new_null();
	X509_STORE *store = X509_STORE_new();
	int rc;

	if (roots == NULL || middle == NULL || store == NULL)
		BUG("out of memory");
	rc = read_list(ca, roots, e);
	if (rc == 0 && between != NULL)
		rc = read_list(between, middle, e);
	for (int i = 0; rc == 0 && i < sk_X509_num(roots); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(roots, i)) != 1)
			BUG("out of memory");
	if (rc == 0)
		rc = verify_chain(c, store, middle, when, e);
	sk_X509_pop_free(roots, X509_free);
	sk_X509_pop_free(middle, X509_free);
	X509_STORE_free(store);
	return rc;
}

bool
cert_names(const struct cert *c, const char *name)
{
	GENERAL_NAMES *all =
	    X509_get_ext_d2i(c->x509, NID_subject_alt_name, NULL, NULL);
	size_t len = strlen(name);
	bool is = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);
		const ASN1_STRING *s = NULL;

		if (one->type == GEN_EMAIL)
			s = one->d.rfc822Name;
		else if (one->type == GEN_URI)
			s = one->d.uniformResourceIdentifier;
		/* the length too: a name may hold a NUL */
		is =
		    is || (s != NULL && ASN1_STRING_length(s) == (int)len &&
			      memcmp(ASN1_STRING_get0_data(s), name, len) == 0);
	}
	GENERAL_NAMES_free(all);
	return is;
}
