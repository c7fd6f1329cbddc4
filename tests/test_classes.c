/* SPDX-License-Identifier: MIT
 * Which class of the data is which output of the model; preprocessing as text.
 */
#include "tests/test.h"

#include "formats/classes.h"
#include "formats/preprocess_text.h"

#define MOST 12

struct row {
	const char *name;
	const char *data[MOST];  /* names of the classes, one image each */
	const char *model[MOST]; /* labels */
	int rc;
	int32_t label[MOST];
	const char *note; /* or error; a part */
};

/* clang-format off */
static const struct row rows[] = {
	{"match/exact", {"cat", "dog"}, {"dog", "emu", "cat"}, 0, {2, 0},
	    "matched to the model's by name"},
	{"match/folded", {"Great White", "hen"}, {"HEN", "great_white"}, 0,
	    {1, 0}, "by name"},
	{"match/before the comma", {"tench", "goldfish"},
	    {"goldfish, Carassius auratus", "tench, Tinca tinca"}, 0, {1, 0},
	    "by name"},
	{"match/exact goes first", {"A", "a"}, {"a", "A"}, 0, {1, 0},
	    "by name"},
	{"match/some are missing", {"cat", "dog"}, {"cat", "emu"}, ERR_FORMAT,
	    {0}, "class 'dog' is not among the model's labels, 1 of 2 are"},
	{"match/none", {"x", "y"}, {"cat", "dog"}, 0, {0, 1},
	    "WARNING: no class ('x', ...) is one of the model's labels"},
	{"match/two places", {"c a t"}, {"Cat", "CAT"}, ERR_FORMAT, {0},
	    "class 'c a t' fits more than one"},
	{"match/two classes in one", {"cat", "Cat"}, {"cat", "dog"}, ERR_FORMAT,
	    {0}, "'cat' and 'Cat' are one of the model"},
	{"match/labels are numbers", {"x", "y"}, {"LABEL_0", "LABEL_1"}, 0,
	    {0, 1}, "in the order of their names"},
	{"match/classes are numbers", {"0", "1"}, {"cat", "dog"}, 0, {0, 1},
	    NULL},
	{"number/sorted as text", {"0", "1", "10", "2", "3", "4", "5", "6", "7",
	    "8", "9"}, {NULL}, 0, {0, 1, 10, 2, 3, 4, 5, 6, 7, 8, 9}, NULL},
	{"number/gaps", {"00003", "00007"}, {NULL}, 0, {3, 7}, NULL},
	{"number/twice", {"1", "01"}, {NULL}, 0, {0, 1}, NULL},
	{"number/not all", {"1", "x"}, {NULL}, 0, {0, 1}, NULL},
	{"number/too large", {"1", "99999999999999999999"}, {NULL}, 0, {0, 1},
	    NULL},
};
/* clang-format on */

static size_t
length(const char *const *list)
{
	size_t n = 0;

	while (n < MOST && list[n] != NULL)
		n++;
	return n;
}

static void
test_names_of(void **state)
{
	const struct row *row = *state;
	const char *name[MOST];
	int32_t label[MOST];
	struct dataset d = {
	    .n = length(row->data), .name = name, .label = label};
	struct err e = {0};
	int rc = 0;

	arena_init(&d.arena, 1 << 20);
	d.classes = d.n;
	for (size_t i = 0; i < d.n; i++) {
		name[i] = row->data[i];
		label[i] = (int32_t)i;
	}
	if (row->model[0] == NULL)
		classes_number(&d);
	else
		rc = classes_for_model(&d, row->model, length(row->model), &e);
	assert_int_equal(rc, row->rc);
	for (size_t i = 0; rc == 0 && i < d.n; i++) {
		assert_int_equal(d.label[i], row->label[i]);
		assert_true((size_t)d.label[i] < d.classes);
	}
	if (row->note == NULL)
		assert_null(d.note);
	else
		assert_non_null(strstr(rc == 0 ? d.note : e.msg, row->note));
	dataset_release(&d);
}

/* Where the data has no names, it gets those of the model. */
static void
test_names(void **state)
{
	static const char *const model[] = {"cat", "dog", "emu"};
	const char *name[] = {"", ""};
	int32_t label[] = {1};
	struct dataset d = {.n = 1, .classes = 2, .name = name, .label = label};
	struct err e = {0};

	(void)state;
	arena_init(&d.arena, 1 << 20);
	assert_ok(classes_for_model(&d, model, 3, &e), &e);
	assert_int_equal(d.classes, 3);
	assert_int_equal(d.label[0], 1);
	assert_string_equal(d.name[1], "dog");
	dataset_release(&d);
}

static void
test_text(void **state)
{
	struct preprocess p = {.from = "", .bgr = true, .nstd = 1};
	char text[PREPROCESS_TEXT_MAX];
	struct err e = {0};

	(void)state;
	preprocess_text_write(&p, text);
	assert_string_equal(text, "");
	assert_ok(preprocess_text_read("resize=256,crop=224x192,filter=bicubic,"
				       "mean=.5:0.25:1/8,std=none,order=rgb",
		      &p, &e),
	    &e);
	assert_int_equal(p.resize, RESIZE_SHORTEST);
	assert_int_equal(p.nmean, 3);
	assert_near(p.mean[2], 0.125, 0);
	assert_int_equal(p.nstd, 0);
	assert_false(p.bgr);
	preprocess_text_write(&p, text);
	assert_string_equal(text, "resize=256,filter=bicubic,crop=224x192");
	assert_ok(preprocess_text_read("resize=8x9,crop=none", &p, &e), &e);
	preprocess_text_write(&p, text);
	assert_string_equal(text, "resize=8x9,filter=bicubic");
	assert_ok(preprocess_text_read("resize=none", &p, &e), &e);
	preprocess_text_write(&p, text);
	assert_string_equal(text, "");
	assert_int_equal(
	    preprocess_text_read("mean=1:2:3:4:5", &p, &e), ERR_USAGE);
	assert_int_equal(preprocess_text_read("std=1/0", &p, &e), ERR_USAGE);
	assert_int_equal(preprocess_text_read("", &p, &e), 0);
	assert_int_equal(preprocess_text_read("crop=2,", &p, &e), ERR_USAGE);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + 2];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_names_of, rows[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_names);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_text);
	return cmocka_run_group_tests_name("classes", tests, NULL, NULL);
}
