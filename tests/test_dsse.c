/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "report/dsse.h"

#include "base/file.h"
#include "base/json.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <unistd.h>

static const char payload[] = "{\"_type\":\"x\"}";

/* A new private key of that type, through a file as the tools take it. */
static int
make_key(const char *type, const char *curve, struct keys *k, struct err *e)
{
	char path[] = "/tmp/assay-test-XXXXXX";
	int fd = mkstemp(path), rc;
	EVP_PKEY *pkey = curve != NULL ? EVP_EC_gen(curve)
				       : EVP_PKEY_Q_keygen(NULL, NULL, type);
	FILE *f = fdopen(fd, "w");

	assert_non_null(pkey);
	assert_non_null(f);
	assert_int_equal(
	    PEM_write_PrivateKey(f, pkey, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	EVP_PKEY_free(pkey);
	rc = keys_private(path, NULL, k, e);
	unlink(path);
	return rc;
}

static void
test_pae_vector(void **state)
{
	/* secure-systems-lab/dsse, protocol.md */
	static const char want[] =
	    "DSSEv1 29 http://example.com/HelloWorld 11 hello world";
	struct buf b = {0};

	(void)state;
	dsse_pae("http://example.com/HelloWorld", 29, "hello world", 11, &b);
	assert_string_equal(buf_str(&b), want);
	buf_free(&b);
}

struct key_row {
	const char *name, *type, *curve;
	enum keys_kind kind;
};

static const struct key_row key_rows[] = {
    {"sign/P-256", "EC", "P-256", KEYS_P256},
    {"sign/Ed25519", "ED25519", NULL, KEYS_ED25519},
};

/* The payload in a bundle of this key's. */
static int
sign(const struct keys *k, struct buf *out, struct err *e)
{
	struct dsse d = {0};
	struct buf pae = {0};
	int rc;

	buf_puts(&d.payload, payload);
	buf_puts(&d.keyid, k->id);
	dsse_pae(DSSE_PAYLOAD_TYPE, strlen(DSSE_PAYLOAD_TYPE), payload,
	    strlen(payload), &pae);
	if ((rc = keys_sign(k, pae.ptr, pae.len, &d.sig, e)) == 0)
		dsse_write(&d, out);
	buf_free(&pae);
	dsse_release(&d);
	return rc;
}

static void
test_round_trip(void **state)
{
	const struct key_row *row = *state;
	struct keys k, other, public;
	struct buf b = {0};
	struct err e = {0};
	struct dsse d;

	assert_ok(make_key(row->type, row->curve, &k, &e), &e);
	assert_ok(make_key(row->type, row->curve, &other, &e), &e);
	assert_int_equal(k.kind, row->kind);
	assert_ok(sign(&k, &b, &e), &e);
	assert_ok(dsse_read(b.ptr, b.len, &d, &e), &e);
	assert_int_equal(d.payload.len, strlen(payload));
	assert_memory_equal(d.payload.ptr, payload, strlen(payload));
	assert_ok(dsse_verify(&d, &k, &e), &e);
	assert_ok(keys_public_mem(k.pem.ptr, k.pem.len, &public, &e), &e);
	assert_string_equal(public.id, k.id);
	assert_ok(dsse_verify(&d, &public, &e), &e);
	assert_int_equal(dsse_verify(&d, &other, &e), ERR_FORMAT);
	keys_release(&k);
	keys_release(&other);
	keys_release(&public);
	dsse_release(&d);
	buf_free(&b);
}

/* Every bit of payload, type and signature counts; so does every byte of
 * the signature's length. */
static void
test_flipped_bits(void **state)
{
	const struct key_row *row = *state;
	struct buf b = {0};
	struct err e = {0};
	struct keys k;
	struct dsse d;

	assert_ok(make_key(row->type, row->curve, &k, &e), &e);
	assert_ok(sign(&k, &b, &e), &e);
	assert_ok(dsse_read(b.ptr, b.len, &d, &e), &e);
	for (size_t part = 0; part < 3; part++) {
		struct buf *p = part == 0   ? &d.payload
				: part == 1 ? &d.type
					    : &d.sig;

		for (size_t bit = 0; bit < 8 * p->len; bit++) {
			p->ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(dsse_verify(&d, &k, &e), ERR_FORMAT);
			p->ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		while (p->len > 0) {
			size_t len = p->len--;

			assert_int_equal(dsse_verify(&d, &k, &e), ERR_FORMAT);
			if (len > 4)
				continue;
			p->len = 0;
		}
		dsse_release(&d);
		assert_ok(dsse_read(b.ptr, b.len, &d, &e), &e);
	}
	assert_ok(dsse_verify(&d, &k, &e), &e);
	keys_release(&k);
	dsse_release(&d);
	buf_free(&b);
}

/* Signed for something else by the same key: refused after the signature. */
static void
test_other_type(void **state)
{
	struct dsse d = {0};
	struct buf pae = {0};
	struct err e = {0};
	struct keys k;

	(void)state;
	assert_ok(make_key("ED25519", NULL, &k, &e), &e);
	buf_puts(&d.type, "text/plain");
	buf_puts(&d.payload, payload);
	dsse_pae(d.type.ptr, d.type.len, d.payload.ptr, d.payload.len, &pae);
	assert_ok(keys_sign(&k, pae.ptr, pae.len, &d.sig, &e), &e);
	assert_int_equal(dsse_verify(&d, &k, &e), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "its type is not"));
	keys_release(&k);
	dsse_release(&d);
	buf_free(&pae);
}

struct refuse_row {
	const char *name, *type, *curve;
};

static const struct refuse_row refuse_rows[] = {
    {"refuse/P-384", "EC", "P-384"},
    {"refuse/secp256k1", "EC", "secp256k1"},
    {"refuse/Ed448", "ED448", NULL},
    {"refuse/X25519", "X25519", NULL},
};

static void
test_refused_keys(void **state)
{
	const struct refuse_row *row = *state;
	struct err e = {0};
	struct keys k;

	assert_int_equal(make_key(row->type, row->curve, &k, &e), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "not accepted"));
}

static void
test_not_a_key(void **state)
{
	static const char *const text[] = {"", "a key that is no key\n",
	    "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
	    "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"};
	struct err e = {0};
	struct keys k;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(text); i++)
		assert_int_equal(
		    keys_public_mem(text[i], strlen(text[i]), &k, &e),
		    ERR_FORMAT);
}

