/* SPDX-License-Identifier: MIT
 * HDF5 files (fixtures/hdf5, made by h5py in fixtures/gen/hdf5.py): element k of
 * a dataset whose first number is i is (i + k) modulo 100.
 */
#include "tests/test.h"

#include "base/file.h"
#include "formats/hdf5_attr.h"
#include "formats/hdf5_data.h"
#include "formats/hdf5_filter.h"
#include "formats/hdf5_group.h"
#include "formats/hdf5_sum.h"

struct opened {
	struct file_map map;
	struct arena a;
	struct hdf5 h;
};

static int
try_open(struct opened *o, const char *name, struct err *e)
{
	char path[128];

	snprintf(path, sizeof(path), "fixtures/hdf5/%s", name);
	assert_ok(file_map(path, 1 << 20, &o->map, e), e);
	arena_init(&o->a, 1 << 24);
	return hdf5_open(&o->h, rd_mem(o->map.ptr, o->map.len), &o->a, e);
}

static void
close_all(struct opened *o)
{
	arena_release(&o->a);
	file_unmap(&o->map);
}

/* --- datasets ------------------------------------------------------------ */

struct data_row {
	const char *name; /* of the test: the file and the dataset */
	const char *file, *path;
	enum dtype dtype;
	size_t rank;
	uint64_t dim[4];
	int first;
	bool view; /* of the file */
};

#define CHUNKS "good-chunks.h5"

static const struct data_row data_rows[] = {
    {"old/f32", "good-old.h5", "f32", DTYPE_F32, 2, {2, 3}, 1, true},
    {"old/f64", "good-old.h5", "f64", DTYPE_F64, 1, {5}, 2, true},
    {"old/f16", "good-old.h5", "f16", DTYPE_F16, 3, {2, 2, 2}, 3, true},
    {"old/i64", "good-old.h5", "i64", DTYPE_I64, 0, {0}, 4, true},
    {"old/u8", "good-old.h5", "/u8", DTYPE_U8, 1, {4}, 5, true},
    {"old/none", "good-old.h5", "none", DTYPE_F32, 2, {0, 3}, 6, true},
    {"new/f32", "good-new.h5", "f32", DTYPE_F32, 2, {2, 3}, 1, true},
    {"new/f16", "good-new.h5", "f16", DTYPE_F16, 3, {2, 2, 2}, 3, true},
    {"new/i64", "good-new.h5", "i64", DTYPE_I64, 0, {0}, 4, true},
    {"chunks/plain", CHUNKS, "c0", DTYPE_F32, 3, {5, 7, 3}, 0, false},
    {"chunks/deflate", CHUNKS, "c1", DTYPE_F32, 3, {5, 7, 3}, 1, false},
    {"chunks/shuffle", CHUNKS, "c2", DTYPE_F32, 3, {5, 7, 3}, 2, false},
    {"chunks/fletcher32", CHUNKS, "c3", DTYPE_F32, 3, {5, 7, 3}, 3, false},
    {"chunks/all", CHUNKS, "c4", DTYPE_F32, 3, {5, 7, 3}, 4, false},
    {"chunks/two levels", CHUNKS, "line", DTYPE_F32, 1, {1001}, 5, false},
    {"chunks/one", CHUNKS, "wide", DTYPE_F64, 2, {2, 2}, 6, false},
    {"lzf/alone", "good-lzf.h5", "line", DTYPE_F32, 1, {1001}, 5, false},
    {"lzf/shuffled", "good-lzf.h5", "shuffled", DTYPE_F32, 3, {5, 40, 3}, 1,
	false},
    {"packed/implicit", "good-packed.h5", "early", DTYPE_F32, 2, {5, 4}, 1,
	false},
    {"packed/compact", "good-packed.h5", "compact", DTYPE_F32, 1, {3}, 2, true},
    {"packed/single", "good-packed.h5", "one", DTYPE_F32, 2, {4, 4}, 3, true},
    {"many/first", "good-many.h5", "d000", DTYPE_U8, 1, {5}, 0, true},
    {"many/last", "good-many.h5", "d299", DTYPE_U8, 1, {5}, 0, true},
};

