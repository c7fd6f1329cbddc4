/* SPDX-License-Identifier: MIT
 * The quick search leaves out no place that a slow one finds, wherever in the
 * bytes it stands.
 */
#include "base/find.h"
#include "tests/test.h"

static const char *const words[] = {"MZ", "PK\3", "AKIA", "\xcf\xfa\xed"};

static struct find
all_words(void)
{
	struct find f = {0};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		find_add(&f, (unsigned)i, words[i], strlen(words[i]));
	return f;
}

static void
test_every_place(void **state)
{
	struct find f = all_words();
	uint8_t p[220];

	(void)state;
	for (size_t len = 4; len <= sizeof(p); len++)
		for (size_t at = 0; at + 4 <= len; at++)
			for (size_t w = 0; w < ARRAY_LEN(words); w++) {
				memset(p, 'x', sizeof(p));
				assert_int_equal(find_next(&f, p, 0, len), len);
				memcpy(p + at, words[w], strlen(words[w]));
				assert_int_equal(find_next(&f, p, 0, len), at);
				assert_int_equal(find_next(&f, p, at, len), at);
				assert_int_equal(
				    find_next(&f, p, at + 1, len), len);
			}
}

/* Nothing behind len is looked at. */
static void
test_end(void **state)
{
	struct find f = all_words();
	uint8_t p[64];

	(void)state;
	memset(p, 'x', sizeof(p));
	memcpy(p + 40, "MZab", 4);
	assert_int_equal(find_next(&f, p, 0, 42), 42);
	assert_int_equal(find_next(&f, p, 0, 43), 40);
	assert_int_equal(find_next(&f, p, 0, 2), 2);
	assert_int_equal(find_next(&f, p, 64, 64), 64);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_place),
	    cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
