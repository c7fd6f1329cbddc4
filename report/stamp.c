/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* timegm */
#include "report/stamp.h"

#include "report/cert.h"

#include "base/digest.h"

#include <openssl/err.h>
#include <openssl/ts.h>
#include <time.h>

void
stamp_query(const void *sig, size_t len, struct buf *out)
{
	TS_REQ *req = TS_REQ_new();
	TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
	X509_ALGOR *how = X509_ALGOR_new();
	unsigned char *der = NULL;
	struct digest d;
	int n;

	digest_mem(sig, len, &d);
	if (req == NULL || imprint == NULL || how == NULL ||
	    X509_ALGOR_set0(how, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) !=
		1 ||
	    TS_MSG_IMPRINT_set_algo(imprint, how) != 1 ||
	    TS_MSG_IMPRINT_set_msg(imprint, d.byte, DIGEST_LEN) != 1 ||
	    TS_REQ_set_version(req, 1) != 1 ||
	    TS_REQ_set_msg_imprint(req, imprint) != 1 ||
	    TS_REQ_set_cert_req(req, 1) != 1 ||
	    (n = i2d_TS_REQ(req, &der)) <= 0)
		BUG("out of memory");
	buf_append(out, der, (size_t)n);
	OPENSSL_free(der);
	X509_ALGOR_free(how);
	TS_MSG_IMPRINT_free(imprint);
	TS_REQ_free(req);
}

static int
refuse(struct err *e, const char *what)
{
	ERR_clear_error();
	return err_set(e, ERR_FORMAT, ERR_NOWHERE, "timestamp: %s", what);
}

static TS_RESP *
parse(const void *p, size_t len)
{
	const unsigned char *at = p;
	TS_RESP *r =
	    len <= INT32_MAX ? d2i_TS_RESP(NULL, &at, (long)len) : NULL;

	if (r != NULL && at != (const unsigned char *)p + len) {
		TS_RESP_free(r);
		r = NULL;
	}
	return r;
}

static int
time_of(TS_TST_INFO *info, int64_t *when, struct err *e)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(TS_TST_INFO_get_time(info), &tm) != 1)
		return refuse(e, "its time cannot be read");
	*when = (int64_t)timegm(&tm);
	return 0;
}

static int
check_imprint(TS_TST_INFO *info, const void *sig, size_t len, struct err *e)
{
	TS_MSG_IMPRINT *of = TS_TST_INFO_get_msg_imprint(info);
	const ASN1_OBJECT *how;
	ASN1_OCTET_STRING *msg;
	struct digest d;

	if (of == NULL)
		return refuse(e, "it is of nothing");
	X509_ALGOR_get0(&how, NULL, NULL, TS_MSG_IMPRINT_get_algo(of));
	msg = TS_MSG_IMPRINT_get_msg(of);
	digest_mem(sig, len, &d);
	if (OBJ_obj2nid(how) != NID_sha256 || msg == NULL ||
	    ASN1_STRING_length(msg) != DIGEST_LEN ||
	    memcmp(ASN1_STRING_get0_data(msg), d.byte, DIGEST_LEN) != 0)
		return refuse(e, "it is of another signature");
	return 0;
}

/* The answer, granted and of these bytes, and its time. */
static int
look(TS_RESP *r, const void *sig, size_t len, int64_t *when, struct err *e)
{
	TS_TST_INFO *info;
	int rc;

	if (r == NULL)
		return refuse(e, "not the answer of an authority");
	if ((info = TS_RESP_get_tst_info(r)) == NULL)
		return refuse(e, "the authority did not grant it");
	if ((rc = check_imprint(info, sig, len, e)) != 0)
		return rc;
	return time_of(info, when, e);
}

int
stamp_read(const void *answer, size_t alen, const void *sig, size_t len,
    int64_t *when, struct err *e)
{
	TS_RESP *r = parse(answer, alen);
	int rc = look(r, sig, len, when, e);

	TS_RESP_free(r);
	return rc;
}

/* OpenSSL checks the signature, the signer's certificate (timeStamping,
 * critical) and its chain. */
static int
trust(TS_RESP *r, const void *sig, size_t len, X509_STORE *store, struct err *e)
{
	TS_VERIFY_CTX *c = TS_VERIFY_CTX_new();
	BIO *data = BIO_new_mem_buf(sig, (int)len);
	const char *why, *more = "";
	int rc = 0, flags = 0;

	if (c == NULL || data == NULL)
		BUG("out of memory");
	TS_VERIFY_CTX_set_flags(
	    c, TS_VFY_VERSION | TS_VFY_DATA | TS_VFY_SIGNATURE);
	TS_VERIFY_CTX_set_data(c, data);
	TS_VERIFY_CTX_set_store(c, store);
	if (TS_RESP_verify_response(c, r) != 1) {
		why =
		    ERR_reason_error_string(ERR_peek_error_data(&more, &flags));
		if ((flags & ERR_TXT_STRING) == 0)
			more = "";
		rc =
		    err_set(e, ERR_FORMAT, ERR_NOWHERE, "timestamp: %s%s%.100s",
			why != NULL ? why : "not to be trusted",
			*more != '\0' ? ": " : "", more);
	}
	ERR_clear_error();
	TS_VERIFY_CTX_free(c); /* with data and store */
	return rc;
}

int
stamp_verify(const void *answer, size_t alen, const void *sig, size_t len,
    const char *ca, int64_t *when, struct err *e)
{
	TS_RESP *r = parse(answer, alen);
	X509_STORE *store = X509_STORE_new();
	X509_VERIFY_PARAM *how;
	int rc = look(r, sig, len, when, e);

	if (store == NULL)
		BUG("out of memory");
	if (rc == 0 && X509_STORE_load_file(store, ca) != 1) {
		rc = refuse(e, "no certificate of an authority");
		err_in(e, ca);
	}
	if (rc == 0) {
		how = X509_STORE_get0_param(store);
		X509_VERIFY_PARAM_set_time(how, (time_t)*when);
		X509_VERIFY_PARAM_set_auth_level(how, CERT_LEVEL);
		rc = trust(r, sig, len, store, e);
	} else {
		X509_STORE_free(store);
	}
	TS_RESP_free(r);
	return rc;
}