static void
test_data(void **state)
{
	const struct data_row *row = *state;
	struct opened o;
	struct tensor t;
	struct err e = {0};
	uint64_t at, n = 1;

	assert_ok(try_open(&o, row->file, &e), &e);
	assert_int_equal(
	    hdf5_group_find(&o.h, o.h.root, row->path, &at, &e), 1);
	assert_ok(hdf5_data_read(&o.h, at, &t, &e), &e);
	assert_int_equal(t.dtype, row->dtype);
	assert_int_equal(t.rank, row->rank);
	for (size_t i = 0; i < t.rank; i++) {
		assert_int_equal(t.dim[i], row->dim[i]);
		n *= t.dim[i];
	}
	assert_int_equal(t.size, n * dtype_width(t.dtype));
	assert_true(row->view ==
		    (t.data >= o.map.ptr && t.data < o.map.ptr + o.map.len));
	for (uint64_t k = 0; k < n; k++)
		assert_near(
		    tensor_real(&t, k), ((uint64_t)row->first + k) % 100, 0.0);
	close_all(&o);
}

/* What was filtered again is read as it was; cut anywhere, or with a reference
 * to before its beginning, it is refused. */
static void
test_lzf(void **state)
{
	struct hdf5_filters f = {.n = 2, .id = {2, 32000}, .width = 4};
	static const uint8_t before[] = {0, 'a', 0x20, 5};
	uint8_t want[1001], *work[2];
	const uint8_t *out, *back;
	size_t len, room = hdf5_filter_room(sizeof(want));
	struct arena a;
	struct err e;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t k = 0; k < 2; k++) {
		work[k] = arena_alloc(&a, room, 1);
		assert_non_null(work[k]);
	}
	for (size_t i = 0; i < sizeof(want); i++)
		want[i] = (uint8_t)(i * i);
	memcpy(work[0], want, sizeof(want));
	hdf5_filter_apply(&f, 0, sizeof(want), work, &out, &len);
	for (size_t n = len + 1; n-- > len - 3;) {
		uint8_t *other[2] = {arena_alloc(&a, sizeof(want) + 4, 1),
		    arena_alloc(&a, sizeof(want) + 4, 1)};
		int rc = hdf5_filter_undo(
		    &f, 0, rd_mem(out, n), sizeof(want), other, &back, &e);

		if (n == len) {
			assert_ok(rc, &e);
			assert_memory_equal(back, want, sizeof(want));
		} else {
			assert_int_equal(rc, ERR_FORMAT);
		}
	}
	f.n = 1;
	f.id[0] = 32000;
	assert_int_equal(hdf5_filter_undo(&f, 0, rd_mem(before, sizeof(before)),
			     sizeof(want), work, &back, &e),
	    ERR_FORMAT);
	arena_release(&a);
}

/* --- attributes and groups ----------------------------------------------- */

static void
expect_list(
    struct opened *o, const char *name, const char *const *want, size_t n)
{
	const struct slice *list;
	struct err e = {0};
	size_t got;

	assert_ok(hdf5_attr_list(&o->h, o->h.root, name, &list, &got, &e), &e);
	assert_int_equal(got, n);
	for (size_t i = 0; n != SIZE_MAX && i < n; i++) {
		assert_int_equal(list[i].len, strlen(want[i]));
		if (list[i].len != 0)
			assert_memory_equal(list[i].ptr, want[i], list[i].len);
	}
}

static void
attributes(const char *file)
{
	static const char *const fixed[] = {"a", "bcd", ""};
	static const char *const texts[] = {"x", "", "yz"};
	const struct slice *list;
	struct opened o;
	struct slice s;
	struct err e = {0};
	size_t n;

	assert_ok(try_open(&o, file, &e), &e);
	assert_ok(hdf5_attr_text(&o.h, o.h.root, "text", &s, &e), &e);
	assert_int_equal(s.len, 8);
	assert_memory_equal(s.ptr, "one text", 8);
	expect_list(&o, "fixed", fixed, 3);
	expect_list(&o, "texts", texts, 3);
	expect_list(&o, "empty", NULL, 0);
	expect_list(&o, "absent", NULL, SIZE_MAX);
	assert_int_equal(
	    hdf5_attr_list(&o.h, o.h.root, "number", &list, &n, &e),
	    ERR_FORMAT);
	assert_string_equal(e.msg, "hdf5: attribute 'number' is no text");
	assert_int_equal(
	    hdf5_attr_text(&o.h, o.h.root, "fixed", &s, &e), ERR_FORMAT);
	assert_string_equal(e.msg, "hdf5: attribute 'fixed' has 3 strings");
	close_all(&o);
}

static void
test_attributes(void **state)
{
	(void)state;
	attributes("good-old.h5");
	attributes("good-new.h5");
}

