/* SPDX-License-Identifier: MIT
 * Repositories of the Hugging Face hub (fixtures/hub, made by
 * fixtures/gen/hf.py): logits against PyTorch, what the files around the
 * weights say, and what is refused.
 */
#include "tests/test.h"

#include "base/tree.h"
#include "engine/batch.h"
#include "engine/blas.h"
#include "engine/role.h"
#include "formats/format.h"
#include "formats/neutral.h"
#include "formats/patch.h"
#include "formats/pixel.h"
#include "formats/safetensors.h"

#include <unistd.h>

/* formats/layout.h has a struct layout, the engine an enum of that name */
int layout_open(struct source *, struct err *) MUST_USE;

#define FIXTURES "fixtures/hub/"

struct repo {
	int folder;
	struct source s;
	const struct format *f;
	struct model m;
};

static int
repo_open(struct repo *r, const char *name, struct err *e)
{
	char path[128];
	int rc;

	snprintf(path, sizeof(path), FIXTURES "%s", name);
	*r = (struct repo){0};
	r->folder = tree_root(path, e);
	assert_true(r->folder >= 0);
	source_init(&r->s, NULL, "", r->folder);
	if ((rc = layout_open(&r->s, e)) == 0) {
		assert_true(format_bids(r->s.main, &r->f, 1) >= 1);
		rc = r->f->load(&r->s, &r->m, e);
	}
	if (rc != 0) {
		source_release(&r->s);
		close(r->folder);
	}
	return rc;
}

static void
repo_close(struct repo *r)
{
	model_release(&r->m);
	source_release(&r->s);
	close(r->folder);
}

/* --- logits -------------------------------------------------------------- */

static float *
numbers(struct arena *a, const struct safetensors *st, const char *name)
{
	for (size_t i = 0; i < st->ntensor; i++) {
		const struct tensor *t = &st->tensor[i];
		float *p = arena_alloc(a, t->size, 1);

		assert_non_null(p);
		memcpy(p, t->data, t->size);
		if (strcmp(t->name, name) == 0)
			return p;
	}
	fail_msg("no '%s'", name);
	return NULL;
}

static size_t
images_of(const struct safetensors *st)
{
	for (size_t i = 0; i < st->ntensor; i++)
		if (strcmp(st->tensor[i].name, "images") == 0)
			return (size_t)st->tensor[i].dim[0];
	return 0;
}

/* As assay-load hands the model on, and as the engine wants it: pixels in,
 * every weight row by row. */
static void
to_neutral(struct repo *r, struct file_map *f, struct model *out)
{
	const struct preprocess *p = &r->s.hints.preprocess;
	struct file_out file = {.fd = -1};
	struct err e = {0};
	struct rd in;

	assert_ok(pixel_prepare(&r->m, p, &e), &e);
	assert_true((file.fd = file_temp(&e)) >= 0);
	assert_ok(neutral_write(&file, &r->m, &e), &e);
	assert_ok(file_map_fd(file.fd, "", 1 << 24, f, &e), &e);
	close(file.fd);
	in = rd_mem(f->ptr, f->len);
	assert_ok(neutral_parse(&in, out, &e), &e);
}

static void
compare(struct repo *r, const struct safetensors *want, struct arena *a)
{
	size_t n = images_of(want);
	float *got = arena_alloc(a, n * r->m.classes, sizeof(*got));
	struct file_map f;
	struct err e = {0};
	struct model m;
	struct net net;

	to_neutral(r, &f, &m);
	assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
	assert_int_equal(net.classes, r->m.classes);
	assert_ok(
	    batch_logits(&net, numbers(a, want, "images"), n, got, &e), &e);
	assert_close(got, numbers(a, want, "logits"), n * net.classes, 0, 1e-4);
	net_release(&net);
	model_release(&m);
	file_unmap(&f);
}

static const struct {
	const char *name, *arch;
} good[] = {
    {"good-beit", "architecture hf-vit"},
    {"good-beit-shared", "architecture hf-vit"},
    {"good-convnext", "architecture hf-convnext"},
    {"good-convnextv2",
	"architecture hf-convnext; config.json wants code of its own run, "
	"which was not"},
    {"good-deit", "architecture hf-vit"},
    {"good-deit-teacher", "architecture hf-vit"},
    {"good-efficientnet", "architecture hf-efficientnet"},
    {"good-mobilenet-v1", "architecture hf-mobilenet"},
    {"good-mobilenet-v2", "architecture hf-mobilenet"},
    {"good-resnet", "architecture hf-resnet"},
    {"good-resnet-bottleneck", "architecture hf-resnet"},
    {"good-swin", "architecture hf-swin"},
    {"good-swin-padded", "architecture hf-swin"},
    {"good-swin-places", "architecture hf-swin"},
    {"good-swin-filled", "architecture hf-swin"},
    {"good-vit-shards", "architecture hf-vit"},
    {"good-timm", "architecture resnet"},
    {"good-timm-wrapper", "architecture resnet"},
    {"good-vit", "architecture hf-vit"},
};

