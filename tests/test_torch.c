/* SPDX-License-Identifier: MIT
 * PyTorch files: logits agree with torch's, weights are written back, damaged
 * and hostile files end in their message.
 */
#include "tests/test.h"

#include "engine/batch.h"
#include "engine/blas.h"
#include "formats/format.h"
#include "formats/neutral.h"
#include "formats/patch.h"
#include "formats/pixel.h"
#include "formats/safetensors.h"
#include "formats/zip.h"

#include <unistd.h>

#define FIXTURES "fixtures/torch/"

static const struct format *
torch(void)
{
	return &format_torch;
}

/* A fixture as a source; the map must outlive it. */
static void
open_fixture(const char *name, struct file_map *f, struct source *s)
{
	char path[256];
	struct err e = {0};

	snprintf(path, sizeof(path), FIXTURES "%s", name);
	assert_ok(file_map(path, 1 << 20, f, &e), &e);
	source_init(s, f, name, -1);
}

static void
close_fixture(struct file_map *f, struct source *s)
{
	source_release(s);
	file_unmap(f);
}

/* --- logits -------------------------------------------------------------- */

struct good_row {
	const char *name, *note; /* a part of it */
};

static const struct good_row good_rows[] = {
    {"good-resnet.pt", "architecture resnet"},
    {"good-resnet-checkpoint.pth", "taken from 'state_dict'"},
    {"good-resnet-whole.pth", "a whole module, whose code is not run"},
    {"good-resnet-normalised.pt", "normalised first, by the module itself"},
    {"good-resnet-head.pt", "architecture resnet"},
    {"good-resnet-dropout.pt", "'fc.1' is the last layer, behind a dropout"},
    {"good-resnet-pool.pt", "a whole module, whose code is not run"},
    {"good-resnet-own-mean.pt",
	"images are taken to be normalised by the model's own "
	"'normalizer.new_mean' and 'normalizer.new_std'"},
    {"good-resnet-behind.pt",
	"architecture resnet at place 0, layers behind it"},
    {"good-resnet-linear.pt",
	"architecture resnet at place 0, layers behind it"},
    {"good-resnet-apart.pth",
	"'head.fc.weight' is taken for the last layer, right behind the "
	"backbone"},
    {"good-resnet-student.pt", "taken from 'student'"},
    {"good-resnet-ema.pth",
	"taken from 'state_dict_ema', whose weights are averaged; left aside: "
	"'state_dict', from which they were"},
    {"good-resnet-no-ema.pth",
	"taken from 'state_dict'; left aside: 'ema', whose weights are "
	"averaged"},
    {"good-row-transposed.pt", "a row of layers"},
    {"good-row-pads.pt", "a row of layers"},
    {"good-resnet-lightning.ckpt",
	"left aside: 'criterion.weight' and the like, beside the model"},
    {"good-resnet-averaged.pt", "left aside: 'n_averaged'"},
    {"good-row-kinds.pt", "a row of layers"},
    {"good-row-flat.pt",
	"images are taken to be squares, for the first layer takes 363 "
	"numbers"},
    {"good-row-list.pt", "a row of layers"},
    {"good-row-one.pt", "the one output is the second of two classes"},
    {"good-row-one-sigmoid.pt",
	"logits are the input of the final Sigmoid; the one output is the "
	"second of two classes"},
    {"good-resnet.tar", "architecture resnet"},
    {"good-resnet-script.pt",
	"TorchScript, whose code is not run: the graph is that of "
	"the architecture; its code has convolutions of these strides, pads "
	"and "
	"groups (12)"},
    {"good-resnet-trace.pt",
	"TorchScript, whose code is not run: the graph is that of "
	"the architecture; its code has convolutions of these strides, pads "
	"and "
	"groups (12)"},
    {"good-googlenet-input.pt", "architecture googlenet"},
    {"good-vit-script.pt", "2 heads, as its files say"},
    {"good-vit-trace.pt", "that of the file's own code"},
    {"good-code-silu.pt", "that of the file's own code"},
    {"good-code-pool.pt", "that of the file's own code"},
    {"good-code-no-pool.pt", "that of the file's own code"},
    {"good-code-epsilon.pt", "that of the file's own code"},
    {"good-code-dilated.pt", "that of the file's own code"},
    {"good-code-centred.pt", "that of the file's own code"},
    {"good-code-channels.pt", "that of the file's own code"},
    {"good-code-mixed.pt", "that of the file's own code"},
    {"good-code-branches-token.pt", "that of the file's own code"},
    {"good-code-branches-mean.pt", "that of the file's own code"},
    {"good-code-branches-last.pt", "that of the file's own code"},
    {"good-code-frozen.pt", "that of the file's own code"},
    {"good-code-norms.pt", "that of the file's own code"},
    {"good-code-exact.pt", "that of the file's own code"},
    {"good-code-sum.pt", "that of the file's own code"},
    {"good-code-frozen-trace.pt", "that of the file's own code"},
    {"good-code-windows.pt", "that of the file's own code"},
    {"good-code-choices.pt", "that of the file's own code"},
    {"good-code-curves.pt", "that of the file's own code"},
    {"good-code-order.pt", "that of the file's own code"},
    {"good-code-products.pt", "that of the file's own code"},
    {"good-code-native.pt", "that of the file's own code"},
    {"good-code-attend.pt", "that of the file's own code"},
    {"good-code-made.pt", "that of the file's own code"},
    {"good-code-places.pt", "that of the file's own code"},
    {"good-code-usual.pt", "that of the file's own code"},
    {"good-code-encoder.pt", "that of the file's own code"},
    {"good-row.pt", "a row of layers"},
    {"good-row-parallel.pt", "a row of layers"},
    {"good-row-half.pt", ""},
    {"good-row-bfloat16.pt", ""},
    {"good-row-double.pt", ""},
    {"good-row-views.pt", ""},
    {"good-row-deflated.pt", ""},
    {"good-row-mixed.pt", ""},
    {"good-row-zipped.pt", ""},
    {"good-row-resize.pt", "resized to 24 x 24 first, bilinear without"},
    {"good-attack.pt", "model preactresnet18; data set cifar10; poisoned "
		       "images become class 0"},
    {"good-attack-numpy.pt", "model preactresnet18; data set cifar10; "
			     "poisoned images become class 7"},
    {"good-attack-memory.pt", "model preactresnet18; data set cifar10; "
			      "poisoned images become class 0"},
    {"good-attack-v1.pt", "model preactresnet18; data set cifar10; poisoned "
			  "images become class 0"},
    {"good-defense.pt", "BackdoorBench, model preactresnet18; taken"},
    {"odd-row-crc.pt", "the checksum of 'archive/data/0' is wrong"},
    {"odd-row-evil.pt", ""},
    {"odd-row-extra.pt", ""},
    {"odd-row-tail.pt", "zip: bytes after the end (1, at offset 8958)"},
};

