/* SPDX-License-Identifier: MIT */
#include "report/dsse.h"

#include "base/json.h"

void
dsse_pae(const void *type, size_t tlen, const void *body, size_t len,
    struct buf *out)
{
	buf_printf(out, "DSSEv1 %zu ", tlen);
	buf_append(out, type, tlen);
	buf_printf(out, " %zu ", len);
	buf_append(out, body, len);
}

static json_t *
base64(const struct buf *b)
{
	struct buf text = {0};
	json_t *j;

	digest_base64(b->ptr, b->len, &text);
	j = json_text(buf_str(&text));
	buf_free(&text);
	return j;
}

/* protobuf-specs sigstore_bundle.proto: hint and keyid are the same text. */
static json_t *
material_json(const struct dsse *d, const char *id)
{
	json_t *material = json_object(), *who = json_object();
	json_t *stamps, *stamp, *list;

	if (d->certificate.len != 0) {
		json_put(who, "rawBytes", base64(&d->certificate));
		json_put(material, "certificate", who);
	} else {
		json_put(who, "hint", json_text(id));
		json_put(material, "publicKey", who);
	}
	json_put(material, "tlogEntries", json_array());
	if (d->stamp.len == 0)
		return material;
	stamps = json_object();
	stamp = json_object();
	list = json_array();
	json_put(stamp, "signedTimestamp", base64(&d->stamp));
	json_add(list, stamp);
	json_put(stamps, "rfc3161Timestamps", list);
	json_put(material, "timestampVerificationData", stamps);
	return material;
}

void
dsse_write(const struct dsse *d, struct buf *out)
{
	json_t *bundle = json_object(), *env = json_object();
	json_t *sig = json_object(), *sigs = json_array();
	struct buf id = {0};

	buf_append(&id, d->keyid.ptr, d->keyid.len);
	json_put(sig, "keyid", json_text(buf_str(&id)));
	json_put(sig, "sig", base64(&d->sig));
	json_add(sigs, sig);
	json_put(env, "payload", base64(&d->payload));
	json_put(env, "payloadType", json_text(DSSE_PAYLOAD_TYPE));
	json_put(env, "signatures", sigs);
	json_put(bundle, "mediaType", json_text(DSSE_MEDIA_TYPE));
	json_put(
	    bundle, "verificationMaterial", material_json(d, buf_str(&id)));
	json_put(bundle, "dsseEnvelope", env);
	json_pretty(bundle, out);
	json_decref(bundle);
	buf_free(&id);
}

/* --- reading ------------------------------------------------------------- */

/* Commas of a signed file, outside of texts: a stamped one has about ten. */
#define COMMAS_MAX 200

/* What is signed is one long string.  A list of a hundred million empty lists
 * is no signed file, and would take many gigabytes before that is seen; how
 * deep they may stand in each other is the parser's to bound. */
static int
check_commas(const char *s, size_t len, struct err *e)
{
	bool text = false;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (text && s[i] == '\\')
			i++;
		else if (s[i] == '"')
			text = !text;
		else if (!text && s[i] == ',' && ++n > COMMAS_MAX)
			return err_set(e, ERR_FORMAT, i,
			    "more than %d members: not a signed file",
			    COMMAS_MAX);
	}
	return 0;
}

/* An object whose keys are all in `known`, a list that NULL ends. */
static int
object_of(
    const json_t *j, const char *what, const char *const *known, struct err *e)
{
	const char *key;
	size_t n = 0;

	if (!json_is_object(j))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE, "%s %s", what,
		    j == NULL ? "is missing" : "is not an object");
	while (known[n] != NULL)
		n++;
	if ((key = json_unknown_key(j, known, n)) != NULL)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "%s has the unknown field '%.64s'", what, key);
	return 0;
}

static int
unbase64(const json_t *j, const char *field, struct buf *out, struct err *e)
{
	const char *text;
	int rc;

	if ((rc = json_get_str(j, field, &text, e)) != 0)
		return rc;
	if ((rc = digest_unbase64(text, strlen(text), out, e)) != 0)
		return err_wrap(e, "%s", field);
	if (out->len == 0)
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "'%s' is empty", field);
	return 0;
}

/* A key by its hint, or a certificate; not both. */
static int
read_signer(const json_t *m, struct dsse *d, struct err *e)
{
	static const char *const key_fields[] = {"hint", NULL};
	static const char *const cert_fields[] = {"rawBytes", NULL};
	const json_t *key = json_at(m, "publicKey");
	const json_t *cert = json_at(m, "certificate");
	const char *hint;
	int rc;

	if (key != NULL && cert != NULL)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "a public key and a certificate: one signs");
	if (cert != NULL) {
		rc = object_of(cert, "certificate", cert_fields, e);
		return rc != 0 ? rc
			       : unbase64(cert, "rawBytes", &d->certificate, e);
	}
	if ((rc = object_of(key, "publicKey", key_fields, e)) != 0)
		return rc;
	return json_get_str(m, "publicKey.hint", &hint, e);
}

