/* SPDX-License-Identifier: MIT
 * A bundle is refused, or has a type, a payload and one signature; what was
 * not signed by the trusted key is never verified; what we write from the
 * payload reads back as the same payload.
 */
#include "tests/fuzz/fuzz.h"

#include "report/dsse.h"

/* RFC 8410's example key: nobody signs with it. */
static const char trusted[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
    "-----END PUBLIC KEY-----\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = {0};
	struct keys k;
	struct dsse d;

	if (dsse_read(data, len, &d, &e) != 0) {
		PROPERTY(e.code == ERR_FORMAT);
		return 0;
	}
	PROPERTY(d.payload.len != 0 && d.sig.len != 0);
	PROPERTY(keys_public_mem(trusted, strlen(trusted), &k, &e) == 0);
	PROPERTY(dsse_verify(&d, &k, &e) == ERR_FORMAT);
	keys_release(&k);
	dsse_release(&d);
	return 0;
}
