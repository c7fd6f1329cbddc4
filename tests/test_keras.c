/* SPDX-License-Identifier: MIT
 * Keras files (fixtures/keras, made by fixtures/gen/keras.py): logits against
 * NHWC arithmetic in double, files that are refused, patches in place.
 */
#include "tests/test.h"

#include "base/limits.h"
#include "engine/blas.h"
#include "engine/run.h"
#include "formats/format.h"
#include "formats/neutral.h"
#include "formats/patch.h"
#include "formats/safetensors.h"

#include <unistd.h>

#define FIXTURES "fixtures/keras/"

/* --- opening ------------------------------------------------------------- */

struct opened {
	struct file_map map;
	struct source src;
	const struct format *format;
	struct model m;
};

static int
try_open(struct opened *o, const char *name, struct err *e)
{
	char path[128];

	snprintf(path, sizeof(path), FIXTURES "%s", name);
	assert_ok(file_map(path, 1 << 20, &o->map, e), e);
	source_init(&o->src, &o->map, name, -1);
	assert_int_equal(format_bids(o->src.main, &o->format, 1), 1);
	return o->format->load(&o->src, &o->m, e);
}

static void
close_all(struct opened *o)
{
	model_release(&o->m);
	source_release(&o->src);
	file_unmap(&o->map);
}

/* --- logits -------------------------------------------------------------- */

struct good_row {
	const char *name; /* of the file */
	const char *want; /* what its numbers are called in want.safetensors */
	const char *note;
};

#define BYTES "the file takes pixels of 0 to 255, which is drawn"
#define NONE                                                                   \
	"the file says nothing of its pixels: 0 to 1 unless --preprocess "     \
	"says more"
#define SOFTMAX "; logits are the input of the final Softmax"

static const struct good_row good_rows[] = {
    {"good-functional.keras", "good-functional", BYTES SOFTMAX},
    {"good-deflated.keras", "good-functional", BYTES SOFTMAX},
    {"good-sequential.h5", "good-sequential", NONE SOFTMAX},
    {"good-sequential-split.h5", "good-sequential", NONE SOFTMAX},
    {"good-sequential-chunks.h5", "good-sequential", NONE SOFTMAX},
    {"good-sequential-user-block.h5", "good-sequential", NONE SOFTMAX},
    {"good-sequential-3.keras", "good-sequential-3", NONE SOFTMAX},
    {"good-nested-2.h5", "good-nested-2", NONE SOFTMAX},
    {"good-nested-3.h5", "good-nested-3", NONE SOFTMAX},
    {"good-nested-3.keras", "good-nested-3", NONE SOFTMAX},
    {"good-activations.keras", "good-activations",
	"the file's own rescaling takes pixels of 0 to 1" SOFTMAX},
    {"good-shapes.keras", "good-shapes", NONE},
    {"good-binary.h5", "good-binary",
	BYTES "; logits are the input of the final Sigmoid; the one output is "
	      "the second of two classes"},
    {"good-binary-new.h5", "good-binary",
	BYTES "; logits are the input of the final Sigmoid; the one output is "
	      "the second of two classes"},
    {"good-normalised.keras", "good-normalised", BYTES SOFTMAX},
    {"good-grey.keras", "good-grey", NONE SOFTMAX},
    {"good-shrunk.keras", "good-shrunk", NONE SOFTMAX},
    {"good-transformer.keras", "good-transformer", BYTES SOFTMAX},
    {"good-transformer.h5", "good-transformer", BYTES SOFTMAX},
    {"good-transformer-2.h5", "good-transformer", BYTES SOFTMAX},
    {"good-transposed.keras", "good-transposed", NONE},
    {"good-transposed.h5", "good-transposed", NONE},
    {"good-float16.keras", "good-float16", NONE SOFTMAX},
    {"good-bfloat16.keras", "good-bfloat16", NONE SOFTMAX},
    {"good-arithmetic-2.h5", "good-arithmetic-2", NONE SOFTMAX},
    {"good-arithmetic-3.keras", "good-arithmetic-3", NONE SOFTMAX},
    {"good-preprocess-2.h5", "good-preprocess-2", BYTES SOFTMAX},
    {"good-preprocess-3.keras", "good-preprocess-3", BYTES SOFTMAX},
    {"good-first-2.h5", "good-first-2", NONE SOFTMAX},
    {"good-first-3.keras", "good-first-3", NONE SOFTMAX},
};

static const struct tensor *
wanted(const struct safetensors *st, const char *name, const char *what)
{
	char full[128];

	snprintf(full, sizeof(full), "%s.%s", name, what);
	for (size_t i = 0; i < st->ntensor; i++)
		if (strcmp(st->tensor[i].name, full) == 0)
			return &st->tensor[i];
	fail_msg("no tensor '%s'", full);
	return NULL;
}