/* At most one stamp: of several, which one counts? */
static int
read_stamp(const json_t *m, struct dsse *d, struct err *e)
{
	static const char *const fields[] = {"rfc3161Timestamps", NULL};
	static const char *const one_field[] = {"signedTimestamp", NULL};
	const json_t *data = json_at(m, "timestampVerificationData"), *list;
	int rc;

	if (data == NULL)
		return 0;
	if ((rc = object_of(data, "timestampVerificationData", fields, e)) != 0)
		return rc;
	list = json_at(data, "rfc3161Timestamps");
	if (list != NULL && (!json_is_array(list) || json_array_size(list) > 1))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "rfc3161Timestamps is not one timestamp");
	if (json_array_size(list) == 0)
		return 0;
	if ((rc = object_of(
		 json_array_get(list, 0), "timestamp", one_field, e)) != 0)
		return rc;
	return unbase64(
	    json_array_get(list, 0), "signedTimestamp", &d->stamp, e);
}

static int
read_material(const json_t *bundle, struct dsse *d, struct err *e)
{
	static const char *const fields[] = {"publicKey", "certificate",
	    "tlogEntries", "timestampVerificationData", NULL};
	const json_t *m = json_at(bundle, "verificationMaterial");
	const json_t *log;
	int rc;

	if ((rc = object_of(m, "verificationMaterial", fields, e)) != 0 ||
	    (rc = read_signer(m, d, e)) != 0 || (rc = read_stamp(m, d, e)) != 0)
		return rc;
	log = json_at(m, "tlogEntries");
	if (log != NULL && (!json_is_array(log) || json_array_size(log) != 0))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "tlogEntries is not empty: this report needs no log");
	return 0;
}

static int
read_envelope(const json_t *env, struct dsse *d, struct err *e)
{
	static const char *const fields[] = {
	    "payload", "payloadType", "signatures", NULL};
	static const char *const sig_fields[] = {"keyid", "sig", NULL};
	const json_t *sigs, *keyid;
	const char *type;
	int rc;

	if ((rc = object_of(env, "dsseEnvelope", fields, e)) != 0 ||
	    (rc = json_get_array(env, "signatures", &sigs, e)) != 0)
		return rc;
	if (json_array_size(sigs) != 1)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "%zu signatures, exactly one is accepted",
		    json_array_size(sigs));
	if ((rc = object_of(
		 json_array_get(sigs, 0), "signature", sig_fields, e)) != 0)
		return rc;
	keyid = json_at(sigs, "0.keyid");
	/* model-signing-spec: absent, empty and null are all no hint */
	if (json_is_null(keyid))
		keyid = NULL;
	if (keyid != NULL && !json_is_string(keyid))
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "'keyid' is not a string");
	if ((rc = json_get_str(env, "payloadType", &type, e)) != 0 ||
	    (rc = unbase64(env, "payload", &d->payload, e)) != 0 ||
	    (rc = unbase64(json_array_get(sigs, 0), "sig", &d->sig, e)) != 0)
		return rc;
	buf_puts(&d->type, type);
	if (keyid != NULL)
		buf_puts(&d->keyid, json_string_value(keyid));
	return 0;
}

static int
read_bundle(const json_t *j, struct dsse *d, struct err *e)
{
	static const char *const fields[] = {
	    "mediaType", "verificationMaterial", "dsseEnvelope", NULL};
	const char *media;
	int rc;

	if ((rc = object_of(j, "the bundle", fields, e)) != 0 ||
	    (rc = json_get_str(j, "mediaType", &media, e)) != 0)
		return rc;
	if (strcmp(media, DSSE_MEDIA_TYPE) != 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "mediaType is '%.80s', expected '%s'", media,
		    DSSE_MEDIA_TYPE);
	if ((rc = read_material(j, d, e)) != 0)
		return rc;
	return read_envelope(json_at(j, "dsseEnvelope"), d, e);
}

int
dsse_read(const void *p, size_t len, struct dsse *d, struct err *e)
{
	json_t *j;
	int rc;

	*d = (struct dsse){0};
	if ((rc = check_commas(p, len, e)) != 0 ||
	    (rc = json_read_strict(p, len, &j, e)) != 0)
		return rc;
	if ((rc = read_bundle(j, d, e)) != 0)
		dsse_release(d);
	json_decref(j);
	return rc;
}

int
dsse_verify(const struct dsse *d, const struct keys *k, struct err *e)
{
	struct buf pae = {0};
	int rc;

	dsse_pae(
	    d->type.ptr, d->type.len, d->payload.ptr, d->payload.len, &pae);
	rc = keys_verify(k, pae.ptr, pae.len, d->sig.ptr, d->sig.len, e);
	buf_free(&pae);
	if (rc != 0)
		return rc;
	if (d->type.len != strlen(DSSE_PAYLOAD_TYPE) ||
	    memcmp(d->type.ptr, DSSE_PAYLOAD_TYPE, d->type.len) != 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the payload is signed, but its type is not '%s'",
		    DSSE_PAYLOAD_TYPE);
	return 0;
}

void
dsse_release(struct dsse *d)
{
	buf_free(&d->type);
	buf_free(&d->payload);
	buf_free(&d->sig);
	buf_free(&d->certificate);
	buf_free(&d->stamp);
	buf_free(&d->keyid);
	*d = (struct dsse){0};
}