struct read_row {
	const char *name, *text, *complaint;
};

#define MATERIAL                                                               \
	"\"verificationMaterial\":{\"publicKey\":{\"hint\":\"h\"},"            \
	"\"tlogEntries\":[]}"
#define MEDIA "\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\""
#define TYPE  "\"payloadType\":\"application/vnd.in-toto+json\""
#define SIGS  "\"signatures\":[{\"sig\":\"AAAA\",\"keyid\":\"h\"}]"

/* clang-format off */
static const struct read_row read_rows[] = {
    {"read/good", "{" MEDIA "," MATERIAL ",\"dsseEnvelope\":{\"payload\":\"e30=\"," TYPE "," SIGS "}}", NULL},
    {"read/url-safe base64", "{" MEDIA "," MATERIAL ",\"dsseEnvelope\":{\"payload\":\"_-8=\"," TYPE "," SIGS "}}", NULL},
    {"read/two signatures", "{" MEDIA "," MATERIAL ",\"dsseEnvelope\":{\"payload\":\"e30=\"," TYPE ",\"signatures\":[{\"sig\":\"AAAA\"},{\"sig\":\"AAAA\"}]}}", "2 signatures"},
    {"read/no signature", "{" MEDIA "," MATERIAL ",\"dsseEnvelope\":{\"payload\":\"e30=\"," TYPE ",\"signatures\":[]}}", "0 signatures"},
    {"read/duplicate key", "{" MEDIA "," MATERIAL ",\"dsseEnvelope\":{\"payload\":\"e30=\",\"payload\":\"e30=\"," TYPE "," SIGS "}}", "duplicate"},
    {"read/unknown in bundle", "{" MEDIA "," MATERIAL ",\"note\":\"pass\",\"dsseEnvelope\":{\"payload\":\"e30=\"," TYPE "," SIGS "}}", "unknown field 'note'"},
    {"read/unknown in envelope", "{" MEDIA "," MATERIAL ",\"dsseEnvelope\":{\"x\":1,\"payload\":\"e30=\"," TYPE "," SIGS "}}", "unknown field 'x'"},
    {"read/unknown in signature", "{" MEDIA "," MATERIAL ",\"dsseEnvelope\":{\"payload\":\"e30=\"," TYPE ",\"signatures\":[{\"sig\":\"AAAA\",\"alg\":\"none\"}]}}", "unknown field 'alg'"},
    {"read/message signature", "{" MEDIA "," MATERIAL ",\"messageSignature\":{}}", "unknown field 'messageSignature'"},
    {"read/certificate chain", "{" MEDIA ",\"verificationMaterial\":{\"x509CertificateChain\":{}},\"dsseEnvelope\":{}}", "unknown field 'x509CertificateChain'"},
    {"read/log entries", "{" MEDIA ",\"verificationMaterial\":{\"publicKey\":{\"hint\":\"h\"},\"tlogEntries\":[{}]},\"dsseEnvelope\":{}}", "tlogEntries"},
    {"read/media type", "{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.9+json\"," MATERIAL ",\"dsseEnvelope\":{}}", "mediaType"},
    {"read/base64 space", "{" MEDIA "," MATERIAL ",\"dsseEnvelope\":{\"payload\":\"e3 =\"," TYPE "," SIGS "}}", "base64"},
    {"read/base64 unpadded", "{" MEDIA "," MATERIAL ",\"dsseEnvelope\":{\"payload\":\"e30\"," TYPE "," SIGS "}}", "base64"},
    {"read/base64 trailing bits", "{" MEDIA "," MATERIAL ",\"dsseEnvelope\":{\"payload\":\"e31=\"," TYPE "," SIGS "}}", "base64"},
    {"read/base64 two alphabets", "{" MEDIA "," MATERIAL ",\"dsseEnvelope\":{\"payload\":\"_+8=\"," TYPE "," SIGS "}}", "base64"},
    {"read/empty payload", "{" MEDIA "," MATERIAL ",\"dsseEnvelope\":{\"payload\":\"\"," TYPE "," SIGS "}}", "empty"},
    {"read/byte order mark", "\xef\xbb\xbf{}", "json"},
    {"read/trailing bytes", "{}x", "json"},
    {"read/empty", "", "json"},
};
/* clang-format on */

