/* SPDX-License-Identifier: MIT
 * Architectures over weights (fixtures/weights, made by fixtures/gen/weights.py)
 * against PyTorch: what they compute, that all of them can be trained, and
 * that trained weights find their way back into the file.
 */
#include "tests/test.h"

#include "base/file.h"
#include "base/json.h"
#include "base/tree.h"
#include "engine/batch.h"
#include "engine/blas.h"
#include "engine/role.h"
#include "formats/arch.h"
#include "formats/format.h"
#include "formats/neutral.h"
#include "formats/patch.h"
#include "formats/safetensors.h"

#include <unistd.h>

#define FOLDER  "fixtures/weights/"
#define SHARDS  "fixtures/shards/"
#define INDEX   "model.safetensors.index.json"
#define IMAGES  2
#define CLASSES 5

/* Have the weights of another one, and are taken when the user says so. */
static const char *const by_user[] = {"mobilenet_v2_cifar", "resnet_pool"};

static const struct row {
	const char *name, *family;
	size_t side;
	const char *config; /* or NULL */
	bool exact;         /* the size of the images has to be said */
} rows[] = {
#include "tests/test_arch.def"
};

struct world {
	struct file_map file;
	struct source src;
	struct model m; /* as it was read */
	struct file_map neutral;
	struct model n; /* the same, by way of a neutral file */
};

static void
open_source(struct world *w, const struct row *row)
{
	struct preprocess *p = &w->src.hints.preprocess;
	struct err e = {0};
	char path[128];

	snprintf(path, sizeof(path), FOLDER "good-%s.safetensors", row->name);
	assert_ok(file_map(path, 1 << 20, &w->file, &e), &e);
	source_init(&w->src, &w->file, "weights", -1);
	if (row->config != NULL)
		assert_ok(json_read(row->config, strlen(row->config),
			      &w->src.hints.config, &e),
		    &e);
	for (size_t i = 0; i < ARRAY_LEN(by_user); i++)
		if (strcmp(row->family, by_user[i]) == 0)
			w->src.hints.arch = by_user[i];
	if (row->exact) {
		p->resize = RESIZE_EXACT;
		p->height = p->width = (uint32_t)row->side;
	}
}

static void
to_neutral(const struct model *m, struct file_map *f, struct model *n)
{
	struct err e = {0};
	struct file_out out = {.fd = file_temp(&e)};
	struct rd r;

	assert_true(out.fd >= 0);
	assert_ok(neutral_write(&out, m, &e), &e);
	assert_ok(file_map_fd(out.fd, "", UINT32_MAX, f, &e), &e);
	close(out.fd);
	r = rd_mem(f->ptr, f->len);
	assert_ok(neutral_parse(&r, n, &e), &e);
}

static void
world_open(struct world *w, const struct row *row)
{
	struct err e = {0};

	open_source(w, row);
	assert_ok(format_weights_file.load(&w->src, &w->m, &e), &e);
	to_neutral(&w->m, &w->neutral, &w->n);
}

static void
world_close(struct world *w)
{
	model_release(&w->n);
	file_unmap(&w->neutral);
	model_release(&w->m);
	source_release(&w->src);
	file_unmap(&w->file);
}

/* --- logits -------------------------------------------------------------- */

static float *
images(struct arena *a, size_t side)
{
	size_t n = IMAGES * 3 * side * side;
	float *x = arena_alloc(a, n, sizeof(*x));

	assert_non_null(x);
	for (size_t i = 0; i < n; i++) {
		size_t image = i / (3 * side * side);
		size_t c = i / (side * side) % 3, at = i % (side * side);
		uint32_t byte = (uint32_t)(i * 2654435761U) >> 24;

		x[(image * side * side + at) * 3 + c] = (float)byte / 255.0f;
	}
	return x;
}

