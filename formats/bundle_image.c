/* SPDX-License-Identifier: MIT
 * Images among the files of a bundle: OCI image layouts (image-spec,
 * image-layout.md, layer.md; also what KitOps and CNCF ModelPack make) and
 * what `docker save` wrote before them.  Blobs are compared with their names
 * and sizes.  Layers are read from the last to the first, so that what a later
 * one replaced or removed ("whiteouts") is never written.
 */
#define _XOPEN_SOURCE 700 /* S_IFREG */
#include "formats/bundle_part.h"

#include "base/digest.h"
#include "base/json.h"
#include "base/text.h"
#include "formats/bundle_digest.h"

#include <sys/stat.h>

#define MANIFESTS 64
#define INDEXES   3

struct image {
	struct bundle *b;
	const char *base;   /* "" or the layout's folder with a slash */
	struct map by_path; /* of files that were kept: index */
	size_t manifests;
	/* the image that is put together */
	const char *prefix;
	size_t layer; /* from 1 */
	struct map file, folder, opaque;
};

/* --- files --------------------------------------------------------------- */

static struct bundle_file *
file_at(const struct image *im, const char *name)
{
	char path[2 * LIMIT_MEMBER_NAME];
	size_t at;

	if (snprintf(path, sizeof(path), "%s%s", im->base, name) >=
		(int)sizeof(path) ||
	    (at = map_get(&im->by_path, path)) == SIZE_MAX)
		return NULL;
	return bundle_nth(im->b, at);
}

/* NULL in *out, and a finding, when it is no JSON. */
static int
read_json(struct bundle *b, const char *path, json_t **out, struct err *e)
{
	struct err bad = {0};
	struct rd r;
	int rc;

	*out = NULL;
	if ((rc = b->sink->map(b->sink->ctx, path, &r, e)) != 0)
		return rc;
	if (r.len > LIMIT_CONFIG_FILE)
		bundle_find(b, FINDING_ARCHIVE_LIMIT, path,
		    "%zu bytes of JSON in an image", r.len);
	else if (json_read(r.base, r.len, out, &bad) != 0)
		bundle_find(b, FINDING_ARCHIVE_TRUNCATED, path,
		    "of an image: %s", bad.msg);
	b->sink->unmap(b->sink->ctx);
	return 0;
}

static const char *
text_at(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s != NULL ? s : "";
}

/* The blob of a descriptor, with its digest and size; NULL, and said, when it
 * is not there or not that. */
static int
blob_of(struct image *im, const json_t *descriptor, struct bundle_file **out,
    struct err *e)
{
	const char *digest = text_at(descriptor, "digest"), *hex;
	enum bundle_digest_kind kind = bundle_digest_kind(digest, &hex);
	json_int_t size =
	    json_integer_value(json_object_get(descriptor, "size"));
	char name[256];
	struct rd r;
	int rc;

	*out = NULL;
	if (kind == BUNDLE_UNKNOWN) {
		bundle_find(im->b, FINDING_ARCHIVE_TRUNCATED, im->base,
		    "image: '%.100s' is no SHA-256 or SHA-512 of a blob",
		    digest);
		return 0;
	}
	snprintf(name, sizeof(name), "blobs/%s/%s",
	    kind == BUNDLE_SHA256 ? "sha256" : "sha512", hex);
	if ((*out = file_at(im, name)) == NULL) {
		bundle_find(im->b, FINDING_ARCHIVE_TRUNCATED, name,
		    "image: the blob is not there");
		return 0;
	}
	rc = bundle_digest_verify(im->b, *out, kind, hex, e);
	if (rc == 0 && (*out)->good &&
	    (rc = im->b->sink->map(im->b->sink->ctx, (*out)->path, &r, e)) ==
		0) {
		im->b->sink->unmap(im->b->sink->ctx);
		if (size < 0 || (uint64_t)size != r.len) {
			bundle_find(im->b, FINDING_ARCHIVE_DIGEST, (*out)->path,
			    "it has %zu bytes, the image says "
			    "%" JSON_INTEGER_FORMAT,
			    r.len, size);
			(*out)->good = false;
		}
	}
	if (rc != 0 || !(*out)->good)
		*out = NULL;
	return rc;
}

/* --- layers -------------------------------------------------------------- */

