/* SPDX-License-Identifier: MIT */
#include "formats/webdataset.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/tree.h"
#include "formats/bundle.h"
#include "formats/gather.h"
#include "formats/webdataset_label.h"

#include <unistd.h>

#define SHARDS     4096
#define MEMBER_MAX ((uint64_t)256 << 20)
#define LABEL_TEXT ((size_t)1 << 20)

/* What a member is to us. */
enum part {
	PART_OTHER,
	PART_IMAGE,
	PART_CLS, /* .cls, .cls.txt: a class by number or name */
	PART_JSON,
};

struct reading {
	struct webdataset_label labels;
	size_t samples, images;
	char key[LIMIT_MEMBER_NAME + 1];
	bool has_image, second; /* second: the pass that decodes */
	enum part part;
	char path[LIMIT_MEMBER_NAME + 1];
	struct buf bytes;
	struct gather gather;
};

static enum part
part_of(const char *path)
{
	if (text_ends_with(path, ".cls") || text_ends_with(path, ".cls.txt"))
		return PART_CLS;
	if (text_ends_with(path, ".json"))
		return PART_JSON;
	return image_named(path) ? PART_IMAGE : PART_OTHER;
}

static size_t
key_length(const char *path)
{
	const char *base = file_base(path);

	return (size_t)(base - path) + strcspn(base, ".");
}

/* --- the sink of bundle.h ------------------------------------------------ */

static int
on_folder(void *ctx, const char *path, struct err *e)
{
	(void)ctx;
	(void)path;
	(void)e;
	return 0;
}

/* A sample ends where another key begins; it must have had an image. */
static int
new_key(struct reading *w, const char *path, size_t len, struct err *e)
{
	if (w->samples > 0 && !w->has_image)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "sample '%.80s' has no image", w->key);
	if (w->samples >= LIMIT_IMAGES)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many samples");
	memcpy(w->key, path, len);
	w->key[len] = '\0';
	w->has_image = false;
	w->samples++;
	return w->second ? 0
			 : webdataset_label_sample(&w->labels, path, len, e);
}

static int
on_open(void *ctx, const char *path, struct err *e)
{
	struct reading *w = ctx;
	size_t len = key_length(path);
	int rc;

	w->part = part_of(path);
	w->bytes.len = 0;
	snprintf(w->path, sizeof(w->path), "%s", path);
	if (w->part == PART_OTHER || file_base(path)[0] == '.') {
		w->part = PART_OTHER;
		return 0;
	}
	if ((w->samples == 0 || strlen(w->key) != len ||
		memcmp(w->key, path, len) != 0) &&
	    (rc = new_key(w, path, len, e)) != 0)
		return rc;
	if (w->part != PART_IMAGE)
		return 0;
	if (w->has_image)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "sample '%.80s' has two images", w->key);
	w->has_image = true;
	w->images++;
	return 0;
}

static int
on_write(void *ctx, const void *p, size_t len, struct err *e)
{
	struct reading *w = ctx;

	if (w->part == PART_OTHER || (w->part == PART_IMAGE) != w->second)
		return 0;
	if (w->part != PART_IMAGE && w->bytes.len + len > LABEL_TEXT)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "'%.80s' is too long for a label", w->path);
	buf_append(&w->bytes, p, len);
	return 0;
}

static int
take_label(struct reading *w, struct err *e)
{
	const struct slice in = {w->bytes.ptr, w->bytes.len};

	return w->part == PART_CLS ? webdataset_label_text(&w->labels, in, e)
				   : webdataset_label_json(&w->labels, in, e);
}

static int
on_close(void *ctx, bool keep, struct err *e)
{
	struct reading *w = ctx;
	int rc = 0;

	if (!keep || w->part == PART_OTHER)
		return 0;
	if (w->part != PART_IMAGE && !w->second)
		rc = take_label(w, e);
	else if (w->part == PART_IMAGE && w->second)
		rc = gather_add(
		    &w->gather, rd_mem(w->bytes.ptr, w->bytes.len), e);
	return rc != 0 ? err_wrap(e, "%.100s", w->path) : 0;
}

/* --- passes -------------------------------------------------------------- */

/* What is refused in an archive is an error here. */
static int
read_shard(struct reading *w, struct rd r, struct err *e)
{
	const struct bundle_sink sink = {.ctx = w,
	    .folder = on_folder,
	    .open = on_open,
	    .write = on_write,
	    .close = on_close};
	struct bundle_limits limits = bundle_defaults;

	limits.entries = 4 * LIMIT_IMAGES;
	limits.member = MEMBER_MAX;
	return bundle_strict(&limits, &sink, r, "webdataset", e);
}

