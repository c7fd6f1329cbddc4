/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "base/text.h"

struct escape_row {
	const char *name, *in, *want;
	size_t len;
};

static const struct escape_row escape_rows[] = {
    {"escape/plain", "model.onnx", "model.onnx", 10},
    {"escape/utf-8 stays",
	"Stra\xc3\x9f"
	"e",
	"Stra\xc3\x9f"
	"e",
	7},
    {"escape/control", "a\x1b[31m\n", "a\\x1b[31m\\x0a", 7},
    {"escape/zero byte", "a\0b", "a\\x00b", 3},
    {"escape/invalid utf-8", "\xff\xc0\x80", "\\xff\\xc0\\x80", 3},
    {"escape/surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80", 3},
    {"escape/bidi override", "\xe2\x80\xae", "\\u{202e}", 3},
    {"escape/variation selector", "\xf3\xa0\x84\x80", "\\u{e0100}", 4},
    {"escape/c1 control", "\xc2\x9b", "\\x9b", 2},
};

static void
test_escape(void **state)
{
	const struct escape_row *row = *state;
	char out[64];

	assert_int_equal(text_escape(row->in, row->len, out, sizeof(out)),
	    strlen(row->want));
	assert_string_equal(out, row->want);
}

static void
test_escape_cuts_whole_characters(void **state)
{
	char out[6];

	(void)state;
	text_escape("ab\x1b", 3, out, sizeof(out));
	assert_string_equal(out, "ab"); /* "\x1b" and the end need five */
}

static void
test_numbers(void **state)
{
	uint64_t v = 7;
	double d = 7;

	(void)state;
	assert_true(text_parse_u64("18446744073709551615", UINT64_MAX, &v));
	assert_true(v == UINT64_MAX);
	assert_false(text_parse_u64("18446744073709551616", UINT64_MAX, &v));
	assert_false(text_parse_u64("", UINT64_MAX, &v));
	assert_false(text_parse_u64("01", UINT64_MAX, &v));
	assert_false(text_parse_u64("-1", UINT64_MAX, &v));
	assert_false(text_parse_u64(" 1", UINT64_MAX, &v));
	assert_false(text_parse_u64("11", 10, &v));
	assert_true(text_parse_double("1e-3", 0, 1, &d));
	assert_true(d == 1e-3);
	assert_false(text_parse_double("nan", 0, 1, &d));
	assert_false(text_parse_double("0.5x", 0, 1, &d));
	assert_false(text_parse_double("2", 0, 1, &d));
}

static void
test_suffix(void **state)
{
	(void)state;
	assert_true(text_ends_with("a.ONNX", ".onnx"));
	assert_false(text_ends_with("onnx", ".onnx"));
}

static void
test_plural(void **state)
{
	(void)state;
	assert_string_equal(text_plural(0), "s");
	assert_string_equal(text_plural(1), "");
	assert_string_equal(text_plural(2), "s");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    ROW(test_escape, escape_rows[0]),
	    ROW(test_escape, escape_rows[1]),
	    ROW(test_escape, escape_rows[2]),
	    ROW(test_escape, escape_rows[3]),
	    ROW(test_escape, escape_rows[4]),
	    ROW(test_escape, escape_rows[5]),
	    ROW(test_escape, escape_rows[6]),
	    ROW(test_escape, escape_rows[7]),
	    cmocka_unit_test(test_escape_cuts_whole_characters),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_plural),
	    cmocka_unit_test(test_suffix),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
