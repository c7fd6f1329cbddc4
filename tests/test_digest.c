/* SPDX-License-Identifier: MIT
 * SHA-256 against FIPS 180-4's examples, base64 against RFC 4648's.
 */
#include "tests/test.h"

#include "base/digest.h"
#include "base/dirhash.h"

static void
test_sha256(void **state)
{
	static const char want[] =
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	struct digest d, back;
	struct digest_ctx c;
	char hex[DIGEST_HEX];

	(void)state;
	digest_mem("abc", 3, &d);
	digest_hex(&d, hex);
	assert_string_equal(hex, want);
	digest_begin(&c);
	digest_update(&c, "a", 1);
	digest_update(&c, "bc", 2);
	digest_end(&c, &back);
	assert_true(digest_equal(&d, &back));
	assert_true(digest_parse(want, &back));
	assert_true(digest_equal(&d, &back));
	hex[0] = 'B';
	assert_false(digest_parse(hex, &back));
	hex[63] = '\0';
	assert_false(digest_parse(hex, &back));
}

struct base64_row {
	const char *name, *text, *bytes;
	int rc;
	uint64_t off;
};

static const struct base64_row base64_rows[] = {
    {"base64/empty", "", "", 0, 0},
    {"base64/f", "Zg==", "f", 0, 0},
    {"base64/fo", "Zm8=", "fo", 0, 0},
    {"base64/foobar", "Zm9vYmFy", "foobar", 0, 0},
    {"base64/url-safe", "_-8=", "\xff\xef", 0, 0},
    {"base64/both alphabets", "_-8+", NULL, ERR_FORMAT, 3},
    {"base64/length", "Zg=", NULL, ERR_FORMAT, 3},
    {"base64/space", "Zm9v YmFyeg", NULL, ERR_FORMAT, 11},
    {"base64/space inside", "Zm 9", NULL, ERR_FORMAT, 2},
    {"base64/bits in the padding", "Zh==", NULL, ERR_FORMAT, 0},
    {"base64/padding in the middle", "Zg==Zg==", NULL, ERR_FORMAT, 2},
    {"base64/only padding", "====", NULL, ERR_FORMAT, 0},
};

static void
test_base64(void **state)
{
	const struct base64_row *row = *state;
	struct buf b = {0};
	struct err e = {0};

	assert_int_equal(
	    digest_unbase64(row->text, strlen(row->text), &b, &e), row->rc);
	if (row->rc != 0) {
		assert_int_equal(e.off, row->off);
	} else {
		assert_int_equal(b.len, strlen(row->bytes));
		assert_string_equal(buf_str(&b), row->bytes);
		b.len = 0;
		digest_base64(row->bytes, strlen(row->bytes), &b);
		if (strchr(row->text, '_') == NULL)
			assert_string_equal(buf_str(&b), row->text);
	}
	buf_free(&b);
}

/* No folder, or what is none, has no digest: that of nothing would be one. */
static void
test_dirhash_of_no_folder(void **state)
{
	struct digest d;
	uint64_t size;
	struct err e = {0};

	(void)state;
	assert_int_equal(
	    dirhash_dir("build/no-such-folder", &d, &size, NULL, &e),
	    ERR_SYSTEM);
	assert_string_equal(e.path, "build/no-such-folder");
	assert_int_equal(
	    dirhash_dir("Makefile", &d, &size, NULL, &e), ERR_FORMAT);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(base64_rows) + 2] = {
	    cmocka_unit_test(test_sha256),
	    cmocka_unit_test(test_dirhash_of_no_folder)};

	for (size_t i = 0; i < ARRAY_LEN(base64_rows); i++)
		tests[i + 2] =
		    (struct CMUnitTest)ROW(test_base64, base64_rows[i]);
	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
