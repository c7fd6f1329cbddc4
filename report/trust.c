/* SPDX-License-Identifier: MIT */
#include "report/trust.h"

#include "report/cert.h"
#include "report/stamp.h"

#include <time.h>

/* A stamp is of this signature or the report is refused; its time counts when
 * an authority of the user's signed it. */
static int
check_stamp(const struct trust *t, const struct dsse *d, struct trusted *out,
    struct err *e)
{
	int rc;

	if (d->stamp.len == 0)
		return t->tsa == NULL ? 0
				      : err_set(e, ERR_FORMAT, ERR_NOWHERE,
					    "the report has no timestamp");
	rc = t->tsa != NULL ? stamp_verify(d->stamp.ptr, d->stamp.len,
				  d->sig.ptr, d->sig.len, t->tsa, &out->time, e)
			    : stamp_read(d->stamp.ptr, d->stamp.len, d->sig.ptr,
				  d->sig.len, &out->time, e);
	out->stamped = rc == 0;
	out->by_tsa = rc == 0 && t->tsa != NULL;
	return rc;
}

static int
check_by_key(const struct trust *t, const struct dsse *d, struct trusted *out,
    struct err *e)
{
	int rc;

	if ((rc = dsse_verify(d, &out->key, e)) != 0)
		return rc;
	return check_stamp(t, d, out, e);
}

/* The chain holds at the time of a trusted stamp, else now. */
static int
check_chain(const struct trust *t, const struct cert *c,
    const struct trusted *out, struct err *e)
{
	int64_t when = out->by_tsa ? out->time : (int64_t)time(NULL);
	int rc = cert_chain(c, t->ca, t->between, when, e);

	if (rc == 0 && !cert_names(c, t->identity))
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the certificate is not that of '%.100s'", t->identity);
	return rc;
}

static int
check_by_certificate(const struct trust *t, const struct dsse *d,
    struct trusted *out, struct err *e)
{
	struct cert c;
	int rc;

	if (d->certificate.len == 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the report has no certificate: verify it with --key");
	if ((rc = cert_parse(d->certificate.ptr, d->certificate.len, &c, e)) !=
	    0)
		return rc;
	if ((rc = cert_usage(&c, e)) == 0 &&
	    (rc = cert_key(&c, &out->key, e)) == 0 &&
	    (rc = dsse_verify(d, &out->key, e)) == 0 &&
	    (rc = check_stamp(t, d, out, e)) == 0)
		rc = check_chain(t, &c, out, e);
	cert_release(&c);
	return rc;
}

int
trust_open(const struct trust *t, struct trusted *out, struct err *e)
{
	const char *const file[] = {t->ca, t->between, t->tsa};
	int rc = 0;

	*out = (struct trusted){0};
	if (t->key != NULL)
		rc = keys_public(t->key, &out->key, e);
	for (size_t i = 0; i < ARRAY_LEN(file) && rc == 0; i++)
		if (file[i] != NULL)
			rc = cert_file(file[i], e);
	return rc;
}

int
trust_check(const struct trust *t, const struct dsse *d, struct trusted *out,
    struct err *e)
{
	return t->key != NULL ? check_by_key(t, d, out, e)
			      : check_by_certificate(t, d, out, e);
}

void
trust_release(struct trusted *t)
{
	keys_release(&t->key);
}
