/* SPDX-License-Identifier: MIT */
#include "report/token.h"

#include "base/file.h"
#include "base/limits.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include <string.h>

#define PIN_MAX   256
#define POINT_MAX 128
#define SLOTS_MAX 256

/* A module in use, and the session in which the key was found. */
struct session {
	P11KitUri *uri;
	CK_FUNCTION_LIST **list; /* those of p11-kit's configuration */
	CK_FUNCTION_LIST *own;   /* that of module-path */
	CK_FUNCTION_LIST *f;     /* the one that has the key */
	CK_SESSION_HANDLE h;
	CK_OBJECT_HANDLE key;
	bool open;
	uint8_t pin[PIN_MAX];
	size_t pin_len;
};

bool
token_is_uri(const char *s)
{
	return strncmp(s, "pkcs11:", 7) == 0;
}

static int
refuse(struct err *e, const char *what, CK_RV rv)
{
	return err_set(e, ERR_FORMAT, ERR_NOWHERE, "token: %s: %s", what,
	    p11_kit_strerror(rv));
}

/* --- the PIN -------------------------------------------------------------- */

static int
pin_of_file(struct session *s, const char *path, struct err *e)
{
	struct file_map m;
	int rc = file_map(path, LIMIT_KEY_FILE, &m, e);

	if (rc != 0)
		return rc;
	while (s->pin_len < m.len && s->pin_len < PIN_MAX &&
	       m.ptr[s->pin_len] != '\n' && m.ptr[s->pin_len] != '\r')
		s->pin_len++;
	if (s->pin_len != 0)
		memcpy(s->pin, m.ptr, s->pin_len);
	file_unmap(&m);
	return 0;
}

static int
find_pin(struct session *s, const char *pin_file, struct err *e)
{
	const char *value = p11_kit_uri_get_pin_value(s->uri);
	const char *source = p11_kit_uri_get_pin_source(s->uri);

	if (value != NULL) {
		s->pin_len = MIN(strlen(value), PIN_MAX);
		memcpy(s->pin, value, s->pin_len);
		return 0;
	}
	if (source != NULL)
		return pin_of_file(s,
		    strncmp(source, "file:", 5) == 0 ? source + 5 : source, e);
	return pin_file != NULL ? pin_of_file(s, pin_file, e) : 0;
}

/* --- finding the key ------------------------------------------------------ */

/* The private key in an open session: 1 found, 0 none, or negative ERR. */
static int
find_key(struct session *s, struct err *e)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE want[3] = {{CKA_CLASS, &class, sizeof(class)}};
	CK_OBJECT_HANDLE found[2];
	CK_ULONG n = 1, got = 0;
	CK_ATTRIBUTE_PTR id, label;

	if ((id = p11_kit_uri_get_attribute(s->uri, CKA_ID)) != NULL)
		want[n++] = *id;
	if ((label = p11_kit_uri_get_attribute(s->uri, CKA_LABEL)) != NULL)
		want[n++] = *label;
	if (s->f->C_FindObjectsInit(s->h, want, n) != CKR_OK)
		return 0;
	if (s->f->C_FindObjects(s->h, found, 2, &got) != CKR_OK)
		got = 0;
	s->f->C_FindObjectsFinal(s->h);
	if (got > 1)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "token: several private keys fit the URI: add id= or "
		    "object=");
	s->key = got == 1 ? found[0] : 0;
	return got == 1;
}

static int
try_slot(struct session *s, CK_FUNCTION_LIST *f, CK_SLOT_ID slot, struct err *e)
{
	CK_TOKEN_INFO info;
	CK_RV rv;
	int rc;

	if (f->C_GetTokenInfo(slot, &info) != CKR_OK ||
	    !p11_kit_uri_match_token_info(s->uri, &info) ||
	    f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &s->h) !=
		CKR_OK)
		return 0;
	s->f = f;
	s->open = true;
	if ((info.flags & CKF_LOGIN_REQUIRED) != 0) {
		rv = f->C_Login(s->h, CKU_USER, s->pin, s->pin_len);
		if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
			return refuse(e, "cannot log in", rv);
	}
	if ((rc = find_key(s, e)) != 0)
		return rc;
	f->C_CloseSession(s->h);
	s->open = false;
	return 0;
}

