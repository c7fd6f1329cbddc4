/* SPDX-License-Identifier: MIT */
#include "report/envelope.h"

#include "report/cert.h"
#include "report/stamp.h"
#include "report/statement.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

int
envelope_certificate(
    const char *path, const struct keys *pub, struct buf *der, struct err *e)
{
	struct cert c;
	struct keys of;
	int rc;

	if ((rc = cert_read(path, &c, e)) != 0)
		return rc;
	if ((rc = cert_usage(&c, e)) == 0 && (rc = cert_key(&c, &of, e)) == 0) {
		if (strcmp(of.id, pub->id) != 0)
			rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "the certificate is for another key");
		keys_release(&of);
	}
	if (rc != 0)
		err_in(e, path);
	else if (der != NULL)
		buf_append(der, c.der.ptr, c.der.len);
	cert_release(&c);
	return rc;
}

static int
add_certificate(
    struct dsse *d, const char *path, const struct keys *pub, struct err *e)
{
	return path == NULL
		   ? 0
		   : envelope_certificate(path, pub, &d->certificate, e);
}

int
envelope_make(const struct envelope_who *w, const void *payload, size_t len,
    struct buf *out, struct buf *sig, struct err *e)
{
	struct dsse d = {0};
	struct buf pae = {0};
	int rc;

	buf_append(&d.payload, payload, len);
	buf_puts(&d.keyid, w->pub->id);
	dsse_pae(
	    DSSE_PAYLOAD_TYPE, strlen(DSSE_PAYLOAD_TYPE), payload, len, &pae);
	rc = add_certificate(&d, w->certificate, w->pub, e);
	if (rc == 0)
		rc =
		    signer_sign(w->signer, w->pub, pae.ptr, pae.len, &d.sig, e);
	if (rc == 0)
		dsse_write(&d, out);
	if (rc == 0 && sig != NULL)
		buf_append(sig, d.sig.ptr, d.sig.len);
	buf_free(&pae);
	dsse_release(&d);
	return rc;
}

/* --- a report that is there ------------------------------------------------ */

static int
read_part(const char *dir, const char *name, struct buf *out, struct err *e)
{
	char path[1200];
	struct file_map m;
	int rc = file_join(path, sizeof(path), dir, name, e);

	if (rc != 0 || (rc = file_map(path, LIMIT_DOCUMENT, &m, e)) != 0)
		return rc;
	if (m.len != 0)
		buf_append(out, m.ptr, m.len);
	file_unmap(&m);
	return 0;
}

static int
read_file(const char *path, struct buf *out, struct err *e)
{
	struct file_map m;
	int rc = file_map(path, LIMIT_KEY_FILE, &m, e);

	if (rc != 0)
		return rc;
	if (m.len != 0)
		buf_append(out, m.ptr, m.len);
	file_unmap(&m);
	return 0;
}

static int
write_envelope(const char *dir, const struct dsse *d, struct err *e)
{
	struct buf text = {0};
	char path[1200];
	int rc = file_join(path, sizeof(path), dir, ENVELOPE_FILE, e);

	dsse_write(d, &text);
	if (rc == 0)
		rc = file_write(path, text.ptr, text.len, e);
	buf_free(&text);
	return rc;
}

static int
attach(const char *dir, struct dsse *d, const struct buf *pem,
    const char *certificate, struct err *e)
{
	struct keys pub;
	int rc = keys_public_mem(pem->ptr, pem->len, &pub, e);

	if (rc != 0)
		return rc;
	buf_puts(&d->type, DSSE_PAYLOAD_TYPE);
	buf_puts(&d->keyid, pub.id);
	if ((rc = dsse_verify(d, &pub, e)) == 0 &&
	    (rc = add_certificate(d, certificate, &pub, e)) == 0)
		rc = write_envelope(dir, d, e);
	keys_release(&pub);
	return rc;
}