static int
pass(struct reading *w, const struct rd *shard, size_t n, struct err *e)
{
	w->samples = w->images = 0;
	w->has_image = false;
	for (size_t i = 0; i < n; i++) {
		int rc = read_shard(w, shard[i], e);

		if (rc != 0)
			return rc;
		if (w->samples > 0 && !w->has_image)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "webdataset: sample '%.80s' has no image", w->key);
		w->key[0] = '\0';
	}
	return 0;
}

int
webdataset_parse(const struct rd *shard, size_t n, const struct fit_shape *fit,
    struct dataset *d, struct err *e)
{
	struct reading w = {0};
	int rc;

	webdataset_label_begin(&w.labels);
	rc = pass(&w, shard, n, e);
	if (rc == 0 && w.images == 0)
		rc = err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "webdataset: no images in it");
	if (rc == 0) {
		gather_begin(&w.gather, d, fit, w.images);
		w.second = true;
		rc = pass(&w, shard, n, e);
	}
	if (rc == 0)
		rc = webdataset_label_put(&w.labels, d, e);
	webdataset_label_end(&w.labels);
	buf_free(&w.bytes);
	return rc;
}

/* --- where shards are ---------------------------------------------------- */

bool
webdataset_probe(const char *path, struct rd r)
{
	bool tar = r.len >= 512 && memcmp(r.base + 257, "ustar", 5) == 0;

	return tar || text_ends_with(path, ".tar") ||
	       text_ends_with(path, ".tar.gz") || text_ends_with(path, ".tgz");
}

/* What writers put beside their shards: img2dataset, CLIP_benchmark, timm. */
static bool
beside(const char *name)
{
	static const char *const suffix[] = {".json", ".jsonl", ".txt",
	    ".parquet", ".csv", ".tsv", ".idx", ".md", ".yaml", ".yml"};

	for (size_t i = 0; i < ARRAY_LEN(suffix); i++)
		if (text_ends_with(name, suffix[i]))
			return true;
	return name[0] == '.' || strcmp(name, "LICENSE") == 0;
}

static int
list_shards(
    int folder, struct arena *a, struct buf *names, bool *all, struct err *e)
{
	const char **found = NULL;
	size_t n = 0;
	int rc = tree_list(folder, a, &found, &n, e);

	*all = rc == 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		const char *s = found[i];

		if (webdataset_probe(s, rd_mem(NULL, 0)))
			buf_append(names, &s, sizeof(s));
		else
			*all = *all && beside(s);
	}
	return rc;
}

bool
webdataset_folder_probe(int folder)
{
	struct buf names = {0};
	struct arena a;
	struct err e;
	bool all, is;

	arena_init(&a, (size_t)1 << 30);
	is = list_shards(folder, &a, &names, &all, &e) == 0 && all &&
	     names.len != 0;
	buf_free(&names);
	arena_release(&a);
	return is;
}

static int
map_shards(int folder, const struct buf *names, struct file_map *m, size_t n,
    struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const char *name;
		int fd, rc;

		memcpy(&name, names->ptr + i * sizeof(name), sizeof(name));
		if ((fd = tree_open(folder, name, e)) < 0)
			return fd;
		rc = file_map_fd(fd, name, LIMIT_BUNDLE_BYTES, &m[i], e);
		close(fd);
		if (rc != 0)
			return err_in(e, name);
	}
	return 0;
}

int
webdataset_folder(
    int folder, const struct fit_shape *fit, struct dataset *d, struct err *e)
{
	struct buf names = {0};
	struct file_map *m = NULL;
	struct rd *shard = NULL;
	struct arena a;
	size_t n = 0;
	bool all;
	int rc;

	arena_init(&a, (size_t)1 << 30);
	if ((rc = list_shards(folder, &a, &names, &all, e)) == 0) {
		n = names.len / sizeof(char *);
		m = arena_alloc(&a, n + 1, sizeof(*m));
		shard = arena_alloc(&a, n + 1, sizeof(*shard));
		if (n > SHARDS || m == NULL || shard == NULL)
			rc = err_set(e, ERR_LIMIT, ERR_NOWHERE,
			    "more than %d shards", SHARDS);
	}
	if (rc == 0)
		rc = map_shards(folder, &names, m, n, e);
	for (size_t i = 0; rc == 0 && i < n; i++)
		shard[i] = rd_mem(m[i].ptr, m[i].len);
	if (rc == 0 && (rc = webdataset_parse(shard, n, fit, d, e)) == 0)
		dataset_say(d, "%zu shards", n);
	for (size_t i = 0; m != NULL && i < MIN(n, SHARDS); i++)
		file_unmap(&m[i]);
	buf_free(&names);
	arena_release(&a);
	return rc;
}
