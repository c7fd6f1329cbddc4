/* SPDX-License-Identifier: MIT */
#include "report/keys.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/pem.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define PASSPHRASE_MAX 1024

struct passphrase {
	const uint8_t *ptr;
	size_t len;
	bool asked;
};

/* pem_password_cb: never the terminal, only what --passphrase named. */
static int
give_passphrase(char *out, int size, int writing, void *ctx)
{
	struct passphrase *p = ctx;

	(void)writing;
	p->asked = true;
	if (p->ptr == NULL || size < 0 || p->len > (size_t)size)
		return -1;
	memcpy(out, p->ptr, p->len);
	return (int)p->len;
}

static const struct {
	enum keys_kind kind;
	const char *curve; /* as OpenSSL has it */
	bool report;       /* good for a report */
	const char *name;
} kinds[] = {
    {KEYS_P256, "prime256v1", true, "ECDSA P-256, SHA-256"},
    {KEYS_ED25519, NULL, true, "Ed25519"},
    {KEYS_P384, "secp384r1", false, "ECDSA P-384, SHA-384"},
    {KEYS_P521, "secp521r1", false, "ECDSA P-521, SHA-512"},
};

/* Settle the kind, or refuse. */
static int
classify(struct keys *k, bool model, struct err *e)
{
	const char *accepted =
	    model ? "P-256, P-384, P-521 or Ed25519" : "P-256 or Ed25519";
	char group[64] = "";
	size_t n = 0;

	if (EVP_PKEY_is_a(k->pkey, "ED25519")) {
		k->kind = KEYS_ED25519;
		return 0;
	}
	if (!EVP_PKEY_is_a(k->pkey, "EC"))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "a key of type %s is not accepted: %s is",
		    EVP_PKEY_get0_type_name(k->pkey), accepted);
	if (EVP_PKEY_get_utf8_string_param(k->pkey, OSSL_PKEY_PARAM_GROUP_NAME,
		group, sizeof(group), &n) != 1)
		group[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].curve != NULL &&
		    strcmp(kinds[i].curve, group) == 0 &&
		    (model || kinds[i].report)) {
			k->kind = kinds[i].kind;
			return 0;
		}
	return err_set(e, ERR_FORMAT, ERR_NOWHERE,
	    "an EC key on %s is not accepted: %s is",
	    group[0] != '\0' ? group : "a curve without a name", accepted);
}

/* The public part as PEM, and its digest, which is the key's id. */
static int
describe(struct keys *k, struct err *e)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct digest d;
	char *text;
	long len;

	if (bio == NULL || PEM_write_bio_PUBKEY(bio, k->pkey) != 1 ||
	    (len = BIO_get_mem_data(bio, &text)) <= 0) {
		BIO_free(bio);
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the public part of the key cannot be written");
	}
	buf_append(&k->pem, text, (size_t)len);
	BIO_free(bio);
	digest_mem(k->pem.ptr, k->pem.len, &d);
	digest_hex(&d, k->id);
	return 0;
}

static int
settle(struct keys *k, bool model, struct err *e)
{
	int rc;

	if ((rc = classify(k, model, e)) != 0 || (rc = describe(k, e)) != 0)
		keys_release(k);
	return rc;
}

static int
parse_private(const struct file_map *m, struct passphrase *pass, struct keys *k,
    struct err *e)
{
	BIO *bio = BIO_new_mem_buf(
	    m->ptr != NULL ? (const char *)m->ptr : "", (int)m->len);

	if (bio == NULL)
		BUG("out of memory");
	k->pkey = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, pass);
	BIO_free(bio);
	ERR_clear_error();
	if (k->pkey != NULL)
		return settle(k, false, e);
	if (pass->asked)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    pass->ptr != NULL
			? "the passphrase does not open this key"
			: "the key is encrypted and no passphrase was given");
	return err_set(
	    e, ERR_FORMAT, ERR_NOWHERE, "not a private key in PEM form");
}

/* A key file is bounded and regular; what is not one is a fault, not a
 * thing that we merely do not support. */
static int
map_key(const char *path, struct file_map *m, struct err *e)
{
	int rc = file_map(path, LIMIT_KEY_FILE, m, e);

	if (rc == ERR_UNSUPPORTED)
		rc = e->code = ERR_FORMAT;
	return rc;
}

