/* SPDX-License-Identifier: MIT
 * Repositories of the Hugging Face hub (fixtures/hub, made by
 * fixtures/gen/hf.py): logits against PyTorch, what the files around the
 * weights say, and what is refused.
 */
#include "tests/test.h"

#include "base/json.h"
#include "base/tree.h"
#include "engine/batch.h"
#include "engine/blas.h"
#include "formats/format.h"
#include "formats/hf_pre.h"
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

	if (p->nmean != 0)
		assert_ok(pixel_prepend(
			      &r->m, p->mean, p->nmean, p->std, p->nstd, &e),
		    &e);
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
    {"good-convnextv2", "architecture hf-convnext"},
    {"good-deit", "architecture hf-vit"},
    {"good-deit-teacher", "architecture hf-vit"},
    {"good-efficientnet", "architecture hf-efficientnet"},
    {"good-mobilenet-v1", "architecture hf-mobilenet"},
    {"good-mobilenet-v2", "architecture hf-mobilenet"},
    {"good-resnet", "architecture hf-resnet"},
    {"good-resnet-bottleneck", "architecture hf-resnet"},
    {"good-swin", "architecture hf-swin"},
    {"good-swin-padded", "architecture hf-swin"},
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

int
main(void)
{
	struct CMUnitTest tests[64];
	struct err e = {0};
	size_t n = 0;

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_logits, good[i]);
	return _cmocka_run_group_tests("hf", tests, n, NULL, NULL);
}