static void
want_logits(const char *name, float *out)
{
	struct safetensors st;
	struct file_map f;
	struct arena a;
	struct err e = {0};
	struct rd r;
	bool found = false;

	arena_init(&a, (size_t)1 << 24);
	assert_ok(file_map(FOLDER "want.safetensors", 1 << 20, &f, &e), &e);
	r = rd_mem(f.ptr, f.len);
	assert_ok(safetensors_parse(&r, &a, &st, &e), &e);
	for (size_t i = 0; i < st.ntensor; i++) {
		if (strcmp(st.tensor[i].name, name) != 0)
			continue;
		assert_int_equal(st.tensor[i].size, IMAGES * CLASSES * 4);
		memcpy(out, st.tensor[i].data, st.tensor[i].size);
		found = true;
	}
	assert_true(found);
	safetensors_release(&st);
	file_unmap(&f);
	arena_release(&a);
}

static void
test_logits(void **state)
{
	const struct row *row = *state;
	float got[IMAGES * CLASSES], want[IMAGES * CLASSES];
	double top = 0.0;
	struct world w = {0};
	struct arena a;
	struct net net;
	struct err e = {0};

	arena_init(&a, (size_t)1 << 26);
	world_open(&w, row);
	assert_int_equal(w.m.classes, CLASSES);
	assert_ok(net_build(&net, &w.n, row->side, row->side, 3, &e), &e);
	assert_ok(
	    batch_logits(&net, images(&a, row->side), IMAGES, got, &e), &e);
	want_logits(row->name, want);
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		top = fmax(top, fabs((double)want[i]));
	assert_close(got, want, ARRAY_LEN(got), 0.0, 1e-4 * top);
	net_release(&net);
	world_close(&w);
	arena_release(&a);
}

/* --- weights ------------------------------------------------------------- */

static bool
is_statistic(const struct tensor *t)
{
	return strstr(t->name, "running_") != NULL ||
	       strncmp(t->name, "assay.", 6) == 0 || t->dtype == DTYPE_I64;
}

/* Whatever the family took from the file can be trained. */
static void
test_roles(void **state)
{
	struct world w = {0};
	struct arena a;
	struct err e = {0};
	bool *weight;

	arena_init(&a, (size_t)1 << 24);
	world_open(&w, *state);
	weight = arena_alloc(&a, w.n.ntensor, sizeof(*weight));
	assert_non_null(weight);
	assert_ok(role_weights(&w.n, weight, &e), &e);
	for (size_t i = 0; i < w.n.ntensor; i++)
		if (weight[i] == is_statistic(&w.n.tensor[i]))
			fail_msg("'%s' is %sa weight", w.n.tensor[i].name,
			    weight[i] ? "" : "not ");
	world_close(&w);
	arena_release(&a);
}

/* Every float of the file another number. */
static void
change(struct model *n)
{
	for (size_t i = 0; i < n->ntensor; i++) {
		struct tensor *t = &n->tensor[i];
		size_t width = dtype_width(t->dtype);
		uint8_t *p = arena_alloc(&n->arena, t->size + 1, 1);

		assert_non_null(p);
		if (strncmp(t->name, "assay.", 6) == 0 || t->dtype > DTYPE_BF16)
			continue;
		for (size_t k = 0; k < t->size; k++) {
			double v = (double)(k / width % 1000) / 64.0 + 0.5;

			p[k] = (uint8_t)(patch_bits(t->dtype, v) >>
					 8 * (k % width));
		}
		t->data = p;
	}
}

static void
test_patch(void **state)
{
	struct world w = {0};
	struct model back;
	struct err e = {0};

	world_open(&w, *state);
	assert_ok(format_weights_file.patch(&w.src, &w.n, &e), &e);
	assert_false(w.src.file[0].writable); /* nothing to write */
	change(&w.n);
	assert_ok(format_weights_file.patch(&w.src, &w.n, &e), &e);
	assert_ok(format_weights_file.load(&w.src, &back, &e), &e);
	assert_ok(patch_verify(&back, &w.n, &e), &e);
	model_release(&back);
	world_close(&w);
}

