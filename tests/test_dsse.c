/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "report/dsse.h"

#include "base/file.h"
#include "base/json.h"
#include "base/secret.h"

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
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

/* RFC 8032, 7.3: Ed25519ph of "abc".  The same key and message in Ed25519 is
 * another signature, and only that one counts. */
static void
test_prehashed(void **state)
{
	static const uint8_t public[] = {0xec, 0x17, 0x2b, 0x93, 0xad, 0x5e,
	    0x56, 0x3b, 0xf4, 0x93, 0x2c, 0x70, 0xe1, 0x24, 0x50, 0x34, 0xc3,
	    0x54, 0x67, 0xef, 0x2e, 0xfd, 0x4d, 0x64, 0xeb, 0xf8, 0x19, 0x68,
	    0x34, 0x67, 0xe2, 0xbf};
	static const uint8_t ph[] = {0x98, 0xa7, 0x02, 0x22, 0xf0, 0xb8, 0x12,
	    0x1a, 0xa9, 0xd3, 0x0f, 0x81, 0x3d, 0x68, 0x3f, 0x80, 0x9e, 0x46,
	    0x2b, 0x46, 0x9c, 0x7f, 0xf8, 0x76, 0x39, 0x49, 0x9b, 0xb9, 0x4e,
	    0x6d, 0xae, 0x41, 0x31, 0xf8, 0x50, 0x42, 0x46, 0x3c, 0x2a, 0x35,
	    0x5a, 0x20, 0x03, 0xd0, 0x62, 0xad, 0xf5, 0xaa, 0xa1, 0x0b, 0x8c,
	    0x61, 0xe6, 0x36, 0x06, 0x2a, 0xaa, 0xd1, 0x1c, 0x2a, 0x26, 0x08,
	    0x34, 0x06};
	static const uint8_t pure[] = {0xc9, 0x44, 0x6c, 0x82, 0xf4, 0x23, 0x50,
	    0x87, 0x61, 0x33, 0x64, 0xb1, 0xe2, 0xc3, 0x1a, 0xed, 0x0a, 0xe9,
	    0xf1, 0x1a, 0x69, 0x82, 0x85, 0x99, 0x14, 0xbd, 0xd8, 0x56, 0x5e,
	    0x11, 0x9d, 0x26, 0xcd, 0x47, 0x42, 0x3c, 0x26, 0xc2, 0xa4, 0x9d,
	    0x5f, 0x60, 0xd8, 0x47, 0xf7, 0x51, 0x20, 0xf4, 0xba, 0xda, 0x1a,
	    0x01, 0x06, 0x3a, 0xaf, 0xef, 0x8f, 0xec, 0xb9, 0xa0, 0x7e, 0x32,
	    0xe7, 0x07};
	struct err e = {0};
	struct keys k;

	(void)state;
	assert_ok(keys_ed25519(public, sizeof(public), &k, &e), &e);
	assert_ok(keys_verify(&k, "abc", 3, pure, sizeof(pure), &e), &e);
	assert_int_equal(
	    keys_verify(&k, "abc", 3, ph, sizeof(ph), &e), ERR_FORMAT);
	keys_release(&k);
}

/* --- what is left of a key ------------------------------------------------- */

#define SCALAR 32

struct pattern {
	uint8_t inverse[2][SCALAR];
};

static bool
is_at(const struct pattern *p, const uint8_t *at)
{
	for (size_t i = 0; i < 2; i++) {
		size_t k = 0;

		while (k < SCALAR && (at[k] ^ p->inverse[i][k]) == 0xff)
			k++;
		if (k == SCALAR)
			return true;
	}
	return false;
}

/* How often any of the patterns, kept inverted so that they are not found
 * themselves, occurs in memory of this process that can be written. */
static size_t
count_in(int mem, uint64_t from, uint64_t to, const struct pattern *p)
{
	static uint8_t window[(1 << 16) + SCALAR];
	size_t found = 0;

	for (uint64_t at = from; at < to; at += 1 << 16) {
		size_t want = MIN(sizeof(window), (size_t)(to - at));
		ssize_t got = pread(mem, window, want, (off_t)at);

		/* what was read of this very window is a copy */
		if (at <= (uintptr_t)window + sizeof(window) &&
		    at + want >= (uintptr_t)window)
			continue;
		for (ssize_t i = 0; i + SCALAR <= got && i < 1 << 16; i++)
			found += is_at(p, window + i);
	}
	memset(window, 0, sizeof(window));
	return found;
}

static size_t
count_everywhere(const struct pattern *p)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char line[512], access[8];
	uint64_t from, to;
	size_t found = 0;

	assert_non_null(maps);
	assert_true(mem >= 0);
	while (fgets(line, sizeof(line), maps) != NULL)
		/* the sanitizers' own maps are terabytes */
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to,
			access) == 3 &&
		    access[1] == 'w' && to - from <= (uint64_t)1 << 28)
			found += count_in(mem, from, to, p);
	close(mem);
	fclose(maps);
	return found;
}

/* The secret number of a key, inverted, forwards and backwards. */
static void
pattern_of(const struct keys *k, struct pattern *p)
{
	uint8_t raw[SCALAR];
	size_t n = sizeof(raw);
	BIGNUM *b = NULL;

	if (k->kind == KEYS_ED25519) {
		assert_int_equal(
		    EVP_PKEY_get_raw_private_key(k->pkey, raw, &n), 1);
	} else {
		assert_int_equal(EVP_PKEY_get_bn_param(
				     k->pkey, OSSL_PKEY_PARAM_PRIV_KEY, &b),
		    1);
		assert_int_equal(BN_bn2binpad(b, raw, SCALAR), SCALAR);
		BN_clear_free(b);
	}
	for (size_t i = 0; i < SCALAR; i++) {
		p->inverse[0][i] = (uint8_t)~raw[i];
		p->inverse[1][SCALAR - 1 - i] = (uint8_t)~raw[i];
	}
	OPENSSL_cleanse(raw, sizeof(raw));
}