static void
test_groups(void **state)
{
	const struct hdf5_group *g;
	struct opened o;
	struct err e = {0};
	uint64_t at;

	(void)state;
	assert_ok(try_open(&o, "good-many.h5", &e), &e);
	assert_ok(hdf5_group_read(&o.h, o.h.root, &g, &e), &e);
	assert_int_equal(g->n, 300);
	assert_int_equal(hdf5_group_find(&o.h, o.h.root, "d300", &at, &e), 0);
	assert_int_equal(
	    hdf5_group_find(&o.h, o.h.root, "d001/x", &at, &e), ERR_FORMAT);
	assert_string_equal(e.msg, "hdf5: what should be a group is none");
	assert_int_equal(hdf5_group_find(&o.h, o.h.root, "/", &at, &e), 1);
	assert_int_equal(at, o.h.root);
	close_all(&o);
}

/* --- files that are refused ---------------------------------------------- */

struct bad_row {
	const char *name;
	const char *path; /* NULL: when it is opened */
	int rc;
	uint64_t off;
	const char *says;
};

static const struct bad_row bad_rows[] = {
    {"bad-empty.h5", NULL, ERR_TRUNCATED, 8,
	"hdf5: the file ends inside the superblock"},
    {"bad-end.h5", NULL, ERR_TRUNCATED, 7387,
	"hdf5: the file should end at 7388"},
    {"bad-widths.h5", NULL, ERR_FORMAT, 13,
	"hdf5: addresses of 3 bytes, lengths of 8"},
    {"bad-base.h5", NULL, ERR_FORMAT, 0,
	"hdf5: base address 16, the superblock is at 0"},
    {"bad-chunk-tree.h5", "c0", ERR_FORMAT, 1424,
	"hdf5: a tree of type 0 and level 0 inside a dataset"},
    {"unsupported-many.h5", "d000", ERR_UNSUPPORTED, 75,
	"hdf5: a group that keeps its links in a fractal heap"},
    {"unsupported-index.h5", "c0", ERR_UNSUPPORTED, 286,
	"hdf5: chunk index 3, known are 1 and 2"},
};

static void
test_bad(void **state)
{
	const struct bad_row *row = *state;
	struct opened o;
	struct tensor t;
	struct err e = {0};
	uint64_t at;
	int rc;

	rc = try_open(&o, row->name, &e);
	if (row->path != NULL) {
		assert_ok(rc, &e);
		rc = hdf5_group_find(&o.h, o.h.root, row->path, &at, &e);
		if (rc > 0)
			rc = hdf5_data_read(&o.h, at, &t, &e);
	}
	assert_int_equal(rc, row->rc);
	assert_string_equal(e.msg, row->says);
	assert_int_equal(e.off, row->off);
	close_all(&o);
}

/* The examples of lookup3.c (Jenkins, 2006): hashlittle, 0 to begin with. */
static void
test_sum(void **state)
{
	static const char text[] = "Four score and seven years ago";

	(void)state;
	assert_int_equal(
	    hdf5_sum((struct slice){(const uint8_t *)text, sizeof(text) - 1}),
	    0x17770551);
	assert_int_equal(
	    hdf5_sum((struct slice){(const uint8_t *)text, 0}), 0xdeadbeef);
}

/* Each byte of a superblock of version 2 counts, and the checksum's own; one of
 * version 0 has none. */
static void
test_wrong(void **state)
{
	static uint8_t bytes[48] = "\x89HDF\r\n\x1a\n\2\x08\x08";
	struct slice head = {bytes, 44};
	struct arena a;
	struct hdf5 h;
	struct err e = {0};
	uint32_t sum;

	(void)state;
	memset(bytes + 20, 0xff, 8); /* no extension */
	bytes[28] = 48;              /* its end, and then its root */
	sum = hdf5_sum(head);
	for (size_t i = 0; i < 4; i++)
		bytes[44 + i] = (uint8_t)(sum >> 8 * i);
	arena_init(&a, 1 << 20);
	assert_ok(hdf5_open(&h, rd_mem(bytes, sizeof(bytes)), &a, &e), &e);
	assert_int_equal(h.wrong, 0);
	for (size_t i = 36; i < 48; i++) {
		bytes[i] ^= 1;
		assert_ok(
		    hdf5_open(&h, rd_mem(bytes, sizeof(bytes)), &a, &e), &e);
		assert_int_equal(h.wrong, 44);
		bytes[i] ^= 1;
	}
	arena_release(&a);
}

#define ROWS(fn, rows)                                                         \
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)                           \
	tests[n++] = (struct CMUnitTest)ROW(fn, (rows)[i])

int
main(void)
{
	struct CMUnitTest tests[5 + ARRAY_LEN(data_rows) + ARRAY_LEN(bad_rows)];
	size_t n = 0;

	ROWS(test_data, data_rows);
	ROWS(test_bad, bad_rows);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_lzf);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_attributes);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_groups);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_sum);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_wrong);
	return cmocka_run_group_tests_name("hdf5", tests, NULL, NULL);
}