/* --- other containers ---------------------------------------------------- */

/* The same weights as good-vgg-cifar.safetensors. */
static const struct container {
	const char *name, *folder; /* folder: NULL when there is none to see */
	const struct format *format;
	bool in_place;
} containers[] = {
    {"good-plain.npz", NULL, &format_weights_npz, true},
    {"good-orders.npz", NULL, &format_weights_npz, true},
    {"good-compressed.npz", NULL, &format_weights_npz, false},
    {INDEX, SHARDS "good-shards", &format_weights_index, true},
};

static const struct row vgg = {"vgg-cifar", "vgg", 16, NULL, false};

struct held {
	struct file_map file;
	struct source src;
	int folder;
};

static void
hold(struct held *h, const char *folder, const char *name)
{
	struct err e = {0};
	char path[128];

	snprintf(path, sizeof(path), "%s%s%s", folder != NULL ? folder : FOLDER,
	    folder != NULL ? "/" : "", name);
	assert_ok(file_map(path, 1 << 20, &h->file, &e), &e);
	h->folder = folder != NULL ? tree_root(folder, &e) : -1;
	source_init(&h->src, &h->file, name, h->folder);
}

static void
let_go(struct held *h)
{
	source_release(&h->src);
	file_unmap(&h->file);
	if (h->folder >= 0)
		close(h->folder);
}

static void
test_container(void **state)
{
	const struct container *c = *state;
	const struct format *bid[4];
	struct world w = {0};
	struct held h;
	struct model m;
	struct err e = {0};

	world_open(&w, &vgg);
	hold(&h, c->folder, c->name);
	assert_int_equal(format_bids(h.src.main, bid, ARRAY_LEN(bid)), 1);
	assert_ptr_equal(bid[0], c->format);
	assert_ok(c->format->load(&h.src, &m, &e), &e);
	assert_ok(patch_verify(&m, &w.n, &e), &e);
	assert_int_equal(m.nnode, w.n.nnode);
	model_release(&m);
	let_go(&h);
	world_close(&w);
}

static void
test_container_patch(void **state)
{
	const struct container *c = *state;
	struct file_map f;
	struct held h;
	struct model m, n, back;
	struct err e = {0};

	hold(&h, c->folder, c->name);
	assert_ok(c->format->load(&h.src, &m, &e), &e);
	to_neutral(&m, &f, &n);
	assert_ok(c->format->patch(&h.src, &n, &e), &e);
	for (size_t i = 0; i < h.src.nfile; i++)
		assert_false(h.src.file[i].writable);
	change(&n);
	assert_ok(c->format->patch(&h.src, &n, &e), &e);
	assert_int_equal(h.src.file[0].replaced == NULL, c->in_place);
	/* with a checksum that is right */
	assert_ok(c->format->load(&h.src, &back, &e), &e);
	assert_ok(patch_verify(&back, &n, &e), &e);
	model_release(&back);
	model_release(&n);
	file_unmap(&f);
	model_release(&m);
	let_go(&h);
}

