/* SPDX-License-Identifier: MIT
 * The canonical form (RFC 8785) of documents without reals, and strictness.
 */
#include "tests/test.h"

#include "base/file.h"
#include "base/json.h"

struct canon_row {
	const char *name, *in, *want;
};

static const struct canon_row canon_rows[] = {
    {"canonical/sorted, no spaces", "{ \"b\" : 1, \"a\" : [ 2 , 3 ] }",
	"{\"a\":[2,3],\"b\":1}"},
    {"canonical/nested", "{\"z\":{\"y\":{},\"x\":[]},\"1\":null}",
	"{\"1\":null,\"z\":{\"x\":[],\"y\":{}}}"},
    {"canonical/literals", "[true,false,null,0,-1,9007199254740991]",
	"[true,false,null,0,-1,9007199254740991]"},
    {"canonical/upper before lower", "{\"a\":1,\"A\":2,\"_\":3,\"1\":4}",
	"{\"1\":4,\"A\":2,\"_\":3,\"a\":1}"},
    {"canonical/prefix first", "{\"ab\":1,\"a\":2,\"\":3}",
	"{\"\":3,\"a\":2,\"ab\":1}"},
    {"canonical/short escapes", "[\"\\b\\t\\n\\f\\r\\\"\\\\\\/\"]",
	"[\"\\b\\t\\n\\f\\r\\\"\\\\/\"]"},
    {"canonical/other controls, lower case", "[\"\\u001F\\u0000\\u007f\"]",
	"[\"\\u001f\\u0000\x7f\"]"},
    {"canonical/utf-8 as it is", "[\"\\u20ac\\u00e9\\ud83d\\ude00\"]",
	"[\"\xe2\x82\xac\xc3\xa9\xf0\x9f\x98\x80\"]"},
    /* U+1F600 is d83d de00 in UTF-16: before U+E000 and U+FB33 */
    {"canonical/utf-16 order",
	"{\"\\ufb33\":1,\"\\ud83d\\ude00\":2,\"\\u20ac\":3,\"\\u00f6\":4,"
	"\"\\u0080\":5,\"1\":6,\"\\r\":7,\"\\ue000\":8}",
	"{\"\\r\":7,\"1\":6,\"\xc2\x80\":5,\"\xc3\xb6\":4,\"\xe2\x82\xac\":3,"
	"\"\xf0\x9f\x98\x80\":2,\"\xee\x80\x80\":8,\"\xef\xac\xb3\":1}"},
    {"canonical/low surrogates decide",
	"{\"\\ud83d\\ude01\":1,\"\\ud83d\\ude00\":2,\"\\ud83c\\udfff\":3}",
	"{\"\xf0\x9f\x8f\xbf\":3,\"\xf0\x9f\x98\x80\":2,"
	"\"\xf0\x9f\x98\x81\":1}"},
};

static void
test_canonical(void **state)
{
	const struct canon_row *row = *state;
	struct buf b = {0}, again = {0};
	struct err e = {0};
	json_t *j;

	assert_ok(json_read(row->in, strlen(row->in), &j, &e), &e);
	assert_ok(json_canonical(j, &b, &e), &e);
	json_decref(j);
	assert_string_equal(buf_str(&b), row->want);
	/* a fixed point */
	assert_ok(json_read(b.ptr, b.len, &j, &e), &e);
	assert_ok(json_canonical(j, &again, &e), &e);
	assert_string_equal(buf_str(&again), row->want);
	json_decref(j);
	buf_free(&b);
	buf_free(&again);
}

static void
test_no_reals(void **state)
{
	struct buf b = {0};
	struct err e = {0};
	json_t *j;

	(void)state;
	assert_ok(json_read("{\"a\":[1,1.0]}", 13, &j, &e), &e);
	assert_int_equal(json_canonical(j, &b, &e), ERR_UNSUPPORTED);
	json_decref(j);
	buf_free(&b);
}

static const struct canon_row strict_rows[] = {
    {"strict/duplicate key", "{\"a\":1,\"a\":2}", NULL},
    {"strict/duplicate key, deep", "[{\"x\":{\"a\":1,\"a\":1}}]", NULL},
    {"strict/duplicate key, escaped", "{\"a\":1,\"\\u0061\":2}", NULL},
    {"strict/trailing bytes", "{} {}", NULL},
    {"strict/byte order mark", "\xef\xbb\xbf{}", NULL},
    {"strict/bad utf-8", "[\"\xc3\x28\"]", NULL},
    {"strict/lone surrogate", "[\"\\ud800\"]", NULL},
    {"strict/leading zero", "[01]", NULL},
    {"strict/huge integer", "[123456789012345678901234567890]", NULL},
    {"strict/nan", "[NaN]", NULL},
};

static void
test_strict(void **state)
{
	const struct canon_row *row = *state;
	struct err e = {0};
	json_t *j;

	assert_int_equal(
	    json_read(row->in, strlen(row->in), &j, &e), ERR_FORMAT);
	assert_null(j);
}

/* The vectors of the RFC's authors that hold no reals, where a checkout has
 * them: ASSAY_JCS names the folder with input/ and output/. */
static void
test_published(void **state)
{
	static const char *const name[] = {
	    "french.json", "unicode.json", "weird.json"};
	const char *dir = getenv("ASSAY_JCS");
	struct err e = {0};

	(void)state;
	if (dir == NULL) {
		print_message("# ASSAY_JCS is not set: skipped\n");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(name); i++) {
		char in[1024], out[1024];
		struct buf b = {0};
		struct file_map m;
		json_t *j;

		snprintf(in, sizeof(in), "%s/input/%s", dir, name[i]);
		snprintf(out, sizeof(out), "%s/output/%s", dir, name[i]);
		assert_ok(json_read_file(in, 1 << 20, &j, &e), &e);
		assert_ok(json_canonical(j, &b, &e), &e);
		assert_ok(file_map(out, 1 << 20, &m, &e), &e);
		assert_int_equal(b.len, m.len);
		assert_memory_equal(b.ptr, m.ptr, m.len);
		file_unmap(&m);
		buf_free(&b);
		json_decref(j);
	}
}

int
main(void)
{
	struct CMUnitTest
	    tests[ARRAY_LEN(canon_rows) + ARRAY_LEN(strict_rows) + 2];
	size_t n = 0;

	memset(tests, 0, sizeof(tests));
	for (size_t i = 0; i < ARRAY_LEN(canon_rows); i++)
		tests[n++] =
		    (struct CMUnitTest)ROW(test_canonical, canon_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(strict_rows); i++)
		tests[n++] =
		    (struct CMUnitTest)ROW(test_strict, strict_rows[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_no_reals);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_published);
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