static float *
floats(struct arena *a, const struct tensor *t)
{
	float *p = arena_alloc(a, t->size, 1);

	assert_non_null(p);
	memcpy(p, t->data, t->size);
	return p;
}

/* As assay-load writes it: weights that are views become dense. */
static void
neutral(const struct model *m, struct file_map *map, struct model *out)
{
	struct err e = {0};
	struct file_out to = {.fd = file_temp(&e)};
	struct rd r;

	assert_true(to.fd >= 0);
	assert_ok(neutral_write(&to, m, &e), &e);
	assert_ok(file_map_fd(to.fd, "", 1 << 24, map, &e), &e);
	r = rd_mem(map->ptr, map->len);
	assert_ok(neutral_parse(&r, out, &e), &e);
	close(to.fd);
}

/* The net's logits of the images x (N, H, W, C), against y. */
static void
compare(const struct model *m, struct arena *a, const struct tensor *x,
    const struct tensor *y)
{
	struct err e = {0};
	struct net net;
	struct run run;
	const float *got;

	assert_ok(net_build(&net, m, 0, 0, 0, &e), &e);
	assert_int_equal(net.h, x->dim[1]);
	assert_int_equal(net.w, x->dim[2]);
	assert_int_equal(net.c, x->dim[3]);
	assert_int_equal(net.classes, y->dim[1]);
	/* what is trained must be in the file, to be written back */
	for (size_t i = 0; i < net.nparam; i++)
		assert_true(
		    !net.param[i].trainable ||
		    strncmp(net.param[i].tensor->name, "assay.", 6) != 0);
	assert_ok(run_init(&run, &net, (size_t)x->dim[0], 0, &e), &e);
	got = run_forward(&run, floats(a, x));
	assert_close(got, floats(a, y), y->size / 4, 1e-4, 1e-5);
	run_release(&run);
	net_release(&net);
}

static void
test_logits(void **state)
{
	const struct good_row *row = *state;
	struct opened o;
	struct file_map map, dense;
	struct safetensors st;
	struct model m;
	struct arena a;
	struct err e = {0};
	struct rd r;

	arena_init(&a, 1 << 26);
	assert_ok(file_map(FIXTURES "want.safetensors", 1 << 20, &map, &e), &e);
	r = rd_mem(map.ptr, map.len);
	assert_ok(safetensors_parse(&r, &a, &st, &e), &e);
	assert_ok(try_open(&o, row->name, &e), &e);
	assert_string_equal(o.m.note, row->note);
	neutral(&o.m, &dense, &m);
	compare(
	    &m, &a, wanted(&st, row->want, "x"), wanted(&st, row->want, "y"));
	model_release(&m);
	file_unmap(&dense);
	close_all(&o);
	safetensors_release(&st);
	file_unmap(&map);
	arena_release(&a);
}

/* --- files that are refused ---------------------------------------------- */

struct bad_row {
	const char *name;
	int rc;
	uint64_t off;
	const char *says;
};