static const struct bad_container {
	const char *name, *folder;
	int rc;
	uint64_t off;
	const char *in, *says; /* in: the file that is named, or "" */
} bad_containers[] = {
    {"bad-big.npz", NULL, ERR_UNSUPPORTED, 11623, "",
	"npz: 'classifier.bias.npy': elements of big-endian f4 are no weights"},
    {"bad-checksum.npz", NULL, ERR_FORMAT, 11828, "",
	"npz: 'features.0.bias.npy' has another checksum than it should"},
    {"bad-cut.npz", NULL, ERR_FORMAT, ERR_NOWHERE, "",
	"npz: zip: there is no end of a directory"},
    {"bad-member.npz", NULL, ERR_UNSUPPORTED, 291, "",
	"npz: 'b.txt' is no array"},
    {"bad-object.npz", NULL, ERR_UNSUPPORTED, 11643, "",
	"npz: 'classifier.bias.npy': npy: Python objects (a pickle) are "
	"refused"},
    {"bad-twice.npz", NULL, ERR_FORMAT, 105, "",
	"npz: two entries have one name"},
    {INDEX, SHARDS "bad-shard-less", ERR_FORMAT, ERR_NOWHERE, "",
	"weight_map: tensor 'features.16.bias' is not in "
	"'model-00002-of-00002.safetensors'"},
    {INDEX, SHARDS "bad-shard-missing", ERR_UNSUPPORTED, ERR_NOWHERE,
	"model-00002-of-00002.safetensors",
	"belongs to the model but is not there"},
    {INDEX, SHARDS "bad-shard-more", ERR_FORMAT, ERR_NOWHERE,
	"model-00001-of-00002.safetensors",
	"tensor 'classifier.bias' is not in the index"},
    {INDEX, SHARDS "bad-shard-path", ERR_FORMAT, ERR_NOWHERE,
	"../model-00001-of-00002.safetensors",
	"is no plain path within the model's folder"},
    {INDEX, SHARDS "bad-shard-twice", ERR_FORMAT, ERR_NOWHERE,
	"model-00002-of-00002.safetensors",
	"tensor 'classifier.bias' is here, but in "
	"'model-00001-of-00002.safetensors' by the index"},
};

static void
test_bad_container(void **state)
{
	const struct bad_container *row = *state;
	const struct format *bid[4];
	struct held h;
	struct model m;
	struct err e = {0};

	hold(&h, row->folder, row->name);
	assert_int_equal(format_bids(h.src.main, bid, ARRAY_LEN(bid)), 1);
	assert_int_equal(bid[0]->load(&h.src, &m, &e), row->rc);
	assert_string_equal(e.msg, row->says);
	assert_string_equal(e.path, row->in);
	assert_true(e.off == row->off);
	let_go(&h);
}

/* --- which --------------------------------------------------------------- */

/* One family claims the weights, the others do not. */
static void
test_match(void **state)
{
	const struct row *row = *state;
	const char *family =
	    strcmp(row->family, by_user[0]) == 0   ? "mobilenet_v2"
	    : strcmp(row->family, by_user[1]) == 0 ? "resnet"
						   : row->family;
	struct safetensors st;
	struct world w = {0};
	struct weights weights;
	struct arena a;
	struct err e = {0};
	struct rd r;
	size_t n;
	const struct arch_family *const *all = arch_all(&n);

	arena_init(&a, (size_t)1 << 24);
	open_source(&w, row);
	r = w.src.main;
	assert_ok(safetensors_parse(&r, &a, &st, &e), &e);
	assert_ok(
	    weights_init(&weights, &a, st.tensor, st.ntensor, NULL, 0, &e), &e);
	for (size_t i = 0; i < n; i++)
		if ((all[i]->match(&weights, w.src.hints.config) != 0) !=
		    (strcmp(all[i]->name, family) == 0))
			fail_msg("%s", all[i]->name);
	safetensors_release(&st);
	source_release(&w.src);
	file_unmap(&w.file);
	arena_release(&a);
}

/* The same names, padded in two ways: only a configuration or the user tells. */
static void
test_two_paddings(void **state)
{
	static const struct row row = {
	    "timm-efficientnet-tf", "", 41, NULL, false};
	struct world w = {0};
	struct model m;
	struct err e = {0};

	(void)state;
	open_source(&w, &row);
	assert_int_equal(
	    format_weights_file.load(&w.src, &m, &e), ERR_UNSUPPORTED);
	assert_string_equal(e.msg,
	    "could be timm_efficientnet or timm_tf_efficientnet: say which "
	    "with --arch");
	w.src.hints.arch = "timm_tf_efficientnet";
	assert_ok(format_weights_file.load(&w.src, &m, &e), &e);
	model_release(&m);
	source_release(&w.src);
	file_unmap(&w.file);
}

