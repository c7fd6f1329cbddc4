/* SPDX-License-Identifier: MIT */
#include "report/signer.h"

#include "report/token.h"

#include "base/spawn.h"

/* A signature is 64 to 72 bytes; base64 or a line of text is not one. */
#define SIGNATURE_MAX 1024

bool
signer_signs(const struct signer *s)
{
	return s->key != NULL || s->command != NULL;
}

/* A private key from a file can sign, and what it signs verifies. */
static int
try_file(const struct signer *s, struct keys *k, struct err *e)
{
	struct buf sig = {0};
	int rc = keys_private(s->key, s->passphrase, k, e);

	if (rc != 0)
		return rc;
	if ((rc = keys_sign(k, "", 0, &sig, e)) == 0)
		rc = keys_verify(k, "", 0, sig.ptr, sig.len, e);
	buf_free(&sig);
	return rc;
}

/* Only the public half stays. */
static int
public_of_file(const struct signer *s, struct keys *pub, struct err *e)
{
	struct keys k;
	int rc = try_file(s, &k, e);

	if (rc == 0)
		rc = keys_public_mem(k.pem.ptr, k.pem.len, pub, e);
	keys_release(&k);
	return rc;
}

int
signer_public(const struct signer *s, struct keys *pub, struct err *e)
{
	*pub = (struct keys){0};
	if (s->key != NULL && s->command != NULL)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "--key and --sign-command are two ways of signing");
	if (s->key == NULL && s->public_key == NULL)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "--public-key is needed to check what others sign");
	if (s->public_key != NULL)
		return keys_public(s->public_key, pub, e);
	if (token_is_uri(s->key))
		return token_public(s->key, s->passphrase, pub, e);
	return public_of_file(s, pub, e);
}

static int
sign_file(const struct signer *s, const struct keys *pub, const void *p,
    size_t len, struct buf *sig, struct err *e)
{
	struct keys k;
	int rc = keys_private(s->key, s->passphrase, &k, e);

	if (rc != 0)
		return rc;
	if (strcmp(k.id, pub->id) != 0)
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the private key does not belong to the public one");
	else
		rc = keys_sign(&k, p, len, sig, e);
	keys_release(&k);
	return rc;
}

static int
sign_command(const struct signer *s, const void *p, size_t len, struct buf *sig,
    struct err *e)
{
	int status = 0, rc;

	rc = spawn_filter(s->command, p, len, SIGNATURE_MAX, sig, &status, e);
	if (rc == 0 && status != 0)
		rc = err_set(e, ERR_SYSTEM, ERR_NOWHERE,
		    "--sign-command ended with status %d", status);
	return rc;
}

int
signer_sign(const struct signer *s, const struct keys *pub, const void *p,
    size_t len, struct buf *sig, struct err *e)
{
	int rc;

	if (s->command != NULL)
		rc = sign_command(s, p, len, sig, e);
	else if (token_is_uri(s->key))
		rc = token_sign(s->key, s->passphrase, pub, p, len, sig, e);
	else
		rc = sign_file(s, pub, p, len, sig, e);
	return rc != 0 ? rc : keys_verify(pub, p, len, sig->ptr, sig->len, e);
}
