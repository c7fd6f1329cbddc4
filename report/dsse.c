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
bundle_json(const struct dsse *d, const char *id)
{
	json_t *bundle = json_object(), *material = json_object();
	json_t *key = json_object(), *env = json_object();
	json_t *sig = json_object(), *sigs = json_array();

	json_put(key, "hint", json_text(id));
	json_put(material, "publicKey", key);
	json_put(material, "tlogEntries", json_array());
	json_put(sig, "keyid", json_text(id));
	json_put(sig, "sig", base64(&d->sig));
	json_add(sigs, sig);
	json_put(env, "payload", base64(&d->payload));
	json_put(env, "payloadType", json_text(DSSE_PAYLOAD_TYPE));
	json_put(env, "signatures", sigs);
	json_put(bundle, "mediaType", json_text(DSSE_MEDIA_TYPE));
	json_put(bundle, "verificationMaterial", material);
	json_put(bundle, "dsseEnvelope", env);
	return bundle;
}

int
dsse_sign(const struct keys *k, const void *payload, size_t len,
    struct buf *out, struct err *e)
{
	struct dsse d = {0};
	struct buf pae = {0};
	json_t *j;
	int rc;

	buf_append(&d.payload, payload, len);
	dsse_pae(
	    DSSE_PAYLOAD_TYPE, strlen(DSSE_PAYLOAD_TYPE), payload, len, &pae);
	if ((rc = keys_sign(k, pae.ptr, pae.len, &d.sig, e)) == 0) {
		j = bundle_json(&d, k->id);
		json_pretty(j, out);
		json_decref(j);
	}
	buf_free(&pae);
	dsse_release(&d);
	return rc;
}

/* --- reading ------------------------------------------------------------- */

/* An object whose keys are all in `known`, a list that NULL ends. */
static int
object_of(
    const json_t *j, const char *what, const char *const *known, struct err *e)
{
	const char *key;
	json_t *value;

	if (!json_is_object(j))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE, "%s %s", what,
		    j == NULL ? "is missing" : "is not an object");
	json_object_foreach((json_t *)(uintptr_t)j, key, value)
	{
		size_t i = 0;

		while (known[i] != NULL && strcmp(key, known[i]) != 0)
			i++;
		if (known[i] == NULL)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "%s has the unknown field '%.64s'", what, key);
	}
	return 0;
}

static int
check_material(const json_t *bundle, struct err *e)
{
	static const char *const fields[] = {"publicKey", "tlogEntries", NULL};
	static const char *const key_fields[] = {"hint", NULL};
	const json_t *m = json_at(bundle, "verificationMaterial");
	const json_t *log;
	const char *hint;
	int rc;

	if ((rc = object_of(m, "verificationMaterial", fields, e)) != 0 ||
	    (rc = object_of(
		 json_at(m, "publicKey"), "publicKey", key_fields, e)) != 0 ||
	    (rc = json_get_str(m, "publicKey.hint", &hint, e)) != 0)
		return rc;
	log = json_at(m, "tlogEntries");
	if (log != NULL && (!json_is_array(log) || json_array_size(log) != 0))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "tlogEntries is not empty: this report needs no log");
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
	if (keyid != NULL && !json_is_string(keyid))
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "'keyid' is not a string");
	if ((rc = json_get_str(env, "payloadType", &type, e)) != 0 ||
	    (rc = unbase64(env, "payload", &d->payload, e)) != 0 ||
	    (rc = unbase64(json_array_get(sigs, 0), "sig", &d->sig, e)) != 0)
		return rc;
	buf_puts(&d->type, type);
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
	if ((rc = check_material(j, e)) != 0)
		return rc;
	return read_envelope(json_at(j, "dsseEnvelope"), d, e);
}

int
dsse_read(const void *p, size_t len, struct dsse *d, struct err *e)
{
	json_t *j;
	int rc;

	*d = (struct dsse){0};
	if ((rc = json_read(p, len, &j, e)) != 0)
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
	*d = (struct dsse){0};
}
