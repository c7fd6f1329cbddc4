/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "base/file.h"
#include "formats/onnx.h"
#include "formats/onnx_patch.h"
#include "formats/patch.h"
#include "formats/pixel.h"

#define FIXTURES "fixtures/onnx/"

/* A fixture parsed; the map must outlive the model. */
static void
open_model(const char *name, struct file_map *f, struct model *m)
{
	struct err e = {0};
	struct rd r;

	assert_ok(file_map(name, 1 << 20, f, &e), &e);
	r = rd_mem(f->ptr, f->len);
	assert_ok(onnx_parse(&r, m, &e), &e);
}

static void
close_model(struct file_map *f, struct model *m)
{
	model_release(m);
	file_unmap(f);
}

/* --- ONNX ------------------------------------------------------------ */

static const struct fixture {
	const char *name;
} fixtures[] = {
    {"half"},
    {"nhwc"},
    {"old-6"},
    {"preact-16-dynamic-unfolded"},
    {"resnet-9-static"},
    {"softmax-11-inside"},
    {"typed"},
    {"vgg-13-preserved"},
    {"vit-13-dynamic"},
};

/* The file patched in a private mapping of its own, appended to out. */
static int
patched(const char *name, const struct model *m, struct buf *out, struct err *e)
{
	struct file_map f;
	struct source s;
	int rc;

	assert_ok(file_map(name, 1 << 20, &f, e), e);
	source_init(&s, &f, "model.onnx", -1);
	if ((rc = onnx_patch(&s, m, e)) == 0)
		buf_append(out, f.ptr, f.len);
	source_release(&s);
	file_unmap(&f);
	return rc;
}

/* A copy of a model whose float tensors are all v. */
static void
change(struct model *m, double v)
{
	for (size_t i = 0; i < m->ntensor; i++) {
		struct tensor *t = &m->tensor[i];
		size_t width = dtype_width(t->dtype);
		uint8_t *p;

		if (t->dtype > DTYPE_BF16)
			continue;
		p = arena_alloc(&m->arena, t->size + 1, 1);
		assert_non_null(p);
		for (size_t k = 0; k < t->size; k++)
			p[k] = (uint8_t)(patch_bits(t->dtype, v) >>
					 8 * (k % width));
		t->data = p;
	}
}

static void
test_patch(void **state)
{
	const struct fixture *row = *state;
	char path[128];
	struct file_map f;
	struct model m, back;
	struct buf out = {0};
	struct err e = {0};
	struct rd r;

	snprintf(path, sizeof(path), FIXTURES "good-%s.onnx", row->name);
	open_model(path, &f, &m);
	assert_ok(patched(path, &m, &out, &e), &e);
	assert_int_equal(out.len, f.len);
	assert_memory_equal(out.ptr, f.ptr, f.len);
	out.len = 0;
	change(&m, -1.75); /* two bytes of varint stay two: exact in f16 */
	if (strcmp(row->name, "typed") == 0) {
		/* -1.75 is the varint of 0xbf00, three bytes, 0.5 of 0x3800 */
		assert_int_equal(patched(path, &m, &out, &e), ERR_UNSUPPORTED);
		out.len = 0;
		change(&m, 1.75);
	}
	assert_ok(patched(path, &m, &out, &e), &e);
	assert_int_equal(out.len, f.len);
	r = rd_mem(out.ptr, out.len);
	assert_ok(onnx_parse(&r, &back, &e), &e);
	for (size_t i = 0; i < m.ntensor; i++)
		assert_memory_equal(
		    back.tensor[i].data, m.tensor[i].data, m.tensor[i].size);
	model_release(&back);
	buf_free(&out);
	close_model(&f, &m);
}