static const struct bad_row bad_rows[] = {
    {"bad-bomb.h5", ERR_LIMIT, ERR_NOWHERE,
	"keras: layer 'top': kernel: hdf5: a dataset of 256 chunks and "
	"1073741824 bytes in a file of 22005"},
    {"bad-call.keras", ERR_FORMAT, ERR_NOWHERE,
	"keras: layer 'flatten' (Flatten): takes a call of 'conv' that is not "
	"there"},
    {"bad-checksum.h5", ERR_FORMAT, 12920,
	"keras: layer 'conv': kernel: hdf5: the checksum of a chunk is wrong"},
    {"bad-config-json.keras", ERR_FORMAT, ERR_NOWHERE,
	"keras: configuration, byte 2289: json: premature end of input near "
	"'\"build_con'"},
    {"bad-config-twice.keras", ERR_FORMAT, ERR_NOWHERE,
	"keras: configuration, byte 92: json: duplicate object key near "
	"'\"config\"'"},
    {"bad-cycle.keras", ERR_FORMAT, ERR_NOWHERE,
	"keras: layer 'top' (Dense): is part of a cycle"},
    {"bad-deep.keras", ERR_LIMIT, ERR_NOWHERE,
	"keras: models inside of models, 16 deep"},
    {"bad-few-weights.h5", ERR_MISMATCH, ERR_NOWHERE,
	"keras: layer 'top' (Dense): there are too few weights"},
    {"bad-heap-address.h5", ERR_TRUNCATED, ERR_NOWHERE,
	"hdf5: a local heap is at 9219133354852544752, beyond the end"},
    {"bad-inflate.h5", ERR_FORMAT, 12920,
	"keras: layer 'conv': kernel: hdf5: a chunk that does not inflate to "
	"its size"},
    {"bad-kernel-size.keras", ERR_FORMAT, ERR_NOWHERE,
	"keras: layer 'conv' (Conv2D): a kernel of 5x5, weights of 3x3"},
    {"bad-many-weights.h5", ERR_MISMATCH, ERR_NOWHERE,
	"keras: layer 'top' (Dense): 2 weights, the file has 3"},
    {"bad-missing-layer.h5", ERR_MISMATCH, ERR_NOWHERE,
	"keras: layer 'top' (Dense): its weights are not there, or not in the "
	"order of the layers"},
    {"bad-missing-weight.h5", ERR_MISMATCH, ERR_NOWHERE,
	"keras: there is no 'top/bias:0'"},
    {"bad-order.h5", ERR_MISMATCH, ERR_NOWHERE,
	"keras: layer 'conv' (Conv2D): its weights are not there, or not in "
	"the order of the layers"},
    {"bad-rank.h5", ERR_FORMAT, ERR_NOWHERE,
	"keras: layer 'conv' (Conv2D): 'bias' has rank 2, not 1"},
    {"bad-strides.keras", ERR_FORMAT, ERR_NOWHERE,
	"keras: layer 'conv' (Conv2D): a window of no size"},
    {"bad-tree-cycle.h5", ERR_FORMAT, 160,
	"hdf5: a tree of type 0 and level 1 inside a group"},
    {"bad-tree-signature.h5", ERR_FORMAT, 136, "hdf5: no signature 'TREE'"},
    {"bad-truncated.h5", ERR_TRUNCATED, 15200,
	"hdf5: the file should end at 15300"},
    {"bad-slice.keras", ERR_FORMAT, ERR_NOWHERE,
	"keras: layer 'flip' (SlicingOpLambda): nothing in brackets"},
    {"bad-truncated.keras", ERR_FORMAT, ERR_NOWHERE,
	"zip: there is no end of a directory"},
    {"bad-twice.keras", ERR_FORMAT, ERR_NOWHERE,
	"keras: layer 'conv' (Conv2D): there are two of this name"},
    {"bad-unknown-input.keras", ERR_FORMAT, ERR_NOWHERE,
	"keras: layer 'flatten' (Flatten): takes 'nowhere', which is not "
	"there"},
    {"bad-weights-cut.keras", ERR_TRUNCATED, 11972,
	"hdf5: the file should end at 12172"},
    {"unsupported-activation.keras", ERR_UNSUPPORTED, ERR_NOWHERE,
	"keras: layer 'conv' (Conv2D): activation 'my_relu' needs code of its "
	"own"},
    {"unsupported-big-endian.h5", ERR_UNSUPPORTED, 9536,
	"keras: layer 'conv': bias: hdf5: a dataset of numbers that are "
	"neither little-endian floats nor integers"},
    {"unsupported-causal.keras", ERR_UNSUPPORTED, ERR_NOWHERE,
	"keras: layer 'conv' (Conv2D): padding 'causal'"},
    {"unsupported-class.keras", ERR_UNSUPPORTED, ERR_NOWHERE,
	"keras: layer 'flatten' is of the class 'ConvLSTM2D', which is "
	"not known here"},
    {"unsupported-external-data.h5", ERR_UNSUPPORTED, 9480,
	"keras: layer 'conv': bias: hdf5: a dataset keeps its values in "
	"another file"},
    {"unsupported-external-link.h5", ERR_UNSUPPORTED, ERR_NOWHERE,
	"hdf5: 'bias:0' is a link to another place"},
    {"unsupported-first.keras", ERR_UNSUPPORTED, ERR_NOWHERE,
	"keras: layer 'conv' (Conv2D) has 'border_mode': it is of Keras 1, "
	"load and save it with Keras 2"},
    {"unsupported-int8.h5", ERR_UNSUPPORTED, ERR_NOWHERE,
	"keras: layer 'conv': 'bias' is of i8, not of floats"},
    {"unsupported-lambda.keras", ERR_UNSUPPORTED, ERR_NOWHERE,
	"keras: layer 'flatten' is of the class 'Lambda' (keras.layers), which "
	"needs code of its own"},
    {"unsupported-module.keras", ERR_UNSUPPORTED, ERR_NOWHERE,
	"keras: layer 'flatten' is of the class 'Flatten' (os), which needs "
	"code of its own"},
    {"unsupported-never-written.h5", ERR_UNSUPPORTED, 9602,
	"keras: layer 'conv': bias: hdf5: a dataset that was never written"},
    {"unsupported-no-config.h5", ERR_UNSUPPORTED, ERR_NOWHERE,
	"keras: weights without model_config: the layers are not in this file"},
    {"unsupported-no-hdf5.h5", ERR_UNSUPPORTED, 8,
	"hdf5: superblock version 7, known are 0 to 3"},
    {"unsupported-registered.keras", ERR_UNSUPPORTED, ERR_NOWHERE,
	"keras: layer 'flatten' is of the class 'Evil>Flatten' (keras.layers), "
	"which needs code of its own"},
    {"unsupported-scale.h5", ERR_UNSUPPORTED, 13456,
	"keras: layer 'top': kernel: hdf5: filter 6, known are deflate, "
	"shuffle, fletcher32 and LZF"},
    {"unsupported-soft-link.h5", ERR_UNSUPPORTED, ERR_NOWHERE,
	"hdf5: 'bias:0' is a link to another place"},
    {"unsupported-training.keras", ERR_UNSUPPORTED, ERR_NOWHERE,
	"keras: layer 'bn' (BatchNormalization): is called in training mode"},
    {"unsupported-two-outputs.keras", ERR_UNSUPPORTED, ERR_NOWHERE,
	"keras: model 'small' has not one output but 2"},
    {"unsupported-vector.keras", ERR_UNSUPPORTED, ERR_NOWHERE,
	"keras: layer 'small' (Functional): its input of rank 2 is no image"},
};