/* In a process of its own: OpenSSL's getters leave copies on the stack. */
static void
learn(const char *path, struct pattern *p)
{
	struct err e = {0};
	struct keys k;
	int ends[2], status = 1;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (keys_private(path, NULL, &k, &e) != 0)
			_exit(1);
		pattern_of(&k, p);
		_exit(write(ends[1], p, sizeof(*p)) != (ssize_t)sizeof(*p));
	}
	assert_int_equal(read(ends[0], p, sizeof(*p)), sizeof(*p));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(ends[0]);
	close(ends[1]);
}

/* A key that openssl made and this process only reads: found in memory while
 * it is held, and nowhere when it was released, signatures or not. */
static void
test_wiped(void **state)
{
	const struct key_row *row = *state;
	char path[] = "/tmp/assay-test-XXXXXX", command[200];
	struct pattern p;
	struct buf sig = {0};
	struct err e = {0};
	struct keys k;

	close(mkstemp(path));
	snprintf(command, sizeof(command),
	    "openssl genpkey -algorithm %s %s -out %s 2>/dev/null", row->type,
	    row->curve != NULL ? "-pkeyopt ec_paramgen_curve:P-256" : "", path);
	assert_int_equal(system(command), 0);
	learn(path, &p);
	assert_int_equal(count_everywhere(&p), 0);
	assert_ok(keys_private(path, NULL, &k, &e), &e);
	assert_true(count_everywhere(&p) > 0);
	assert_ok(keys_sign(&k, payload, strlen(payload), &sig, &e), &e);
	keys_release(&k);
	assert_int_equal(count_everywhere(&p), 0);
	buf_free(&sig);
	unlink(path);
}

static void
test_guard(void **state)
{
	struct rlimit core = {1, 1};

	(void)state;
	assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	assert_int_equal(getrlimit(RLIMIT_CORE, &core), 0);
	assert_int_equal(core.rlim_max, 0);
}

/* --- others' vectors: wycheproof/ of the folder that ASSAY_SCHEMAS names ----- */

static size_t
from_hex(const char *hex, uint8_t *out, size_t most)
{
	size_t n = strlen(hex) / 2;

	assert_true(n <= most);
	for (size_t i = 0; i < n; i++) {
		unsigned v;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
		out[i] = (uint8_t)v;
	}
	return n;
}

/* Each signature is believed when it is valid, and only then. */
static void
check_group(const json_t *group)
{
	const char *pem = json_text_at(group, "publicKeyPem");
	const json_t *list = json_at(group, "tests"), *one;
	struct err e = {0};
	struct keys k;
	size_t i;

	assert_ok(keys_public_mem(pem, strlen(pem), &k, &e), &e);
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		bool valid = strcmp(json_text_at(one, "result"), "valid") == 0;
		static uint8_t msg[1 << 16], sig[1 << 16];
		size_t len =
		    from_hex(json_text_at(one, "msg"), msg, sizeof(msg));
		size_t siglen =
		    from_hex(json_text_at(one, "sig"), sig, sizeof(sig));
		int rc = keys_verify(&k, msg, len, sig, siglen, &e);

		if (rc != (valid ? 0 : ERR_FORMAT))
			fail_msg("%" JSON_INTEGER_FORMAT ", %s: %d",
			    json_integer_value(json_at(one, "tcId")),
			    json_text_at(one, "comment"), rc);
	}
	keys_release(&k);
}

static void
test_wycheproof(void **state)
{
	static const char *const name[] = {
	    "ecdsa_secp256r1_sha256_test.json", "ed25519_test.json"};
	const char *dir = getenv("ASSAY_SCHEMAS");
	struct err e = {0};

	(void)state;
	if (dir == NULL || *dir == '\0')
		skip();
	for (size_t f = 0; f < ARRAY_LEN(name); f++) {
		const json_t *groups;
		char path[1024];
		json_t *j;

		snprintf(path, sizeof(path), "%s/wycheproof/%s", dir, name[f]);
		assert_ok(json_read_file(path, 1 << 24, &j, &e), &e);
		groups = json_at(j, "testGroups");
		assert_true(json_array_size(groups) > 50);
		for (size_t i = 0; i < json_array_size(groups); i++)
			check_group(json_array_get(groups, i));
		json_decref(j);
	}
}

int
main(void)
{
	struct CMUnitTest tests[3 * ARRAY_LEN(key_rows) +
				ARRAY_LEN(refuse_rows) + ARRAY_LEN(read_rows) +
				6];
	struct err e = {0};
	size_t n = 0;

	if (secret_guard(&e) != 0)
		return 1;
	memset(tests, 0, sizeof(tests));
	for (size_t i = 0; i < ARRAY_LEN(key_rows); i++) {
		tests[n++] =
		    (struct CMUnitTest)ROW(test_round_trip, key_rows[i]);
		tests[n++] =
		    (struct CMUnitTest)ROW(test_flipped_bits, key_rows[i]);
		tests[n++] = (struct CMUnitTest)ROW(test_wiped, key_rows[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(refuse_rows); i++)
		tests[n++] =
		    (struct CMUnitTest)ROW(test_refused_keys, refuse_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(read_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_read, read_rows[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_pae_vector);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_other_type);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_not_a_key);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_prehashed);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_guard);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_wycheproof);
	return cmocka_run_group_tests_name("dsse", tests, NULL, NULL);
}
