/* SPDX-License-Identifier: MIT */
#include "formats/keras.h"

#include "base/json.h"
#include "base/limits.h"
#include "formats/format.h"
#include "formats/hdf5_attr.h"
#include "formats/hdf5_group.h"
#include "formats/hdf5_write.h"
#include "formats/keras_bind.h"
#include "formats/keras_graph.h"
#include "formats/patch.h"
#include "formats/zip_write.h"

/* --- what a model is made of --------------------------------------------- */

/* What a caller wants to have afterwards; NULL: does not. */
struct kept {
	struct zip *zip;
	struct hdf5 *h;
};

struct parts {
	struct model *m;
	struct err *e;
	json_t *config;
	struct hdf5 h;
	struct kept keep;
	uint64_t weights; /* the group of the legacy form */
	bool legacy;
	int version;
	const char *producer;
};

/* "2.4.0": 2.  Versions decide how some names are to be understood. */
static void
take_version(struct parts *p, const char *text, size_t len)
{
	char *copy = arena_strdup(&p->m->arena, text, MIN(len, 40));

	if (copy == NULL)
		return;
	p->version = *copy >= '0' && *copy <= '9' ? *copy - '0' : p->version;
	p->producer = arena_printf(&p->m->arena, "keras %s", copy);
}

/* The place is one in the configuration, not in the file. */
static int
json_failed(struct err *e)
{
	uint64_t at = e->off;

	e->off = ERR_NOWHERE;
	if (at == ERR_NOWHERE)
		return err_wrap(e, "keras: configuration");
	return err_wrap(e, "keras: configuration, byte %" PRIu64, at);
}

static int
read_config(struct parts *p, struct slice s)
{
	int rc;

	if (s.len > LIMIT_KERAS_CONFIG)
		return err_set(p->e, ERR_LIMIT, ERR_NOWHERE,
		    "keras: a configuration of %zu bytes", s.len);
	if ((rc = json_read(s.ptr, s.len, &p->config, p->e)) != 0)
		return json_failed(p->e);
	return 0;
}

/* metadata.json only names the version; without it, 3. */
static void
read_metadata(struct parts *p, struct slice s)
{
	const char *version;
	struct err ignored;
	json_t *j = NULL;

	p->version = 3;
	if (s.len > LIMIT_KERAS_CONFIG ||
	    json_read(s.ptr, s.len, &j, &ignored) != 0)
		return;
	version = json_string_value(json_object_get(j, "keras_version"));
	if (version != NULL)
		take_version(p, version, strlen(version));
	json_decref(j);
}

static int
open_hdf5(struct parts *p, struct rd file)
{
	int rc = hdf5_open(&p->h, file, &p->m->arena, p->e);

	p->h.keep = p->keep.h != NULL;
	return rc;
}

/* --- the legacy form ----------------------------------------------------- */

/* The version is at the root, or at the weights, or it is Keras 1 or 2. */
static int
legacy_version(struct parts *p)
{
	struct slice s;
	int rc;

	p->version = 2;
	if ((rc = hdf5_attr_text(
		 &p->h, p->h.root, "keras_version", &s, p->e)) == 0 &&
	    s.ptr == NULL)
		rc = hdf5_attr_text(
		    &p->h, p->weights, "keras_version", &s, p->e);
	if (rc == 0 && s.ptr != NULL)
		take_version(p, (const char *)s.ptr, s.len);
	return rc;
}

static int
open_legacy(struct parts *p, struct rd file)
{
	struct slice config;
	int rc;

	p->legacy = true;
	if ((rc = open_hdf5(p, file)) != 0 ||
	    (rc = hdf5_attr_text(
		 &p->h, p->h.root, "model_config", &config, p->e)) != 0)
		return rc;
	if (config.ptr == NULL)
		return err_set(p->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "keras: weights without model_config: the layers are not "
		    "in this file");
	rc = hdf5_group_find(
	    &p->h, p->h.root, "model_weights", &p->weights, p->e);
	if (rc == 0)
		rc = err_set(p->e, ERR_MISMATCH, ERR_NOWHERE,
		    "keras: there is no group 'model_weights'");
	if (rc < 0 || (rc = legacy_version(p)) != 0)
		return rc;
	return read_config(p, config);
}

