/* SPDX-License-Identifier: MIT
 * Images of every form: exact codes and offsets, and the pixels.
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
	{"good-transparent.png", 0, 0, 2, 1, 3, {1, 2, 3, 5, 6, 7}},
	{"good-grey-trns.png", 0, 0, 1, 1, 1, {1}},
	{"good-16bit.png", 0, 0, 1, 1, 3, {1, 3, 255}},
	{"good-grey-16bit.png", 0, 0, 2, 1, 1, {1, 200}},
	{"good-alpha.png", 0, 0, 2, 1, 3, {1, 2, 3, 4, 5, 6}},
	{"good-grey-alpha.png", 0, 0, 2, 1, 1, {7, 8}},
	{"good-trns.png", 0, 0, 2, 1, 3, {16, 32, 48, 255, 0, 128}},
	{"good-cmyk.jpg", 0, 0, 8, 8, 3, {188, 125, 50, 188, 125, 50, 188, 125}},
	{"bad-cut.png", ERR_TRUNCATED, 60, 0, 0, 0, {0}},
	{"bad-crc.png", ERR_FORMAT, 64, 0, 0, 0, {0}},
	{"bad-huge.png", ERR_FORMAT, 33, 0, 0, 0, {0}},
	{"bad-short-data.png", ERR_FORMAT, 66, 0, 0, 0, {0}},
	{"bad-magic.png", ERR_UNSUPPORTED, 0, 0, 0, 0, {0}},
	{"bad-cut.jpg", ERR_TRUNCATED, 167, 0, 0, 0, {0}},
	{"bad-no-scan.jpg", ERR_TRUNCATED, 89, 0, 0, 0, {0}},
	{"good-raw.pgm", 0, 0, 4, 3, 1, {5, 12, 19, 26, 18, 25, 32, 39}},
	{"good-raw.ppm", 0, 0, 4, 3, 3, {5, 85, 165, 12, 92, 172, 19, 99}},
	{"good-plain.pgm", 0, 0, 4, 3, 1, {5, 12, 19, 26, 18, 25, 32, 39}},
	{"good-plain.ppm", 0, 0, 4, 3, 3, {5, 85, 165, 12, 92, 172, 19, 99}},
	{"good-maximum.pgm", 0, 0, 4, 1, 1, {0, 26, 76, 255}},
	{"good-24.bmp", 0, 0, 5, 3, 3, {9, 89, 169, 16, 96, 176, 23, 103}},
	{"good-32.bmp", 0, 0, 5, 3, 3, {9, 89, 169, 16, 96, 176, 23, 103}},
	{"good-down.bmp", 0, 0, 5, 3, 3, {9, 89, 169, 16, 96, 176, 23, 103}},
	{"good-core.bmp", 0, 0, 5, 3, 3, {9, 89, 169, 16, 96, 176, 23, 103}},
	{"good-grey.bmp", 0, 0, 3, 1, 1, {5, 80, 255}},
	{"good-palette.bmp", 0, 0, 3, 1, 3, {3, 2, 1, 10, 20, 30, 128, 0}},
	{"good-1bit.bmp", 0, 0, 9, 1, 3, {10, 20, 30, 3, 2, 1, 10, 20}},
	{"good-lossless.webp", 0, 0, 24, 16, 3, {3, 83, 163, 10, 90, 170, 17, 97}},
	{"good-lossy.webp", 0, 0, 24, 16, 3, {0, 91, 148, 0, 96, 159, 13, 104}},
	{"bad-empty.pgm", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-huge.pgm", ERR_TRUNCATED, 31, 0, 0, 0, {0}},
	{"bad-maximum.pgm", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-number.pgm", ERR_LIMIT, 3, 0, 0, 0, {0}},
	{"bad-plain.pgm", ERR_FORMAT, 13, 0, 0, 0, {0}},
	{"bad-sample.pgm", ERR_FORMAT, 11, 0, 0, 0, {0}},
	{"bad-cut.ppm", ERR_TRUNCATED, 58, 0, 0, 0, {0}},
	{"bad-colour.bmp", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-colours.bmp", ERR_FORMAT, 46, 0, 0, 0, {0}},
	{"bad-cut.bmp", ERR_TRUNCATED, 101, 0, 0, 0, {0}},
	{"bad-head.bmp", ERR_TRUNCATED, 30, 0, 0, 0, {0}},
	{"bad-huge.bmp", ERR_TRUNCATED, 102, 0, 0, 0, {0}},
	{"bad-inside.bmp", ERR_FORMAT, 10, 0, 0, 0, {0}},
	{"bad-cut.webp", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-head.webp", ERR_TRUNCATED, NO, 0, 0, 0, {0}},
	{"bad-stream.webp", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"unsupported-16bit.pgm", ERR_UNSUPPORTED, NO, 0, 0, 0, {0}},
	{"unsupported-bitmap.pbm", ERR_UNSUPPORTED, 0, 0, 0, 0, {0}},
	{"good-rle.bmp", 0, 0, 3, 4, 1, {5, 5, 6, 10, 0, 0, 7, 80}},
	{"good-16.bmp", 0, 0, 3, 1, 3, {246, 0, 255, 32, 139, 164, 246, 255}},
	{"good-565.bmp", 0, 0, 3, 1, 3, {255, 0, 255, 16, 68, 164, 123, 125}},
	{"good-masks.bmp", 0, 0, 5, 3, 3, {238, 9, 89, 238, 16, 96, 238, 23}},
	{"bad-rle-long.bmp", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-rle-cut.bmp", ERR_TRUNCATED, 1082, 0, 0, 0, {0}},
	{"unsupported-rle-step.bmp", ERR_UNSUPPORTED, NO, 0, 0, 0, {0}},
	{"unsupported-rle4.bmp", ERR_UNSUPPORTED, 30, 0, 0, 0, {0}},
	{"unsupported-masks.bmp", ERR_UNSUPPORTED, 54, 0, 0, 0, {0}},
	{"good-transparent.webp", 0, 0, 24, 16, 3, {0, 0, 0, 10, 90, 170, 17, 97}},
	{"unsupported-animation.webp", ERR_UNSUPPORTED, NO, 0, 0, 0, {0}},
	{"bad-bits.gif", ERR_FORMAT, 791, 0, 0, 0, {0}},
	{"bad-code.gif", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-cut.gif", ERR_TRUNCATED, 828, 0, 0, 0, {0}},
	{"bad-huge.gif", ERR_LIMIT, NO, 0, 0, 0, {0}},
	{"bad-none.gif", ERR_TRUNCATED, 14, 0, 0, 0, {0}},
	{"good-animation.gif", 0, 0, 11, 9, 3, {44, 114, 194, 44, 114, 194, 44, 114}},
	{"good-interlaced.gif", 0, 0, 11, 9, 3, {44, 114, 194, 44, 114, 194, 44, 114}},
	{"good-transparent.gif", 0, 0, 11, 9, 3, {44, 114, 194, 44, 114, 194, 44, 114}},
	{"good.gif", 0, 0, 11, 9, 3, {44, 114, 194, 44, 114, 194, 44, 114}},
	{"unsupported-part.gif", ERR_UNSUPPORTED, 782, 0, 0, 0, {0}},
	{"bad-cut.tif", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-deflate.tif", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-directory.tif", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-huge.tif", ERR_LIMIT, NO, 0, 0, 0, {0}},
	{"bad-list.tif", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-lzw.tif", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-offset.tif", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-packbits.tif", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-strips.tif", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-twice.tif", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"good-alpha.tif", 0, 0, 7, 6, 3, {3, 83, 163, 10, 90, 170, 17, 97}},
	{"good-deflate.tif", 0, 0, 7, 6, 3, {3, 83, 163, 10, 90, 170, 17, 97}},
	{"good-lzw.tif", 0, 0, 7, 6, 3, {3, 83, 163, 10, 90, 170, 17, 97}},
	{"good-packbits.tif", 0, 0, 7, 6, 1, {68, 75, 82, 89, 96, 103, 110, 81}},
	{"good-palette.tif", 0, 0, 7, 6, 3, {12, 92, 172, 12, 92, 172, 12, 92}},
	{"good-strips.tif", 0, 0, 4, 3, 1, {252, 245, 238, 231, 239, 232, 225, 218}},
	{"unsupported-cmyk.tif", ERR_UNSUPPORTED, NO, 0, 0, 0, {0}},
	{"unsupported-turned.tif", ERR_UNSUPPORTED, NO, 0, 0, 0, {0}},
	{"unsupported-12bit.tif", ERR_UNSUPPORTED, NO, 0, 0, 0, {0}},
	{"unsupported-big.tif", ERR_UNSUPPORTED, NO, 0, 0, 0, {0}},
	{"bad-jpeg.tif", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-pieces.tif", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-tiles.tif", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-tiles-many.tif", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"bad-strips-tiles.tif", ERR_FORMAT, NO, 0, 0, 0, {0}},
	{"good-16bit.tif", 0, 0, 4, 3, 1, {252, 245, 238, 231, 239, 232, 225, 218}},
	{"good-tiles.tif", 0, 0, 4, 3, 3, {3, 83, 163, 10, 90, 170, 17, 97}},
	{"good-jpeg.tif", 0, 0, 7, 6, 3, {3, 83, 162, 9, 89, 167, 17, 97}},
	{"good-jpeg-grey.tif", 0, 0, 7, 6, 1, {67, 77, 85, 88, 92, 100, 107, 77}},
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
	const struct fit_shape *fit;
	const char *note; /* a part of it, or NULL */
};

