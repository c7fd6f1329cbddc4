/* SPDX-License-Identifier: MIT
 * Zips: entries with their places, oddities, and checksums put back.
 */
#include "tests/test.h"

#include "base/file.h"
#include "formats/zip.h"

#define FIXTURES "fixtures/zip/"

static void
open_fixture(const char *name, struct file_map *f, struct arena *a)
{
	char path[128];
	struct err e = {0};

	snprintf(path, sizeof(path), FIXTURES "%s", name);
	assert_ok(file_map(path, 1 << 20, f, &e), &e);
	arena_init(a, 1 << 20);
}

struct row {
	const char *name;
	size_t n;
	int odd; /* the one oddity, or -1 */
	uint64_t odd_at;
};

static const struct row rows[] = {
    {"good-stored.zip", 2, -1, 0},
    {"good-comment.zip", 2, -1, 0},
    {"good-zip64.zip", 2, -1, 0},
    {"good-deflated.zip", 2, -1, 0},
    {"good-torch.zip", 3, -1, 0},
    {"odd-twice.zip", 3, ZIP_DUPLICATE, 405},
    {"odd-tail.zip", 2, ZIP_TAIL, 394},
    {"odd-local.zip", 2, ZIP_LOCAL, 0},
};

static void
test_entries(void **state)
{
	const struct row *row = *state;
	struct file_map f;
	struct arena a;
	struct zip z;
	struct err e = {0};

	open_fixture(row->name, &f, &a);
	assert_ok(zip_open(&z, rd_mem(f.ptr, f.len), &a, &e), &e);
	assert_int_equal(z.n, row->n);
	for (int i = 0; i < ZIP_ODDITIES; i++)
		assert_int_equal(z.odd[i], i == row->odd);
	if (row->odd >= 0)
		assert_true(z.odd_at[row->odd] == row->odd_at);
	for (size_t i = 0; i < z.n; i++) {
		struct slice s;

		assert_ok(zip_read(&z, &z.entry[i], &s, &e), &e);
		assert_int_equal(s.len, z.entry[i].size);
		assert_int_equal(zip_crc(s.ptr, s.len), z.entry[i].crc);
		if (zip_is_stored(&z.entry[i]))
			assert_ptr_equal(s.ptr, f.ptr + z.entry[i].data);
	}
	arena_release(&a);
	file_unmap(&f);
}

/* Of two entries of one name the later one, as Python's zipfile has it. */
static void
test_twice(void **state)
{
	struct file_map f;
	struct arena a;
	struct zip z;
	struct err e = {0};

	(void)state;
	open_fixture("odd-twice.zip", &f, &a);
	assert_ok(zip_open(&z, rd_mem(f.ptr, f.len), &a, &e), &e);
	assert_ptr_equal(zip_find(&z, "a/one"), &z.entry[2]);
	assert_true(z.entry[0].shadowed && !z.entry[2].shadowed);
	assert_null(zip_find(&z, "a/three"));
	arena_release(&a);
	file_unmap(&f);
}

/* Offsets are those of a zip at the start of the file, as miniz has it. */
static void
test_front(void **state)
{
	struct file_map f;
	struct arena a;
	struct zip z;
	struct err e = {0};

	(void)state;
	open_fixture("odd-front.zip", &f, &a);
	assert_int_equal(
	    zip_open(&z, rd_mem(f.ptr, f.len), &a, &e), ERR_FORMAT);
	arena_release(&a);
	file_unmap(&f);
}

/* A byte of every entry changes; then every checksum is right again. */
static void
test_mend(void **state)
{
	const struct row *row = *state;
	struct file_map f;
	struct arena a, b;
	struct zip z, again;
	uint8_t *copy;
	struct err e = {0};
	size_t changed = 0;

	open_fixture(row->name, &f, &a);
	copy = malloc(f.len);
	assert_non_null(copy);
	memcpy(copy, f.ptr, f.len);
	assert_ok(zip_open(&z, rd_mem(copy, f.len), &a, &e), &e);
	for (size_t i = 0; i < z.n; i++) {
		copy[z.entry[i].data] ^= 0x5a;
		zip_mend(&z, &z.entry[i], copy);
	}
	for (size_t i = 0; i < f.len; i++)
		changed += copy[i] != f.ptr[i];
	/* a byte, and four in the directory and in one other place */
	assert_true(changed <= 9 * z.n && changed > 3 * z.n);
	arena_init(&b, 1 << 20);
	assert_ok(zip_open(&again, rd_mem(copy, f.len), &b, &e), &e);
	for (size_t i = 0; i < again.n; i++) {
		struct slice s;

		assert_ok(zip_read(&again, &again.entry[i], &s, &e), &e);
		assert_int_equal(zip_crc(s.ptr, s.len), again.entry[i].crc);
	}
	assert_int_equal(again.odd[ZIP_LOCAL], 0);
	free(copy);
	arena_release(&b);
	arena_release(&a);
	file_unmap(&f);
}

int
main(void)
{
	const struct CMUnitTest single[] = {
	    cmocka_unit_test(test_twice),
	    cmocka_unit_test(test_front),
	};
	struct CMUnitTest tests[ARRAY_LEN(single) + ARRAY_LEN(rows) + 3];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(single); i++)
		tests[n++] = single[i];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_entries, rows[i]);
	tests[n++] = (struct CMUnitTest)ROW(test_mend, rows[0]);
	tests[n++] = (struct CMUnitTest)ROW(test_mend, rows[2]);
	tests[n++] = (struct CMUnitTest)ROW(test_mend, rows[4]);
	return cmocka_run_group_tests_name("zip", tests, NULL, NULL);
}