/* --- .keras -------------------------------------------------------------- */

static int
member(struct parts *p, struct zip *z, const char *name, struct slice *out)
{
	const struct zip_entry *entry = zip_find(z, name);

	if (entry == NULL)
		return err_set(p->e, ERR_FORMAT, ERR_NOWHERE,
		    "keras: there is no '%s' in the archive", name);
	return zip_read(z, entry, out, p->e);
}

static int
open_zip(struct parts *p, struct zip *z, struct rd file)
{
	struct slice config, weights, metadata = {0};
	struct rd r;
	int rc;

	if ((rc = zip_open(z, file, &p->m->arena, p->e)) != 0 ||
	    (rc = member(p, z, KERAS_CONFIG, &config)) != 0)
		return rc;
	if (zip_find(z, "metadata.json") != NULL &&
	    (rc = member(p, z, "metadata.json", &metadata)) != 0)
		return rc;
	/* Keras would unpickle what is in an .npz */
	if (zip_find(z, KERAS_WEIGHTS) == NULL &&
	    zip_find(z, "model.weights.npz") != NULL)
		return err_set(p->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "keras: weights in an .npz of pickles");
	if ((rc = member(p, z, KERAS_WEIGHTS, &weights)) != 0)
		return rc;
	read_metadata(p, metadata);
	r = rd_mem(weights.ptr, weights.len);
	if (weights.ptr >= file.base && weights.ptr < file.base + file.len)
		r.start = (uint64_t)(weights.ptr - file.base);
	if ((rc = hdf5_open(&p->h, r, &p->m->arena, p->e)) != 0)
		return rc;
	return read_config(p, config);
}

static int
open_folder(struct parts *p, struct source *src)
{
	struct slice metadata = {0};
	struct rd config, r;
	int rc;

	if ((rc = source_open(src, KERAS_CONFIG, &config, p->e)) != 0)
		return rc;
	if (source_has(src, "metadata.json")) {
		if ((rc = source_open(src, "metadata.json", &r, p->e)) != 0)
			return rc;
		metadata = (struct slice){r.base, r.len};
	}
	read_metadata(p, metadata);
	if ((rc = open_hdf5(p, src->main)) != 0)
		return rc;
	return read_config(p, (struct slice){config.base, config.len});
}

/* --- loading ------------------------------------------------------------- */

static int
build(struct parts *p)
{
	struct keras k = {.d = {.m = p->m, .e = p->e}, .version = p->version};
	struct arena *a = &p->m->arena;
	int rc;

	if ((rc = keras_config_parse(
		 p->config, p->version, a, &k.root, p->e)) != 0)
		return rc;
	rc = p->legacy ? keras_bind_legacy(&p->h, p->weights, k.root, a, p->e)
		       : keras_bind_tree(&p->h, k.root, a, p->e);
	if (rc != 0)
		return rc;
	keras_graph_draw(&k);
	p->m->format = p->legacy ? "keras-h5" : "keras";
	p->m->producer = p->producer;
	return k.d.rc != 0 ? k.d.rc : model_check(p->m, p->e);
}

static int
load_with(struct source *src, struct model *m,
    int (*open)(struct parts *, struct source *), struct kept keep,
    struct err *e)
{
	struct parts p = {
	    .m = m, .e = e, .keep = keep, .producer = "", .version = 3};
	int rc;

	model_init(m, LIMIT_MODEL_ARENA);
	if ((rc = open(&p, src)) == 0)
		rc = build(&p);
	if (keep.h != NULL)
		*keep.h = p.h;
	json_decref(p.config);
	if (rc != 0)
		model_release(m);
	return rc;
}

static int
from_zip(struct parts *p, struct source *src)
{
	struct zip z;

	return open_zip(p, p->keep.zip != NULL ? p->keep.zip : &z, src->main);
}

bool
keras_is_folder(const struct source *src)
{
	return source_has(src, KERAS_WEIGHTS) && source_has(src, KERAS_CONFIG);
}