int
envelope_attach_signature(const char *dir, const char *sig_path,
    const char *certificate, struct err *e)
{
	struct dsse d = {0};
	struct buf pem = {0};
	int rc;

	if ((rc = read_part(dir, ENVELOPE_STATE, &d.payload, e)) == 0 &&
	    (rc = read_part(dir, ENVELOPE_KEY, &pem, e)) == 0 &&
	    (rc = read_file(sig_path, &d.sig, e)) == 0)
		rc = attach(dir, &d, &pem, certificate, e);
	buf_free(&pem);
	dsse_release(&d);
	return rc;
}

static int
read_envelope(const char *dir, struct dsse *d, struct err *e)
{
	struct buf text = {0};
	int rc = read_part(dir, ENVELOPE_FILE, &text, e);

	*d = (struct dsse){0};
	if (rc == 0 && (rc = dsse_read(text.ptr, text.len, d, e)) != 0)
		err_in(e, ENVELOPE_FILE);
	buf_free(&text);
	return rc;
}

int
envelope_query(const char *dir, const char *query_path, struct err *e)
{
	struct buf query = {0};
	struct dsse d;
	int rc;

	if ((rc = read_envelope(dir, &d, e)) != 0)
		return rc;
	stamp_query(d.sig.ptr, d.sig.len, &query);
	rc = file_write(query_path, query.ptr, query.len, e);
	buf_free(&query);
	dsse_release(&d);
	return rc;
}

int
envelope_attach_stamp(const char *dir, const char *answer_path, struct err *e)
{
	struct dsse d;
	int64_t when;
	int rc;

	if ((rc = read_envelope(dir, &d, e)) != 0)
		return rc;
	d.stamp.len = 0;
	if ((rc = read_file(answer_path, &d.stamp, e)) == 0) {
		rc = stamp_read(
		    d.stamp.ptr, d.stamp.len, d.sig.ptr, d.sig.len, &when, e);
		if (rc != 0)
			err_in(e, answer_path);
	}
	if (rc == 0)
		rc = write_envelope(dir, &d, e);
	dsse_release(&d);
	return rc;
}

bool
envelope_is_report(const char *dir)
{
	char path[1200];
	struct err e = {0};

	return file_join(path, sizeof(path), dir, ENVELOPE_STATE, &e) == 0 &&
	       file_exists(path);
}

/* What is compared or listed by what it says must say something. */
static int
check_statement(const json_t *j, struct err *e)
{
	static const char *const verdict[] = {
	    "PASSED", "FAILED", "INCONCLUSIVE"};

	if (strcmp(json_text_at(j, "_type"), STATEMENT_TYPE) != 0 ||
	    strcmp(json_text_at(j, "predicateType"), STATEMENT_PREDICATE) !=
		0 ||
	    !text_is_one_of(json_text_at(j, "predicate.verdict"), verdict,
		ARRAY_LEN(verdict)))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "not the statement of a model audit");
	return 0;
}

/* A statement, or a signed file with one in it. */
static int
parse_statement(const struct file_map *m, json_t **out, struct err *e)
{
	struct dsse d;
	json_t *j;
	int rc;

	if ((rc = json_read(m->ptr, m->len, &j, e)) != 0)
		return rc;
	if (json_at(j, "dsseEnvelope") != NULL) {
		json_decref(j);
		if ((rc = dsse_read(m->ptr, m->len, &d, e)) != 0)
			return rc;
		rc = json_read(d.payload.ptr, d.payload.len, &j, e);
		dsse_release(&d);
		if (rc != 0)
			return err_wrap(e, "payload");
	}
	if ((rc = check_statement(j, e)) != 0)
		json_decref(j);
	else
		*out = j;
	return rc;
}

int
envelope_statement(const char *path, json_t **out, struct err *e)
{
	char file[1200];
	struct file_map m;
	int rc;

	*out = NULL;
	if (file_is_dir(path)) {
		rc = file_join(file, sizeof(file), path, ENVELOPE_STATE, e);
		if (rc != 0)
			return rc;
		path = file;
	}
	if ((rc = file_map(path, LIMIT_DOCUMENT, &m, e)) != 0)
		return rc;
	if ((rc = parse_statement(&m, out, e)) != 0)
		err_in(e, path);
	file_unmap(&m);
	return rc;
}