static void
test_read(void **state)
{
	const struct read_row *row = *state;
	struct err e = {0};
	struct dsse d;
	int rc = dsse_read(row->text, strlen(row->text), &d, &e);

	if (row->complaint == NULL) {
		assert_ok(rc, &e);
		dsse_release(&d);
		return;
	}
	assert_int_equal(rc, ERR_FORMAT);
	if (strstr(e.msg, row->complaint) == NULL)
		fail_msg("said '%s', not '%s'", e.msg, row->complaint);
}

int
main(void)
{
	struct CMUnitTest tests[2 * ARRAY_LEN(key_rows) +
				ARRAY_LEN(refuse_rows) + ARRAY_LEN(read_rows) +
				3];
	size_t n = 0;

	memset(tests, 0, sizeof(tests));
	for (size_t i = 0; i < ARRAY_LEN(key_rows); i++) {
		tests[n++] =
		    (struct CMUnitTest)ROW(test_round_trip, key_rows[i]);
		tests[n++] =
		    (struct CMUnitTest)ROW(test_flipped_bits, key_rows[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(refuse_rows); i++)
		tests[n++] =
		    (struct CMUnitTest)ROW(test_refused_keys, refuse_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(read_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_read, read_rows[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_pae_vector);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_other_type);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_not_a_key);
	return cmocka_run_group_tests_name("dsse", tests, NULL, NULL);
}