/* Whether a later layer has put something at s, or above it. */
static bool
later(const struct map *m, const char *s, size_t layer)
{
	size_t at = map_get(m, s);

	return at != SIZE_MAX && at > layer;
}

/* "a/b" to "a", "a" to ""; false at the top. */
static bool
go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (*path == '\0')
		return false;
	*(slash != NULL ? slash : path) = '\0';
	return true;
}

static bool
is_hidden(const struct image *im, const char *rel, bool folder)
{
	char at[LIMIT_MEMBER_NAME + 1];

	snprintf(at, sizeof(at), "%s", rel);
	if (later(&im->file, at, im->layer) ||
	    (!folder && later(&im->folder, at, im->layer)))
		return true;
	while (go_up(at))
		if (later(&im->file, at, im->layer) ||
		    later(&im->opaque, at, im->layer))
			return true;
	return false;
}

/* The first to be put counts: the latest layer. */
static void
put(struct image *im, struct map *m, const char *path)
{
	const char *key = arena_strdup(&im->b->arena, path, strlen(path));

	if (key == NULL || map_put(m, key, im->layer) < 0) {
		bundle_find(
		    im->b, FINDING_ARCHIVE_LIMIT, path, "too many names");
		im->b->stop = true;
	}
}

static void
record(struct image *im, const char *rel, bool folder)
{
	char at[LIMIT_MEMBER_NAME + 1];

	put(im, folder ? &im->folder : &im->file, rel);
	snprintf(at, sizeof(at), "%s", rel);
	while (go_up(at) && *at != '\0' && map_get(&im->folder, at) == SIZE_MAX)
		put(im, &im->folder, at);
}

/* ".wh.name" removes name, ".wh..wh..opq" all that was in the folder. */
static bool
is_whiteout(struct image *im, const char *rel)
{
	const char *slash = strrchr(rel, '/');
	const char *base = slash != NULL ? slash + 1 : rel;
	char at[LIMIT_MEMBER_NAME + 1];

	if (strncmp(base, ".wh.", 4) != 0)
		return false;
	snprintf(at, sizeof(at), "%.*s", (int)(base - rel), rel);
	if (strcmp(base, ".wh..wh..opq") == 0) {
		(void)!go_up(at); /* the slash */
		put(im, &im->opaque, at);
	} else if (strncmp(base + 4, ".wh.", 4) != 0 && base[4] != '\0') {
		snprintf(
		    at, sizeof(at), "%.*s%s", (int)(base - rel), rel, base + 4);
		put(im, &im->file, at);
	}
	return true;
}

static bool
veto(struct bundle *b, const char *path, unsigned mode)
{
	struct image *im = b->veto_ctx;
	const char *rel = path + strlen(im->prefix);
	bool folder = S_ISDIR(mode);

	if (is_whiteout(im, rel))
		return true;
	if (is_hidden(im, rel, folder)) {
		if (!folder)
			bundle_refuse(b, FINDING_ARCHIVE_HIDDEN, path,
			    "replaced or removed by a later layer");
		return true;
	}
	record(im, rel, folder);
	return false;
}

/* Where a layer that is one file goes (CNCF ModelPack, ORAS); "": unknown. */
static const char *
raw_name(const json_t *layer)
{
	static const char *const key[] = {"org.cncf.model.filepath",
	    "org.cnai.model.filepath", "org.opencontainers.image.title"};
	const json_t *notes = json_object_get(layer, "annotations");

	for (size_t i = 0; i < ARRAY_LEN(key); i++)
		if (*text_at(notes, key[i]) != '\0')
			return text_at(notes, key[i]);
	return "";
}

static bool
is_tar(const char *media)
{
	static const char *const end[] = {
	    "tar", "tar+gzip", "tar+zstd", "tar.gzip"};

	for (size_t i = 0; i < ARRAY_LEN(end); i++)
		if (text_ends_with(media, end[i]))
			return true;
	return false;
}

static int
copy_layer(struct image *im, struct rd r, const char *name, struct err *e)
{
	const char *old = im->b->prefix;
	struct member m;
	int rc = 0;

	im->b->prefix = im->prefix;
	if (bundle_admit(im->b, name, S_IFREG | 0644, &m))
		rc = bundle_copy(im->b, r, m.path, UINT64_MAX, e);
	im->b->prefix = old;
	return rc;
}