static void
test_bad(void **state)
{
	const struct bad_row *row = *state;
	struct opened o;
	struct err e = {0};

	assert_int_equal(try_open(&o, row->name, &e), row->rc);
	assert_string_equal(e.msg, row->says);
	assert_int_equal(e.code, row->rc);
	assert_int_equal(e.off, row->off);
	source_release(&o.src);
	file_unmap(&o.map);
}

/* --- writing back -------------------------------------------------------- */

/* A copy of the model in which every tensor of the file's floats is changed. */
static void
change(struct opened *o, struct model *now, struct arena *a)
{
	*now = o->m;
	now->tensor = arena_alloc(a, now->ntensor, sizeof(*now->tensor));
	for (size_t i = 0; i < now->ntensor; i++) {
		struct tensor *t = &now->tensor[i];
		uint64_t n = 0;
		float *p;

		*t = o->m.tensor[i];
		if (strncmp(t->name, "assay.", 6) == 0)
			continue;
		assert_true(tensor_elements(t, &n));
		p = arena_alloc(a, (size_t)n, sizeof(*p));
		for (uint64_t k = 0; k < n; k++)
			p[k] = (float)(tensor_real(t, k) + 0.5);
		t->data = (const uint8_t *)p;
		t->dtype = DTYPE_F32;
		t->size = (size_t)n * 4;
		t->stride = NULL;
	}
}

static void
test_patch(void **state)
{
	const struct good_row *row = *state;
	/* chunks that no B-tree of the first version lists */
	bool chunks = strstr(row->name, "new") != NULL;
	struct opened o;
	struct model now, back;
	struct arena a;
	struct err e = {0};
	int rc;

	arena_init(&a, 1 << 26);
	assert_ok(try_open(&o, row->name, &e), &e);
	assert_ok(o.format->patch(&o.src, &o.m, &e), &e);
	assert_false(o.src.file[0].writable); /* nothing to write */
	change(&o, &now, &a);
	rc = o.format->patch(&o.src, &now, &e);
	if (chunks) {
		assert_int_equal(rc, ERR_UNSUPPORTED);
		assert_non_null(strstr(e.msg, "is not in the file as such"));
	} else {
		assert_ok(rc, &e);
		assert_ok(o.format->load(&o.src, &back, &e), &e);
		assert_ok(patch_verify(&back, &now, &e), &e);
		model_release(&back);
	}
	close_all(&o);
	arena_release(&a);
}

#define ROWS(fn, rows)                                                         \
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)                           \
	tests[n++] = (struct CMUnitTest)ROW(fn, (rows)[i])

int
main(void)
{
	struct CMUnitTest tests[2 * ARRAY_LEN(good_rows) + ARRAY_LEN(bad_rows)];
	struct err e = {0};
	size_t n = 0;

	if (blas_init(&e) != 0)
		return 1;
	ROWS(test_logits, good_rows);
	ROWS(test_patch, good_rows);
	ROWS(test_bad, bad_rows);
	return cmocka_run_group_tests_name("keras", tests, NULL, NULL);
}
