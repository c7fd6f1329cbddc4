/* SPDX-License-Identifier: MIT
 * PNG and JPEG: exact codes and offsets, and the pixels.
 */
#include "tests/test.h"

#include "base/file.h"
#include "base/tree.h"
#include "formats/image.h"
#include "formats/imagedir.h"

#include <unistd.h>

struct row {
	const char *name; /* the file in fixtures/image */
	int rc;
	uint64_t off;
	size_t w, h, c;
	uint8_t pixel[8]; /* the first ones */
};

#define NO ERR_NOWHERE

/* clang-format off */
static const struct row rows[] = {
	{"good-grey.png", 0, 0, 4, 3, 1, {5, 12, 19, 26, 18, 25, 32, 39}},
	{"good-rgb.png", 0, 0, 4, 3, 3, {5, 85, 165, 10, 90, 170, 15, 95}},
	{"good-palette.png", 0, 0, 2, 2, 3, {16, 32, 48, 255, 0, 128, 255, 0}},
	{"good-grey-1bit.png", 0, 0, 8, 2, 1, {255, 0, 255, 0, 0, 255, 0, 255}},
	{"good-gamma.png", 0, 0, 2, 1, 1, {10, 200}},
	{"good-grey.jpg", 0, 0, 16, 16, 1, {10, 10, 10, 10, 10, 10, 10, 10}},
	{"good-ycc.jpg", 0, 0, 16, 8, 3, {80, 80, 80, 80, 80, 80, 80, 80}},
	{"unsupported-alpha.png", ERR_UNSUPPORTED, NO, 0, 0, 0, {0}},
	{"unsupported-trns.png", ERR_UNSUPPORTED, NO, 0, 0, 0, {0}},
	{"unsupported-16bit.png", ERR_UNSUPPORTED, NO, 0, 0, 0, {0}},
	{"unsupported-cmyk.jpg", ERR_UNSUPPORTED, NO, 0, 0, 0, {0}},
	{"bad-cut.png", ERR_TRUNCATED, 60, 0, 0, 0, {0}},
	{"bad-crc.png", ERR_FORMAT, 64, 0, 0, 0, {0}},
	{"bad-huge.png", ERR_FORMAT, 33, 0, 0, 0, {0}},
	{"bad-short-data.png", ERR_FORMAT, 66, 0, 0, 0, {0}},
	{"bad-magic.png", ERR_UNSUPPORTED, 0, 0, 0, 0, {0}},
	{"bad-cut.jpg", ERR_TRUNCATED, 167, 0, 0, 0, {0}},
	{"bad-no-scan.jpg", ERR_TRUNCATED, 89, 0, 0, 0, {0}},
};
/* clang-format on */

static void
test_file(void **state)
{
	const struct row *row = *state;
	struct err e = {0};
	struct file_map m;
	struct image img;
	struct arena a;
	char path[128];
	int rc;

	arena_init(&a, 1 << 20);
	snprintf(path, sizeof(path), "fixtures/image/%s", row->name);
	assert_ok(file_map(path, 1 << 20, &m, &e), &e);
	rc = image_read(rd_mem(m.ptr, m.len), &a, &img, &e);
	if (rc != row->rc)
		fail_msg("%d: %s", rc, e.msg);
	if (rc == 0) {
		assert_int_equal(img.w, row->w);
		assert_int_equal(img.h, row->h);
		assert_int_equal(img.c, row->c);
		assert_memory_equal(img.pixel, row->pixel,
		    MIN(img.w * img.h * img.c, sizeof(row->pixel)));
	} else {
		assert_int_equal(e.off, row->off);
	}
	file_unmap(&m);
	arena_release(&a);
}

struct dir_row {
	const char *name; /* the folder in fixtures/imagedir */
	int rc;
	const char *path; /* the culprit */
	size_t n, classes;
};

static const struct dir_row dir_rows[] = {
    {"good-grey", 0, "", 6, 3},
    {"good-mixed", 0, "", 2, 2},
    {"bad-size", ERR_UNSUPPORTED, "b/2.png", 0, 0},
    {"bad-channels", ERR_UNSUPPORTED, "b/2.png", 0, 0},
    {"bad-text", ERR_UNSUPPORTED, "a/1.png", 0, 0},
    {"bad-flat", ERR_UNSUPPORTED, "", 0, 0},
};

static void
test_dir(void **state)
{
	const struct dir_row *row = *state;
	struct dataset d = {0};
	struct err e = {0};
	char path[128];
	int root, rc;

	snprintf(path, sizeof(path), "fixtures/imagedir/%s", row->name);
	root = tree_root(path, &e);
	assert_true(root >= 0);
	arena_init(&d.arena, 1 << 20);
	rc = imagedir_parse(root, &d, &e);
	close(root);
	if (rc != row->rc)
		fail_msg("%d: %s", rc, e.msg);
	if (rc == 0) {
		assert_int_equal(d.n, row->n);
		assert_int_equal(d.classes, row->classes);
		assert_int_equal(d.label[d.n - 1], row->classes - 1);
	} else {
		assert_string_equal(e.path, row->path);
	}
	if (strcmp(row->name, "good-grey") == 0) {
		assert_string_equal(d.name[0], "cat");
		assert_string_equal(d.name[2], "emu");
		assert_int_equal(d.u8[3 * 12], 51); /* dog/1.png */
	}
	dataset_release(&d);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + ARRAY_LEN(dir_rows)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_file, rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(dir_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_dir, dir_rows[i]);
	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