static int
try_module(struct session *s, CK_FUNCTION_LIST *f, struct err *e)
{
	CK_SLOT_ID slot[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	int rc = 0;

	if (f->C_GetSlotList(CK_TRUE, slot, &n) != CKR_OK)
		return 0;
	for (CK_ULONG i = 0; i < n && rc == 0; i++)
		rc = try_slot(s, f, slot[i], e);
	return rc;
}

static int
load(struct session *s, struct err *e)
{
	const char *path = p11_kit_uri_get_module_path(s->uri);
	CK_RV rv;

	if (path == NULL) {
		s->list = p11_kit_modules_load_and_initialize(0);
		return s->list != NULL
			   ? 0
			   : err_set(e, ERR_SYSTEM, ERR_NOWHERE,
				 "token: no PKCS#11 module is configured");
	}
	if ((s->own = p11_kit_module_load(path, 0)) == NULL) {
		err_set(e, ERR_SYSTEM, ERR_NOWHERE,
		    "token: cannot load the module");
		return err_in(e, path);
	}
	if ((rv = p11_kit_module_initialize(s->own)) != CKR_OK) {
		p11_kit_module_release(s->own);
		s->own = NULL;
		return refuse(e, "cannot start the module", rv);
	}
	return 0;
}

static void
close_session(struct session *s)
{
	if (s->open)
		s->f->C_CloseSession(s->h);
	if (s->own != NULL) {
		p11_kit_module_finalize(s->own);
		p11_kit_module_release(s->own);
	}
	if (s->list != NULL)
		p11_kit_modules_finalize_and_release(s->list);
	p11_kit_uri_free(s->uri);
	OPENSSL_cleanse(s->pin, sizeof(s->pin));
}

static int
open_session(
    struct session *s, const char *uri, const char *pin_file, struct err *e)
{
	int rc, bad;

	*s = (struct session){.uri = p11_kit_uri_new()};
	bad = p11_kit_uri_parse(
	    uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN_AND_MODULE, s->uri);
	if (bad != P11_KIT_URI_OK)
		rc = err_set(e, ERR_USAGE, ERR_NOWHERE, "not a PKCS#11 URI: %s",
		    p11_kit_uri_message(bad));
	else if ((rc = find_pin(s, pin_file, e)) == 0)
		rc = load(s, e);
	if (rc == 0 && s->own != NULL)
		rc = try_module(s, s->own, e);
	for (size_t i = 0; rc == 0 && s->list != NULL && s->list[i] != NULL;
	     i++)
		rc = try_module(s, s->list[i], e);
	if (rc == 0)
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "token: no private key fits the URI");
	if (rc < 0)
		close_session(s);
	return MIN(rc, 0);
}

/* --- the public half ------------------------------------------------------ */

/* An attribute of at most `room` bytes; false when it is not there. */
static bool
attribute(const struct session *s, CK_OBJECT_HANDLE of, CK_ATTRIBUTE_TYPE type,
    void *to, size_t room, size_t *len)
{
	CK_ATTRIBUTE a = {type, to, room};

	if (s->f->C_GetAttributeValue(s->h, of, &a, 1) != CKR_OK ||
	    a.ulValueLen == (CK_ULONG)-1)
		return false;
	*len = a.ulValueLen;
	return true;
}

/* The public key object beside the private one: the same CKA_ID. */
static bool
find_public(const struct session *s, CK_OBJECT_HANDLE *out)
{
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	uint8_t id[256];
	size_t len = 0;
	CK_ULONG got = 0;

	if (!attribute(s, s->key, CKA_ID, id, sizeof(id), &len))
		return false;
	CK_ATTRIBUTE want[] = {
	    {CKA_CLASS, &class, sizeof(class)}, {CKA_ID, id, len}};

	if (s->f->C_FindObjectsInit(s->h, want, 2) != CKR_OK)
		return false;
	if (s->f->C_FindObjects(s->h, out, 1, &got) != CKR_OK)
		got = 0;
	s->f->C_FindObjectsFinal(s->h);
	return got == 1;
}

