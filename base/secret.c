/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* explicit_bzero */
#include "base/secret.h"

#include "base/base.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* OpenSSL 3.0 gives memory back in which a private key still stands (the
 * OCTET STRING of an EC key, RFC 5915): here nothing is given back unwiped. */
static void
give_back(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

static void *
take(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(n);
}

static void *
resize(void *p, size_t n, const char *file, int line)
{
	void *to = n != 0 ? take(n, file, line) : NULL;

	if (to != NULL && p != NULL)
		memcpy(to, p, MIN(n, malloc_usable_size(p)));
	/* as realloc() has it: what cannot be moved stays */
	if (to != NULL || n == 0)
		give_back(p, file, line);
	return to;
}

int
secret_guard(struct err *e)
{
	const struct rlimit none = {0, 0};

	if (CRYPTO_set_mem_functions(take, resize, give_back) != 1)
		BUG("OpenSSL has been used before secret_guard()");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) != 0)
		return err_sys(e, "cannot keep the key out of core dumps");
	return 0;
}