/* Every family has a fixture; those of Hugging Face's names in test_hf.c. */
static void
test_all(void **state)
{
	size_t n;
	const struct arch_family *const *all = arch_all(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		bool found = strncmp(all[i]->name, "hf-", 3) == 0;

		for (size_t k = 0; k < ARRAY_LEN(rows); k++)
			found =
			    found || strcmp(rows[k].family, all[i]->name) == 0;
		if (!found)
			fail_msg("%s", all[i]->name);
	}
}

/* --- files that are refused ---------------------------------------------- */

static const struct bad_row {
	const char *name;
	int rc;
	const char *says;
} bad_rows[] = {
    {"bad-both", ERR_UNSUPPORTED,
	"could be shufflenet_v2 or vgg: say which with --arch"},
    {"bad-missing", ERR_UNSUPPORTED,
	"as vgg: there is no tensor 'features.5.running_var'"},
    {"bad-more", ERR_UNSUPPORTED,
	"nearest to vgg, which has no use for 1 of 38 tensors "
	"('features.90.weight')"},
    {"bad-nothing", ERR_UNSUPPORTED,
	"weights of no architecture that is known here (the first of 2 is "
	"'a'): export the model as ONNX"},
    {"bad-places", ERR_UNSUPPORTED,
	"as vit: 14 places are no square of patches"},
    {"bad-rank", ERR_UNSUPPORTED,
	"weights of no architecture that is known here; vgg comes nearest and "
	"uses 7 of 37 tensors: a linear layer of 8 numbers behind 4 channels"},
    {"bad-unknown", ERR_UNSUPPORTED,
	"as vgg: 4 layers between two convolutions"},
    {"good-vit", ERR_UNSUPPORTED,
	"as vit: attention of width 16: nothing says how many heads it has; "
	"\"num_heads\" in a config.json would"},
};

static void
test_bad(void **state)
{
	const struct bad_row *row = *state;
	struct file_map f;
	struct source s;
	struct model m;
	struct err e = {0};
	char path[128];

	snprintf(path, sizeof(path), FOLDER "%s.safetensors", row->name);
	assert_ok(file_map(path, 1 << 20, &f, &e), &e);
	source_init(&s, &f, "weights", -1);
	assert_int_equal(format_weights_file.load(&s, &m, &e), row->rc);
	assert_string_equal(e.msg, row->says);
	source_release(&s);
	file_unmap(&f);
}

int
main(void)
{
	enum {
		N = ARRAY_LEN(rows),
		BAD = ARRAY_LEN(bad_rows),
		C = ARRAY_LEN(containers),
		BAD_C = ARRAY_LEN(bad_containers)
	};
	struct CMUnitTest tests[4 * N + BAD + 2 * C + BAD_C + 2];
	struct err e = {0};
	size_t n = 0;

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	for (size_t i = 0; i < N; i++) {
		tests[n++] = (struct CMUnitTest)ROW(test_match, rows[i]);
		tests[n++] = (struct CMUnitTest)ROW(test_logits, rows[i]);
		tests[n++] = (struct CMUnitTest)ROW(test_roles, rows[i]);
		tests[n++] = (struct CMUnitTest)ROW(test_patch, rows[i]);
	}
	for (size_t i = 0; i < BAD; i++)
		tests[n++] = (struct CMUnitTest)ROW(test_bad, bad_rows[i]);
	for (size_t i = 0; i < C; i++) {
		tests[n++] =
		    (struct CMUnitTest)ROW(test_container, containers[i]);
		tests[n++] =
		    (struct CMUnitTest)ROW(test_container_patch, containers[i]);
	}
	for (size_t i = 0; i < BAD_C; i++)
		tests[n++] = (struct CMUnitTest)ROW(
		    test_bad_container, bad_containers[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_two_paddings);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_all);
	return _cmocka_run_group_tests("arch", tests, n, NULL, NULL);
}
