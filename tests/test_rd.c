/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "base/rd.h"

struct read_row {
	const char *name;
	const char *bytes;
	size_t len;
	int rc;
	uint64_t want;
	size_t used;
};

static const struct read_row u32_rows[] = {
    {"u32/exact", "\x01\x02\x03\x04", 4, 0, 0x04030201, 4},
    {"u32/short", "\x01\x02\x03", 3, ERR_TRUNCATED, 0, 0},
    {"u32/empty", "", 0, ERR_TRUNCATED, 0, 0},
};

static void
test_u32(void **state)
{
	const struct read_row *row = *state;
	struct rd r = rd_mem(row->bytes, row->len);
	uint32_t got = 0;

	assert_int_equal(rd_u32le(&r, &got), row->rc);
	assert_int_equal(got, row->want);
	assert_int_equal(r.off, row->used);
}

static const struct read_row varint_rows[] = {
    {"varint/one byte", "\x7f", 1, 0, 127, 1},
    {"varint/two bytes", "\xac\x02", 2, 0, 300, 2},
    {"varint/largest", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, 0,
	UINT64_MAX, 10},
    {"varint/65 bits", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10,
	ERR_FORMAT, 0, 0},
    {"varint/eleven bytes", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11,
	ERR_FORMAT, 0, 0},
    {"varint/cut", "\x80\x80", 2, ERR_TRUNCATED, 0, 0},
};

static void
test_big(void **state)
{
	const uint8_t p[] = {0xfe, 0x02, 0x80, 0x04};

	(void)state;
	assert_int_equal(rd_big(p, 4), 0xfe028004);
	assert_int_equal(rd_big(p, 2), 0xfe02);
	assert_int_equal(rd_big(p, 0), 0);
}

static void
test_varint(void **state)
{
	const struct read_row *row = *state;
	struct rd r = rd_mem(row->bytes, row->len);
	uint64_t got = 0;

	assert_int_equal(rd_varint(&r, &got), row->rc);
	assert_int_equal(got, row->want);
	assert_int_equal(r.off, row->used);
}

static void
test_sub_keeps_the_place(void **state)
{
	struct rd r = rd_mem("abcdefgh", 8), inner, core;

	(void)state;
	assert_int_equal(rd_skip(&r, 2), 0);
	assert_int_equal(rd_sub(&r, 5, &inner), 0);
	assert_int_equal(rd_skip(&inner, 1), 0);
	assert_int_equal(rd_sub(&inner, 3, &core), 0);
	assert_int_equal(rd_pos(&core), 3);
	assert_int_equal(rd_sub(&inner, 2, &core), ERR_TRUNCATED);
	assert_int_equal(rd_left(&r), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    ROW(test_u32, u32_rows[0]),
	    ROW(test_u32, u32_rows[1]),
	    ROW(test_u32, u32_rows[2]),
	    cmocka_unit_test(test_big),
	    ROW(test_varint, varint_rows[0]),
	    ROW(test_varint, varint_rows[1]),
	    ROW(test_varint, varint_rows[2]),
	    ROW(test_varint, varint_rows[3]),
	    ROW(test_varint, varint_rows[4]),
	    ROW(test_varint, varint_rows[5]),
	    cmocka_unit_test(test_sub_keeps_the_place),
	};

	return cmocka_run_group_tests_name("rd", tests, NULL, NULL);
}
