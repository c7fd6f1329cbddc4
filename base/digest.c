/* SPDX-License-Identifier: MIT */
#include "base/digest.h"

#include "base/file.h"

#include <errno.h>
#include <openssl/evp.h>
#include <unistd.h>

void
digest_begin(struct digest_ctx *c)
{
	c->evp = EVP_MD_CTX_new();
	if (c->evp == NULL ||
	    EVP_DigestInit_ex(c->evp, EVP_sha256(), NULL) != 1)
		BUG("libcrypto has no SHA-256");
}

void
digest_update(struct digest_ctx *c, const void *p, size_t len)
{
	if (EVP_DigestUpdate(c->evp, p, len) != 1)
		BUG("SHA-256 failed");
}

void
digest_end(struct digest_ctx *c, struct digest *out)
{
	unsigned n = 0;

	if (EVP_DigestFinal_ex(c->evp, out->byte, &n) != 1 || n != DIGEST_LEN)
		BUG("SHA-256 failed");
	EVP_MD_CTX_free(c->evp);
	c->evp = NULL;
}

void
digest_mem(const void *p, size_t len, struct digest *out)
{
	struct digest_ctx c;

	digest_begin(&c);
	digest_update(&c, p, len);
	digest_end(&c, out);
}

void
digest_sha1_hex(const void *p, size_t len, char out[41])
{
	uint8_t sum[20];
	unsigned n = 0;

	if (EVP_Digest(p, len, sum, &n, EVP_sha1(), NULL) != 1 ||
	    n != sizeof(sum))
		BUG("libcrypto has no SHA-1");
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(out + 2 * i, 3, "%02x", sum[i]);
}

/* Read, not mapped: a file that is cut meanwhile is an error, not our end. */
static int
digest_fd(
    int fd, const char *path, uint64_t size, struct digest *out, struct err *e)
{
	uint8_t part[1 << 16];
	struct digest_ctx c;
	uint64_t have = 0;
	ssize_t n;

	digest_begin(&c);
	while ((n = read(fd, part, sizeof(part))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		digest_update(&c, part, (size_t)n);
		have += (uint64_t)n;
		if (have > size)
			break;
	}
	digest_end(&c, out);
	if (n < 0)
		err_sys(e, "cannot read");
	else if (have != size)
		err_set(e, ERR_SYSTEM, ERR_NOWHERE,
		    "changed its size while it was read");
	else
		return 0;
	return err_in(e, path);
}

int
digest_file(const char *path, uint64_t limit, struct digest *out,
    uint64_t *size, struct err *e)
{
	int fd, rc;

	if ((fd = file_open(path, e)) < 0)
		return fd;
	if ((rc = file_size_fd(fd, path, limit, size, e)) == 0)
		rc = digest_fd(fd, path, *size, out, e);
	close(fd);
	return rc;
}

void
digest_hex(const struct digest *d, char out[DIGEST_HEX])
{
	for (size_t i = 0; i < DIGEST_LEN; i++)
		snprintf(out + 2 * i, 3, "%02x", d->byte[i]);
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
digest_parse(const char *s, struct digest *out)
{
	if (strlen(s) != 2 * DIGEST_LEN)
		return false;
	for (size_t i = 0; i < DIGEST_LEN; i++) {
		int hi = nibble(s[2 * i]), lo = nibble(s[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		out->byte[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

bool
digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->byte, b->byte, DIGEST_LEN) == 0;
}

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
digest_base64(const void *p, size_t len, struct buf *out)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = MIN(len - i, 3);
		uint32_t v = (uint32_t)b[i] << 16;

		if (n > 1)
			v |= (uint32_t)b[i + 1] << 8;
		if (n > 2)
			v |= b[i + 2];
		for (size_t k = 0; k < 4; k++)
			buf_u8(out,
			    k <= n ? (uint8_t)alphabet[v >> (18 - 6 * k) & 63]
				   : '=');
	}
}

/* Value of one base64 digit; *set collects which alphabets were seen. */
static int
sextet(char c, unsigned *set)
{
	const char *at;

	if (c == '+' || c == '/')
		*set |= 1;
	if (c == '-' || c == '_') {
		*set |= 2;
		c = c == '-' ? '+' : '/';
	}
	if (c == '\0' || (at = strchr(alphabet, c)) == NULL || *set == 3)
		return -1;
	return (int)(at - alphabet);
}

int
digest_unbase64(const char *s, size_t len, struct buf *out, struct err *e)
{
	unsigned set = 0;
	size_t pad = 0;

	if (len % 4 != 0)
		return err_set(e, ERR_FORMAT, len,
		    "base64: length %zu is not a multiple of 4", len);
	if (len != 0)
		pad = s[len - 1] != '=' ? 0 : s[len - 2] != '=' ? 1 : 2;
	for (size_t i = 0; i < len; i += 4) {
		size_t n = i + 4 == len ? 4 - pad : 4;
		uint32_t v = 0;

		for (size_t k = 0; k < n; k++) {
			int d = sextet(s[i + k], &set);

			if (d < 0)
				return err_set(e, ERR_FORMAT, i + k,
				    "base64: character 0x%02x",
				    (uint8_t)s[i + k]);
			v |= (uint32_t)d << (18 - 6 * k);
		}
		if ((v & (n == 4 ? 0 : n == 3 ? 0xffU : 0xffffU)) != 0)
			return err_set(
			    e, ERR_FORMAT, i, "base64: padding is not zero");
		for (size_t k = 0; k + 1 < n; k++)
			buf_u8(out, (uint8_t)(v >> (16 - 8 * k)));
	}
	return 0;
}