/* CKA_EC_POINT is a DER OCTET STRING (PKCS#11 2.40, 2.3.3); some modules give
 * the bare point. */
static void
unwrap(const uint8_t **p, size_t *n)
{
	if (*n > 2 && (*p)[0] == 4 && (*p)[1] == *n - 2) {
		*p += 2;
		*n -= 2;
	}
}

static int
read_public(const struct session *s, struct keys *k, struct err *e)
{
	CK_KEY_TYPE type = 0;
	CK_OBJECT_HANDLE pub;
	uint8_t point[POINT_MAX];
	const uint8_t *p = point;
	size_t n = 0, len;

	if (!attribute(s, s->key, CKA_KEY_TYPE, &type, sizeof(type), &len) ||
	    !find_public(s, &pub) ||
	    !attribute(s, pub, CKA_EC_POINT, point, sizeof(point), &n))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "token: the key has no public half there: give "
		    "--public-key");
	unwrap(&p, &n);
	if (type == CKK_EC && n == 65)
		return keys_point(p, n, k, e);
	if (type == CKK_EC_EDWARDS && n == 32)
		return keys_ed25519(p, n, k, e);
	return err_set(e, ERR_FORMAT, ERR_NOWHERE,
	    "token: the key is neither P-256 nor Ed25519");
}

int
token_public(
    const char *uri, const char *pin_file, struct keys *k, struct err *e)
{
	struct session s;
	int rc;

	if ((rc = open_session(&s, uri, pin_file, e)) != 0)
		return rc;
	rc = read_public(&s, k, e);
	close_session(&s);
	return rc;
}

/* --- signing -------------------------------------------------------------- */

/* r and s, 32 bytes each, as DER. */
static int
to_der(const uint8_t *raw, size_t n, struct buf *sig, struct err *e)
{
	ECDSA_SIG *ec = ECDSA_SIG_new();
	BIGNUM *r, *s;
	uint8_t *der = NULL;
	int len;

	if (n != 64) {
		ECDSA_SIG_free(ec);
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "token: a signature of %zu bytes, expected 64", n);
	}
	r = BN_bin2bn(raw, 32, NULL);
	s = BN_bin2bn(raw + 32, 32, NULL);
	if (ec == NULL || r == NULL || s == NULL ||
	    ECDSA_SIG_set0(ec, r, s) != 1 ||
	    (len = i2d_ECDSA_SIG(ec, &der)) <= 0)
		BUG("out of memory");
	buf_append(sig, der, (size_t)len);
	OPENSSL_free(der);
	ECDSA_SIG_free(ec);
	return 0;
}

int
token_sign(const char *uri, const char *pin_file, const struct keys *pub,
    const void *p, size_t len, struct buf *sig, struct err *e)
{
	CK_MECHANISM how = {
	    pub->kind == KEYS_P256 ? CKM_ECDSA : CKM_EDDSA, NULL, 0};
	uint8_t raw[256];
	CK_ULONG n = sizeof(raw);
	struct session s;
	struct digest d;
	struct buf what = {0};
	CK_RV rv;
	int rc;

	if ((rc = open_session(&s, uri, pin_file, e)) != 0)
		return rc;
	if (pub->kind == KEYS_P256) {
		digest_mem(p, len, &d);
		buf_append(&what, d.byte, sizeof(d.byte));
	} else {
		buf_append(&what, p, len);
	}
	rv = s.f->C_SignInit(s.h, &how, s.key);
	if (rv == CKR_OK)
		rv = s.f->C_Sign(s.h, what.ptr, what.len, raw, &n);
	buf_free(&what);
	if (rv != CKR_OK)
		rc = refuse(e, "cannot sign", rv);
	else if (pub->kind == KEYS_P256)
		rc = to_der(raw, n, sig, e);
	else
		buf_append(sig, raw, n);
	close_session(&s);
	return rc;
}