static void
test_patch_refuses_strangers(void **state)
{
	struct file_map f, g;
	struct model m, other;
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	open_model(FIXTURES "good-resnet-9-static.onnx", &f, &m);
	open_model(FIXTURES "good-vgg-9-static.onnx", &g, &other);
	assert_int_equal(
	    patched(FIXTURES "good-resnet-9-static.onnx", &other, &out, &e),
	    ERR_USAGE);
	m.tensor[0].dim[0] ^= 1;
	assert_int_equal(
	    patched(FIXTURES "good-resnet-9-static.onnx", &m, &out, &e),
	    ERR_USAGE);
	assert_non_null(strstr(e.msg, "another shape"));
	m.tensor[0].dim[0] ^= 1;
	m.ntensor--;
	assert_int_equal(
	    patched(FIXTURES "good-resnet-9-static.onnx", &m, &out, &e),
	    ERR_USAGE);
	buf_free(&out);
	close_model(&f, &m);
	close_model(&g, &other);
}

/* Preprocessing that we added does not keep the weights from going back. */
static void
test_patch_behind_pixels(void **state)
{
	struct preprocess p = {
	    .mean = {.5, .25, .125}, .nmean = 2, .std = {.5}};
	struct file_map f;
	struct model m;
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	open_model(FIXTURES "good-resnet-9-static.onnx", &f, &m);
	assert_int_equal(pixel_prepare(&m, &p, &e), ERR_USAGE);
	p.nmean = 3;
	p.nstd = 1;
	p.bgr = true;
	assert_ok(pixel_prepare(&m, &p, &e), &e);
	assert_string_equal(m.node[0].op, "Gather");
	assert_string_equal(m.node[1].op, "Sub");
	assert_string_equal(m.node[2].op, "Div");
	assert_string_equal(m.node[3].in[0], "assay.normalised");
	assert_ok(
	    patched(FIXTURES "good-resnet-9-static.onnx", &m, &out, &e), &e);
	assert_int_equal(out.len, f.len);
	assert_memory_equal(out.ptr, f.ptr, f.len);
	buf_free(&out);
	close_model(&f, &m);
}

struct bits_row {
	const char *name;
	enum dtype type;
	double v;
	uint64_t want;
};

static const struct bits_row bits_rows[] = {
    {"bits/f16 one", DTYPE_F16, 1.0, 0x3c00},
    {"bits/f16 largest", DTYPE_F16, 65504.0, 0x7bff},
    {"bits/f16 overflow", DTYPE_F16, -65520.0, 0xfc00},
    {"bits/f16 tie to even", DTYPE_F16, 2049.0, 0x6800},
    {"bits/f16 carry", DTYPE_F16, 2047.75, 0x6800},
    {"bits/f16 subnormal", DTYPE_F16, 0x1p-24, 0x0001},
    {"bits/f16 largest subnormal", DTYPE_F16, 0x1p-14 - 0x1p-26, 0x0400},
    {"bits/f16 NaN", DTYPE_F16, (double)NAN, 0x7e00},
    {"bits/f16 -0", DTYPE_F16, -0.0, 0x8000},
    {"bits/bf16 one", DTYPE_BF16, 1.0, 0x3f80},
    {"bits/bf16 tie to even", DTYPE_BF16, 1.00390625, 0x3f80},
    {"bits/bf16 NaN", DTYPE_BF16, (double)NAN, 0x7fc0},
    {"bits/f32 Inf", DTYPE_F32, (double)INFINITY, 0x7f800000},
    {"bits/f64 one", DTYPE_F64, 1.0, 0x3ff0000000000000},
};

static void
test_bits(void **state)
{
	const struct bits_row *row = *state;

	assert_int_equal(patch_bits(row->type, row->v), row->want);
}

#define ROWS(fn, rows)                                                         \
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)                           \
	tests[n++] = (struct CMUnitTest)ROW(fn, (rows)[i])

int
main(void)
{
	struct CMUnitTest
	    tests[2 + ARRAY_LEN(fixtures) + ARRAY_LEN(bits_rows)] = {
		cmocka_unit_test(test_patch_refuses_strangers),
		cmocka_unit_test(test_patch_behind_pixels),
	    };
	size_t n = 2;

	ROWS(test_patch, fixtures);
	ROWS(test_bits, bits_rows);
	return cmocka_run_group_tests_name("patch", tests, NULL, NULL);
}
