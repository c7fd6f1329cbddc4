/* SPDX-License-Identifier: MIT
 * Digests of blobs, as image layouts name them (image-spec, descriptor.md):
 * SHA-256 or SHA-512.
 */
#include "formats/bundle_digest.h"

#include "base/digest.h"

#include <openssl/evp.h>

#define LONG_LEN 64 /* bytes of a SHA-512 */

/* Whether s is n lower-case hexadecimal digits. */
static bool
is_hex(const char *s, size_t n)
{
	return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

enum bundle_digest_kind
bundle_digest_kind(const char *digest, const char **hex)
{
	*hex = digest + 7;
	if (strncmp(digest, "sha256:", 7) == 0 && is_hex(*hex, 2 * DIGEST_LEN))
		return BUNDLE_SHA256;
	if (strncmp(digest, "sha512:", 7) == 0 && is_hex(*hex, 2 * LONG_LEN))
		return BUNDLE_SHA512;
	return BUNDLE_UNKNOWN;
}

static void
long_hex(struct rd r, char out[2 * LONG_LEN + 1])
{
	uint8_t byte[LONG_LEN];
	unsigned n;

	/* r.len is within the limit on files; only memory can be lacking */
	if (EVP_Digest(r.base, r.len, byte, &n, EVP_sha512(), NULL) != 1 ||
	    n != LONG_LEN)
		BUG("SHA-512");
	for (size_t i = 0; i < LONG_LEN; i++)
		snprintf(out + 2 * i, 3, "%02x", byte[i]);
}

int
bundle_digest_verify(struct bundle *b, struct bundle_file *f,
    enum bundle_digest_kind kind, const char *hex, struct err *e)
{
	char have[2 * LONG_LEN + 1];
	struct rd r;
	int rc;

	if (kind == BUNDLE_SHA256)
		return bundle_verify(b, f, hex, e);
	if (f->hashed)
		return 0;
	if ((rc = b->sink->map(b->sink->ctx, f->path, &r, e)) != 0)
		return rc;
	long_hex(r, have);
	b->sink->unmap(b->sink->ctx);
	f->hashed = true;
	f->good = is_hex(hex, 2 * LONG_LEN) && strcmp(hex, have) == 0;
	if (!f->good)
		bundle_find(b, FINDING_ARCHIVE_DIGEST, f->path,
		    "its SHA-512 is not %.128s", hex);
	return 0;
}
