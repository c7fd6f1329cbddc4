/* SPDX-License-Identifier: MIT
 * IDX, and gzip around it: exact codes and offsets.
 */
#include "tests/test.h"

#include "base/file.h"
#include "base/limits.h"
#include "formats/gunzip.h"
#include "formats/idx.h"

struct row {
	const char *name; /* the file in fixtures/idx */
	int rc;
	uint64_t off;
	size_t rank, count;
};

static const struct row rows[] = {
    {"good-images.idx", 0, 0, 3, 60},
    {"good-images.idx.gz", 0, 0, 3, 60},
    {"good-labels.idx", 0, 0, 1, 5},
    {"good-labels.idx.gz", 0, 0, 1, 5},
    {"good-rgb.idx", 0, 0, 4, 60},
    {"bad-short.idx", ERR_TRUNCATED, 75, 0, 0},
    {"bad-long.idx", ERR_FORMAT, 76, 0, 0},
    {"bad-header.idx", ERR_TRUNCATED, 12, 0, 0},
    {"bad-magic.idx", ERR_FORMAT, 0, 0, 0},
    {"bad-huge.idx", ERR_LIMIT, 16, 0, 0},
    {"bad-gzip-cut.idx.gz", ERR_TRUNCATED, 87, 0, 0},
    {"bad-gzip-crc.idx.gz", ERR_FORMAT, 92, 0, 0},
    {"bad-gzip-tail.idx.gz", ERR_FORMAT, 98, 0, 0},
    {"unsupported-float.idx", ERR_UNSUPPORTED, 2, 0, 0},
};

static void
test_file(void **state)
{
	const struct row *row = *state;
	struct err e = {0};
	struct file_map m;
	struct arena a;
	struct array got;
	char path[128];
	int rc;

	arena_init(&a, 1 << 20);
	snprintf(path, sizeof(path), "fixtures/idx/%s", row->name);
	assert_ok(file_map(path, 1 << 20, &m, &e), &e);
	rc = idx_parse(rd_mem(m.ptr, m.len), &a, &got, &e);
	assert_int_equal(rc, row->rc);
	if (rc == 0) {
		assert_int_equal(got.rank, row->rank);
		assert_int_equal(got.count, row->count);
		assert_int_equal(got.data.base[0], row->count == 5 ? 0 : 11);
	} else {
		assert_int_equal(e.off, row->off);
	}
	file_unmap(&m);
	arena_release(&a);
}

static void
test_gunzip_limit(void **state)
{
	struct err e = {0};
	struct file_map m;
	struct arena a;
	struct rd out;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_ok(
	    file_map("fixtures/idx/good-images.idx.gz", 1 << 20, &m, &e), &e);
	assert_int_equal(
	    gunzip(rd_mem(m.ptr, m.len), &a, 75, &out, &e), ERR_LIMIT);
	assert_ok(gunzip(rd_mem(m.ptr, m.len), &a, 76, &out, &e), &e);
	assert_int_equal(out.len, 76);
	file_unmap(&m);
	arena_release(&a);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + 1] = {
	    cmocka_unit_test(test_gunzip_limit)};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[1 + i] = (struct CMUnitTest)ROW(test_file, rows[i]);
	return cmocka_run_group_tests_name("idx", tests, NULL, NULL);
}