static const struct fit_shape square = {.pre = {.from = "",
					    .resize = RESIZE_SHORTEST,
					    .height = 6,
					    .width = 6,
					    .crop_height = 6,
					    .crop_width = 6}};
static const struct fit_shape only_scaled = {.h = 6,
    .w = 7,
    .pre = {.from = "", .resize = RESIZE_EXACT, .height = 6, .width = 6}};

static const struct dir_row dir_rows[] = {
    {"good-grey", 0, "", 6, 3, NULL, NULL},
    {"good-mixed", 0, "", 2, 2, NULL, NULL},
    {"good-sizes", 0, "", 3, 3, &square, "1 files in class folders are no"},
    {"good-parts", 0, "", 2, 2, NULL, "test/ is what was read"},
    {"good-numbers", 0, "", 12, 12, NULL, "10 comes after 9"},
    {"good-gaps", 0, "", 2, 4, NULL, "2 of 0 to 3: they are the labels"},
    {"good-gtsrb", 0, "", 3, 8, NULL, "classes by GT-final_test.csv"},
    {"good-tiny", 0, "", 3, 2, NULL, "val/ is what was read"},
    {"good-sizes", ERR_UNSUPPORTED, "b/1.ppm", 0, 0, NULL, NULL},
    {"good-sizes", ERR_FORMAT, "a/1.ppm", 0, 0, &only_scaled, NULL},
    {"bad-size", ERR_UNSUPPORTED, "b/2.png", 0, 0, NULL, NULL},
    {"bad-channels", ERR_UNSUPPORTED, "b/2.png", 0, 0, NULL, NULL},
    {"bad-text", ERR_UNSUPPORTED, "a/1.png", 0, 0, NULL, NULL},
    {"bad-flat", ERR_UNSUPPORTED, "", 0, 0, NULL, NULL},
    {"bad-table", ERR_FORMAT, "GT-x.csv", 0, 0, NULL, NULL},
    {"bad-missing", ERR_SYSTEM, "none.ppm", 0, 0, NULL, NULL},
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
	rc = imagedir_parse(root, row->fit, &d, &e);
	close(root);
	if (rc != row->rc)
		fail_msg("%d: %s", rc, e.msg);
	if (rc == 0) {
		assert_int_equal(d.n, row->n);
		assert_int_equal(d.classes, row->classes);
		for (size_t i = 0; i < d.n; i++)
			assert_true((size_t)d.label[i] < d.classes);
		if (row->note != NULL)
			assert_non_null(strstr(d.note, row->note));
	} else {
		assert_string_equal(e.path, row->path);
	}
	if (strcmp(row->name, "good-grey") == 0) {
		assert_string_equal(d.name[0], "cat");
		assert_string_equal(d.name[2], "emu");
		assert_int_equal(d.u8[3 * 12], 51); /* dog/1.png */
	}
	if (strcmp(row->name, "good-numbers") == 0)
		for (size_t i = 0; i < d.n; i++) /* pixels are the number */
			assert_int_equal(d.u8[4 * i], d.label[i]);
	if (strcmp(row->name, "good-gtsrb") == 0) {
		assert_int_equal(d.label[0], 7);
		assert_int_equal(d.label[1], 0);
	}
	if (strcmp(row->name, "good-tiny") == 0) {
		assert_int_equal(d.label[0], 1);
		assert_string_equal(d.name[0], "n01");
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