/* media "": by its content.  What is neither archive nor file with a name
 * stays a blob, and so does a folder's configuration. */
static int
apply(struct image *im, struct bundle_file *blob, const char *media,
    const char *name, struct err *e)
{
	const struct bundle_sink *s = im->b->sink;
	unsigned depth = blob->depth;
	struct rd r;
	int rc;

	if (depth >= im->b->limits.depth) {
		bundle_refuse(im->b, FINDING_ARCHIVE_LIMIT, blob->path,
		    "a layer deeper than the limit, kept as it is");
		blob->taken = true;
		return 0;
	}
	if ((rc = s->map(s->ctx, blob->path, &r, e)) != 0)
		return rc;
	if (*media == '\0' ? bundle_archived(r) : is_tar(media)) {
		blob->taken = true; /* before the list moves */
		im->b->veto = veto;
		im->b->veto_ctx = im;
		rc =
		    bundle_nest_open(im->b, r, false, im->prefix, depth + 1, e);
	} else if (*name != '\0') {
		blob->taken = true;
		im->b->veto = veto;
		im->b->veto_ctx = im;
		rc = copy_layer(im, r, name, e);
	}
	im->b->veto = NULL;
	s->unmap(s->ctx);
	return MIN(rc, 0);
}

static bool
start(struct image *im)
{
	char name[LIMIT_MEMBER_NAME + 1];

	snprintf(name, sizeof(name), "%simage", im->base);
	im->prefix = bundle_nest_name(im->b, name, "");
	map_init(&im->file, &im->b->arena);
	map_init(&im->folder, &im->b->arena);
	map_init(&im->opaque, &im->b->arena);
	return im->prefix != NULL;
}

/* --- OCI ----------------------------------------------------------------- */