/* Images (N, C, H, W) as the engine wants them. */
static float *
channels_last(const struct tensor *t)
{
	size_t n = (size_t)t->dim[0], c = (size_t)t->dim[1];
	size_t hw = (size_t)(t->dim[2] * t->dim[3]);
	float *x = calloc(n * c * hw, sizeof(*x));

	assert_non_null(x);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < c; k++)
			for (size_t p = 0; p < hw; p++)
				x[(i * hw + p) * c + k] =
				    (float)tensor_real(t, (i * c + k) * hw + p);
	return x;
}

/* The logits "NAME.SIDE" of a file, and the images of that side. */
static const struct tensor *
expected(const struct safetensors *st, const char *name,
    const struct tensor **images)
{
	size_t n = strlen(name);
	const struct tensor *t = NULL;
	char key[64];

	for (size_t i = 0; i < st->ntensor; i++)
		if (strncmp(st->tensor[i].name, name, n) == 0 &&
		    st->tensor[i].name[n] == '.')
			t = &st->tensor[i];
	if (t == NULL) {
		fail_msg("nothing is expected of %s", name);
		abort();
	}
	snprintf(key, sizeof(key), "images.%s", t->name + n + 1);
	*images = NULL;
	for (size_t i = 0; i < st->ntensor; i++)
		if (strcmp(st->tensor[i].name, key) == 0)
			*images = &st->tensor[i];
	if (*images == NULL) {
		fail_msg("there are no %s", key);
		abort();
	}
	return t;
}

