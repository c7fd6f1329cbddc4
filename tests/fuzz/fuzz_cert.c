/* SPDX-License-Identifier: MIT
 * The certificate in a signed file is refused, or it reads back as itself, with
 * the same key and the same usage; and it is nobody's whose name it has not.
 */
#include "tests/fuzz/fuzz.h"

#include "report/cert.h"

/* 0, or what cert_usage and cert_key say. */
static int
judge(const struct cert *c, struct keys *k)
{
	struct err e = {0};
	int rc = cert_usage(c, &e);

	*k = (struct keys){0};
	return rc != 0 ? rc : cert_key(c, k, &e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cert c, again;
	struct keys k, same;
	struct err e = {0};
	int rc;

	if (cert_parse(data, len, &c, &e) != 0) {
		PROPERTY(e.code == ERR_FORMAT);
		return 0;
	}
	rc = judge(&c, &k);
	PROPERTY(cert_parse(c.der.ptr, c.der.len, &again, &e) == 0);
	PROPERTY(judge(&again, &same) == rc);
	PROPERTY(rc != 0 || strcmp(k.id, same.id) == 0);
	PROPERTY(!cert_names(&c, ""));
	if (rc == 0) {
		keys_release(&k);
		keys_release(&same);
	}
	cert_release(&again);
	cert_release(&c);
	return 0;
}
