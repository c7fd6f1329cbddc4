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
    {"canonical/RFC 8785, 3.2.2, but for its numbers",
	"{\n  \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c"
	"\\\\\\\"\\/\",\n  \"literals\": [null, true, false]\n}",
	"{\"literals\":[null,true,false],\"string\":\"\xe2\x82\xac$\\u000f\\nA'"
	"B\\\"\\\\\\\\\\\"/\"}"},
    {"canonical/RFC 8785, 3.2.3",
	"{\n  \"\\u20ac\": \"Euro Sign\",\n  \"\\r\": \"Carriage Return\",\n"
	"  \"\\ufb33\": \"Hebrew Letter Dalet With Dagesh\",\n  \"1\": "
	"\"One\",\n"
	"  \"\\ud83d\\ude00\": \"Emoji: Grinning Face\",\n"
	"  \"\\u0080\": \"Control\",\n"
	"  \"\\u00f6\": \"Latin Small Letter O With Diaeresis\"\n}",
	"{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
	"\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\","
	"\"\xe2\x82\xac\":\"Euro Sign\","
	"\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
	"\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}"},
    /* RFC 8785, appendix B, as far as its numbers are integers of I-JSON */
    {"canonical/appendix B, zero and minus zero", "[0,-0]", "[0,0]"},
    {"canonical/appendix B, largest exact", "[9007199254740991]",
	"[9007199254740991]"},
    {"canonical/smallest exact", "[-9007199254740991]", "[-9007199254740991]"},
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

/* Those numbers of RFC 8785, appendix B and section 3.2.2, that our documents
 * do not have: refused rather than printed in a way of our own. */
static const char *const number_rows[] = {"5e-324", "-5e-324",
    "1.7976931348623157e+308", "-1.7976931348623157e+308", "9007199254740992",
    "-9007199254740992", "9.999999999999997e+22", "1e+23",
    "1.0000000000000001e+23", "1e+21", "9.999999999999997e-7", "0.000001",
    "333333333.3333332", "333333333.33333325", "333333333.3333333",
    "333333333.3333334", "333333333.33333343", "-0.0000033333333333333333",
    "1424953923781206.2", "333333333.33333329", "1E30", "4.50", "2e-3", "1.0",
    "-0.0", "0e0"};

static void
test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(number_rows); i++) {
		struct buf b = {0};
		struct err e = {0};
		char text[80];
		json_t *j;

		snprintf(text, sizeof(text), "{\"a\":[1,%s]}", number_rows[i]);
		assert_ok(json_read(text, strlen(text), &j, &e), &e);
		assert_int_equal(json_canonical(j, &b, &e), ERR_UNSUPPORTED);
		json_decref(j);
		buf_free(&b);
	}
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
    {"strict/infinity", "[Infinity]", NULL},
    {"strict/beyond a double", "[1e400]", NULL},
    {"strict/appendix B, about 2^68", "[295147905179352830000]", NULL},
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

/* Nor, in what is signed, a zero byte; deeper than anybody writes. */
static void
test_signed(void **state)
{
	static const char nul[] = "[\"a\\u0000b\"]", key[] = "{\"\\u0000\":1}";
	struct err e = {0};
	char deep[5001];
	json_t *j;

	(void)state;
	assert_ok(json_read(nul, strlen(nul), &j, &e), &e);
	json_decref(j);
	assert_int_equal(
	    json_read_strict(nul, strlen(nul), &j, &e), ERR_FORMAT);
	assert_int_equal(
	    json_read_strict(key, strlen(key), &j, &e), ERR_FORMAT);
	memset(deep, '[', 2500);
	memset(deep + 2500, ']', 2500);
	assert_int_equal(json_read_strict(deep, 5000, &j, &e), ERR_FORMAT);
	assert_ok(json_read_strict(deep + 2000, 1000, &j, &e), &e);
	json_decref(j);
}

/* The vectors of the RFC's authors that hold no reals, in jcs/ of the folder
 * that ASSAY_SCHEMAS names. */
static void
test_published(void **state)
{
	static const char *const name[] = {
	    "french.json", "unicode.json", "weird.json"};
	const char *dir = getenv("ASSAY_SCHEMAS");
	struct err e = {0};

	(void)state;
	if (dir == NULL || *dir == '\0')
		skip();
	for (size_t i = 0; i < ARRAY_LEN(name); i++) {
		char in[1024], out[1024];
		struct buf b = {0};
		struct file_map m;
		json_t *j;

		snprintf(in, sizeof(in), "%s/jcs/input/%s", dir, name[i]);
		snprintf(out, sizeof(out), "%s/jcs/output/%s", dir, name[i]);
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
	    tests[ARRAY_LEN(canon_rows) + ARRAY_LEN(strict_rows) + 3];
	size_t n = 0;

	memset(tests, 0, sizeof(tests));
	for (size_t i = 0; i < ARRAY_LEN(canon_rows); i++)
		tests[n++] =
		    (struct CMUnitTest)ROW(test_canonical, canon_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(strict_rows); i++)
		tests[n++] =
		    (struct CMUnitTest)ROW(test_strict, strict_rows[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_numbers);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_signed);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_published);
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
