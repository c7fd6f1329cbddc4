/* SPDX-License-Identifier: MIT
 * SHA-256 (FIPS 180-4) by OpenSSL, and base64 (RFC 4648).
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/buf.h"
#include "base/err.h"

#define DIGEST_LEN 32
#define DIGEST_HEX (2 * DIGEST_LEN + 1)

struct digest {
	uint8_t byte[DIGEST_LEN];
};

/* Running digest; digest_end() releases it. */
struct digest_ctx {
	void *evp;
};

void digest_begin(struct digest_ctx *);
void digest_update(struct digest_ctx *, const void *, size_t len);
void digest_end(struct digest_ctx *, struct digest *out);

void digest_mem(const void *, size_t len, struct digest *out);
/* Digest of a regular file of at most `limit` bytes, and its size. */
int digest_file(const char *path, uint64_t limit, struct digest *out,
    uint64_t *size, struct err *) MUST_USE;

/*
 * SHA-1 in lower-case hexadecimal, terminated: only to compare with what a
 * format demands, never as evidence.
 */
void digest_sha1_hex(const void *, size_t len, char out[41]);

/* Lower-case hexadecimal, terminated. */
void digest_hex(const struct digest *, char out[DIGEST_HEX]);
/* False unless s is exactly 64 lower-case hexadecimal digits. */
bool digest_parse(const char *s, struct digest *out) MUST_USE;
bool digest_equal(const struct digest *, const struct digest *);

/* Standard alphabet, padded. */
void digest_base64(const void *, size_t len, struct buf *out);
/*
 * Standard or URL-safe alphabet (not both in one text), padding required and
 * zero, nothing else; ERR_FORMAT with the offset of the first fault.
 */
int digest_unbase64(
    const char *s, size_t len, struct buf *out, struct err *) MUST_USE;

#endif
