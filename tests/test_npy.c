/* SPDX-License-Identifier: MIT
 * NPY and NPZ as data sets: exact codes and offsets, and the values.
 */
#include "tests/test.h"

#include "base/file.h"
#include "formats/data.h"

struct row {
	const char *name; /* the file in fixtures/npy */
	int rc;
	uint64_t off;
	size_t h, w, c; /* of good ones */
	bool real;
};

#define NO ERR_NOWHERE

static const struct row rows[] = {
    {"good-u1.npy", 0, 0, 4, 3, 1, false},
    {"good-u1-v2.npy", 0, 0, 4, 3, 1, false},
    {"good-u1-v3.npy", 0, 0, 4, 3, 1, false},
    {"good-u1-python2.npy", 0, 0, 4, 3, 1, false},
    {"good-f4.npy", 0, 0, 4, 3, 1, true},
    {"good-f8.npy", 0, 0, 4, 3, 1, true},
    {"good-f4-big.npy", 0, 0, 4, 3, 1, true},
    {"good-i8.npy", 0, 0, 4, 3, 1, false},
    {"good-fortran.npy", 0, 0, 4, 3, 1, false},
    {"good-nhwc.npy", 0, 0, 2, 2, 3, false},
    {"good-unlabelled.npz", 0, 0, 4, 3, 1, false},
    {"good-pair.npz", 0, 0, 4, 3, 1, false},
    {"good-stored.npz", 0, 0, 4, 3, 1, false},
    {"bad-short.npy", ERR_TRUNCATED, 187, 0, 0, 0, false},
    {"bad-long.npy", ERR_FORMAT, 188, 0, 0, 0, false},
    {"bad-pixel-300.npy", ERR_FORMAT, 130, 0, 0, 0, false},
    {"bad-pixel-nan.npy", ERR_FORMAT, 132, 0, 0, 0, false},
    {"bad-pixel-negative.npy", ERR_FORMAT, 132, 0, 0, 0, false},
    {"bad-overflow.npy", ERR_LIMIT, 128, 0, 0, 0, false},
    {"bad-header-cut.npy", ERR_TRUNCATED, 10, 0, 0, 0, false},
    {"bad-header-call.npy", ERR_FORMAT, 74, 0, 0, 0, false},
    {"bad-header-twice.npy", ERR_FORMAT, 78, 0, 0, 0, false},
    {"bad-header-open.npy", ERR_FORMAT, 127, 0, 0, 0, false},
    {"bad-header-tail.npy", ERR_FORMAT, 71, 0, 0, 0, false},
    {"bad-header-comma.npy", ERR_FORMAT, 70, 0, 0, 0, false},
    {"bad-shape-scalar.npy", ERR_FORMAT, 63, 0, 0, 0, false},
    {"bad-shape-letters.npy", ERR_FORMAT, 63, 0, 0, 0, false},
    {"bad-shape-negative.npy", ERR_FORMAT, 61, 0, 0, 0, false},
    {"good-labels.npy", ERR_UNSUPPORTED, NO, 0, 0, 0, false},
    {"unsupported-object.npy", ERR_UNSUPPORTED, 20, 0, 0, 0, false},
    {"unsupported-record.npy", ERR_UNSUPPORTED, 20, 0, 0, 0, false},
    {"unsupported-complex.npy", ERR_UNSUPPORTED, 20, 0, 0, 0, false},
    {"unsupported-version.npy", ERR_UNSUPPORTED, 6, 0, 0, 0, false},
    {"bad-two-images.npz", ERR_FORMAT, NO, 0, 0, 0, false},
    {"bad-no-images.npz", ERR_UNSUPPORTED, NO, 0, 0, 0, false},
    {"bad-cut.npz", ERR_FORMAT, NO, 0, 0, 0, false},
    {"bad-member.npz", ERR_TRUNCATED, 187, 0, 0, 0, false},
    {"bad-name.npz", ERR_FORMAT, NO, 0, 0, 0, false},
};

/* The value of pixel i in all good fixtures. */
static int
pixel(size_t i)
{
	return (int)(i * 37 + 11) & 255;
}

static void
map_fixture(const char *name, char *path, size_t size, struct file_map *m)
{
	struct err e = {0};

	snprintf(path, size, "fixtures/npy/%s", name);
	assert_ok(file_map(path, 1 << 20, m, &e), &e);
}