static void
test_logits(void **state)
{
	const char *name = ((const char *const *)*state)[0];
	char path[128];
	struct safetensors want;
	struct file_map f;
	struct arena a;
	struct repo r;
	struct err e = {0};
	struct rd in;

	assert_ok(repo_open(&r, name, &e), &e);
	assert_string_equal(r.m.note, ((const char *const *)*state)[1]);
	assert_int_equal(r.s.hints.nlabel, 5);
	assert_string_equal(r.s.hints.label[2], "great white shark");
	arena_init(&a, (size_t)1 << 26);
	snprintf(path, sizeof(path), FIXTURES "%s/expected.safetensors", name);
	assert_ok(file_map(path, 1 << 20, &f, &e), &e);
	in = rd_mem(f.ptr, f.len);
	assert_ok(safetensors_parse(&in, &a, &want, &e), &e);
	compare(&r, &want, &a);
	safetensors_release(&want);
	arena_release(&a);
	file_unmap(&f);
	repo_close(&r);
}

/* --- what training may change -------------------------------------------- */

static bool
is_buffer(const char *name)
{
	return strstr(name, "running_mean") != NULL ||
	       strstr(name, "running_var") != NULL ||
	       strncmp(name, "assay.", 6) == 0;
}

/* All that the file has but running statistics, and nothing of ours. */
static void
test_weights(void **state)
{
	const char *name = ((const char *const *)*state)[0];
	struct repo r;
	struct err e = {0};
	bool *weight;

	assert_ok(repo_open(&r, name, &e), &e);
	weight = arena_alloc(&r.m.arena, r.m.ntensor, sizeof(*weight));
	assert_non_null(weight);
	assert_ok(role_weights(&r.m, weight, &e), &e);
	for (size_t i = 0; i < r.m.ntensor; i++)
		if (weight[i] == is_buffer(r.m.tensor[i].name))
			fail_msg("'%s' is %s", r.m.tensor[i].name,
			    weight[i] ? "a weight" : "no weight");
	repo_close(&r);
}

/* Weights that are put back unchanged change no file. */
static void
test_patch(void **state)
{
	const char *name = ((const char *const *)*state)[0];
	struct file_map f;
	struct model m;
	struct repo r;
	struct err e = {0};

	assert_ok(repo_open(&r, name, &e), &e);
	to_neutral(&r, &f, &m);
	assert_ok(r.f->patch(&r.s, &m, &e), &e);
	for (size_t i = 0; i < r.s.nfile; i++)
		assert_true(
		    !r.s.file[i].writable && r.s.file[i].replaced == NULL);
	model_release(&m);
	file_unmap(&f);
	repo_close(&r);
}

/* --- repositories that are refused --------------------------------------- */

struct bad_row {
	const char *name;
	int rc;
	const char *says; /* all of the message */
};

#define TENSOR_IS(name, is, should)                                            \
	"as hf-vit: tensor '" name "' is " is ", by config.json it "           \
	"were " should
#define PATCHES "vit.embeddings.patch_embeddings.projection.weight"
#define SELF    "vit.encoder.layer.0.attention.attention."

