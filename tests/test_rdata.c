/* SPDX-License-Identifier: MIT
 * R's serialised objects: each type is as long as R writes it, and what acts
 * is found wherever it stands.
 */
#include "tests/test.h"

#include "base/buf.h"
#include "formats/rdata.h"

struct row {
	const char *name;
	const char *words; /* behind the head, as text */
	int rc;
	int found; /* an enum rdata_kind, or -1 */
};

#define SYM(n, s) "1 262153 " #n " " s " "

static const struct row rows[] = {
    {"nothing", "254", 0, -1},
    {"numbers", "13 3 1 NA 3", 0, -1},
    {"a long vector", "13 -1 0 2 1 2", 0, -1},
    {"complex", "15 1 1.5 -2", 0, -1},
    {"bytes", "24 3 00 ff 7f", 0, -1},
    {"strings", "16 2 262153 3 a\\ b 9 -1", 0, -1},
    {"octal", "16 1 262153 2 \\1013", 0, -1},
    {"a list of pairs", "1026 " SYM(1, "a") "13 1 1 254", 0, -1},
    {"attributes", "525 1 1 1026 " SYM(1, "a") "254 254", 0, -1},
    {"a symbol has none", "513 262153 1 a", 0, -1},
    {"nor has its name", "1 262665 1 a 13 0", ERR_FORMAT, -1},
    {"a call", "6 " SYM(1, "f") "254", 0, -1},
    {"a reference", "19 2 " SYM(1, "a") "511", 0, -1},
    {"a reference with a word", "19 2 " SYM(1, "a") "255 1", 0, -1},
    {"a reference to nothing", "767", ERR_FORMAT, -1},
    {"a namespace", "249 0 2 262153 1 a 262153 1 b", 0, -1},
    {"a built-in", "8 1 c", 0, -1},
    {"an environment", "4 0 253 254 254 254", 0, -1},
    {"S4", "65561", 0, -1},
    {"a row that is short", "238 2 " SYM(14, "compact_intseq") "254 254 254", 0,
	-1},
    {"its class again",
	"19 2 238 2 " SYM(
	    14, "compact_intseq") "254 254 254 238 2 511 254 254 254",
	0, -1},
    {"a class that opens files", "238 2 " SYM(9, "mmap_real") "254 254 254", 0,
	RDATA_ALTREP},
    {"a promise", "1029 253 252 254", 0, RDATA_PROMISE},
    {"one that was evaluated", "5 13 1 7 254", 0, -1},
    {"one in a list", "19 1 1029 253 252 254", 0, RDATA_PROMISE},
    {"one in attributes", "525 1 1 1026 " SYM(1, "a") "1029 253 252 254 254", 0,
	RDATA_PROMISE},
    {"one that a function keeps",
	"4 0 253 1026 " SYM(1, "a") "1029 253 252 254 254 254 254", 0, -1},
    {"one behind an environment", "19 2 4 0 253 254 254 254 1029 253 252 254",
	0, RDATA_PROMISE},
    {"a function", "1027 253 254 254", 0, RDATA_FUNCTION},
    {"bytecode",
	"21 1 13 1 12 2 6 254 254 254 254 254 240 254 254 254 254 254 254", 0,
	RDATA_BYTECODE},
    {"parts that come again",
	"21 1 13 1 12 2 244 0 2 254 254 254 254 254 243 0", 0, RDATA_BYTECODE},
    {"a part that comes again and is none", "21 1 13 1 12 1 244 0 13 13 1 7",
	ERR_FORMAT, RDATA_BYTECODE},
    {"a pointer", "22 254 254", 0, RDATA_POINTER},
    {"a weak reference", "23", 0, RDATA_POINTER},
    {"no type", "3840 1", ERR_FORMAT, -1},
    {"a negative length", "13 -2", ERR_FORMAT, -1},
    {"cut", "13 2 1", ERR_TRUNCATED, -1},
    {"more than there is", "19 2147483647 254", ERR_TRUNCATED, -1},
};

static int
look(struct buf *b, struct rdata *d, size_t *left)
{
	struct rd r = rd_mem(b->ptr, b->len);
	struct err e = {0};
	int rc = rdata_read(d, &r, &e);

	*left = rd_left(&r);
	return rc;
}

static void
test_row(void **state)
{
	const struct row *row = *state;
	struct buf b = {0};
	struct rdata d = {.ctx = NULL};
	size_t left;

	buf_printf(&b, "A\n2 0 0 %s\n", row->words);
	assert_int_equal(look(&b, &d, &left), row->rc);
	if (row->rc == 0)
		assert_in_range(left, 0, 1);
	for (int k = 0; k < RDATA_KINDS; k++)
		assert_int_equal(d.at[k] != ERR_NOWHERE, k == row->found);
	buf_free(&b);
}

static void
keep_symbol(void *ctx, struct slice s, uint64_t at)
{
	(void)at;
	buf_append(ctx, s.ptr, s.len);
	buf_u8(ctx, ';');
}

/* Names are told once, without the escapes of text. */
static void
test_names(void **state)
{
	static const char text[] = "A\n2 0 0 19 4 " SYM(6, "s\\171st\\145m")
	    SYM(3, "a\\n\\040") SYM(3, "\\\\\\7b") "511\n";
	struct buf b = {0}, seen = {0};
	struct rdata d = {.symbol = keep_symbol, .ctx = &seen};
	size_t left;

	(void)state;
	buf_puts(&b, text);
	assert_int_equal(look(&b, &d, &left), 0);
	assert_string_equal(buf_str(&seen), "system;a\n ;\\\7b;");
	buf_free(&seen);
	buf_free(&b);
}

/* Lists are long, vectors in one another are not that deep. */
static void
test_deep(void **state)
{
	struct rdata d = {.ctx = NULL};
	struct buf b = {0};
	size_t left;

	(void)state;
	buf_puts(&b, "A\n2 0 0 ");
	for (size_t i = 0; i < 200000; i++)
		buf_puts(&b, "2 254 ");
	buf_puts(&b, "254\n");
	assert_int_equal(look(&b, &d, &left), 0);
	b.len = 0;
	buf_puts(&b, "A\n2 0 0 ");
	for (size_t i = 0; i < 70000; i++)
		buf_puts(&b, "19 2 ");
	assert_int_equal(look(&b, &d, &left), ERR_LIMIT);
	buf_free(&b);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + 2];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_row, rows[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_names);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_deep);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
