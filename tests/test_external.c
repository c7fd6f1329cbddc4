/* SPDX-License-Identifier: MIT
 * External data of a model that lies deeper in a folder: names are relative to
 * the model, and nothing leads out of the folder.
 */
#include "tests/test.h"

#include "base/tree.h"
#include "formats/onnx.h"
#include "formats/onnx_patch.h"
#include "formats/patch.h"

#include <unistd.h>

static void
open_source(struct source *s, int *folder, const char *name)
{
	struct err e = {0};

	*folder = tree_root("fixtures", &e);
	assert_true(*folder >= 0);
	source_init(s, NULL, "", *folder);
	/* a file that was looked at before the model */
	assert_ok(source_choose(s, "onnx/README.md", &e), &e);
	assert_ok(source_choose(s, name, &e), &e);
}

static void
close_source(struct source *s, int folder)
{
	source_release(s);
	close(folder);
}

static void
test_below(void **state)
{
	struct source s, t;
	struct model m, inside;
	struct err e = {0};
	int folder, other;

	(void)state;
	open_source(&s, &folder, "onnx-external/good-checksum.onnx");
	assert_ok(onnx_load(&s, &m, &e), &e);
	assert_int_equal(s.nfile, 3);
	assert_string_equal(s.file[2].name, "onnx-external/weights.data");
	assert_ok(onnx_patch(&s, &m, &e), &e);
	assert_false(s.file[1].writable || s.file[2].writable);
	open_source(&t, &other, "onnx-external/good-inline.onnx");
	assert_ok(onnx_load(&t, &inside, &e), &e);
	assert_ok(patch_verify(&m, &inside, &e), &e);
	model_release(&inside);
	model_release(&m);
	close_source(&t, other);
	close_source(&s, folder);
}

/* A new weight, and the checksum that the model has of the file. */
static void
test_patch_below(void **state)
{
	static const float v = 42.0F;
	struct source s;
	struct model m, back;
	struct err e = {0};
	uint8_t *data;
	int folder;

	(void)state;
	open_source(&s, &folder, "onnx-external/good-checksum.onnx");
	assert_ok(onnx_load(&s, &m, &e), &e);
	assert_string_equal(m.tensor[0].name, "w");
	data = arena_alloc(&m.arena, m.tensor[0].size, 1);
	assert_non_null(data);
	memcpy(data, m.tensor[0].data, m.tensor[0].size);
	memcpy(data + 8, &v, sizeof(v));
	m.tensor[0].data = data;
	assert_ok(onnx_patch(&s, &m, &e), &e);
	assert_false(s.file[0].writable);
	assert_true(s.file[1].writable && s.file[2].writable);
	/* its checksum is right again */
	assert_ok(onnx_load(&s, &back, &e), &e);
	assert_ok(patch_verify(&back, &m, &e), &e);
	model_release(&back);
	model_release(&m);
	close_source(&s, folder);
}

static const struct out_row {
	const char *name;
	int rc;
} out_rows[] = {
    {"onnx-external/bad-parent.onnx", ERR_FORMAT},
    {"onnx-external/bad-absolute.onnx", ERR_FORMAT},
    {"onnx-external/bad-itself.onnx", ERR_FORMAT},
    {"onnx-external/unsupported-missing.onnx", ERR_UNSUPPORTED},
};

static void
test_out(void **state)
{
	const struct out_row *row = *state;
	struct source s;
	struct model m;
	struct err e = {0};
	int folder;

	open_source(&s, &folder, row->name);
	assert_int_equal(onnx_load(&s, &m, &e), row->rc);
	close_source(&s, folder);
}

int
main(void)
{
	struct CMUnitTest tests[2 + ARRAY_LEN(out_rows)] = {
	    cmocka_unit_test(test_below), cmocka_unit_test(test_patch_below)};

	for (size_t i = 0; i < ARRAY_LEN(out_rows); i++)
		tests[2 + i] = (struct CMUnitTest)ROW(test_out, out_rows[i]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