static int
take_manifest(struct image *im, const json_t *manifest, struct err *e)
{
	const json_t *layers = json_object_get(manifest, "layers");
	struct bundle_file *blob;
	int rc;

	rc = blob_of(im, json_object_get(manifest, "config"), &blob, e);
	if (rc != 0 || !start(im))
		return rc;
	for (size_t i = json_array_size(layers); i > 0 && !im->b->stop; i--) {
		const json_t *l = json_array_get(layers, i - 1);

		im->layer = i;
		if ((rc = blob_of(im, l, &blob, e)) != 0)
			return rc;
		if (blob == NULL)
			continue;
		rc = apply(im, blob, text_at(l, "mediaType"), raw_name(l), e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* An index lists manifests and other indexes. */
static int
take_index(struct image *im, const json_t *index, unsigned level, struct err *e)
{
	const json_t *list = json_object_get(index, "manifests");
	int rc = 0;

	for (size_t i = 0; i < json_array_size(list) && rc == 0; i++) {
		struct bundle_file *blob;
		json_t *doc = NULL;

		if (++im->manifests > MANIFESTS) {
			bundle_find(im->b, FINDING_ARCHIVE_LIMIT, im->base,
			    "more than %d manifests in an image", MANIFESTS);
			return 0;
		}
		rc = blob_of(im, json_array_get(list, i), &blob, e);
		if (rc != 0 || blob == NULL)
			continue;
		if ((rc = read_json(im->b, blob->path, &doc, e)) != 0)
			break;
		if (json_object_get(doc, "manifests") == NULL)
			rc = take_manifest(im, doc, e);
		else if (level < INDEXES)
			rc = take_index(im, doc, level + 1, e);
		json_decref(doc);
	}
	return rc;
}

/* Also blobs that nothing mentions. */
static int
check_blobs(struct image *im, size_t from, struct err *e)
{
	static const char *const folders[] = {"sha256", "sha512"};
	char folder[LIMIT_MEMBER_NAME + 32];
	struct bundle_file *f;
	int rc = 0, n;

	for (size_t k = 0; k < ARRAY_LEN(folders) && rc == 0; k++) {
		n = snprintf(folder, sizeof(folder), "%sblobs/%s/", im->base,
		    folders[k]);
		for (size_t i = from;
		     (f = bundle_nth(im->b, i)) != NULL && rc == 0; i++)
			if (strncmp(f->path, folder, (size_t)n) == 0)
				rc = bundle_digest_verify(im->b, f,
				    k == 0 ? BUNDLE_SHA256 : BUNDLE_SHA512,
				    f->path + n, e);
	}
	return rc;
}

static int
take_layout(struct image *im, size_t from, struct err *e)
{
	struct bundle_file *f;
	json_t *index;
	int rc;

	if ((rc = check_blobs(im, from, e)) != 0)
		return rc;
	if ((f = file_at(im, "index.json")) == NULL) {
		bundle_find(im->b, FINDING_ARCHIVE_TRUNCATED, im->base,
		    "image: no index.json");
		return 0;
	}
	if ((rc = read_json(im->b, f->path, &index, e)) == 0 && index != NULL)
		rc = take_index(im, index, 0, e);
	json_decref(index);
	return rc;
}

/* --- docker save --------------------------------------------------------- */

/* "<hex>.json" is named by its digest; layers are compared with what the
 * configuration says that they are when unpacked. */
static int
take_saved(struct image *im, const json_t *one, struct err *e)
{
	const json_t *layers = json_object_get(one, "Layers");
	const char *name = text_at(one, "Config");
	struct bundle_file *f = file_at(im, name);
	json_t *config = NULL;
	char hex[DIGEST_HEX];
	int rc;

	if (f == NULL || !start(im))
		return 0;
	snprintf(hex, sizeof(hex), "%s", name);
	if ((rc = bundle_verify(im->b, f, hex, e)) != 0 ||
	    (rc = read_json(im->b, f->path, &config, e)) != 0)
		return rc;
	for (size_t i = json_array_size(layers); i > 0 && rc == 0; i--) {
		const json_t *l = json_array_get(layers, i - 1);
		const char *is = json_string_value(
		    json_array_get(json_at(config, "rootfs.diff_ids"), i - 1));

		f = file_at(im, json_is_string(l) ? json_string_value(l) : "");
		if (f == NULL) {
			bundle_find(im->b, FINDING_ARCHIVE_TRUNCATED, im->base,
			    "image: layer %zu is not there", i);
			continue;
		}
		if (is != NULL && strncmp(is, "sha256:", 7) == 0)
			rc = bundle_verify(im->b, f, is + 7, e);
		im->layer = i;
		if (rc == 0)
			rc = apply(im, f, "", "", e);
	}
	json_decref(config);
	return rc;
}

static int
take_save(struct image *im, const char *path, struct err *e)
{
	json_t *list;
	int rc;

	if ((rc = read_json(im->b, path, &list, e)) != 0)
		return rc;
	for (size_t i = 0; i < json_array_size(list) && rc == 0; i++) {
		const json_t *one = json_array_get(list, i);

		if (json_is_array(json_object_get(one, "Layers")) &&
		    ++im->manifests <= MANIFESTS)
			rc = take_saved(im, one, e);
	}
	json_decref(list);
	return rc;
}

/* --- finding them -------------------------------------------------------- */

/* Whether path is `name` in some folder; that folder into base. */
static bool
is_named(struct image *im, const char *path, const char *name)
{
	size_t n = strlen(path), k = strlen(name);

	if (n < k || strcmp(path + n - k, name) != 0 ||
	    (n > k && path[n - k - 1] != '/'))
		return false;
	im->base = arena_strdup(&im->b->arena, path, n - k);
	return im->base != NULL;
}

static int
list_files(struct image *im, size_t from, size_t to, struct err *e)
{
	map_init(&im->by_path, &im->b->arena);
	for (size_t i = from; i < to; i++)
		if (map_put(&im->by_path, bundle_nth(im->b, i)->path, i) < 0)
			return err_set(
			    e, ERR_LIMIT, ERR_NOWHERE, "too many files");
	return 0;
}

int
bundle_image(struct bundle *b, size_t from, struct err *e)
{
	struct image im = {.b = b};
	const char *path;
	size_t to = bundle_count(b);
	int rc;

	if ((rc = list_files(&im, from, to, e)) != 0)
		return rc;
	for (size_t i = from; i < to && rc == 0 && !b->stop; i++) {
		path = bundle_nth(b, i)->path;
		if (is_named(&im, path, "oci-layout"))
			rc = take_layout(&im, from, e);
		else if (is_named(&im, path, "manifest.json") &&
			 file_at(&im, "oci-layout") == NULL)
			rc = take_save(&im, path, e);
	}
	return rc;
}