static const struct bad_row bad[] = {
    {"bad-bias-missing", ERR_FORMAT,
	"as hf-vit: there is no tensor '" SELF
	"key.bias', by config.json there were one"},
    {"bad-bias-too-many", ERR_FORMAT,
	"as hf-vit: there is a tensor '" SELF
	"query.bias', by config.json there were none"},
    {"bad-channels", ERR_FORMAT,
	TENSOR_IS(PATCHES, "(4, 3, 4, 4)", "(4, 1, 4, 4)")},
    {"bad-deep", ERR_FORMAT, "json: maximum parsing depth reached near '{'"},
    {"bad-deviation", ERR_FORMAT, "a standard deviation of 0"},
    {"bad-epsilon", ERR_FORMAT,
	"as hf-vit: config.json: 'layer_norm_eps' is -1e-05, not within "
	"1e-30 to 0.5"},
    {"bad-heads", ERR_FORMAT,
	"as hf-vit: config.json: 3 heads for a width of 4"},
    {"bad-image-size", ERR_FORMAT,
	"as hf-vit: config.json: 'image_size' is 1000000000, not within 1 to "
	"8192"},
    {"bad-key-twice", ERR_FORMAT,
	"json: duplicate object key near '\"model_type\"'"},
    {"bad-labels-hole", ERR_FORMAT,
	"'id2label' has 5 classes, and one that is called '5'"},
    {"bad-labels-list", ERR_FORMAT, "'id2label' is not an object"},
    {"bad-labels-number", ERR_FORMAT,
	"'id2label' has 5 classes, and one that is called '01'"},
    {"bad-labels-object", ERR_FORMAT,
	"a label that is neither a name nor a number"},
    {"bad-layers-few", ERR_FORMAT,
	"as hf-vit: config.json: 'num_hidden_layers' is 0, not within 1 to "
	"2147483647"},
    {"bad-layers-many", ERR_FORMAT,
	"as hf-vit: config.json: 1000000000 layers, the weights have 1"},
    {"bad-layers-text", ERR_FORMAT,
	"as hf-vit: config.json: 'num_hidden_layers' is not a whole number"},
    {"bad-patch", ERR_FORMAT,
	"as hf-vit: config.json: patches larger than the image"},
    {"bad-places", ERR_FORMAT,
	TENSOR_IS(
	    "vit.embeddings.position_embeddings", "(1, 4, 4)", "(1, 5, 4)")},
    {"bad-processor-size", ERR_FORMAT, "'size' is not within 1 to 8192"},
    {"bad-sizes-differ", ERR_FORMAT,
	"as hf-vit: preprocessor_config.json makes images of 16 x 16, "
	"config.json wants 8 x 8"},
    {"bad-swin-index", ERR_FORMAT,
	"as hf-swin: tensor 'swin.encoder.layers.0.blocks.0.attention.self."
	"relative_position_index' is not the index that the architecture has"},
    {"bad-swin-stages", ERR_FORMAT,
	"as hf-swin: config.json: 2 'depths' and 1 'num_heads'"},
    {"bad-swin-window", ERR_FORMAT,
	"as hf-swin: config.json: windows of 3 on a stage of 2 x 2"},
    {"bad-width", ERR_FORMAT,
	TENSOR_IS(PATCHES, "(4, 3, 4, 4)", "(8, 3, 4, 4)")},
    {"unsupported-activation", ERR_UNSUPPORTED,
	"as hf-vit: config.json: hidden_act 'gelu_10' is not known here"},
    {"unsupported-more-tensors", ERR_UNSUPPORTED,
	"nearest to hf-vit, which has no use for 1 of 25 tensors ('" SELF
	"query.lora_A')"},
    {"unsupported-no-head", ERR_UNSUPPORTED,
	"as hf-vit: there is no tensor 'classifier.weight'"},
    {"unsupported-packed", ERR_UNSUPPORTED,
	"'quantization_config': weights that are packed"},
    {"unsupported-pointer", ERR_UNSUPPORTED,
	"is a Git LFS pointer to the file, not the file: fetch it with 'git "
	"lfs pull'"},
    {"unsupported-processor", ERR_UNSUPPORTED, "'size' limits both edges"},
    {"unsupported-type", ERR_UNSUPPORTED,
	"weights of no architecture that is known here (model_type 'swinv2', "
	"the first of 24 is 'classifier.bias')"},
};

static void
test_bad(void **state)
{
	const struct bad_row *row = *state;
	struct err e = {0};
	struct repo r;

	assert_int_equal(repo_open(&r, row->name, &e), row->rc);
	assert_string_equal(e.msg, row->says);
}

/* --- what is opened ------------------------------------------------------ */

/* Of a folder all that was read is the model; beside named weights not. */
static void
test_named(void **state)
{
	struct file_map f;
	struct source s;
	struct repo r;
	struct err e = {0};
	int folder;

	(void)state;
	assert_ok(repo_open(&r, "good-vit", &e), &e);
	assert_int_equal(r.s.nfile, 3);
	assert_string_equal(r.s.file[0].name, "model.safetensors");
	repo_close(&r);
	folder = tree_root(FIXTURES "good-vit", &e);
	assert_true(folder >= 0);
	assert_ok(
	    file_map(FIXTURES "good-vit/model.safetensors", 1 << 20, &f, &e),
	    &e);
	source_init(&s, &f, "model.safetensors", folder);
	assert_ok(layout_open(&s, &e), &e);
	assert_int_equal(s.nfile, 1);
	assert_int_equal(s.hints.nlabel, 5);
	assert_non_null(s.hints.config);
	assert_string_equal(
	    s.hints.preprocess.from, "preprocessor_config.json");
	source_release(&s);
	close(folder);
	file_unmap(&f);
}

#define ROWS(fn, rows)                                                         \
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)                           \
	tests[n++] = (struct CMUnitTest)ROW(fn, (rows)[i])

int
main(void)
{
	struct CMUnitTest tests[3 * ARRAY_LEN(good) + ARRAY_LEN(bad) + 1];
	struct err e = {0};
	size_t n = 0;

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_named);
	ROWS(test_logits, good);
	ROWS(test_weights, good);
	ROWS(test_patch, good);
	ROWS(test_bad, bad);
	return _cmocka_run_group_tests("hf", tests, n, NULL, NULL);
}