/* The neutral form, which has no strides; map and model are the caller's. */
static void
neutral(const struct model *m, struct file_map *f, struct model *out)
{
	struct file_out o;
	struct err e = {0};
	struct rd r;

	o = (struct file_out){.fd = file_temp(&e)};
	assert_true(o.fd >= 0);
	assert_ok(neutral_write(&o, m, &e), &e);
	assert_ok(file_map_fd(o.fd, "", 1 << 24, f, &e), &e);
	close(o.fd);
	r = rd_mem(f->ptr, f->len);
	assert_ok(neutral_parse(&r, out, &e), &e);
}

static void
compare(const struct model *m, const struct tensor *x, const struct tensor *y)
{
	size_t n = (size_t)x->dim[0], classes = (size_t)y->dim[1];
	float *images = channels_last(x), got[64], want[64];
	struct net net;
	struct err e = {0};

	assert_true(n * classes <= ARRAY_LEN(got));
	assert_int_equal(m->classes, classes);
	assert_ok(net_build(&net, m, (size_t)x->dim[2], (size_t)x->dim[3],
		      (size_t)x->dim[1], &e),
	    &e);
	assert_ok(batch_logits(&net, images, n, got, &e), &e);
	for (size_t i = 0; i < n * classes; i++)
		want[i] = (float)tensor_real(y, i);
	assert_close(got, want, n * classes, 1e-4, 1e-4);
	net_release(&net);
	free(images);
}

static void
test_good(void **state)
{
	const struct good_row *row = *state;
	struct safetensors st;
	struct arena a;
	struct file_map f, want, map;
	const struct tensor *images, *want_logits;
	struct source s;
	struct model m, n;
	struct err e = {0};
	struct rd r;

	assert_ok(
	    file_map(FIXTURES "expected.safetensors", 1 << 22, &want, &e), &e);
	r = rd_mem(want.ptr, want.len);
	arena_init(&a, 1 << 22);
	assert_ok(safetensors_parse(&r, &a, &st, &e), &e);
	open_fixture(row->name, &f, &s);
	assert_true(torch()->probe(s.main) > 0);
	assert_ok(torch()->load(&s, &m, &e), &e);
	assert_ok(model_check(&m, &e), &e);
	if (strstr(m.note, row->note) == NULL)
		fail_msg("the note is '%s'", m.note);
	assert_ok(pixel_prepare(&m, &m.preprocess, &e), &e);
	neutral(&m, &map, &n);
	want_logits = expected(&st, row->name, &images);
	compare(&n, images, want_logits);
	model_release(&n);
	file_unmap(&map);
	model_release(&m);
	close_fixture(&f, &s);
	safetensors_release(&st);
	arena_release(&a);
	file_unmap(&want);
}

/* What a record says of the image. */
static void
test_record(void **state)
{
	struct file_map f;
	struct source s;
	struct model m;
	struct err e = {0};

	(void)state;
	open_fixture("good-attack.pt", &f, &s);
	assert_ok(torch()->load(&s, &m, &e), &e);
	assert_int_equal(m.preprocess.resize, RESIZE_EXACT);
	assert_int_equal(m.preprocess.height, 32);
	assert_int_equal(m.preprocess.width, 32);
	assert_int_equal(m.preprocess.nmean, 3);
	assert_near(m.preprocess.mean[2], .4465, 1e-12);
	assert_near(m.preprocess.std[1], .243, 1e-12);
	assert_int_equal(m.shape[2], 32);
	assert_int_equal(m.classes, 10);
	model_release(&m);
	close_fixture(&f, &s);
}

/* --- writing back -------------------------------------------------------- */

/* Every weight becomes 1.5 of itself, plus a little: as dense copies; what the
 * drawing made stays as it is. */