static void
test_file(void **state)
{
	const struct row *row = *state;
	struct data_source s = {.folder = -1};
	struct err e = {0};
	struct file_map m;
	struct dataset d;
	char path[128];
	int rc;

	map_fixture(row->name, path, sizeof(path), &m);
	s.path = path;
	s.images = rd_mem(m.ptr, m.len);
	rc = data_load(&s, NULL, &d, &e);
	assert_int_equal(rc, row->rc);
	if (rc != 0) {
		assert_int_equal(e.off, row->off);
		assert_string_equal(e.path, path);
		file_unmap(&m);
		return;
	}
	assert_int_equal(d.n, 5);
	assert_int_equal(d.h, row->h);
	assert_int_equal(d.w, row->w);
	assert_int_equal(d.c, row->c);
	assert_int_equal(d.f32 != NULL, row->real);
	for (size_t i = 0; i < 60; i++) {
		if (d.u8 != NULL)
			assert_int_equal(d.u8[i], pixel(i));
		else
			assert_true(d.f32[i] == (float)pixel(i) / 255.0f);
	}
	dataset_release(&d);
	file_unmap(&m);
}

static void
test_planar(void **state)
{
	struct data_source s = {.path = "x", .folder = -1};
	struct err e = {0};
	struct file_map m;
	struct dataset d;
	char path[128];

	(void)state;
	map_fixture("good-nchw.npy", path, sizeof(path), &m);
	s.images = rd_mem(m.ptr, m.len);
	assert_ok(data_load(&s, NULL, &d, &e), &e);
	assert_int_equal(d.c, 3);
	for (size_t i = 0; i < 5; i++)
		for (size_t p = 0; p < 4; p++)
			for (size_t c = 0; c < 3; c++)
				assert_int_equal(d.u8[12 * i + 3 * p + c],
				    pixel(12 * i + 4 * c + p));
	dataset_release(&d);
	file_unmap(&m);
}

struct label_row {
	const char *name, *file;
	int rc;
	uint64_t off;
};

static const struct label_row label_rows[] = {
    {"labels/i8", "good-labels.npy", 0, 0},
    {"labels/i2 big, two axes", "good-labels-i2-big.npy", 0, 0},
    {"labels/too few", "bad-labels-four.npy", ERR_FORMAT, NO},
    {"labels/negative", "bad-label-negative.npy", ERR_FORMAT, 130},
    {"labels/floats", "good-f4.npy", ERR_UNSUPPORTED, NO},
};

static void
test_labels(void **state)
{
	static const int32_t want[] = {0, 1, 2, 1, 0};
	const struct label_row *row = *state;
	struct data_source s = {.folder = -1};
	struct file_map x, y;
	struct err e = {0};
	struct dataset d;
	char path[128], label_path[128];
	struct rd names = rd_mem("cat\ndog\r\nemu", 12);
	int rc;

	map_fixture("good-u1.npy", path, sizeof(path), &x);
	map_fixture(row->file, label_path, sizeof(label_path), &y);
	s.path = path;
	s.label_path = label_path;
	s.images = rd_mem(x.ptr, x.len);
	s.labels = rd_mem(y.ptr, y.len);
	rc = data_load(&s, &names, &d, &e);
	assert_int_equal(rc, row->rc);
	if (rc == 0) {
		assert_memory_equal(d.label, want, sizeof(want));
		assert_int_equal(d.classes, 3);
		assert_string_equal(d.name[1], "dog");
		assert_string_equal(d.name[2], "emu");
		dataset_release(&d);
	} else {
		assert_int_equal(e.off, row->off);
	}
	file_unmap(&x);
	file_unmap(&y);
}

struct names_row {
	const char *name, *text;
	int rc;
	uint64_t off;
};

static const struct names_row names_rows[] = {
    {"names/more than needed", "a\nb\nc\nd\n", 0, 0},
    {"names/too few", "a\nb\n", ERR_FORMAT, NO},
    {"names/an empty line", "a\n\nc\n", ERR_FORMAT, 2},
    {"names/not UTF-8", "a\nb\n\xff\n", ERR_FORMAT, 4},
};

static void
test_names(void **state)
{
	const struct names_row *row = *state;
	struct rd names = rd_mem(row->text, strlen(row->text));
	struct data_source s = {.folder = -1};
	struct err e = {0};
	struct file_map m;
	struct dataset d;
	char path[128];
	int rc;

	map_fixture("good-pair.npz", path, sizeof(path), &m);
	s.path = path;
	s.images = rd_mem(m.ptr, m.len);
	rc = data_load(&s, &names, &d, &e);
	assert_int_equal(rc, row->rc);
	if (rc == 0)
		dataset_release(&d);
	else
		assert_int_equal(e.off, row->off);
	file_unmap(&m);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + ARRAY_LEN(label_rows) +
				ARRAY_LEN(names_rows) + 1] = {
	    cmocka_unit_test(test_planar)};
	size_t n = 1;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_file, rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(label_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_labels, label_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(names_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_names, names_rows[i]);
	return cmocka_run_group_tests_name("npy", tests, NULL, NULL);
}