/* Whether the main file is the weights of an unpacked archive. */
static bool
is_unpacked(const struct source *src)
{
	return strcmp(src->file[source_main(src)].name, KERAS_WEIGHTS) == 0 &&
	       source_has(src, KERAS_CONFIG);
}

static int
from_h5(struct parts *p, struct source *src)
{
	return is_unpacked(src) ? open_folder(p, src)
				: open_legacy(p, src->main);
}

static int
load_zip(struct source *src, struct model *m, struct err *e)
{
	return load_with(src, m, from_zip, (struct kept){0}, e);
}

static int
load_h5(struct source *src, struct model *m, struct err *e)
{
	return load_with(src, m, from_h5, (struct kept){0}, e);
}

/* --- writing back -------------------------------------------------------- */

static int
patch_h5(struct source *src, const struct model *neutral, struct err *e)
{
	struct patch_span *span;
	struct hdf5 h = {0};
	struct model old;
	size_t n;
	int rc;

	rc = load_with(src, &old, from_h5, (struct kept){.h = &h}, e);
	if (rc != 0)
		return rc;
	if ((rc = hdf5_write_spans(&h, &span, &n, e)) == 0 &&
	    (rc = patch_spans(src, &old, neutral, span, n, e)) == 0)
		rc = hdf5_write_changed(&h, src, span, n, e);
	model_release(&old);
	return rc;
}

static int
mend(struct source *src, const struct zip *z, struct err *e)
{
	uint8_t *file;
	size_t at = source_main(src);
	int rc;

	if (!src->file[at].writable) /* nothing has changed there */
		return 0;
	if ((rc = source_writable(src, at, &file, e)) == 0)
		zip_mend(z, zip_find(z, KERAS_WEIGHTS), file);
	return rc;
}

static int
patch_zip(struct source *src, const struct model *neutral, struct err *e)
{
	struct patch_span *span;
	struct model old;
	struct zip z;
	size_t n;
	int rc;

	if ((rc = load_with(
		 src, &old, from_zip, (struct kept){.zip = &z}, e)) != 0)
		return rc;
	if ((rc = zip_write_spans(&z, &span, &n, e)) == 0 &&
	    (rc = patch_spans(src, &old, neutral, span, n, e)) == 0 &&
	    (rc = mend(src, &z, e)) == 0)
		rc = zip_write_changed(&z, src, span, n, e);
	model_release(&old);
	return rc;
}

/* --- the registry -------------------------------------------------------- */

/* What Keras writes first, in the first header: for archives that are cut. */
static bool
begins_as_keras(struct rd r)
{
	static const char *const first[] = {"metadata.json", KERAS_CONFIG};
	struct slice name;
	uint16_t len;

	if (rd_skip(&r, 26) != 0 || rd_u16le(&r, &len) != 0 ||
	    rd_skip(&r, 2) != 0 || rd_bytes(&r, len, &name) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(first); i++)
		if (name.len == strlen(first[i]) &&
		    memcmp(name.ptr, first[i], name.len) == 0)
			return true;
	return false;
}

static int
probe_zip(struct rd r)
{
	struct arena a;
	struct zip z;
	struct err e;
	int bits = 0;

	if (r.len < 4 || memcmp(r.base, "PK\3\4", 4) != 0)
		return 0;
	arena_init(&a, LIMIT_SOURCE_ARENA);
	if (zip_open(&z, r, &a, &e) != 0)
		bits = begins_as_keras(r) ? 40 : 0;
	else if (zip_find(&z, KERAS_CONFIG) != NULL &&
		 (zip_find(&z, KERAS_WEIGHTS) != NULL ||
		     zip_find(&z, "model.weights.npz") != NULL))
		bits = 56;
	arena_release(&a);
	return bits;
}

static int
probe_h5(struct rd r)
{
	return hdf5_probe(r) ? 60 : 0;
}

const struct format format_keras = {
    .name = "keras",
    .summary = "Keras archive (.keras), functional or sequential",
    .probe = probe_zip,
    .load = load_zip,
    .patch = patch_zip,
};

const struct format format_keras_h5 = {
    .name = "keras-h5",
    .summary = "Keras HDF5 file (.h5), or model.weights.h5 and config.json",
    .probe = probe_h5,
    .load = load_h5,
    .patch = patch_h5,
};