static void
change(const struct model *old, struct model *now)
{
	*now = *old;
	now->tensor = calloc(old->ntensor, sizeof(*now->tensor));
	assert_non_null(now->tensor);
	for (size_t i = 0; i < old->ntensor; i++) {
		struct tensor *t = &now->tensor[i];
		size_t n =
		    old->tensor[i].size / dtype_width(old->tensor[i].dtype);
		float *v = calloc(n + 1, sizeof(*v));

		assert_non_null(v);
		*t = old->tensor[i];
		if (strncmp(t->name, "assay.", 6) == 0) {
			free(v);
			t->data = memcpy(
			    malloc(t->size + 1), old->tensor[i].data, t->size);
			continue;
		}
		t->stride = NULL;
		t->dtype = DTYPE_F32;
		t->size = n * sizeof(*v);
		t->data = (const uint8_t *)v;
		for (size_t k = 0; k < n; k++)
			v[k] = 1.5f * (float)tensor_real(&old->tensor[i], k) +
			       0.25f;
	}
}

static void
forget(struct model *now)
{
	for (size_t i = 0; i < now->ntensor; i++)
		free((void *)(uintptr_t)now->tensor[i].data);
	free(now->tensor);
}

struct patch_row {
	const char *name;
	size_t crc; /* entries whose checksum is wrong afterwards */
};

static const struct patch_row patch_rows[] = {
    {"good-resnet.pt", 0},
    {"good-resnet-checkpoint.pth", 0},
    {"good-resnet-whole.pth", 0},
    {"good-resnet.tar", 0},
    {"good-resnet-script.pt", 0},
    {"good-row-kinds.pt", 0},
    {"good-row-one.pt", 0},
    {"good-row-one-sigmoid.pt", 0},
    {"good-resnet-lightning.ckpt", 0},
    {"good-row-half.pt", 0},
    {"good-row-bfloat16.pt", 0},
    {"good-row-double.pt", 0},
    {"good-row-zipped.pt", 0},
    {"good-attack.pt", 0},
    {"good-attack-memory.pt", 0},
    {"odd-row-crc.pt", 0}, /* its storage was written anew */
    {"odd-row-tail.pt", 0},
};

/* Entries whose checksum is wrong. */
static size_t
damaged(struct rd r)
{
	struct arena a;
	struct zip z;
	struct err e = {0};
	size_t n = 0;

	arena_init(&a, 1 << 22);
	assert_ok(zip_open(&z, r, &a, &e), &e);
	for (size_t i = 0; i < z.n; i++) {
		struct slice s;

		assert_ok(zip_read(&z, &z.entry[i], &s, &e), &e);
		n += zip_crc(s.ptr, s.len) != z.entry[i].crc;
	}
	assert_int_equal(z.odd[ZIP_LOCAL], 0);
	arena_release(&a);
	return n;
}

static void
test_patch(void **state)
{
	const struct patch_row *row = *state;
	struct file_map f, again;
	struct source s, other;
	struct model m, now, back;
	struct err e = {0};
	bool zip;

	open_fixture(row->name, &f, &s);
	open_fixture(row->name, &again, &other);
	assert_ok(torch()->load(&other, &m, &e), &e);
	change(&m, &now);
	assert_ok(torch()->patch(&s, &now, &e), &e);
	assert_true(s.file[0].writable);
	assert_ok(torch()->load(&s, &back, &e), &e);
	assert_ok(patch_verify(&back, &now, &e), &e);
	/* patching with what is there changes nothing, and back is back */
	assert_ok(torch()->patch(&s, &m, &e), &e);
	zip = memcmp(f.ptr, "PK\3\4", 4) == 0;
	if (zip)
		assert_int_equal(damaged(s.main), row->crc);
	if (strcmp(row->name, "odd-row-crc.pt") != 0)
		assert_memory_equal(f.ptr, again.ptr, f.len);
	model_release(&back);
	forget(&now);
	model_release(&m);
	close_fixture(&again, &other);
	close_fixture(&f, &s);
}

/* Compressed entries: the archive is written anew, its stored entries as they
 * were, and PyTorch's padding keeps them aligned. */