int
keys_private(
    const char *path, const char *passphrase, struct keys *k, struct err *e)
{
	struct file_map m, p = {0};
	struct passphrase pass = {0};
	int rc;

	*k = (struct keys){0};
	if ((rc = map_key(path, &m, e)) != 0)
		return rc;
	if (passphrase != NULL && (rc = map_key(passphrase, &p, e)) != 0) {
		file_unmap(&m);
		return rc;
	}
	if (passphrase != NULL) {
		/* the mapping is read-only: no copy of ours to wipe */
		pass.ptr = p.ptr != NULL ? p.ptr : (const uint8_t *)"";
		while (pass.len < p.len && pass.len < PASSPHRASE_MAX &&
		       pass.ptr[pass.len] != '\n' && pass.ptr[pass.len] != '\r')
			pass.len++;
	}
	if ((rc = parse_private(&m, &pass, k, e)) != 0)
		err_in(e, path);
	file_unmap(&m);
	file_unmap(&p);
	return rc;
}

static int
parse_public(
    const void *p, size_t len, bool model, struct keys *k, struct err *e)
{
	*k = (struct keys){.pkey = pem_public(p, len)};
	if (k->pkey == NULL)
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "not a public key in PEM form");
	return settle(k, model, e);
}

int
keys_public_mem(const void *p, size_t len, struct keys *k, struct err *e)
{
	return parse_public(p, len, false, k, e);
}

int
keys_model_mem(const void *p, size_t len, struct keys *k, struct err *e)
{
	return parse_public(p, len, true, k, e);
}

int
keys_public(const char *path, struct keys *k, struct err *e)
{
	struct file_map m;
	int rc;

	*k = (struct keys){0};
	if ((rc = map_key(path, &m, e)) != 0)
		return rc;
	if ((rc = keys_public_mem(m.ptr, m.len, k, e)) != 0)
		err_in(e, path);
	file_unmap(&m);
	return rc;
}

int
keys_take(void *pkey, struct keys *k, struct err *e)
{
	*k = (struct keys){.pkey = pkey};
	ERR_clear_error();
	if (pkey == NULL)
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "not the public half of a key");
	return settle(k, false, e);
}

int
keys_point(const uint8_t *p, size_t len, struct keys *k, struct err *e)
{
	char group[] = "prime256v1";
	OSSL_PARAM how[] = {
	    OSSL_PARAM_construct_utf8_string(
		OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	    OSSL_PARAM_construct_octet_string(
		OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)p, len),
	    OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *pkey = NULL;

	if (c == NULL || EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, &pkey, EVP_PKEY_PUBLIC_KEY, how) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(c);
	return keys_take(pkey, k, e);
}

int
keys_ed25519(const uint8_t *p, size_t len, struct keys *k, struct err *e)
{
	return keys_take(
	    EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, p, len), k, e);
}

void
keys_release(struct keys *k)
{
	EVP_PKEY_free(k->pkey); /* clears the private part */
	buf_free(&k->pem);
	*k = (struct keys){0};
}

const char *
keys_kind_name(enum keys_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	BUG("a kind of key without a name");
}

static const EVP_MD *
message_digest(const struct keys *k)
{
	switch (k->kind) {
	case KEYS_P256:
		return EVP_sha256();
	case KEYS_P384:
		return EVP_sha384();
	case KEYS_P521:
		return EVP_sha512();
	case KEYS_ED25519:
		break;
	}
	return NULL;
}

int
keys_sign(const struct keys *k, const void *p, size_t len, struct buf *sig,
    struct err *e)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t out[256];
	size_t n = sizeof(out);
	bool ok;

	ok = c != NULL &&
	     EVP_DigestSignInit(c, NULL, message_digest(k), NULL, k->pkey) ==
		 1 &&
	     EVP_DigestSign(c, out, &n, p, len) == 1;
	EVP_MD_CTX_free(c);
	ERR_clear_error();
	if (!ok)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the key cannot sign (is it a private key?)");
	buf_append(sig, out, n);
	return 0;
}

int
keys_verify(const struct keys *k, const void *p, size_t len, const void *sig,
    size_t siglen, struct err *e)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok;

	ok = c != NULL &&
	     EVP_DigestVerifyInit(c, NULL, message_digest(k), NULL, k->pkey) ==
		 1 &&
	     EVP_DigestVerify(c, sig, siglen, p, len) == 1;
	EVP_MD_CTX_free(c);
	ERR_clear_error();
	if (!ok)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the signature does not match (%s)",
		    keys_kind_name(k->kind));
	return 0;
}