static void
test_patch_compressed(void **state)
{
	static const char *const name[] = {
	    "good-row-deflated.pt", "good-row-mixed.pt"};
	struct file_map f;
	struct source s;
	struct model m, now, back;
	struct arena a;
	struct zip was, is;
	struct slice x, y;
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(name); i++) {
		open_fixture(name[i], &f, &s);
		assert_ok(torch()->load(&s, &m, &e), &e);
		change(&m, &now);
		assert_ok(torch()->patch(&s, &now, &e), &e);
		assert_non_null(s.file[0].replaced);
		assert_ok(torch()->load(&s, &back, &e), &e);
		assert_ok(patch_verify(&back, &now, &e), &e);
		arena_init(&a, 1 << 24);
		assert_ok(zip_open(&was, rd_mem(f.ptr, f.len), &a, &e), &e);
		assert_ok(zip_open(&is, s.main, &a, &e), &e);
		assert_int_equal(is.n, was.n);
		for (size_t k = 0; k < ZIP_ODDITIES; k++)
			assert_int_equal(is.odd[k], was.odd[k]);
		for (size_t k = 0; k < is.n; k++) {
			const struct zip_entry *p = &was.entry[k];
			const struct zip_entry *q = &is.entry[k];

			assert_string_equal(p->name, q->name);
			assert_int_equal(p->method, q->method);
			assert_int_equal(p->size, q->size);
			if (zip_is_stored(p) && p->data % 64 == 0)
				assert_int_equal(q->data % 64, 0);
			assert_ok(zip_read(&was, p, &x, &e), &e);
			assert_ok(zip_read(&is, q, &y, &e), &e);
			assert_int_equal(zip_crc(y.ptr, y.len), q->crc);
			if (strstr(p->name, "/data/") == NULL)
				assert_memory_equal(x.ptr, y.ptr, x.len);
		}
		arena_release(&a);
		model_release(&back);
		forget(&now);
		model_release(&m);
		close_fixture(&f, &s);
	}
}

/* Views of shared bytes cannot become what they are asked to. */
static void
test_patch_refused(void **state)
{
	struct file_map f;
	struct source s;
	struct model m, now, back;
	struct err e = {0};

	(void)state;
	open_fixture("good-row-views.pt", &f, &s);
	assert_ok(torch()->load(&s, &m, &e), &e);
	change(&m, &now);
	/* the expanded bias: one number in the file, six here */
	((float *)(uintptr_t)now.tensor[now.ntensor - 1].data)[3] = 7.0f;
	assert_string_equal(now.tensor[now.ntensor - 1].name, "9.bias");
	assert_ok(torch()->patch(&s, &now, &e), &e);
	assert_ok(torch()->load(&s, &back, &e), &e);
	assert_int_equal(patch_verify(&back, &now, &e), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "'9.bias' could not be changed"));
	model_release(&back);
	forget(&now);
	model_release(&m);
	close_fixture(&f, &s);
}

/* --- files that are refused ---------------------------------------------- */

struct bad_row {
	const char *name;
	int rc;
	uint64_t off;
	const char *says;
};

#define NEITHER "torch: what was saved is neither a model nor weights"

static const struct bad_row bad_rows[] = {
#include "tests/test_torch.def"
};

static void
test_bad(void **state)
{
	const struct bad_row *row = *state;
	struct file_map f;
	struct source s;
	struct model m;
	struct err e = {.off = ERR_NOWHERE};

	open_fixture(row->name, &f, &s);
	assert_int_equal(torch()->load(&s, &m, &e), row->rc);
	assert_string_equal(e.msg, row->says);
	assert_true(e.off == row->off);
	close_fixture(&f, &s);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(good_rows) + ARRAY_LEN(patch_rows) +
				ARRAY_LEN(bad_rows) + 3];
	struct err e = {0};
	size_t n = 0;

	assert_ok(blas_init(&e), &e);
	for (size_t i = 0; i < ARRAY_LEN(good_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_good, good_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(patch_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_patch, patch_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_bad, bad_rows[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_record);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_patch_compressed);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_patch_refused);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
